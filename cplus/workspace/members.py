"""Who of a shop's staff was here: since when, and how they like the pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final

from cplus.mongo import Database

KEPT: Final = timedelta(days=180)
"""How long somebody is known who was not here since."""
_NOTED: Final = timedelta(days=1)  # a visit is noted once in that time


@dataclass(frozen=True, slots=True)
class Member:
    """A member of staff who was here."""

    id: str
    """That of the actor."""
    since: datetime
    """When they came first: what came before is not new to them."""
    keys: bool = True
    """Whether single keys are shortcuts."""


class Members:
    """One row for each member of each shop."""

    NAME: ClassVar[str] = "workspace_members"

    def __init__(self, database: Database) -> None:
        self._rows = database[self.NAME]

    async def visit(self, shop: str, member: str, now: datetime) -> Member:
        """The member who is here; notes that once a day."""
        row = await self._rows.find_one({"_id": f"{shop}/{member}"})
        if row is None or row["seen_at"] + _NOTED <= now:
            told = {"shop": shop, "member": member, "seen_at": now, "expires_at": now + KEPT}
            begun = {"since": now}
            await self._rows.update_one(
                {"_id": f"{shop}/{member}"}, {"$set": told, "$setOnInsert": begun}, upsert=True
            )
        return Member(member, row["since"] if row else now, row.get("keys", True) if row else True)

    async def choose_keys(self, shop: str, member: str, now: datetime, *, keys: bool) -> None:
        """Whether single keys are shortcuts for this member from now on."""
        await self.visit(shop, member, now)
        await self._rows.update_one({"_id": f"{shop}/{member}"}, {"$set": {"keys": keys}})

    async def knows(self, shop: str, member: str) -> bool:
        """Whether a member with this id was here."""
        return await self._rows.find_one({"_id": f"{shop}/{member}"}, {"_id": 1}) is not None

    async def of(self, shop: str, most: int = 200) -> list[str]:
        """The ids of those who were here, in their order."""
        found = await self._rows.find({"shop": shop}, {"member": 1}).to_list(most)
        return sorted(row["member"] for row in found)
