"""The sweep: asks everyone who follows the log directly, and so heals lost nudges."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import structlog

from cplus.clock import Clock, utc_now
from cplus.consumers.folding.projecting import look_at
from cplus.consumers.reactions.following import due, follow
from cplus.consumers.reactions.reaction import Reaction, Reactor
from cplus.deadline import Deadline
from cplus.logs import measure
from cplus.loop import together
from cplus.projections.generations.lineage import Driven
from cplus.projections.lag.overview import late_readers, late_shops, worst
from cplus.projections.lag.sums import Worst
from cplus.projections.running.runner import Runner

log = structlog.get_logger()

RECENT = timedelta(minutes=10)
"""How new a commit is that the sweep of each minute looks for."""

Scope = Literal["recent", "all"]


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found and did, in numbers of shops."""

    shops: int
    """In its scope, and those where a reaction is to be tried again."""
    behind: int
    """Where a projection was behind."""
    healed: int
    """Of those, where none is any more, but for parked ones."""
    failed: int
    """Where something failed, or did not come to the end in time: the next sweep goes on."""
    unfinished: int
    """Not looked at, because the time ran out."""


async def sweep(
    scope: Scope,
    runner: Runner,
    reactions: Sequence[Reaction] = (),
    reactor: Reactor | None = None,
    *,
    deadline: Deadline,
    clock: Clock = utc_now,
    side_by_side: int = 4,
) -> Swept:
    """Looks at the shops with commits of the last 10 minutes ("recent") or at all ("all"), and at
    those where a reaction has something to try again.

    Every projection of the runner that is behind catches up, and so does every reaction that is
    behind or is to try again. No shop begins after `deadline`.
    """
    since = clock() - RECENT if scope == "recent" else None
    turn = _Sweep(runner, await runner.driven(), reactions, reactor, deadline)
    # Workers take shop by shop, and no page is read before they are nearly through the last.
    shops: asyncio.Queue[_Late | None] = asyncio.Queue(side_by_side)

    async def find() -> None:
        async for one in turn.late(since, clock()):
            await shops.put(one)
        for _ in range(side_by_side):
            await shops.put(None)

    async def work() -> None:
        while (one := await shops.get()) is not None:
            await turn.look_at(one)

    await together(find(), *(work() for _ in range(side_by_side)))
    swept = turn.swept()
    if swept.behind or swept.failed or swept.unfinished:
        log.warning("swept", scope=scope, **{n: getattr(swept, n) for n in Swept.__slots__})
    return swept


@dataclass(frozen=True, slots=True)
class _Late:
    """A shop, and what has something to do there."""

    shop: str
    behind: bool
    """A projection is behind."""
    reactions: Collection[str]
    """The names of those that are behind or are to try again."""


class _Sweep:
    """A sweep on its way through the shops, of which it holds some at a time."""

    def __init__(
        self,
        runner: Runner,
        targets: Sequence[Driven],
        reactions: Sequence[Reaction],
        reactor: Reactor | None,
        deadline: Deadline,
    ) -> None:
        self._runner, self._targets, self._deadline = runner, targets, deadline
        self._reactions, self._reactor = reactions, reactor
        self._shops = self._behind = self._healed = 0
        self._answers: Counter[str] = Counter()

    async def late(self, since: datetime | None, now: datetime) -> AsyncIterator[_Late]:
        """The shops in the scope, and those where a reaction is to be tried again."""
        # Held for all shops, since they are only those where something failed.
        again = await due(self._runner.mongo.database, self._reactions, now)
        # The heads first: a checkpoint that moves meanwhile is only found further on.
        async for heads in self._runner.store.heads_in_pages(since):
            some = {shop: again.pop(shop) for shop in heads.keys() & again.keys()}
            for one in await self._page(heads, some):
                yield one
        for one in await self._page({}, again):
            yield one

    async def _page(self, heads: Mapping[str, int], again: Mapping[str, set[str]]) -> list[_Late]:
        mongo, names = self._runner.mongo, [one.collection for one in self._reactions]
        followed = [one.projection.collection for one in self._targets if one.filled]
        behind = await late_shops(mongo, followed, heads)
        late = await late_readers(mongo.database, names, heads)
        shops = heads.keys() | again.keys()
        self._shops, self._behind = self._shops + len(shops), self._behind + len(behind)
        # Those that are known to be behind first, should the time run out.
        return [
            _Late(shop, shop in behind, late.get(shop, set()) | again.get(shop, set()))
            for shop in sorted(shops, key=lambda shop: (shop not in behind, shop))
        ]

    async def look_at(self, one: _Late) -> None:
        """Brings on what is behind in the shop."""
        if self._deadline.passed():
            self._answers["unfinished"] += 1
            return
        healthy = True
        if one.behind:
            healthy = await look_at(
                self._runner, self._targets, one.shop, until=None, deadline=self._deadline
            )
        for reaction in self._reactions:
            if self._reactor is not None and reaction.name in one.reactions:
                done = await _react(reaction, one.shop, self._reactor, self._deadline)
                healthy = done and healthy
        self._answers["done" if healthy else "failed"] += 1
        self._healed += healthy and one.behind

    def swept(self) -> Swept:
        """What was found and done by now."""
        return Swept(
            shops=self._shops,
            behind=self._behind,
            healed=self._healed,
            failed=self._answers["failed"],
            unfinished=self._answers["unfinished"],
        )


async def measure_lag(
    runner: Runner, reactions: Sequence[Reaction], namespace: str, clock: Clock = utc_now
) -> list[Worst]:
    """Writes the lag of each projection and each reaction as metrics: its maximum and p99 over all
    shops. A metric for each shop would cost more than the system."""
    found = await worst(runner.mongo, runner.store, runner.projections, clock, reactions=reactions)
    for one in found:
        write_lag(one, namespace, clock())
    return found


def write_lag(one: Worst, namespace: str, moment: datetime) -> None:
    """Writes the lag of one projection or reaction as metrics."""
    measure(
        "lag_measured",
        namespace,
        moment,
        {"Projection": one.projection},
        # By none at all, too: there the alarm finds the worst of all projections.
        [["Projection"], []],
        {
            "LagEvents": (one.events, "Count"),
            "LagEventsP99": (one.events_p99, "Count"),
            "LagSeconds": (one.seconds, "Seconds"),
            "LagSecondsP99": (one.seconds_p99, "Seconds"),
            "Parked": (one.parked, "Count"),
        },
    )


async def _react(reaction: Reaction, shop: str, use: Reactor, deadline: Deadline) -> bool:
    try:
        return (await follow(reaction, shop, use, deadline=deadline)).done
    except Exception as error:  # noqa: BLE001  one must hold up no other
        name = type(error).__name__
        log.warning("react_failed", reaction=reaction.name, shop=shop, error=name)
        return False
