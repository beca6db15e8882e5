"""Who of the staff looks at a conversation, and who is writing in it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar, Final, NamedTuple

from cplus.mongo import Database

LOOKING: Final = timedelta(seconds=45)
"""How long somebody counts as looking who says nothing more: a page in front says so each 10
seconds, and one behind others says nothing."""
WRITING: Final = timedelta(seconds=20)
"""How long somebody counts as writing who types no more."""
_KEPT: Final = timedelta(minutes=5)
_MOST: Final = 20  # who is told of at once


class Present(NamedTuple):
    """A member of staff who looks at a conversation."""

    member: str
    writing: bool


class Presence:
    """One row for each member and conversation, for some minutes."""

    NAME: ClassVar[str] = "presence"

    def __init__(self, database: Database) -> None:
        self._rows = database[self.NAME]

    async def here(
        self, shop: str, conversation: str, member: str, now: datetime, *, writing: bool
    ) -> None:
        """The member looks at it, and is writing or not."""
        told = {"at": now, "writing": writing, "expires_at": now + _KEPT}
        await self._rows.update_one(
            {"_id": f"{shop}/{conversation}/{member}"}, {"$set": told}, upsert=True
        )

    async def others(
        self, shop: str, conversation: str, member: str, now: datetime
    ) -> list[Present]:
        """Who else looks at it, in the order of their ids; at most 20."""
        prefix = f"{shop}/{conversation}/"
        # "0" is the sign after "/".
        wanted = {"_id": {"$gte": prefix, "$lt": f"{prefix[:-1]}0"}, "at": {"$gt": now - LOOKING}}
        rows = await self._rows.find(wanted, sort=[("_id", 1)]).limit(_MOST + 1).to_list(_MOST + 1)
        found = [
            Present(row["_id"].removeprefix(prefix), row["writing"] and row["at"] > now - WRITING)
            for row in rows
        ]
        return [one for one in found if one.member != member][:_MOST]
