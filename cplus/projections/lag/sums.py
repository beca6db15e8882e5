"""The totals of the lags of many shops, counted one by one: only readers that are behind or parked
take memory."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cplus.clock import Clock, utc_now
from cplus.events.log.store import EventStore
from cplus.mongo import Mongo
from cplus.projections.base import Projection
from cplus.projections.lag.lag import Lag, lags, readers_of
from cplus.projections.lag.reader_positions import Reaction


@dataclass(frozen=True, slots=True)
class Totals:
    """Totals of what `lag` reports, in all shops, without generations that were never read."""

    recorded: int
    """Commits of the log."""
    passed: int
    """Commits behind which the one furthest behind stands."""
    projected: int
    """Events seen, counted once for each generation."""
    behind: int
    parked: int
    """How many readers are parked, counted once for each shop."""
    most_seconds: float
    p99_seconds: float
    """Of all shops and generations, 99 of 100 are behind no longer."""


@dataclass(frozen=True, slots=True)
class Worst:
    """How far one projection or reaction is behind in the shops furthest behind."""

    projection: str
    events: int
    events_p99: int
    """99 of 100 shops are behind no further."""
    seconds: float
    seconds_p99: float
    parked: int
    """Shops in which it is parked."""

    @classmethod
    def of(cls, projection: str, tally: Tally) -> Worst:
        """What the tally of one projection shows."""
        return cls(
            projection=projection,
            events=max(tally.events, default=0),
            events_p99=round(p99(tally.events, tally.of)),
            seconds=max(tally.seconds, default=0.0),
            seconds_p99=p99(tally.seconds, tally.of),
            parked=len({shop for shop, _ in tally.parked}),
        )


@dataclass(slots=True)
class Tally:
    """How far some readers are behind, in how many shops."""

    of: int = 0
    """Readers of shops that the p99 is taken of; those that are not added are behind nothing."""
    events: array[int] = field(default_factory=lambda: array("q"))
    """Of those that are behind; the same for seconds."""
    seconds: array[float] = field(default_factory=lambda: array("d"))
    parked: set[tuple[str, str]] = field(default_factory=set)
    """(shop, collection) of those that are parked."""

    def add(self, one: Lag) -> None:
        """Counts one reader in one shop, which is among `of`."""
        if one.behind:
            self.events.append(one.behind)
        if one.seconds:
            self.seconds.append(one.seconds)
        if one.parked:
            self.parked.add((one.shop, one.collection))


class Sums:
    """The totals, counted some shops at a time."""

    def __init__(self) -> None:
        self._tally = Tally()
        self._recorded = self._projected = 0
        self._passed: Counter[str] = Counter()

    def add(self, found: Iterable[Lag]) -> None:
        """Counts all readers of some shops, each shop once."""
        heads: dict[str, int] = {}
        for one in found:
            if not one.filled:
                continue
            heads[one.shop] = one.head
            self._passed[one.collection] += one.position
            self._projected += one.seen
            self._tally.of += 1
            self._tally.add(one)
        self._recorded += sum(heads.values())

    def totals(self) -> Totals:
        """What was counted by now."""
        tally = self._tally
        return Totals(
            recorded=self._recorded,
            passed=min(self._passed.values(), default=0),
            projected=self._projected,
            behind=sum(tally.events),
            parked=len(tally.parked),
            most_seconds=max(tally.seconds, default=0.0),
            p99_seconds=p99(tally.seconds, tally.of),
        )


async def totals(
    mongo: Mongo,
    store: EventStore,
    projections: Sequence[Projection],
    clock: Clock = utc_now,
    *,
    reactions: Sequence[Reaction] = (),
) -> Totals:
    """The sums over all shops, counted some shops at a time."""
    readers = await readers_of(mongo.database, projections, reactions)
    sums = Sums()
    async for found in lags(mongo, store, readers, clock):
        sums.add(found)
    return sums.totals()


def p99(values: Sequence[float], of: int | None = None) -> float:
    """The smallest of them that 99 of 100 do not pass; 0 if there is none. With `of`, they are
    some of so many, and the rest are 0: none is less."""
    count = len(values) if of is None else of
    place = math.ceil(0.99 * count) - 1 - (count - len(values))
    return sorted(values)[place] if place >= 0 else 0.0
