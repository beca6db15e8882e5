"""How far those who follow the log are behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass

from cplus.clock import Clock, utc_now
from cplus.events.log.store import SHOPS_AT_ONCE, EventStore
from cplus.mongo import Database, Mongo
from cplus.projections.base import Projection
from cplus.projections.generations.lineage import driven
from cplus.projections.lag.reader_positions import LogReader, Reaction, each, positions_of
from cplus.subscriptions.checkpoints import Checkpoint, Parked, Retry, read_checkpoints


@dataclass(frozen=True, slots=True)
class Lag:
    """One generation of a projection, or one reaction, in one shop."""

    projection: str
    collection: str
    live: bool
    """It is the one that is read."""
    filled: bool
    """False while `cplus rebuild` has not come to its end."""
    shop: str
    head: int
    """The last position of the log."""
    position: int
    """Of its checkpoint; of a reaction, of the last commit before one that it handles."""
    begun: bool
    """It has a checkpoint."""
    seen: int
    """Events up to that position."""
    behind: int
    """Events of the log that it has not seen."""
    seconds: float
    """Since the first commit that it has not seen was recorded; 0 if it has seen all."""
    parked: Parked | None
    retry: Retry | None = None
    """What a reaction failed on and tries again."""


async def lag(
    mongo: Mongo,
    store: EventStore,
    projections: Sequence[Projection],
    clock: Clock = utc_now,
    *,
    reactions: Sequence[Reaction] = (),
    shops: Collection[str] | None = None,
) -> list[Lag]:
    """One entry for each generation that is not dropped and each shop of the log, or each of
    `shops` that has one: by the order of `projections` and by host; then the same for each
    reaction. All are held in memory: for very many shops see `lags`."""
    readers = await readers_of(mongo.database, projections, reactions)
    found = [one async for part in lags(mongo, store, readers, clock, shops) for one in part]
    order = {reader.collection: number for number, reader in enumerate(readers)}
    return sorted(found, key=lambda one: order[one.collection])


async def pages_of_heads(
    store: EventStore, shops: Collection[str] | None = None
) -> AsyncIterator[dict[str, int]]:
    """The last position of each shop of the log, or of those of `shops` that have one, by host and
    some shops at a time."""
    if shops is None:
        async for page in store.heads_in_pages():
            yield page
        return

    async def position(shop: str) -> int:
        return (await store.head(shop)).position

    named = sorted(shops)
    for start in range(0, len(named), SHOPS_AT_ONCE):
        asked = await each(named[start : start + SHOPS_AT_ONCE], position)
        if page := {shop: at for shop, at in asked.items() if at}:
            yield page


async def lags(
    mongo: Mongo,
    store: EventStore,
    readers: Sequence[LogReader],
    clock: Clock,
    shops: Collection[str] | None = None,
) -> AsyncIterator[list[Lag]]:
    """How far each of the readers is in each shop, or in each of `shops` that has a log, some shops
    at a time, by host."""
    async for heads in pages_of_heads(store, shops):
        yield await lags_of(mongo, store, readers, heads, clock)


async def lags_of(
    mongo: Mongo,
    store: EventStore,
    readers: Sequence[LogReader],
    heads: Mapping[str, int],
    clock: Clock,
) -> list[Lag]:
    """One entry for each of the readers and each shop of `heads`, whose log may have grown. Every
    figure about lag is counted from this."""
    checkpoints = await read_checkpoints(mongo.database, readers, list(heads))
    pairs = [
        (reader, shop, checkpoints.get((reader.collection, shop), Checkpoint()))
        for reader in readers
        for shop in heads
    ]
    ends = await _ends_of(store, heads, pairs)
    positions = await positions_of(store, pairs, ends)
    return [
        Lag(
            projection=reader.name,
            collection=reader.collection,
            live=reader.live,
            filled=reader.filled,
            shop=shop,
            head=ends[shop][0],
            position=found.position,
            begun=at.stored,
            seen=found.seq,
            behind=max(0, ends[shop][1] - found.seq),
            seconds=max(0.0, (clock() - found.waits_since).total_seconds())
            if found.waits_since
            else 0.0,
            parked=at.parked,
            retry=at.retry,
        )
        for (reader, shop, at), found in zip(pairs, positions, strict=True)
    ]


async def _ends_of(
    store: EventStore,
    heads: Mapping[str, int],
    pairs: Sequence[tuple[LogReader, str, Checkpoint]],
) -> dict[str, tuple[int, int]]:
    """The position and the seq of each shop's last commit that is known by now."""
    # Who is past the head that was read before has seen a newer one: nobody looks ahead of it.
    ends = dict(heads)
    for _, shop, at in pairs:
        ends[shop] = max(ends[shop], at.position)
    # Where a checkpoint stands at the head, it says itself how many events there are.
    seqs = {shop: at.seq for _, shop, at in pairs if at.position == ends[shop]}
    seqs |= await store.seqs([shop for shop in heads if shop not in seqs])
    return {shop: (ends[shop], seqs[shop]) for shop in heads}


async def readers_of(
    database: Database, projections: Sequence[Projection], reactions: Sequence[Reaction] = ()
) -> list[LogReader]:
    """Everyone who follows the log, by the order of `projections`; the reactions last."""
    targets = await driven(database, projections)
    return [
        LogReader(target.projection.name, target.projection.collection, target.live, target.filled)
        for projection in projections
        for target in targets
        if (target.projection.name, target.projection.version)
        == (projection.name, projection.version)
    ] + [LogReader(one.name, one.collection, reaction=one) for one in reactions]
