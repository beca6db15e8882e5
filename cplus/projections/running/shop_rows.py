"""One generation in one shop: its checkpoint, and its rows, which move together or not at all."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from cplus.clock import Clock
from cplus.events.catalogue import Catalogue
from cplus.mongo import (
    BulkWriteError,
    DeleteOne,
    DocumentTooLarge,
    DuplicateKeyError,
    InsertOne,
    InvalidDocument,
    Mongo,
    OperationFailure,
    ReplaceOne,
    bounded,
    is_transient,
)
from cplus.projections.base import Projection, Row
from cplus.projections.running.folding import differing, fold
from cplus.subscriptions.checkpoints import (
    Checkpoint,
    Fenced,
    begin_checkpoint,
    move_checkpoint,
    read_checkpoint,
)
from cplus.subscriptions.decoding import Stop, decode
from cplus.subscriptions.reading import Batch

log = structlog.get_logger()

KEEP = 20_000
"""Rows of a shop that are kept in memory between two batches at most."""
KEEP_BYTES = 16 * 1024 * 1024
"""Bytes of those rows, about."""
KEYS = 200_000
"""Keys at most of rows that are stored and not kept; none of the others needs to be asked for."""
_NEVER_STORED = {15, 10334, 17280, 17419, 17420}
"""MongoDB's codes for a document that is too deep, and for a document or an index key that is too
large."""
_TOO_MUCH = 388
"""MongoDB's code for a transaction that does not fit the cache."""
_NOT_THE_ROW = {13, 18, 14031}
"""MongoDB's codes for who may not write, and for a disk that is full."""
_NO_DOCUMENT = (TypeError, ValueError, OverflowError, RecursionError, InvalidDocument)
"""What is raised of a row or a key that BSON cannot hold."""


class TooMuch(Exception):
    """More at once than a transaction or the memory takes; fewer commits may go."""


class Unwritable(Exception):
    """The rows cannot be stored, however often it is tried."""


@dataclass(slots=True)
class _Kept:
    """Rows of one shop as they are stored. They stay true as long as this runner moves the
    checkpoint, which only one can, and nobody puts rows right."""

    rows: dict[str, Row | None] = field(default_factory=dict)
    """By key; None is a row that is not there."""
    whole: bool = False
    """What is not among them, and is not `forgotten`, is not there."""
    forgotten: set[str] = field(default_factory=set)
    """Keys of rows that are stored, and were let go of."""
    size: int = 0
    """Bytes that were loaded and folded into them: no less than they are."""

    def missing(self, keys: set[str]) -> set[str]:
        """Those of the keys whose rows have to be loaded."""
        unknown = keys - self.rows.keys()
        return unknown & self.forgotten if self.whole else unknown

    def take(self, changed: Mapping[str, Row | None], most: int, size: int) -> None:
        """The rows as they were written, of commits of `size` bytes; lets go of the others where
        there are too many, and of their keys where those are."""
        self.rows.update(changed)
        self.size += size
        if self.size <= KEEP_BYTES and len(self.rows) <= most:
            return
        self.forgotten |= self.rows.keys() - changed.keys()
        self.rows, self.size = dict(changed), size
        if size > KEEP_BYTES:
            self.forgotten |= changed.keys()
            self.rows, self.size = {}, 0
        if len(self.forgotten) > KEYS:
            self.whole, self.forgotten = False, set()


