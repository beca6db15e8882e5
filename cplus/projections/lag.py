"""How far the read models are behind the log."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass

from cplus.clock import Clock, utc_now
from cplus.events.store import EventStore
from cplus.mongo import Mongo
from cplus.projections.base import Projection
from cplus.projections.checkpoints import Checkpoint, Parked, read_checkpoints
from cplus.projections.generations import Driven, driven

_SIDE_BY_SIDE = 4


@dataclass(frozen=True, slots=True)
class Lag:
    """One generation of a projection in one shop."""

    projection: str
    collection: str
    live: bool
    """It is the one that is read."""
    filled: bool
    """False while `cplus rebuild` has not come to its end."""
    shop: str
    position: int
    """Of its checkpoint."""
    behind: int
    """Events of the log that it has not seen."""
    seconds: float
    """Since the first commit that it has not seen was recorded; 0 where there is none."""
    parked: Parked | None


@dataclass(frozen=True, slots=True)
class Totals:
    """All generations that are or were read, in all shops."""

    projected: int
    """Events seen, counted once for each generation."""
    behind: int
    parked: int
    """How many stand still, counted once for each shop."""
    most_seconds: float
    p99_seconds: float
    """Of all shops and generations, 99 of 100 are behind no longer."""


async def lag(
    mongo: Mongo,
    store: EventStore,
    projections: Sequence[Projection],
    clock: Clock = utc_now,
) -> list[Lag]:
    """One entry for each generation that is not dropped and each shop of the log, by the order
    of `projections` and by host."""
    # The checkpoints first: a log that grows meanwhile makes nothing look ahead of it.
    targets = await driven(mongo.database, projections)
    checkpoints = await read_checkpoints(mongo.database, [one.projection for one in targets])
    heads = await store.heads()
    pairs = [
        (target, shop, checkpoints.get((target.projection.collection, shop), Checkpoint()))
        for projection in projections
        for target in targets
        if (target.projection.name, target.projection.version)
        == (projection.name, projection.version)
        for shop in sorted(heads)
    ]
    # Where a checkpoint stands at the head, it says itself how many events there are.
    seqs = {shop: at.seq for _, shop, at in pairs if at.position == heads[shop]}
    places = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def seq_of(shop: str) -> tuple[str, int]:
        async with places:
            return shop, (await store.head(shop)).seq

    async def told(target: Driven, shop: str, at: Checkpoint) -> Lag:
        behind, seconds = max(0, seqs[shop] - at.seq), 0.0
        if at.position < heads[shop]:
            async with places:
                first = await store.read(shop, at.position, 1)
            if first:
                seconds = max(0.0, (clock() - first[0].recorded_at).total_seconds())
        projection = target.projection
        return Lag(
            projection.name,
            projection.collection,
            target.live,
            target.filled,
            shop,
            at.position,
            behind,
            seconds,
            at.parked,
        )

    missing = [shop for shop in heads if shop not in seqs]
    seqs.update(await asyncio.gather(*map(seq_of, missing)))
    return list(await asyncio.gather(*(told(*pair) for pair in pairs)))


async def totals(
    mongo: Mongo, store: EventStore, projections: Sequence[Projection], clock: Clock = utc_now
) -> Totals:
    """The sums over `lag`."""
    found = [one for one in await lag(mongo, store, projections, clock) if one.filled]
    checkpoints = await read_checkpoints(mongo.database, projections)
    seconds = sorted(one.seconds for one in found)
    return Totals(
        projected=sum(at.seq for at in checkpoints.values()),
        behind=sum(one.behind for one in found),
        parked=sum(one.parked is not None for one in found),
        most_seconds=seconds[-1] if seconds else 0.0,
        p99_seconds=seconds[math.ceil(0.99 * len(seconds)) - 1] if seconds else 0.0,
    )
