"""How far the read models are behind the log."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from cplus.events.store import EventStore
from cplus.mongo import Mongo
from cplus.projections.base import Projection
from cplus.projections.checkpoints import Checkpoint, Parked, read_checkpoints

_SIDE_BY_SIDE = 4


@dataclass(frozen=True, slots=True)
class Lag:
    """One projection in one shop."""

    projection: str
    shop: str
    position: int
    """Of its checkpoint."""
    behind: int
    """Events of the log that it has not seen."""
    parked: Parked | None


@dataclass(frozen=True, slots=True)
class Totals:
    """All projections in all shops."""

    projected: int
    """Events seen, counted once for each projection."""
    behind: int
    parked: int
    """How many projections stand still, counted once for each shop."""


async def lag(mongo: Mongo, store: EventStore, projections: Sequence[Projection]) -> list[Lag]:
    """One entry for each projection and shop of the log, by name and host."""
    found = await _with_seq(mongo, store, projections)
    return [
        Lag(projection.name, shop, at.position, max(0, seq - at.seq), at.parked)
        for projection, shop, at, seq in found
    ]


async def totals(mongo: Mongo, store: EventStore, projections: Sequence[Projection]) -> Totals:
    """The sums over `lag`, for a line that is shown again and again."""
    found = await _with_seq(mongo, store, projections)
    return Totals(
        projected=sum(at.seq for _, _, at, _ in found),
        behind=sum(max(0, seq - at.seq) for _, _, at, seq in found),
        parked=sum(at.parked is not None for _, _, at, _ in found),
    )


async def _with_seq(
    mongo: Mongo, store: EventStore, projections: Sequence[Projection]
) -> list[tuple[Projection, str, Checkpoint, int]]:
    # The checkpoints first: a log that grows meanwhile makes nothing look ahead of it.
    checkpoints = await read_checkpoints(mongo.database, projections)
    heads = await store.heads()
    pairs = [
        (projection, shop, checkpoints.get((projection.collection, shop), Checkpoint()))
        for projection in projections
        for shop in sorted(heads)
    ]
    # Where a checkpoint stands at the head, it says itself how many events there are.
    seqs = {shop: at.seq for _, shop, at in pairs if at.position == heads[shop]}
    places = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def ask(shop: str) -> tuple[str, int]:
        async with places:
            return shop, (await store.head(shop)).seq

    missing = [shop for shop in heads if shop not in seqs]
    seqs.update(await asyncio.gather(*map(ask, missing)))
    return [(projection, shop, at, seqs[shop]) for projection, shop, at in pairs]
