"""What a member of staff did with many conversations or persons at once: so that they can take it
back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar, Final

from cplus.mongo import Database, DuplicateKeyError

KEPT: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Did:
    """One act on many of them."""

    act: str
    value: str
    """What was chosen with it, for example a member of staff."""
    chosen: Sequence[str]
    """The ids of those that were chosen."""
    settled: bool = False
    """Whether it is done with all of them: what follows is said then."""
    changed: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    """How many it could not change, by the code of the reason."""
    position: int | None = None
    """Where the last change is recorded."""


class Undoes:
    """A row for each."""

    NAME: ClassVar[str] = "undoes"

    def __init__(self, database: Database) -> None:
        self._rows = database[self.NAME]

    async def begin(self, shop: str, member: str, key: str, did: Did, now: datetime) -> Did:
        """Notes what is begun, unless something was begun under this key before: returns what
        was begun first."""
        row = {
            "_id": _id(shop, member, key),
            "act": did.act,
            "value": did.value,
            "chosen": list(did.chosen),
            "expires_at": now + KEPT,
        }
        try:
            await self._rows.insert_one(row)
        except DuplicateKeyError:
            return await self.of(shop, member, key) or did
        return did

    async def end(
        self,
        shop: str,
        member: str,
        key: str,
        changed: int,
        refused: Mapping[str, int],
        position: int | None,
    ) -> None:
        """Notes what became of it."""
        told = {"changed": changed, "refused": dict(refused), "position": position}
        await self._rows.update_one({"_id": _id(shop, member, key)}, {"$set": told})

    async def of(self, shop: str, member: str, key: str) -> Did | None:
        """What was done under this key, by this member."""
        row = await self._rows.find_one({"_id": _id(shop, member, key)})
        if row is None:
            return None
        return Did(
            row["act"],
            row["value"],
            row["chosen"],
            "changed" in row,
            row.get("changed", 0),
            row.get("refused", {}),
            row.get("position"),
        )


def _id(shop: str, member: str, key: str) -> str:
    return f"{shop}/{member}/{key}"
