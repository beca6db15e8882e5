"""Reading the log for a projection: only what it does not pass over, one batch ahead."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeAlias

from cplus.events.log.commit import Commit, split
from cplus.events.log.commits import FOLDED
from cplus.events.log.store import EventStore
from cplus.mongo import Raw, decoded, decoded_all


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """How much of a log is read and decoded at once."""

    bytes: int = 8 * 1024 * 1024
    """Of the commits in one batch, about: their rows have to fit one transaction and the memory
    of a function twice, since the next batch is read ahead."""
    decoded: int = 100
    """Commits that are decoded at once. Few enough that they, their events and what is made of
    them stay in the processor's cache: measured with a cache of 1 MiB, 250 at once take 1.2 times
    as long each, and 2,500 take 1.7 times. Each slice may ask for rows, so not fewer."""
    near: int = 100
    """Commits at most that are read as they are: to ask for the head first would take longer."""


_LIMITS = ReadLimits()

End: TypeAlias = tuple[int, int] | None
"""The position and the seq of the last commit that counts; None where the log's own end does."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Commits, and how far the log is known by them."""

    raw: Raw
    """The commits as they are stored, `ReadLimits.decoded` of them in a part."""
    position: int
    """Up to here there is nothing else that the projection handles."""
    seq: int
    """Events of the shop up to and with that position."""
    end: bool
    """The log showed no more when it was read."""

    @property
    def count(self) -> int:
        """How many commits there are."""
        return self.raw.count

    @property
    def size(self) -> int:
        """Bytes of the commits."""
        return self.raw.size

    def slices(self) -> Iterator[list[Commit]]:
        """The commits, one part of them decoded at a time."""
        for part in self.raw.parts:
            yield [_commit(row) for row in decoded_all(part)]

    def singly(self) -> Iterator[tuple[Commit, Batch]]:
        """Each commit, and the batch that is this one alone."""
        for part in self.raw.parts:
            for one in split(part):
                [commit] = map(_commit, decoded_all(one))
                raw = Raw([one], one, 1, len(one))
                yield commit, Batch(raw, commit.position, commit.seq_after, end=True)


async def read_batch(
    store: EventStore,
    passed: Collection[str],
    shop: str,
    after: int,
    *,
    limit: int,
    until: int | None = None,
    end: End = None,
    limits: ReadLimits = _LIMITS,
    fields: Sequence[str] = FOLDED,
) -> Batch | None:
    """Up to `limit` commits, and about `limits.bytes` of them, after a position that hold
    something else than events of the `passed` types; None at the end of the log. `until` is a
    position that the log is said to have.

    With `end`, the position and the seq of a commit that was seen, nothing after it is read.
    """
    whole = end is None and (limit == 1 or (until is not None and until - after <= limits.near))
    if end is None and not whole:
        # What is left out is passed up to the head, read first: everything before it is visible.
        head = await store.head(shop)
        end = (head.position, head.seq)
    if end is not None and end[0] <= after:
        return None
    raw = await store.log.to_fold(
        shop,
        after,
        None if end is None else end[0],
        None if whole else sorted(passed),
        limit,
        room=limits.bytes,
        each=limits.decoded,
        fields=fields,
    )
    drained = raw.count < limit and raw.size < limits.bytes
    if end is not None and drained:
        return Batch(raw, *end, end=True)
    # Short of what the log is said to have, it was not the end that was seen.
    return _batch_of(raw, until or 0, drained=whole and drained)


def _batch_of(raw: Raw, until: int, *, drained: bool) -> Batch | None:
    """The batch that ends with the last of these commits; None if there is none."""
    if not raw.count:
        return None
    last = _commit(decoded(raw.last))
    return Batch(raw, last.position, last.seq_after, end=drained and last.position >= until)


async def next_commit(
    store: EventStore, passed: Collection[str], shop: str, after: int, end: tuple[int, int]
) -> Commit | None:
    """The first commit after a position, up to and with `end`, that holds something else than
    events of the `passed` types."""
    batch = await read_batch(store, passed, shop, after, limit=1, end=end)
    return _commit(decoded(batch.raw.last)) if batch is not None and batch.count else None


def _commit(row: Mapping[str, Any]) -> Commit:
    claims = refs = ()
    no_causation = no_reason = no_cause = None
    return Commit(
        row["_id"],
        row["shop"],
        row["position"],
        row["seq"],
        claims,
        refs,
        row["recorded_at"],
        row["source"],
        row["actor"],
        row.get("correlation_id"),  # not among what a fold takes
        no_causation,
        no_reason,
        row["events"],
        no_cause,
    )


class Reader:
    """Reads the batches of one shop for one projection; while one is folded, the next is read."""

    def __init__(
        self,
        store: EventStore,
        passed: Collection[str],
        shop: str,
        until: int | None,
        limit: int,
        limits: ReadLimits = _LIMITS,
    ) -> None:
        self._store, self._passed, self._shop = store, passed, shop
        self._until, self._limit, self._limits = until, limit, limits
        self._end: End = None
        self._ahead: tuple[int, asyncio.Task[Batch | None]] | None = None
        self._back: tuple[int, Batch] | None = None
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

    def put_back(self, after: int, batch: Batch) -> None:
        """The batch is the next one again."""
        self._back = (after, batch)

    async def next(self, after: int, *, one: bool = False, end: End = None) -> Batch | None:
        """The batch after a position, or the `one` commit there; None at the end of the log, or
        at `end`: the position and the seq of a commit behind which nothing is to be read."""
        if end != self._end:
            await self._forget()
            self._end = end
        back, self._back = self._back, None
        if back is not None and back[0] == after and not one:
            return back[1]
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
            self._store,
            self._passed,
            self._shop,
            after,
            limit=limit,
            until=self._until,
            end=self._end,
            limits=self._limits,
        )

    async def _forget(self) -> None:
        self._back = None
        if self._ahead is not None:
            task, self._ahead = self._ahead[1], None
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()  # nobody waits for what was read in vain
