"""One generation in one shop: its checkpoint, and its rows, which move together or not at all."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import structlog

from cplus.clock import Clock
from cplus.events.log.commit import Commit
from cplus.events.reader import EventReader
from cplus.mongo import (
    BulkWriteError,
    DocumentTooLarge,
    InvalidDocument,
    Mongo,
    OperationFailure,
    PyMongoError,
    bounded,
    is_transient,
)
from cplus.projections.base import Projection, Row
from cplus.projections.counting import counts_after, counts_of
from cplus.projections.rows import all_rows, key_of, row_ids, take_row
from cplus.projections.running.fenced_write import codes_of, write_fenced
from cplus.projections.running.folding import differing, fold
from cplus.projections.running.forgetting import erasure_in
from cplus.projections.running.row_cache import CacheLimits, RowCache
from cplus.subscriptions.checkpoints import (
    Checkpoint,
    begin_checkpoint,
    move_checkpoint,
    read_checkpoint,
)
from cplus.subscriptions.decoding import Stop, decode
from cplus.subscriptions.reading import Batch

log = structlog.get_logger()

_NEVER_STORED = {15, 10334, 17280, 17419, 17420}
"""MongoDB's codes for a document that is too deep, and for a document or an index key that is too
large."""
_TOO_MUCH = 388
"""MongoDB's code for a transaction that does not fit the cache."""
_NOT_THE_ROW = {13, 18, 14031}
"""MongoDB's codes for a writer without permission, and for a disk that is full."""
_NO_DOCUMENT = (TypeError, ValueError, OverflowError, RecursionError, InvalidDocument)
"""What is raised for a row or a key that BSON cannot hold."""


_AT_ONCE = 1_000  # rows of an erased shop that one transaction deletes


class TooMuch(Exception):
    """More at once than a transaction or the memory takes; fewer commits may go."""


class Unwritable(Exception):
    """The rows cannot be counted or stored, however often it is tried."""


