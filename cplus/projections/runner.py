"""The runner: the only writer of read models. It brings generations to the end of the log."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from cplus import collector
from cplus.clock import Clock, utc_now
from cplus.errors import CheckpointContended, LogTooShort
from cplus.events.catalogue import CATALOGUE, Catalogue
from cplus.events.store import EventStore
from cplus.mongo import Mongo, PyMongoError, is_transient
from cplus.projections.base import Projection
from cplus.projections.checkpoints import Checkpoint, Fenced, Parked, read_checkpoint
from cplus.projections.generations import Driven, driven_of, give_back, read_lineages
from cplus.projections.leading import GenerationGone, Leaders, Leash, follows
from cplus.projections.place import KEEP, Place, TooMuch
from cplus.projections.reading import Reader

log = structlog.get_logger()

BATCH = 1_000
"""Commits that one transaction folds at most."""
TRIES = 20
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
is none, `move_checkpoint` alone where no row changes, in place of the three before it."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a projection came in a shop."""

    projection: str
    shop: str
    position: int
    commits: int
    """How many were read and passed in this call."""
    done: bool
    """Nothing is left to do now: the end of the log was reached, or it is parked. False where
    the deadline came first."""
    parked: Parked | None


class Runner:
    """Folds the log into the rows of `projections`, shop by shop.

    Rows and checkpoint of a shop move together or not at all. `at_step` is told the name of each
    step before it is taken (see STEPS), for tests that die there.
    """

    def __init__(
        self,
        mongo: Mongo,
        store: EventStore,
        projections: Sequence[Projection],
        clock: Clock = utc_now,
        *,
        catalogue: Catalogue = CATALOGUE,
        batch: int = BATCH,
        keep: int = KEEP,
        at_step: Callable[[str], None] = lambda _step: None,
    ) -> None:
        self.mongo = mongo
        self.store = store
        self.projections = tuple(projections)
        self.batch = batch
        self._clock = clock
        self._catalogue = catalogue
        self._keep = keep
        self._at_step = at_step
        self._leaders = Leaders(mongo.database, self.projections)

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
        deadline: float | None = None,
    ) -> Progress:
        """Folds everything of the shop's log that this generation has not seen; one that follows
        another no further than that one is.

        With `until`, at least up to that position: raises LogTooShort where the log does not
        show it yet, so that whoever said so says it again. `deadline` is a moment of
        `time.monotonic()`, in seconds; no batch begins after it. Raises CheckpointContended when
        others moved the checkpoint in every try, and what the driver raises.
        """
        with collector.seldom():
            return await self._catch_up(projection, shop, until, deadline)

    async def _catch_up(
        self, projection: Projection, shop: str, until: int | None, deadline: float | None
    ) -> Progress:
        place = Place(
            self.mongo, projection, shop, self._clock, self._catalogue, self._keep, self._at_step
        )
        before = await place.read()
        if not before.position:
            place.begins()
        leash = Leash(before.term)
        lost, passed = 0, 0

        def progress(*, done: bool) -> Progress:
            return Progress(projection.name, shop, before.position, passed, done, before.parked)

        async with Reader(self.store, projection, shop, until, self.batch) as reader:
            while until is None or before.position < until:
                try:
                    if before.stored:
                        leash = await self._leash(place, before, until, deadline)
                    if deadline is not None and time.monotonic() >= deadline:
                        return progress(done=False)
                    after = await self._step(place, before, reader, leash)
                except GenerationGone:
                    break
                except (Fenced, TooMuch, PyMongoError) as error:
                    lost += 1
                    known, before = before, await self._again(place, reader, error, lost)
                    if known.stored and not before.stored:
                        break  # the generation was dropped
                    continue
                if after is None:
                    if leash.end is None and until is not None:
                        raise LogTooShort(shop=shop, position=until, head=before.position)
                    return progress(done=until is None or not leash.waits)
                lost, begun = 0, not before.stored
                passed += after.position - before.position
                before = after
                if after.parked or (until is None and reader.at_end and not begun):
                    break
        return progress(done=True)

    async def _again(self, place: Place, reader: Reader, error: Exception, lost: int) -> Checkpoint:
        """Where to go on after a try that failed, a while later; `lost` in a row did. Raises the
        error where to try again does not help, and CheckpointContended after too many."""
        if isinstance(error, PyMongoError) and not is_transient(error):
            raise error
        if lost >= TRIES:
            raise CheckpointContended(projection=place.projection.name, shop=place.shop) from error
        # A server whose cache is full ends large transactions as if others won.
        if isinstance(error, TooMuch) or (not isinstance(error, Fenced) and lost >= _PATIENCE):
            reader.halve()
        await asyncio.sleep(random.uniform(0, min(0.02 * lost, 0.2)))
        return await place.read()

    async def _step(
        self, place: Place, before: Checkpoint, reader: Reader, leash: Leash
    ) -> Checkpoint | None:
        """Takes the next batch; answers the checkpoint after it, None at the end of what it may
        read."""
        self._at_step("read_log")
        # In front of a commit that was not known, that one alone tells whether to go on.
        one = before.parked is not None
        batch = await reader.next(before.position, one=one, end=leash.end)
        if batch is None:
            return None
        if not before.stored:
            reader.put_back(before.position, batch)
            return await place.begin()
        return await place.advance(before, batch, leash.term)

    async def _leash(
        self, place: Place, before: Checkpoint, until: int | None, deadline: float | None
    ) -> Leash:
        """How far the generation may go now. Raises GenerationGone."""
        projection, shop = place.projection, place.shop
        lineage = await self._leaders.of(projection, before)
        while follows(lineage, projection.generation):
            leader = self._leaders.projection(lineage)
            switching = lineage.next is not None and projection.generation == lineage.live
            at = await self._leaders.read(lineage, shop)
            short = switching if until is None else at.position < until
            # What is read must not wait for what is about to be; nor what was read, by a list of
            # before the switch, for somebody else to look at what is read now.
            if short and leader is not None and (switching or not at.parked):
                await self._catch_up(leader, shop, until, deadline)
                at = await self._leaders.read(lineage, shop)
            goes_on = leader is not None and at.parked is None
            if not switching or goes_on or not await self._held(shop, before, at, until):
                return Leash(lineage.term, (at.position, at.seq), waits=goes_on)
            if await give_back(self.mongo.database, lineage):
                log.warning("lead_given_back", projection=projection.name, shop=shop)
            lineage = await self._leaders.again(projection)
        return Leash(lineage.term)

    async def _held(
        self, shop: str, before: Checkpoint, leader: Checkpoint, until: int | None
    ) -> bool:
        """Whether the leader, which cannot go on, keeps this one from going on: not where both
        stand still in front of one commit."""
        if before.parked and leader.parked and before.parked.position == leader.parked.position:
            return False
        wanted = until if until is not None else (await self.store.head(shop)).position
        return leader.position < wanted
