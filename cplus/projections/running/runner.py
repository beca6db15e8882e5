"""The runner: the only writer of read models. It brings generations to the end of the log."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import structlog

from cplus import collector
from cplus.clock import Clock, utc_now
from cplus.deadline import Deadline
from cplus.errors import CheckpointContended, LogTooShort
from cplus.events.log.commit import Commit
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Mongo, PyMongoError, is_transient
from cplus.projections.base import Projection
from cplus.projections.generations.leader import FoldLimit, GenerationGone, Leaders
from cplus.projections.generations.lineage import Driven, driven_of, read_lineages
from cplus.projections.running.forgetting import last_erasure, passed_over
from cplus.projections.running.row_cache import CacheLimits
from cplus.projections.running.shop_rows import ShopRows, TooMuch
from cplus.subscriptions.checkpoints import Checkpoint, Fenced, read_checkpoint
from cplus.subscriptions.progress import Progress
from cplus.subscriptions.reading import Reader, ReadLimits

log = structlog.get_logger()

BATCH = 1_000
"""Commits that one transaction folds at most."""
TRIES = 20
_READ, _CACHE = ReadLimits(), CacheLimits()
_PATIENCE = 3  # transient failures in a row from which on a smaller batch is tried
STEPS = (
    "read_checkpoint",
    "read_log",
    "begin_checkpoint",
    "load_rows",
    "write_checkpoint",
    "write_rows",
    "commit",
    "move_checkpoint",
    "written",
)
"""Everything that a runner does with what is stored, in this order; `begin_checkpoint` where there
is none, `move_checkpoint` alone where no row changes, in place of the three before it. For a
generation that follows another also STEPS of `cplus.projections.generations.leader`."""


class Runner:
    """Folds the log into the rows of `projections`, shop by shop.

    Rows and checkpoint of a shop move together or not at all. `at_step` is called with the name
    of each step before it is taken (see STEPS), for tests that crash there. `batch` is how many
    commits one transaction folds at most; `reading` and `cache` bound the memory that a shop takes.
    """

    def __init__(
        self,
        mongo: Mongo,
        store: EventStore,
        reader: EventReader,
        projections: Sequence[Projection],
        clock: Clock = utc_now,
        *,
        batch: int = BATCH,
        reading: ReadLimits = _READ,
        cache: CacheLimits = _CACHE,
        at_step: Callable[[str], None] = lambda _step: None,
    ) -> None:
        self.mongo = mongo
        self.store = store
        self.reader = reader
        self.projections = tuple(projections)
        self.batch = batch
        self._clock = clock
        self._reading, self._cache = reading, cache
        self._at_step = at_step
        self._leaders = Leaders(mongo.database, store, self.projections, at_step)

    async def driven(self) -> list[Driven]:
        """The generations of its projections that are not dropped."""
        lineages = await read_lineages(self.mongo.database)
        self._leaders.remember(lineages)
        return driven_of(lineages, self.projections)

    async def is_near(self, projection: Projection, shop: str, until: int | None) -> bool:
        """Whether no more than a batch is left to fold."""
        at = await read_checkpoint(self.mongo.database, projection, shop)
        end = until if until is not None else (await self.store.head(shop)).position
        return end - at.position <= self.batch

    async def catch_up(
        self,
        projection: Projection,
        shop: str,
        *,
        until: int | None = None,
        deadline: Deadline | None = None,
    ) -> Progress:
        """Folds everything of the shop's log that this generation has not seen; one that follows
        another no further than that one is.

        With `until`, at least up to that position: raises LogTooShort if the log does not
        show it yet, so that the nudge is delivered again. No batch begins after `deadline`. Raises
        CheckpointContended if others moved the checkpoint in every try, and what the driver
        raises.
        """
        with collector.seldom():
            return await self._catch_up(projection, shop, until, deadline)

    async def _catch_up(
        self, projection: Projection, shop: str, until: int | None, deadline: Deadline | None
    ) -> Progress:
        rows = ShopRows(
            self.mongo, projection, shop, self._clock, self.reader, self._cache, self._at_step
        )

        async def bring_on(leader: Projection) -> Progress:
            return await self._catch_up(leader, shop, until, deadline)

        fold_limit = partial(self._leaders.fold_limit, bring_on=bring_on)
        passed = passed_over(self.reader, projection)
        async with Reader(self.store, passed, shop, until, self.batch, self._reading) as reader:
            run = _CatchUp(rows, self.store, reader, fold_limit, until, deadline, self._at_step)
            return await run.to_its_end(await rows.read())


class _CatchUp:
    """One generation on its way to the end of one shop's log."""

    def __init__(
        self,
        rows: ShopRows,
        store: EventStore,
        reader: Reader,
        fold_limit: Callable[[Projection, str, Checkpoint, int | None], Awaitable[FoldLimit]],
        until: int | None,
        deadline: Deadline | None,
        at_step: Callable[[str], None],
    ) -> None:
        self._rows, self._store, self._reader, self._fold_limit = rows, store, reader, fold_limit
        self._until, self._deadline, self._at_step = until, deadline, at_step
        self._at = Checkpoint()
        self._lost = 0
        """Tries in a row that failed."""

    async def to_its_end(self, begin: Checkpoint) -> Progress:
        """Batch by batch, from the checkpoint on."""
        self._at = begin
        if not begin.position:
            self._rows.begins()
        passed, done = 0, None
        while done is None:
            before = self._at
            try:
                done = await self._turn()
                self._lost = 0
                passed += self._at.position - before.position
            except GenerationGone:
                done = True
            except (Fenced, TooMuch, PyMongoError) as error:
                self._at = await self._again(error)
                if before.stored and not self._at.stored:
                    done = True  # the generation was dropped
        name, shop = self._rows.projection.name, self._rows.shop
        return Progress(name, shop, self._at.position, passed, done, self._at.parked)

    async def _turn(self) -> bool | None:
        """Takes the next batch; whether nothing is left to do now, None where there may be more."""
        at, until, rows = self._at, self._until, self._rows
        if until is not None and at.position >= until:
            return True
        limit = FoldLimit(at.term)
        if at.stored:
            limit = await self._fold_limit(rows.projection, rows.shop, at, until)
        if self._deadline is not None and self._deadline.passed():
            return False
        after = await self._step(at, limit)
        if after is None:
            if limit.end is None and until is not None:
                raise LogTooShort(shop=rows.shop, position=until, head=at.position)
            return until is None or not limit.waits
        self._at = after
        at_end = until is None and self._reader.at_end and at.stored
        return True if after.parked or at_end else None

    async def _step(self, at: Checkpoint, limit: FoldLimit) -> Checkpoint | None:
        """The checkpoint after the next batch; None at the end of what may be read."""
        self._at_step("read_log")
        # In front of a commit that was not known, that one alone tells whether to go on.
        one = at.parked is not None
        batch = await self._reader.next(at.position, one=one, end=limit.end)
        if batch is None:
            return None
        if not at.stored:
            self._reader.put_back(at.position, batch)
            return await self._rows.begin()
        if at.parked is not None and (gone := await self._erased_since(at, limit)) is not None:
            return await self._rows.forget(at, gone, limit.term)
        after = await self._rows.advance(at, batch, limit.term)
        if after.position < batch.position:
            self._reader.at_end = False
        return after

    async def _erased_since(self, at: Checkpoint, limit: FoldLimit) -> Commit | None:
        """The commit behind the checkpoint that erases the shop: what stands before it, and can
        perhaps not be read, counts no more."""
        end = limit.end[0] if limit.end else None
        gone = await last_erasure(self._store, self._rows.shop, end)
        return gone if gone is not None and gone.position > at.position else None

    async def _again(self, error: Exception) -> Checkpoint:
        """Where to go on after a try that failed, a while later. Raises the error where to try
        again does not help, and CheckpointContended after too many."""
        self._lost += 1
        if isinstance(error, PyMongoError) and not is_transient(error):
            raise error
        if self._lost >= TRIES:
            name, shop = self._rows.projection.name, self._rows.shop
            raise CheckpointContended(projection=name, shop=shop) from error
        # A server whose cache is full ends large transactions as if others won.
        full = not isinstance(error, Fenced) and self._lost >= _PATIENCE
        if full or isinstance(error, TooMuch):
            self._reader.halve()
        await asyncio.sleep(random.uniform(0, min(0.02 * self._lost, 0.2)))
        return await self._rows.read()
