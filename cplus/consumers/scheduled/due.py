"""What is due at a time: a row each, which the sweep takes in the minute in which its time comes.

A row names ids alone, and decides nothing: whether there is still something to do is asked of the
log at that time. So nothing has to find and remove a row whose reason is gone, and a row that is
taken twice, because a process crashed in between or two sweeps ran at once, does no harm.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from cplus.mongo import Database, UpdateOne

DUE: Final = "due"
"""The collection: `{_id: <shop>/<what>/<ref>, shop, what, ref, due_at, next_at, tries, puts}`."""

PAUSES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 30, 60))
"""How long after each failure a row is taken again; after the last, always as long."""


class Due(NamedTuple):
    """Something that is due at a time."""

    shop: str
    what: str
    """Which handler takes it: a name in `registry.HANDLERS`. It is stored, and never changes."""
    ref: str
    """What it is about, for the handler: an id, or several with a slash between them. Of one shop
    and `what` there is one row for each."""
    due_at: datetime

    @property
    def id(self) -> str:
        """The id of its row."""
        return f"{self.shop}/{self.what}/{self.ref}"


class Row(NamedTuple):
    """A row that was found."""

    due: Due
    tries: int
    """How often it failed."""
    puts: int
    """How often it was put: who handled it changes it only if nobody put it again meanwhile."""


class DueRows:
    """The rows."""

    def __init__(self, database: Database) -> None:
        self._rows = database[DUE]

    async def put(self, dues: Sequence[Due]) -> None:
        """Notes them; of two times for one, the earlier stands. Repeatable."""
        if not dues:
            return
        await self._rows.bulk_write(
            [
                UpdateOne(
                    {"_id": one.id},
                    {
                        "$setOnInsert": {
                            "shop": one.shop,
                            "what": one.what,
                            "ref": one.ref,
                            "tries": 0,
                        },
                        "$min": {"due_at": one.due_at, "next_at": one.due_at},
                        "$inc": {"puts": 1},
                    },
                    upsert=True,
                )
                for one in dues
            ],
            ordered=False,
        )

    async def due_at(self, shop: str, what: str, ref: str) -> datetime | None:
        """When it is due; None if there is no such row."""
        row = await self._rows.find_one({"_id": f"{shop}/{what}/{ref}"}, {"due_at": 1})
        return row["due_at"] if row else None

    async def take(self, whats: Collection[str], now: datetime) -> AsyncIterator[Row]:
        """Those of these kinds whose time has come, the longest ago first. Of another kind, which
        newer code has put, none is taken."""
        wanted = {"next_at": {"$lte": now}, "what": {"$in": sorted(whats)}}
        async for row in self._rows.find(wanted).sort("next_at", 1):
            due = Due(row["shop"], row["what"], row["ref"], row["due_at"])
            yield Row(due, row["tries"], row["puts"])

    async def done(self, row: Row) -> None:
        """Removes it, unless it was put again since it was found."""
        await self._rows.delete_one({"_id": row.due.id, "puts": row.puts})

    async def again(self, row: Row, at: datetime) -> None:
        """It was handled and is due again at that time, unless it was put again since it was
        found."""
        change = {"due_at": at, "next_at": at, "tries": 0}
        await self._rows.update_one({"_id": row.due.id, "puts": row.puts}, {"$set": change})

    async def failed(self, row: Row, now: datetime) -> None:
        """Handling it failed: it is taken again after a pause, so that it holds up no other."""
        pause = PAUSES[min(row.tries, len(PAUSES) - 1)]
        change = {"$set": {"next_at": now + pause}, "$inc": {"tries": 1}}
        await self._rows.update_one({"_id": row.due.id, "puts": row.puts}, change)


async def ensure_indexes(database: Database) -> None:
    """Makes the index by which the next ones are found."""
    await database[DUE].create_index("next_at", name="next")