class Place:
    """One generation in one shop.

    `at_step` is told the name of each step before it is taken; see STEPS of
    `cplus.projections.running.runner`.
    """

    def __init__(
        self,
        mongo: Mongo,
        projection: Projection,
        shop: str,
        clock: Clock,
        catalogue: Catalogue,
        keep: int,
        at_step: Callable[[str], None],
    ) -> None:
        self.projection = projection
        self.shop = shop
        self._mongo = mongo
        self._clock = clock
        self._catalogue = catalogue
        self._keep = keep
        self._at_step = at_step
        self._kept = _Kept()

    async def read(self) -> Checkpoint:
        """The checkpoint; forgets the rows, which others may have changed."""
        self._at_step("read_checkpoint")
        at = await read_checkpoint(self._mongo.database, self.projection, self.shop)
        self._kept = _Kept()
        return at

    def begins(self) -> None:
        """There are no rows yet."""
        self._kept = _Kept(whole=True)

    async def begin(self) -> Checkpoint:
        """Writes the first checkpoint; answers the one that is there."""
        self._at_step("begin_checkpoint")
        database, now = self._mongo.database, self._clock()
        at = await begin_checkpoint(database, self.projection, self.shop, now)
        if at.position:  # somebody else was quicker, and has written rows
            self._kept = _Kept()
        return at

    async def advance(self, before: Checkpoint, batch: Batch, term: int) -> Checkpoint:
        """Folds the batch that follows the checkpoint, and writes rows and checkpoint; answers
        the checkpoint after it, parked in front of the first commit that cannot be folded or
        stored.

        `term` is the one in which whoever asks may go so far. Raises Fenced where somebody else
        moved the checkpoint, TooMuch where fewer commits may go, and what the driver raises.
        """
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

    async def _advance(self, before: Checkpoint, batch: Batch, term: int) -> Checkpoint:
        changed, stop = await self._fold(batch)
        if stop is None:
            after = replace(before, position=batch.position, seq=batch.seq, parked=None)
        else:
            after = self._park(before, stop)
        if after == before:
            return before
        after = replace(after, term=term)
        if changed:
            await self._write(before, after, changed)
        else:
            self._at_step("move_checkpoint")
            await self._move(before, after)
        self._at_step("written")
        self._kept.take(changed, self._keep, batch.size)
        return after

    async def _fold(self, batch: Batch) -> tuple[dict[str, Row | None], Stop | None]:
        """The rows that come out otherwise than they are stored, and what stopped it."""
        changed: dict[str, Row | None] = {}
        rows = self._kept.rows
        room = KEEP_BYTES if batch.count > 1 else sys.maxsize
        for commits in batch.slices():
            decoded = decode(self.projection, commits, self._catalogue)
            self._at_step("load_rows")
            room -= await self._load(decoded.keys(), room)
            stop = fold(self.projection, decoded, rows, changed)
            if stop is not None:
                return differing(changed, rows), stop
            await asyncio.sleep(0)  # the other shops may ask their next question
        return differing(changed, rows), None

    async def _load(self, keys: set[str], room: int) -> int:
        """Loads the rows that are not kept yet; answers their bytes."""
        kept = self._kept
        missing = kept.missing(keys)
        if not missing:
            return 0
        wanted = {f"{self.shop}/{key}": key for key in missing}
        try:
            found, size = await bounded(
                self._mongo.database[self.projection.collection],
                {"_id": {"$in": sorted(wanted)}},
                None,
                limit=len(wanted),
                room=room,
            )
        except DocumentTooLarge as error:  # the question, with that many keys
            raise TooMuch from error
        except _NO_DOCUMENT as error:
            raise Unwritable from error
        if size >= room:
            raise TooMuch
        kept.size += size
        kept.forgotten -= missing
        kept.rows.update(dict.fromkeys(missing))
        for document in found:
            key = wanted[document.pop("_id")]
            del document["shop"]
            kept.rows[key] = document
        return size

    async def _write(
        self, before: Checkpoint, after: Checkpoint, changed: Mapping[str, Row | None]
    ) -> None:
        database = self._mongo.database

        async def work(session: Any) -> None:
            # The checkpoint first: who lost the race is told before it writes anything.
            self._at_step("write_checkpoint")
            await self._move(before, after, session)
            self._at_step("write_rows")
            try:
                operations = [self._operation(key, row) for key, row in sorted(changed.items())]
                # One command for each kind, and none after one that fails: it would be told that
                # the transaction is gone, and that would hide what was wrong.
                operations.sort(key=lambda one: type(one).__name__)
                await database[self.projection.collection].bulk_write(operations, session=session)
            except DuplicateKeyError as error:
                raise Fenced from error
            except BulkWriteError as error:
                if _duplicate(error):
                    raise Fenced from error
                raise
            self._at_step("commit")

        try:
            await self._mongo.transaction(work)
        except _NO_DOCUMENT as error:
            raise Unwritable from error
        except OperationFailure as error:
            if is_transient(error):
                raise
            codes, of_rows = _codes(error), isinstance(error, BulkWriteError)
            if _TOO_MUCH in codes:
                raise TooMuch from error
            # What the server says of a row and of nothing else is the row's own fault.
            if codes & _NEVER_STORED or (of_rows and not codes & _NOT_THE_ROW):
                raise Unwritable from error
            raise

    def _operation(self, key: str, row: Row | None) -> Any:
        """What stores the row; raises TypeError where it is none, or names what is not its own."""
        place = {"_id": f"{self.shop}/{key}"}
        if row is None:
            return DeleteOne(place)
        if "_id" in row or "shop" in row:
            raise TypeError("a row has no _id and no shop of its own")
        document = {**place, "shop": self.shop, **row}
        if self._kept.rows.get(key) is None:
            return InsertOne(document)
        return ReplaceOne(place, document, upsert=True)

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


def _codes(error: OperationFailure) -> set[int]:
    failed = (error.details or {}).get("writeErrors", ())
    return {error.code or 0} | {one.get("code", 0) for one in failed}


def _duplicate(error: BulkWriteError) -> bool:
    return 11000 in _codes(error)
