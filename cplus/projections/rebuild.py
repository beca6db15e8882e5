"""Rebuilding: a new generation is folded from the log while the old one is read and stays live."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from cplus.errors import CheckpointContended, CplusError
from cplus.events.store import EventStore
from cplus.loop import together
from cplus.mongo import (
    DeleteOne,
    Mongo,
    PyMongoError,
    ReplaceOne,
    is_transient,
)
from cplus.projections.base import Projection
from cplus.projections.checkpoints import (
    CHECKPOINTS,
    Checkpoint,
    Fenced,
    checkpoint_id,
    read_checkpoints,
)
from cplus.projections.generations import (
    Lineage,
    NothingBefore,
    SwitchedMeanwhile,
    first,
    read_lineages,
    switch,
)
from cplus.projections.runner import Runner
from cplus.projections.verify import Difference, compare, fold_shop, read_rows, verify_shop

log = structlog.get_logger()

BATCH = 2_000
"""Commits that one transaction of a rebuild folds at most; twice as many were no faster and took a
third more memory in a long log."""
SIDE_BY_SIDE = 2
"""Shops that a process folds at once: while one waits for the database, the other is folded."""
SLICE = 2.0
"""Seconds after which a filler looks whether it shall stop."""
TRIES = 50
COMPARISONS = 5
"""Rounds in which shops are compared that were written to in the one before."""


class CannotSwitch(CplusError):
    """{name} cannot be switched: {collection} is parked in {shops}; mend the projection, then
    `cplus rebuild {name}` goes on."""


class TooBusyToSwitch(CplusError):
    """{name} could not be switched in {tries} tries, for others kept moving its checkpoints; the
    new generation is complete: `cplus rebuild {name}` tries again."""


class GenerationDropped(CplusError):
    """{collection} was dropped while it was filled; `cplus rebuild {name}` begins a new one."""


class NotInThisCode(CplusError):
    """Generation {number} of {name} was folded by version {version}, which this code does not
    have; deploy code that has it."""


@dataclass(frozen=True, slots=True)
class Filled:
    """How far a generation is."""

    events: int
    """Seen by it."""
    of: int
    """Events of the log."""
    shops: int
    """At the end of their log."""
    of_shops: int
    parked: Sequence[str]
    """Shops that stand still."""


async def lineage_of(mongo: Mongo, projection: Projection) -> Lineage:
    """The generations of the projection."""
    return (await read_lineages(mongo.database)).get(projection.name) or first(projection)


def generation_of(projections: Sequence[Projection], lineage: Lineage, number: int) -> Projection:
    """The projection that folds a generation; raises NotInThisCode."""
    found = lineage.find(number)
    assert found is not None  # noqa: S101  the caller took it from the lineage
    for projection in projections:
        if (projection.name, projection.version) == (lineage.name, found.version):
            return replace(projection, generation=number)
    raise NotInThisCode(number=number, name=lineage.name, version=found.version)


def filler(mongo: Mongo, store: EventStore, projection: Projection) -> Runner:
    """A runner with the large batches that a rebuild asks for."""
    return Runner(mongo, store, [projection], batch=BATCH)


async def fill(
    runner: Runner,
    target: Projection,
    shops: Iterable[str],
    *,
    stopped: Callable[[], bool] = lambda: False,
    side_by_side: int = SIDE_BY_SIDE,
) -> None:
    """Folds the logs of the shops into the generation, up to where they end now; of an iterator
    only those that nobody else takes.

    It may be killed at any moment, and goes on where its checkpoints are. Ends early when
    `stopped`, after at most `SLICE` seconds.
    """
    left = iter(shops)

    async def work() -> None:
        for shop in left:
            await _fill_shop(runner, target, shop, stopped)

    await together(*(work() for _ in range(side_by_side)))


async def _fill_shop(
    runner: Runner, target: Projection, shop: str, stopped: Callable[[], bool]
) -> None:
    while not stopped() and await _is_listed(runner.mongo, target):
        if await fill_slice(runner, target, shop, math.inf):
            return


async def _is_listed(mongo: Mongo, target: Projection) -> bool:
    """Whether the generation is not dropped."""
    return (await lineage_of(mongo, target)).find(target.generation) is not None


async def fill_slice(runner: Runner, target: Projection, shop: str, deadline: float) -> bool:
    """Folds what comes next of a shop's log, for `SLICE` seconds and until `deadline` at most;
    whether nothing is left to do."""
    try:
        until = min(deadline, time.monotonic() + SLICE)
        progress = await runner.catch_up(target, shop, deadline=until)
    except CheckpointContended:  # others are at work in this shop: what they do is done
        return False
    return progress.done


async def progress_of(mongo: Mongo, store: EventStore, target: Projection) -> Filled:
    """How far the generation is, by its checkpoints: whoever fills it, wherever."""
    checkpoints = await read_checkpoints(mongo.database, [target])
    heads = await store.heads()
    seqs = await store.seqs(sorted(heads))
    at = {shop: checkpoints.get((target.collection, shop), Checkpoint()) for shop in heads}
    return Filled(
        events=sum(min(one.seq, seqs[shop]) for shop, one in at.items()),
        of=sum(seqs.values()),
        shops=sum(one.position >= heads[shop] for shop, one in at.items()),
        of_shops=len(heads),
        parked=sorted(shop for shop, one in at.items() if one.parked is not None),
    )


async def compare_generations(
    mongo: Mongo, one: Projection, other: Projection, shop: str
) -> list[Difference] | None:
    """Where the rows of `other` differ from those of `one`; None where the two have not come to
    the same position."""
    at, rows = await read_rows(mongo, one, shop)
    at_other, rows_other = await read_rows(mongo, other, shop)
    if at.position != at_other.position:
        return None
    return compare(shop, rows, rows_other)


@dataclass(frozen=True, slots=True)
class Compared:
    """How a new generation differs from the one that is read."""

    shops: int
    """That were compared."""
    differences: int
    """Rows that differ in those."""
    uncompared: Sequence[str]
    """Shops where the two never stood at one position, however often it was tried: of these
    nothing is known."""


async def compare_with_live(
    runner: Runner, projections: Sequence[Projection], target: Projection
) -> Compared | None:
    """Compares the generation with the one that is read, shop by shop; None where that one was
    folded by another version, whose rows are meant to differ.

    It only tells, and stops no switch: the log decides what is right, and the rows that are read
    may be the wrong ones. So a shop too busy to be compared stops none either.
    """
    lineage = await lineage_of(runner.mongo, target)
    live = lineage.find(lineage.live)
    if live is None or live.version != target.version:
        return None
    old = generation_of(projections, lineage, lineage.live)
    left = sorted(await runner.store.heads())
    shops = differences = 0
    for number in range(COMPARISONS):
        busy = []
        for shop in left:
            if number:  # under writes: once more, where both are at the end
                await fill(runner, old, [shop])
                await fill(runner, target, [shop])
            found = await compare_generations(runner.mongo, old, target, shop)
            if found is None:
                busy.append(shop)
            else:
                shops, differences = shops + 1, differences + len(found)
        left = busy
    return Compared(shops, differences, left)


async def switch_over(runner: Runner, target: Projection) -> Lineage:
    """Moves the live name to the generation, in one write, once it is at or past the one that is
    read now in every shop; answers the lineage after it.

    The write shares a transaction with a touch of every checkpoint of the generation that is
    read: who moved one meanwhile makes it fail, and it is looked again. So no reader sees time
    run backwards. Raises CannotSwitch, GenerationDropped, TooBusyToSwitch.
    """
    mongo = runner.mongo
    for attempt in range(TRIES):
        lineage = await lineage_of(mongo, target)
        if lineage.live == target.generation:
            return lineage
        if lineage.find(target.generation) is None:
            raise GenerationDropped(name=target.name, collection=target.collection)
        behind, _ = await _behind(runner, lineage, target)
        if behind:
            await fill(runner, target, behind)  # a parked shop goes on where this code knows more
        _, parked = await _behind(runner, lineage, target)
        if parked:
            raise CannotSwitch(
                name=target.name, collection=target.collection, shops=", ".join(parked)
            )
        try:
            await _switch(mongo, lineage, target)
        except (Fenced, SwitchedMeanwhile, PyMongoError) as error:
            if isinstance(error, PyMongoError) and not is_transient(error):
                raise
            await asyncio.sleep(min(0.01 * attempt, 0.2))
            continue
        log.info("generation_switched", projection=target.name, collection=target.collection)
        # Whoever worked with the list from before the switch folds into the old one only.
        await fill(runner, target, sorted(await runner.store.heads()))
        return await lineage_of(mongo, target)
    raise TooBusyToSwitch(name=target.name, tries=TRIES)


async def _behind(
    runner: Runner, lineage: Lineage, target: Projection
) -> tuple[list[str], list[str]]:
    """Shops where the generation is behind the one that is read or behind the log; and of those
    that are behind the one that is read, the parked."""
    heads = await runner.store.heads()
    old = await _positions(runner.mongo, lineage.collection(lineage.live))
    new = await _positions(runner.mongo, target.collection)
    behind, parked = [], []
    for shop in sorted(heads.keys() | old.keys()):
        at = new.get(shop, Checkpoint())
        if at.position < max(heads.get(shop, 0), old.get(shop, Checkpoint()).position):
            behind.append(shop)
            if at.parked and at.position < old.get(shop, Checkpoint()).position:
                parked.append(shop)
    return behind, parked


async def _positions(mongo: Mongo, collection: str, session: Any = None) -> dict[str, Checkpoint]:
    name = collection.partition(".")[0]
    rows = mongo.database[CHECKPOINTS].find({"projection": name}, session=session)
    return {
        row["shop"]: Checkpoint.of(row)
        for row in await rows.to_list(None)
        if row["_id"].partition("/")[0] == collection
    }


async def _switch(mongo: Mongo, lineage: Lineage, target: Projection) -> None:
    database = mongo.database
    old_collection = lineage.collection(lineage.live)

    async def work(session: Any) -> None:
        old = await _positions(mongo, old_collection, session)
        new = await _positions(mongo, target.collection, session)
        if any(new.get(shop, Checkpoint()).position < at.position for shop, at in old.items()):
            raise Fenced
        ids = [f"{old_collection}/{shop}" for shop in old]
        # A write to each, or a move of one meanwhile would not be noticed.
        await database[CHECKPOINTS].update_many(
            {"_id": {"$in": ids}}, {"$inc": {"switches": 1}}, session=session
        )
        await switch(database, lineage, target.generation, session)

    await mongo.transaction(work)


async def switch_back(
    mongo: Mongo, store: EventStore, projections: Sequence[Projection], name: str
) -> Lineage:
    """Reads from the generation before the last switch again, which stayed current. Raises
    NothingBefore, NotInThisCode, CannotSwitch, TooBusyToSwitch."""
    lineage = (await read_lineages(mongo.database)).get(name)
    if lineage is None or lineage.find(lineage.before) is None:
        raise NothingBefore(name=name)
    assert lineage.before is not None  # noqa: S101  it was found
    target = generation_of(projections, lineage, lineage.before)
    return await switch_over(filler(mongo, store, target), target)


async def repair_shop(
    mongo: Mongo, store: EventStore, target: Projection, shop: str
) -> Sequence[Difference]:
    """Folds one shop's log anew and puts right, in one transaction, the rows of the generation
    that differ; answers what differed. Raises CannotFold, TooBusyToSwitch."""
    for attempt in range(TRIES):
        verified = await verify_shop(mongo, store, target, shop)
        if not verified.differences:
            return []
        folded = await fold_shop(store, target, shop, end=(verified.position, verified.events))
        wrong = [one.key for one in verified.differences]
        rows = {key: folded.rows.get(key) for key in wrong}
        try:
            await _put_right(mongo, target, shop, verified.position, rows)
        except (Fenced, PyMongoError) as error:
            if not isinstance(error, Fenced) and not is_transient(error):
                raise
            await asyncio.sleep(min(0.01 * attempt, 0.2))
            continue
        log.warning("rows_put_right", projection=target.name, shop=shop, rows=len(rows))
        return verified.differences
    raise TooBusyToSwitch(name=target.name, tries=TRIES)


async def _put_right(
    mongo: Mongo, target: Projection, shop: str, position: int, rows: Mapping[str, Any]
) -> None:
    operations: list[Any] = []
    for key, row in rows.items():
        place = {"_id": f"{shop}/{key}"}
        if row is None:
            operations.append(DeleteOne(place))
        else:
            operations.append(ReplaceOne(place, {**place, "shop": shop, **row}, upsert=True))

    async def work(session: Any) -> None:
        # The fence: rows as of one position go in only where the checkpoint still has it.
        answer = await mongo.database[CHECKPOINTS].update_one(
            {"_id": checkpoint_id(target, shop), "position": position},
            {"$inc": {"repairs": 1}},
            session=session,
        )
        if position and answer.matched_count == 0:
            raise Fenced
        await mongo.database[target.collection].bulk_write(
            operations, ordered=False, session=session
        )

    await mongo.transaction(work)
