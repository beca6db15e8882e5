"""How far those who follow the log are behind it."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from cplus.clock import Clock, utc_now
from cplus.events.store import EventStore
from cplus.mongo import Database, Mongo
from cplus.projections.base import Projection
from cplus.projections.checkpoints import Checkpoint, Parked, read_checkpoints
from cplus.projections.generations import driven

_SIDE_BY_SIDE = 4
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
class Totals:
    """All that `lag` tells of, in all shops, but for generations that were never read."""

    recorded: int
    """Commits of the log."""
    passed: int
    """Commits behind which the one furthest behind stands."""
    projected: int
    """Events seen, counted once for each generation."""
    behind: int
    parked: int
    """How many stand still, counted once for each shop."""
    most_seconds: float
    p99_seconds: float
    """Of all shops and generations, 99 of 100 are behind no longer."""


@dataclass(frozen=True, slots=True)
class Worst:
    """How far one projection, or the reactions, are behind in the shops furthest behind."""

    projection: str
    events: int
    events_p99: int
    """99 of 100 shops are behind no further."""
    seconds: float
    seconds_p99: float
    parked: int
    """Shops in which it stands still."""


@dataclass(frozen=True, slots=True)
class _Reader:
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
) -> list[Lag]:
    """One entry for each generation that is not dropped and each shop of the log, by the order
    of `projections` and by host; then the same for the reactions."""
    # The checkpoints first: a log that grows meanwhile makes nothing look ahead of it.
    readers = await _readers(mongo.database, projections, reactions)
    checkpoints = await read_checkpoints(mongo.database, readers)
    heads = await store.heads()
    pairs = [
        (reader, shop, checkpoints.get((reader.collection, shop), Checkpoint()))
        for reader in readers
        for shop in sorted(heads)
    ]
    # Where a checkpoint stands at the head, it says itself how many events there are.
    seqs = {shop: at.seq for _, shop, at in pairs if at.position == heads[shop]}

    async def seq_of(shop: str) -> int:
        return (await store.head(shop)).seq

    async def seconds_of(place: tuple[str, int]) -> float:
        commits = await store.read(*place, 1)
        return (clock() - commits[0].recorded_at).total_seconds() if commits else 0.0

    seqs |= await _each((shop for shop in heads if shop not in seqs), seq_of)
    # Most readers of a shop stand at one place, which is asked for once.
    late = {(shop, at.position) for _, shop, at in pairs if at.position < heads[shop]}
    seconds = await _each(late, seconds_of)
    return [
        Lag(
            projection=reader.name,
            collection=reader.collection,
            live=reader.live,
            filled=reader.filled,
            shop=shop,
            head=heads[shop],
            position=at.position,
            begun=at.stored,
            seen=at.seq,
            behind=max(0, seqs[shop] - at.seq),
            seconds=max(0.0, seconds.get((shop, at.position), 0.0)),
            parked=at.parked,
        )
        for reader, shop, at in pairs
    ]


async def totals(
    mongo: Mongo,
    store: EventStore,
    projections: Sequence[Projection],
    clock: Clock = utc_now,
    *,
    reactions: Sequence[str] = (),
) -> Totals:
    """The sums over `lag`."""
    return sums_of(await lag(mongo, store, projections, clock, reactions=reactions))


def sums_of(lags: Sequence[Lag]) -> Totals:
    """The sums. Pure."""
    found = [one for one in lags if one.filled]
    passed: Counter[str] = Counter()
    for one in found:
        passed[one.collection] += one.position
    seconds = [one.seconds for one in found]
    return Totals(
        recorded=sum({one.shop: one.head for one in found}.values()),
        passed=min(passed.values(), default=0),
        projected=sum(one.seen for one in found),
        behind=sum(one.behind for one in found),
        parked=sum(one.parked is not None for one in found),
        most_seconds=max(seconds, default=0.0),
        p99_seconds=p99(seconds),
    )


def worst_of(lags: Sequence[Lag], names: Iterable[str]) -> list[Worst]:
    """What is worst for each of these names, but for generations that were never read: one entry
    each, also where there is no shop. Pure."""
    found: dict[str, list[Lag]] = {name: [] for name in names}
    for one in lags:
        if one.filled:
            found[one.projection].append(one)
    return [
        Worst(
            projection=name,
            events=max((one.behind for one in some), default=0),
            events_p99=round(p99([one.behind for one in some])),
            seconds=max((one.seconds for one in some), default=0.0),
            seconds_p99=p99([one.seconds for one in some]),
            parked=len({one.shop for one in some if one.parked}),
        )
        for name, some in found.items()
    ]


def p99(values: Sequence[float]) -> float:
    """The smallest of them that 99 of 100 do not pass; 0 where there is none."""
    return sorted(values)[math.ceil(0.99 * len(values)) - 1] if values else 0.0


async def _readers(
    database: Database, projections: Sequence[Projection], reactions: Sequence[str]
) -> list[_Reader]:
    targets = await driven(database, projections)
    return [
        _Reader(target.projection.name, target.projection.collection, target.live, target.filled)
        for projection in projections
        for target in targets
        if (target.projection.name, target.projection.version)
        == (projection.name, projection.version)
    ] + [_Reader(name, name) for name in reactions]


async def _each(keys: Iterable[K], ask: Callable[[K], Awaitable[V]]) -> dict[K, V]:
    """What each key is answered, a few at a time."""
    places = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def one(key: K) -> tuple[K, V]:
        async with places:
            return key, await ask(key)

    return dict(await asyncio.gather(*map(one, keys)))
