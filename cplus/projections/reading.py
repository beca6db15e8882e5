"""Reading the log for a projection: only what it does not ignore, one batch ahead."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from cplus.events.commit import Commit
from cplus.events.store import EventStore
from cplus.mongo import bounded
from cplus.projections.base import Projection

NEAR = 100
"""Commits at most that are read as they are: to ask for the head first would take longer."""
ROOM = 8 * 1024 * 1024
"""Bytes of commits in one batch, about: their rows have to fit one transaction and the memory of
a function twice, since the next batch is read ahead."""

_FIELDS = {
    "_id": 1,
    "shop": 1,
    "position": 1,
    "seq": 1,
    "n": 1,
    "recorded_at": 1,
    "source": 1,
    "actor": 1,
    "events": 1,
}


@dataclass(frozen=True, slots=True)
class Batch:
    """Commits, and how far the log is known by them."""

    commits: Sequence[Commit]
    position: int
    """Up to here there is nothing else that the projection does not ignore."""
    seq: int
    """Events of the shop up to and with that position."""
    end: bool
    """The log showed no more when it was read."""
    size: int = 0
    """Bytes of the commits as stored, where they were counted."""


async def read_batch(
    store: EventStore,
    projection: Projection,
    shop: str,
    after: int,
    *,
    limit: int,
    until: int | None = None,
    end: tuple[int, int] | None = None,
) -> Batch | None:
    """Up to `limit` commits, and about ROOM bytes of them, after a position that hold something
    else than what the projection ignores; None at the end of the log. `until` is a position that
    the log is said to have.

    With `end`, the position and the seq of a commit that was seen, nothing after it is read.
    """
    if end is None and (limit == 1 or (until is not None and until - after <= NEAR)):
        commits = await store.read(shop, after, limit, room=ROOM)
        if not commits:
            return None
        last = commits[-1]
        seq = last.seq + len(last.documents)
        whole = until is None or last.position >= until  # else it was cut short by its bytes
        return Batch(commits, last.position, seq, end=len(commits) < limit and whole)
    # What is ignored is passed up to the head, read first: everything before it is visible.
    if end is None:
        head = await store.head(shop)
        end = (head.position, head.seq)
    if end[0] <= after:
        return None
    ignored = sorted(event.TYPE for event in projection.ignores)
    rows, size = await bounded(
        store.commits,
        {
            "shop": shop,
            "position": {"$gt": after, "$lte": end[0]},
            "events": {"$elemMatch": {"type": {"$nin": ignored}}},
        },
        _FIELDS,
        limit=limit,
        room=ROOM,
        sort=[("position", 1)],
    )
    commits = [_commit(row) for row in rows]
    if len(commits) < limit and size < ROOM:
        return Batch(commits, *end, end=True, size=size)
    last = commits[-1]
    return Batch(commits, last.position, last.seq + len(last.documents), end=False, size=size)


def _commit(row: Mapping[str, Any]) -> Commit:
    return Commit(
        id=row["_id"],
        shop=row["shop"],
        position=row["position"],
        seq=row["seq"],
        claims=(),
        refs=(),
        recorded_at=row["recorded_at"],
        source=row["source"],
        actor=row["actor"],
        correlation_id=None,
        causation_id=None,
        reason=None,
        documents=row["events"],
        cause=None,
    )


class Reader:
    """Reads the batches of one shop for one projection; while one is folded, the next is read."""

    def __init__(
        self, store: EventStore, projection: Projection, shop: str, until: int | None, limit: int
    ) -> None:
        self._store, self._projection, self._shop = store, projection, shop
        self._until, self._limit = until, limit
        self._ahead: tuple[int, asyncio.Task[Batch | None]] | None = None
        self.at_end = False
        """The batch given last was the end of the log when it was read."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._forget()

    @property
    def limit(self) -> int:
        """Commits of a batch at most."""
        return self._limit

    def halve(self) -> None:
        """Reads half as many at once from now on: what came of them was too much."""
        self._limit = max(1, self._limit // 2)

    async def next(self, after: int, *, one: bool = False) -> Batch | None:
        """The batch after a position, or the `one` commit there; None at the end of the log."""
        if self._ahead is not None and self._ahead[0] == after and not one:
            task, self._ahead = self._ahead[1], None
            found = await task
        else:
            await self._forget()
            found = await self._read(after, 1 if one else self._limit)
        self.at_end = found is not None and found.end and not one
        if found is not None and not found.end and not one:
            ahead = asyncio.create_task(self._read(found.position, self._limit))
            self._ahead = (found.position, ahead)
        return found

    async def _read(self, after: int, limit: int) -> Batch | None:
        return await read_batch(
            self._store, self._projection, self._shop, after, limit=limit, until=self._until
        )

    async def _forget(self) -> None:
        if self._ahead is not None:
            task, self._ahead = self._ahead[1], None
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()  # nobody waits for what was read in vain
