"""The runner: the only writer of read models. Rows and checkpoint move together or not at all."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from cplus import collector
from cplus.clock import Clock, utc_now
from cplus.errors import CheckpointContended, LogTooShort
from cplus.events.catalogue import CATALOGUE, Catalogue
from cplus.events.store import EventStore
from cplus.mongo import (
    BulkWriteError,
    DeleteOne,
    DuplicateKeyError,
    InsertOne,
    InvalidDocument,
    Mongo,
    OperationFailure,
    PyMongoError,
    ReplaceOne,
    bounded,
    is_transient,
)
from cplus.projections.base import Projection, Row
from cplus.projections.checkpoints import (
    Checkpoint,
    Fenced,
    Parked,
    move_checkpoint,
    read_checkpoint,
)
from cplus.projections.folding import Stop, decode, differing, fold
from cplus.projections.generations import Driven, driven
from cplus.projections.reading import Batch, Reader

log = structlog.get_logger()

BATCH = 1_000
"""Commits that one transaction folds at most."""
KEEP = 20_000
"""Rows of a shop that are kept in memory between two batches at most."""
KEEP_BYTES = 32 * 1024 * 1024
"""Bytes of those rows, about."""
TRIES = 20
_PATIENCE = 3  # transient failures in a row from which on a smaller batch is tried
STEPS = (
    "read_checkpoint",
    "read_log",
    "load_rows",
    "write_checkpoint",
    "write_rows",
    "commit",
    "move_checkpoint",
    "written",
)
"""Everything that a runner does with what is stored, in this order; `move_checkpoint` alone where
no row changes, in place of the three before it."""
_NEVER_STORED = {15, 10334, 17280, 17419, 17420}
"""MongoDB's codes for a document that is too deep, and for a document or an index key that is too
large."""
_TOO_MUCH = 388
"""MongoDB's code for a transaction that does not fit the cache."""


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


@dataclass(slots=True)
class _Kept:
    """Rows of one shop as they are stored. They stay true as long as this runner moves the
    checkpoint, which only one can."""

    rows: dict[str, Row | None] = field(default_factory=dict)
    """By key; None is a row that is not there."""
    whole: bool = False
    """What is not among them is not there."""
    size: int = 0
    """Bytes that were loaded and folded into them: no less than they are."""

    def take(self, changed: Mapping[str, Row | None], most: int, size: int) -> None:
        """The rows as they were written, of commits of `size` bytes; forgets the rest where
        there are too many."""
        self.rows.update(changed)
        self.size += size
        if self.size > KEEP_BYTES:
            self.rows, self.whole, self.size = {}, False, 0
        elif len(self.rows) > most:
            self.rows, self.whole = dict(changed), False


class _Unwritable(Exception):
    """The rows cannot be stored, however often it is tried."""


class _TooMuch(Exception):
    """More at once than a transaction or the memory takes; fewer commits may go."""


