"""Up to which message a member of staff has read a conversation."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import ClassVar, Final

from cplus.mongo import Database

KEPT: Final = timedelta(days=90)
"""A conversation without news for so long is no news to anybody."""


class ReadMarks:
    """One row for each conversation that somebody has read."""

    NAME: ClassVar[str] = "read_marks"

    def __init__(self, database: Database) -> None:
        self._rows = database[self.NAME]

    async def read(self, shop: str, member: str, conversation: str, at: datetime) -> None:
        """The member has read it up to the message of that moment."""
        await self._rows.update_one(
            {"_id": _id(shop, member, conversation)},
            {"$max": {"at": at, "expires_at": at + KEPT}},
            upsert=True,
        )

    async def of(
        self, shop: str, member: str, conversations: Collection[str]
    ) -> Mapping[str, datetime]:
        """Up to when the member has read each of these that they read."""
        ids = {_id(shop, member, one): one for one in conversations}
        found = await self._rows.find({"_id": {"$in": list(ids)}}).to_list(None) if ids else []
        return {ids[row["_id"]]: row["at"] for row in found}


def _id(shop: str, member: str, conversation: str) -> str:
    return f"{shop}/{member}/{conversation}"
