"""What a member of staff did with many conversations at once, and how each stood before: so that
they can take it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from cplus.mongo import Database, DuplicateKeyError

KEPT: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Did:
    """One act on many conversations."""

    act: str
    value: str
    """What was chosen with it, for example a member of staff."""
    before: Mapping[str, Any]
    """How each conversation stood that it was to change, by their ids."""
    changed: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    """How many it did not change, by the reason in words."""


class Undoes:
    """A row for each."""

    NAME: ClassVar[str] = "undoes"

    def __init__(self, database: Database) -> None:
        self._rows = database[self.NAME]

    async def begin(self, shop: str, member: str, key: str, did: Did, now: datetime) -> None:
        """Notes how everything stood before; the first time that the form with this key comes."""
        row = {
            "_id": f"{shop}/{member}/{key}",
            "act": did.act,
            "value": did.value,
            "before": [[one, stood] for one, stood in did.before.items()],
            "expires_at": now + KEPT,
        }
        try:
            await self._rows.insert_one(row)
        except DuplicateKeyError:
            return

    async def end(
        self, shop: str, member: str, key: str, changed: int, refused: Mapping[str, int]
    ) -> None:
        """Notes what became of it."""
        told = {"changed": changed, "refused": [list(one) for one in refused.items()]}
        await self._rows.update_one({"_id": f"{shop}/{member}/{key}"}, {"$set": told})

    async def of(self, shop: str, member: str, key: str) -> Did | None:
        """What was done with the form of this key, by this member."""
        row = await self._rows.find_one({"_id": f"{shop}/{member}/{key}"})
        if row is None:
            return None
        return Did(
            row["act"],
            row["value"],
            dict(row["before"]),
            row.get("changed", 0),
            dict(row.get("refused", ())),
        )