class Runner:
    """Folds the log into the rows of `projections`, shop by shop.

    `at_step` is told the name of each step before it is taken (see STEPS), for tests that die
    there.
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

    async def driven(self) -> list[Driven]:
        """The generations of its projections that are not dropped."""
        return await driven(self.mongo.database, self.projections)

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
        """Folds everything of the shop's log that this generation has not seen.

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
        self._at_step("read_checkpoint")
        before = await read_checkpoint(self.mongo.database, projection, shop)
        kept = _Kept(whole=not before.stored)
        lost, passed = 0, 0
        async with Reader(self.store, projection, shop, until, self.batch) as reader:
            while until is None or before.position < until:
                if deadline is not None and time.monotonic() >= deadline:
                    return self._progress(projection, shop, before, passed, done=False)
                try:
                    after = await self._step(projection, shop, before, reader, kept)
                except (Fenced, _TooMuch, PyMongoError) as error:
                    if isinstance(error, PyMongoError) and not is_transient(error):
                        raise
                    lost += 1
                    if lost >= TRIES:
                        raise CheckpointContended(projection=projection.name, shop=shop) from error
                    # A server whose cache is full ends large transactions as if others won.
                    if not isinstance(error, Fenced) and (
                        isinstance(error, _TooMuch) or lost >= _PATIENCE
                    ):
                        reader.halve()
                    await asyncio.sleep(random.uniform(0, min(0.02 * lost, 0.2)))
                    kept, known = _Kept(), before
                    before = await read_checkpoint(self.mongo.database, projection, shop)
                    if known.stored and not before.stored:
                        break  # the generation was dropped
                    continue
                if after is None:
                    if until is not None:
                        raise LogTooShort(shop=shop, position=until, head=before.position)
                    break
                lost = 0
                passed += after.position - before.position
                before = after
                if after.parked or (until is None and reader.at_end):
                    break
        return self._progress(projection, shop, before, passed, done=True)

    async def _step(
        self, projection: Projection, shop: str, before: Checkpoint, reader: Reader, kept: _Kept
    ) -> Checkpoint | None:
        """Folds the next batch; answers the checkpoint after it, None at the end of the log."""
        self._at_step("read_log")
        # In front of a commit that was not known, that one alone tells whether to go on.
        batch = await reader.next(before.position, one=before.parked is not None)
        if batch is None:
            return None
        try:
            return await self._advance(projection, shop, before, batch, kept)
        except _TooMuch:
            if batch.count > 1:
                raise
        except _Unwritable:
            pass
        # One by one, until the commit at fault is the next.
        for commit, alone in batch.singly():
            try:
                before = await self._advance(projection, shop, before, alone, kept)
            except (_Unwritable, _TooMuch) as error:
                stop = Stop.at(commit, "", type(error.__cause__).__name__)
                parked = self._park(before, stop, projection, shop)
                await self._move(projection, shop, before, parked)
                return replace(parked, stored=True)
            if before.parked:
                break
        return before

    async def _advance(
        self, projection: Projection, shop: str, before: Checkpoint, batch: Batch, kept: _Kept
    ) -> Checkpoint:
        """Folds the commits and writes what came of it; answers the checkpoint after them."""
        changed, stop = await self._fold(projection, shop, batch, kept)
        if stop is None:
            after = replace(before, position=batch.position, seq=batch.seq, parked=None)
        else:
            after = self._park(before, stop, projection, shop)
        if after == before:
            return before
        if not changed:
            self._at_step("move_checkpoint")
            await self._move(projection, shop, before, after)
        else:
            await self._write(projection, shop, before, after, changed, kept)
        self._at_step("written")
        kept.take(changed, self._keep, batch.size)
        return replace(after, stored=True)

    async def _fold(
        self, projection: Projection, shop: str, batch: Batch, kept: _Kept
    ) -> tuple[dict[str, Row | None], Stop | None]:
        """The rows that come out otherwise than they are stored, and what stopped it."""
        changed: dict[str, Row | None] = {}
        room = KEEP_BYTES if batch.count > 1 else sys.maxsize
        for commits in batch.slices():
            decoded = decode(projection, commits, self._catalogue)
            self._at_step("load_rows")
            room -= await self._load(projection, shop, decoded.keys(), kept, room)
            stop = fold(projection, decoded, kept.rows, changed)
            if stop is not None:
                return differing(changed, kept.rows), stop
            await asyncio.sleep(0)  # the other shops may ask their next question
        return differing(changed, kept.rows), None

    async def _load(
        self, projection: Projection, shop: str, keys: set[str], kept: _Kept, room: int
    ) -> int:
        """Loads the rows that are not kept yet; answers their bytes."""
        missing = keys - kept.rows.keys()
        if not missing or kept.whole:
            return 0
        wanted = {f"{shop}/{key}": key for key in missing}
        found, size = await bounded(
            self.mongo.database[projection.collection],
            {"_id": {"$in": sorted(wanted)}},
            None,
            limit=len(wanted),
            room=room,
        )
        if size >= room:
            raise _TooMuch
        kept.size += size
        kept.rows.update(dict.fromkeys(missing))
        for document in found:
            key = wanted[document.pop("_id")]
            del document["shop"]
            kept.rows[key] = document
        return size

    async def _write(
        self,
        projection: Projection,
        shop: str,
        before: Checkpoint,
        after: Checkpoint,
        changed: Mapping[str, Row | None],
        kept: _Kept,
    ) -> None:
        database = self.mongo.database
        operations: list[Any] = []
        for key, row in sorted(changed.items()):
            place = {"_id": f"{shop}/{key}"}
            if row is None:
                operations.append(DeleteOne(place))
            elif kept.rows.get(key) is None:
                operations.append(InsertOne({**place, "shop": shop, **row}))
            else:
                operations.append(ReplaceOne(place, {**place, "shop": shop, **row}, upsert=True))

        async def work(session: Any) -> None:
            # The checkpoint first: who lost the race is told before it writes anything.
            self._at_step("write_checkpoint")
            await move_checkpoint(database, projection, shop, before, after, self._clock(), session)
            self._at_step("write_rows")
            try:
                await database[projection.collection].bulk_write(
                    operations, ordered=False, session=session
                )
            except DuplicateKeyError as error:
                raise Fenced from error
            except BulkWriteError as error:
                if _duplicate(error):
                    raise Fenced from error
                raise
            self._at_step("commit")

        try:
            await self.mongo.transaction(work)
        except (ValueError, OverflowError, InvalidDocument) as error:  # what BSON cannot hold
            raise _Unwritable from error
        except OperationFailure as error:
            codes = _codes(error)
            if codes & _NEVER_STORED:
                raise _Unwritable from error
            if _TOO_MUCH in codes:
                raise _TooMuch from error
            raise

    async def _move(
        self, projection: Projection, shop: str, before: Checkpoint, after: Checkpoint
    ) -> None:
        await move_checkpoint(self.mongo.database, projection, shop, before, after, self._clock())

    def _park(
        self, before: Checkpoint, stop: Stop, projection: Projection, shop: str
    ) -> Checkpoint:
        """The checkpoint right in front of the commit at fault."""
        after = before.stopped(stop.position, stop.seq, stop.type, stop.reason, self._clock())
        if after.parked is not before.parked:
            log.error(
                "projection_parked",
                projection=projection.name,
                shop=shop,
                position=stop.position,
                type=stop.type,
                reason=stop.reason,
            )
        return after

    @staticmethod
    def _progress(
        projection: Projection, shop: str, at: Checkpoint, passed: int, *, done: bool
    ) -> Progress:
        return Progress(projection.name, shop, at.position, passed, done, at.parked)


def _codes(error: OperationFailure) -> set[int]:
    failed = (error.details or {}).get("writeErrors", ())
    return {error.code or 0} | {one.get("code", 0) for one in failed}


def _duplicate(error: BulkWriteError) -> bool:
    return 11000 in _codes(error)
