"""When merchants are to be reminded of requests for data: a row each, until its time comes.

A row names nobody, and decides nothing: whether the mail still helps is asked of the log at that
time. So nothing has to find and remove a row when a request is answered.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from cplus.events.catalogue.privacy import NoticeKind
from cplus.mongo import Database, UpdateOne

REMINDERS: Final = "reminders"
"""The collection: `{_id: <shop>/<request>/<kind>, shop, request_id, kind, due_at}`."""


class Reminder(NamedTuple):
    """A mail that is to go at a time."""

    shop: str
    request_id: int
    kind: NoticeKind
    due_at: datetime
    """When it is to go."""

    @property
    def id(self) -> str:
        """The id of its row."""
        return f"{self.shop}/{self.request_id}/{self.kind}"


class Reminders:
    """The rows."""

    def __init__(self, database: Database) -> None:
        self._rows = database[REMINDERS]

    async def put(self, reminders: Sequence[Reminder]) -> None:
        """Notes them; of two times for one, the earlier stands. Repeatable."""
        await self._rows.bulk_write(
            [
                UpdateOne(
                    {"_id": one.id},
                    {
                        "$setOnInsert": {
                            "shop": one.shop,
                            "request_id": one.request_id,
                            "kind": one.kind,
                        },
                        "$min": {"due_at": one.due_at},
                    },
                    upsert=True,
                )
                for one in reminders
            ],
            ordered=False,
        )

    async def due(self, now: datetime) -> AsyncIterator[Reminder]:
        """Those whose time has come, the longest ago first."""
        async for row in self._rows.find({"due_at": {"$lte": now}}).sort("due_at", 1):
            yield Reminder(row["shop"], row["request_id"], row["kind"], row["due_at"])

    async def done(self, reminder: Reminder) -> None:
        """Removes it; nothing happens if it is gone."""
        await self._rows.delete_one({"_id": reminder.id})


async def ensure_indexes(database: Database) -> None:
    """Makes the index by which the next ones are found."""
    await database[REMINDERS].create_index("due_at", name="due")