class ShopRows:
    """One generation in one shop.

    `at_step` is called with the name of each step before it is taken; see STEPS of
    `cplus.projections.running.runner`.
    """

    def __init__(
        self,
        mongo: Mongo,
        projection: Projection,
        shop: str,
        clock: Clock,
        reader: EventReader,
        limits: CacheLimits,
        at_step: Callable[[str], None],
    ) -> None:
        self.projection = projection
        self.shop = shop
        self._mongo = mongo
        self._clock = clock
        self._reader = reader
        self._limits = limits
        self._at_step = at_step
        self._cache = RowCache(self._limits)

    async def read(self) -> Checkpoint:
        """The checkpoint; forgets the rows, which others may have changed."""
        self._at_step("read_checkpoint")
        at = await read_checkpoint(self._mongo.database, self.projection, self.shop)
        self._cache = RowCache(self._limits)
        return at

    def begins(self) -> None:
        """Starts with an empty cache that is complete: no row is stored yet."""
        self._cache = RowCache(self._limits, whole=True)

    async def begin(self) -> Checkpoint:
        """Writes the first checkpoint; answers the one that is there."""
        self._at_step("begin_checkpoint")
        database, now = self._mongo.database, self._clock()
        first = Checkpoint(counts=counts_of(self.projection, {}))
        at = await begin_checkpoint(database, self.projection, self.shop, now, first)
        if at.position:  # somebody else was quicker, and has written rows
            self._cache = RowCache(self._limits)
        return at

    async def advance(self, before: Checkpoint, batch: Batch, term: int) -> Checkpoint:
        """Folds the batch that follows the checkpoint, and writes rows and checkpoint; answers
        the checkpoint after it, parked in front of the first commit that cannot be folded or
        stored.

        `term` is the term in which the caller may go so far. Raises Fenced if another worker moved
        the checkpoint, TooMuch if fewer commits may go, and what the driver raises.

        If the shop was erased in the batch, all its rows are deleted, and the checkpoint is the one
        after that: what follows is read again.
        """
        if (gone := erasure_in(batch)) is not None:
            return await self.forget(before, gone, term)
        try:
            return await self._advance(before, batch, term)
        except TooMuch:
            if batch.count > 1:
                raise
        except Unwritable:
            pass
        # One by one, until the commit at fault is the next.
        for commit, alone in batch.singly():
            try:
                before = await self._advance(before, alone, term)
            except (Unwritable, TooMuch) as error:
                stop = Stop.at(commit, "", type(error.__cause__).__name__)
                parked = replace(self._park(before, stop), term=term)
                await self._move(before, parked)
                return parked
            if before.parked:
                break
        return before

    async def forget(self, before: Checkpoint, gone: Commit, term: int) -> Checkpoint:
        """Deletes every row of the shop, which was erased by that commit, and moves the checkpoint
        behind it; answers it. Raises as `advance`."""
        rows = self._mongo.database[self.projection.collection]
        self.begins()
        while True:
            cursor = rows.find(all_rows(self.shop), {"shop": 1}).limit(_AT_ONCE)
            keys = [key_of(row) for row in await cursor.to_list(None)]
            if len(keys) < _AT_ONCE:
                break
            # With the checkpoint as it is, so that nobody adds rows meanwhile.
            await self._write(before, before, dict.fromkeys(keys))
        counts = counts_of(self.projection, {})
        after = replace(before, position=gone.position, seq=gone.seq_after, parked=None,
                        term=term, counts=counts)  # fmt: skip
        await self._write(before, after, dict.fromkeys(keys))
        self._at_step("written")
        log.info("rows_forgotten", projection=self.projection.name, shop=self.shop,
                 position=gone.position)  # fmt: skip
        return after

    async def _advance(self, before: Checkpoint, batch: Batch, term: int) -> Checkpoint:
        changed, stop = await self._fold(batch)
        if stop is None:
            after = replace(before, position=batch.position, seq=batch.seq, parked=None)
        else:
            after = self._park(before, stop)
        if after == before:
            return before
        after = replace(after, term=term, counts=await self._count(before, changed))
        if changed:
            await self._write(before, after, changed)
        else:
            self._at_step("move_checkpoint")
            await self._move(before, after)
        self._at_step("written")
        self._cache.written(changed, batch.size)
        return after

    async def _fold(self, batch: Batch) -> tuple[dict[str, Row | None], Stop | None]:
        """The rows that come out otherwise than they are stored, and what stopped it."""
        changed: dict[str, Row | None] = {}
        rows = self._cache.rows
        room = self._limits.bytes if batch.count > 1 else sys.maxsize
        for commits in batch.slices():
            decoded = await decode(self._reader, self.projection, commits)
            self._at_step("load_rows")
            room -= await self._load(decoded.keys(), room)
            stop = fold(self.projection, decoded, rows, changed)
            if stop is not None:
                return differing(changed, rows), stop
            await asyncio.sleep(0)  # the other shops may ask their next question
        return differing(changed, rows), None

    async def _load(self, keys: set[str], room: int) -> int:
        """Loads the rows that are not kept yet, of at most `room` bytes; answers their bytes."""
        missing = self._cache.missing(keys)
        if not missing:
            return 0
        try:
            found, size = await bounded(
                self._mongo.database[self.projection.collection],
                {"_id": {"$in": row_ids(self.shop, missing)}},
                None,
                limit=len(missing),
                room=room,
            )
        except DocumentTooLarge as error:  # the question, with that many keys
            raise TooMuch from error
        except _NO_DOCUMENT as error:
            raise Unwritable from error
        if size >= room:
            raise TooMuch
        self._cache.loaded(missing, dict(take_row(self.shop, row) for row in found), size)
        return size

    async def _count(
        self, before: Checkpoint, changed: Mapping[str, Row | None]
    ) -> Mapping[str, int] | None:
        """The counts with the changed rows; None if nobody counted those that were there."""
        counts, known = self.projection.counts, before.counts
        if counts is None or known is None:
            return None
        if not changed:
            return known
        rows = self._mongo.database[self.projection.collection]
        try:
            return await counts_after(rows, self.shop, counts, known, self._cache.rows, changed)
        except PyMongoError:
            raise
        except Exception as error:  # a row that cannot be counted parks the shop
            raise Unwritable from error

    async def _write(
        self, before: Checkpoint, after: Checkpoint, changed: Mapping[str, Row | None]
    ) -> None:
        known = self._cache.rows
        new = {key for key in changed if known.get(key) is None}

        async def fence(session: Any) -> None:
            await self._move(before, after, session)

        with _told_apart():
            await write_fenced(
                self._mongo, self.projection, self.shop, changed, new, fence, self._at_step
            )

    async def _move(self, before: Checkpoint, after: Checkpoint, session: Any = None) -> None:
        database, now = self._mongo.database, self._clock()
        await move_checkpoint(database, self.projection, self.shop, before, after, now, session)

    def _park(self, before: Checkpoint, stop: Stop) -> Checkpoint:
        """The checkpoint right in front of the commit at fault."""
        after = before.stopped(stop.position, stop.seq, stop.type, stop.reason, self._clock())
        if after.parked is not before.parked:
            log.error(
                "projection_parked",
                projection=self.projection.name,
                shop=self.shop,
                position=stop.position,
                type=stop.type,
                reason=stop.reason,
            )
        return after


@contextmanager
def _told_apart() -> Iterator[None]:
    """Raises Unwritable for what is the fault of a row, and TooMuch for what fewer commits may
    mend, in place of what the driver raises; everything else as it is."""
    try:
        yield
    except _NO_DOCUMENT as error:
        raise Unwritable from error
    except OperationFailure as error:
        if is_transient(error):
            raise
        codes, of_rows = codes_of(error), isinstance(error, BulkWriteError)
        if _TOO_MUCH in codes:
            raise TooMuch from error
        # What the server says of a row and of nothing else is the row's own fault.
        if codes & _NEVER_STORED or (of_rows and not codes & _NOT_THE_ROW):
            raise Unwritable from error
        raise
