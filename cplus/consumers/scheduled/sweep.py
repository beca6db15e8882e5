"""The sweep: asks everyone who follows the log directly, and so heals lost nudges."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
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
    # The heads first: a checkpoint that moves meanwhile is only found further on.
    heads = await runner.store.heads(since)
    targets = await runner.driven()
    followed = [target.projection.collection for target in targets if target.filled]
    behind = await late_shops(runner.mongo, followed, heads)
    database, names = runner.mongo.database, [one.collection for one in reactions]
    late = await late_readers(database, names, heads)
    again = await due(database, reactions, clock())
    places = asyncio.Semaphore(side_by_side)

    async def one(shop: str) -> str:
        async with places:
            if deadline.passed():
                return "unfinished"
            healthy = True
            if shop in behind:
                healthy = await look_at(runner, targets, shop, until=None, deadline=deadline)
            wanted = late.get(shop, set()) | again.get(shop, set())
            for reaction in reactions:
                if reactor is not None and reaction.name in wanted:
                    healthy = await _react(reaction, shop, reactor, deadline) and healthy
            return "done" if healthy else "failed"

    # Those that are known to be behind first, should the time run out.
    shops = sorted(heads.keys() | again.keys(), key=lambda shop: (shop not in behind, shop))
    answers = dict(zip(shops, await asyncio.gather(*map(one, shops)), strict=True))
    swept = Swept(
        shops=len(shops),
        behind=len(behind),
        healed=sum(answers[shop] == "done" for shop in behind),
        failed=sum(answer == "failed" for answer in answers.values()),
        unfinished=sum(answer == "unfinished" for answer in answers.values()),
    )
    if swept.behind or swept.failed or swept.unfinished:
        log.warning("swept", scope=scope, **{n: getattr(swept, n) for n in Swept.__slots__})
    return swept


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
