"""What an erasure needs besides the log and the keyring: where else a person leaves traces."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from cplus.privacy.ledger import Erased


class Directory(Protocol):
    """Knows who is who; see PersonDirectory."""

    async def forget(self, shop: str, persons: Collection[str], at: datetime, /) -> None:
        """Forgets every identity of these persons, who were erased at that time. What happened
        before it is still theirs, whenever it is told; what happens later is of somebody new.
        Repeatable."""


class Drafts(Protocol):
    """What staff has begun to write and has not sent; see cplus.workspace.drafts."""

    async def forget_about(
        self, shop: str, persons: Collection[str], conversations: Collection[str], /
    ) -> None:
        """Removes the drafts to these persons and in these conversations. Repeatable."""


class Objects(Protocol):
    """Raw mails, and bodies that are too large for a commit; see cplus.aws."""

    async def delete(self, refs: Collection[Mapping[str, str]], /) -> int:
        """Deletes these objects, each {"bucket", "key"}, in all their versions; returns how many
        were still there. Repeatable."""


class Ledger(Protocol):
    """Remembers erasures outside of the database; see cplus.privacy.ledger."""

    async def write(self, entry: Erased, /) -> None:
        """Adds an entry. Repeatable."""
