"""Rebuilding: a new generation is folded from the log while the old one is read and stays live."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from cplus.deadline import Deadline
from cplus.errors import CheckpointContended, CplusError
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.loop import together
from cplus.mongo import Mongo, PyMongoError
from cplus.projections.base import Projection
from cplus.projections.checks.verify import Difference, compare, compare_counts, read_rows
from cplus.projections.generations.lineage import generation_of, lineage_of
from cplus.projections.running.runner import Runner
from cplus.subscriptions.checkpoints import Checkpoint, checkpoints_of

BATCH = 2_000
"""Commits that one transaction of a rebuild folds at most; twice as many were no faster and took a
third more memory in a long log."""
SIDE_BY_SIDE = 2
"""Shops that a process folds at once: while one waits for the database, the other is folded."""
SLICE = 2.0
"""Seconds after which a filler looks whether it shall stop."""
COMPARISONS = 5
"""Rounds in which shops are compared that were written to in the one before."""


_NAMED = 10


class NotFolded(CplusError):
    """{collection} could not be folded in {shops}, but was in all other shops. Fix that, then run
    `cplus rebuild {name}` to continue."""


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
    """Shops in which it is parked."""


def filler(mongo: Mongo, store: EventStore, reader: EventReader, projection: Projection) -> Runner:
    """A runner with the large batches that a rebuild asks for."""
    return Runner(mongo, store, reader, [projection], batch=BATCH)


async def fill(
    runner: Runner,
    target: Projection,
    shops: Iterable[str],
    *,
    stopped: Callable[[], bool] = lambda: False,
    side_by_side: int = SIDE_BY_SIDE,
    seconds: float = SLICE,
) -> None:
    """Folds the logs of the shops into the generation, up to where they end now; of an iterator
    only those that nobody else takes.

    It may be killed at any moment, and goes on where its checkpoints are. Ends early when
    `stopped`, after at most about `seconds`. Raises NotFolded once all others are folded, and what
    the driver raises at once: that is everybody's.
    """
    left = iter(shops)
    failed: dict[str, str] = {}

    async def work() -> None:
        for shop in left:
            try:
                while not stopped():
                    if await fill_slice(runner, target, shop, Deadline.never(), seconds):
                        break
            except PyMongoError:
                raise
            except Exception as error:  # noqa: BLE001  one shop must not hold up the others
                failed[shop] = type(error).__name__

    await together(*(work() for _ in range(side_by_side)))
    if failed:
        shops_of = ", ".join(f"{shop} ({failed[shop]})" for shop in sorted(failed)[:_NAMED])
        more = ", …" if len(failed) > _NAMED else ""
        raise NotFolded(collection=target.collection, shops=f"{shops_of}{more}", name=target.name)


async def fill_slice(
    runner: Runner, target: Projection, shop: str, deadline: Deadline, seconds: float = SLICE
) -> bool:
    """Folds what comes next of a shop's log, for so many seconds and until `deadline` at most, or
    longer if it comes to nothing in that time; whether nothing is left to do, also because the
    generation was dropped."""
    while True:
        until = deadline.or_within(seconds)
        try:
            progress = await runner.catch_up(target, shop, deadline=until)
        except CheckpointContended:  # others are at work in this shop: what they do is done
            return False
        if progress.done or progress.commits or until == deadline:
            return progress.done
        seconds *= 2


async def progress_of(mongo: Mongo, store: EventStore, target: Projection) -> Filled:
    """How far the generation is, by its checkpoints, so whichever process fills it."""
    checkpoints = await checkpoints_of(mongo.database, target.collection)
    heads = await store.heads()
    seqs = await store.seqs(sorted(heads))
    at = {shop: checkpoints.get(shop, Checkpoint()) for shop in heads}
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
    differing = compare_counts(shop, at.counts, at_other.counts)
    return compare(shop, rows, rows_other) + differing


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
    runner: Runner,
    projections: Sequence[Projection],
    target: Projection,
    *,
    told: Callable[[int, int], None] = lambda _done, _of: None,
) -> Compared | None:
    """Compares the generation with the one that is read, shop by shop; None where that one was
    folded by another version, whose rows are meant to differ. `told` is how many shops of how many
    were compared, whenever one more was.

    It only tells, and stops no switch: the log decides what is right, and the rows that are read
    may be the wrong ones. So a shop too busy to be compared stops none either.
    """
    lineage = await lineage_of(runner.mongo.database, target)
    live = lineage.find(lineage.live)
    if live is None or live.version != target.version:
        return None
    old = generation_of(projections, lineage, lineage.live)
    left = sorted(await runner.store.heads())
    shops, of, differences = 0, len(left), 0
    told(shops, of)
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
                told(shops, of)
        left = busy
    return Compared(shops, differences, left)
