"""How far those who follow the log are behind it."""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from typing import TypeVar

from cplus.clock import Clock, utc_now
from cplus.events.log.store import EventStore
from cplus.mongo import Database, Mongo
from cplus.projections.base import Projection
from cplus.projections.generations.lineage import driven
from cplus.subscriptions.checkpoints import Checkpoint, Parked, read_checkpoints

_SIDE_BY_SIDE = 4
_PART = 500  # shops asked about in one question
K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Lag:
    """One generation of a projection, or the reactions, in one shop."""

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
    """Of its checkpoint."""
    begun: bool
    """It has a checkpoint."""
    seen: int
    """Events up to its checkpoint."""
    behind: int
    """Events of the log that it has not seen."""
    seconds: float
    """Since the first commit that it has not seen was recorded; 0 where there is none."""
    parked: Parked | None


@dataclass(frozen=True, slots=True)
class LogReader:
    """Who follows the log: a generation of a projection that is not dropped, or the reactions."""

    name: str
    collection: str
    live: bool = True
    filled: bool = True


async def lag(
    mongo: Mongo,
    store: EventStore,
    projections: Sequence[Projection],
    clock: Clock = utc_now,
    *,
    reactions: Sequence[str] = (),
    shops: Collection[str] | None = None,
) -> list[Lag]:
    """One entry for each generation that is not dropped and each shop of the log, or each of
    `shops` that has one: by the order of `projections` and by host; then the same for the
    reactions. All are held in memory: for very many shops see `cplus.projections.lag.overview`."""
    readers = await readers_of(mongo.database, projections, reactions)
    heads = await heads_of(store, shops)
    found = [one async for part in lags(mongo, store, readers, heads, clock) for one in part]
    order = {reader.collection: number for number, reader in enumerate(readers)}
    return sorted(found, key=lambda one: order[one.collection])


async def heads_of(store: EventStore, shops: Collection[str] | None = None) -> dict[str, int]:
    """The last position of each shop of the log, or of those of `shops` that have one."""
    if shops is None:
        return await store.heads()

    async def position(shop: str) -> int:
        return (await store.head(shop)).position

    return {shop: at for shop, at in (await _each(shops, position)).items() if at}


def parts_of(shops: Sequence[str]) -> Iterator[Sequence[str]]:
    """The shops, as many at a time as are asked about in one question."""
    return (shops[start : start + _PART] for start in range(0, len(shops), _PART))


async def lags(
    mongo: Mongo,
    store: EventStore,
    readers: Sequence[LogReader],
    heads: Mapping[str, int],
    clock: Clock,
) -> AsyncIterator[list[Lag]]:
    """How far each of the readers is in each shop of `heads`, some shops at a time, by host: what
    everything that is told of lag is counted from."""
    for part in parts_of(sorted(heads)):
        yield await _lags_of(mongo, store, readers, {shop: heads[shop] for shop in part}, clock)


async def _lags_of(
    mongo: Mongo,
    store: EventStore,
    readers: Sequence[LogReader],
    heads: Mapping[str, int],
    clock: Clock,
) -> list[Lag]:
    """One entry for each of the readers and each shop of `heads`, whose log may have grown."""
    checkpoints = await read_checkpoints(mongo.database, readers, list(heads))
    pairs = [
        (reader, shop, checkpoints.get((reader.collection, shop), Checkpoint()))
        for reader in readers
        for shop in heads
    ]
    # Who is past the head that was read before has seen a newer one: nobody looks ahead of it.
    ends = dict(heads)
    for _, shop, at in pairs:
        ends[shop] = max(ends[shop], at.position)
    # Where a checkpoint stands at the head, it says itself how many events there are.
    seqs = {shop: at.seq for _, shop, at in pairs if at.position == ends[shop]}
    seqs |= await store.seqs([shop for shop in heads if shop not in seqs])

    async def seconds_of(place: tuple[str, int]) -> float:
        commits = await store.read(*place, 1)
        return (clock() - commits[0].recorded_at).total_seconds() if commits else 0.0

    # Most readers of a shop stand at one place, which is asked for once.
    late = {(shop, at.position) for _, shop, at in pairs if at.position < ends[shop]}
    seconds = await _each(late, seconds_of)
    return [
        Lag(
            projection=reader.name,
            collection=reader.collection,
            live=reader.live,
            filled=reader.filled,
            shop=shop,
            head=ends[shop],
            position=at.position,
            begun=at.stored,
            seen=at.seq,
            behind=max(0, seqs[shop] - at.seq),
            seconds=max(0.0, seconds.get((shop, at.position), 0.0)),
            parked=at.parked,
        )
        for reader, shop, at in pairs
    ]


async def readers_of(
    database: Database, projections: Sequence[Projection], reactions: Sequence[str] = ()
) -> list[LogReader]:
    """Everyone who follows the log, by the order of `projections`; the reactions last."""
    targets = await driven(database, projections)
    return [
        LogReader(target.projection.name, target.projection.collection, target.live, target.filled)
        for projection in projections
        for target in targets
        if (target.projection.name, target.projection.version)
        == (projection.name, projection.version)
    ] + [LogReader(name, name) for name in reactions]


async def _each(keys: Iterable[K], ask: Callable[[K], Awaitable[V]]) -> dict[K, V]:
    """What each key is answered, a few at a time."""
    places = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def one(key: K) -> tuple[K, V]:
        async with places:
            return key, await ask(key)

    return dict(await asyncio.gather(*map(one, keys)))
