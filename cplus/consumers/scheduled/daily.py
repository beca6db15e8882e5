"""The day's end: one root over the heads of all shops, in a bucket of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog

from cplus.clock import Clock
from cplus.events.audit.roots import Objects, seal_day
from cplus.events.log.commits import Commits
from cplus.logs import measure

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Sealed:
    """What was written."""

    day: str
    root: str
    shops: int


async def daily(
    commits: Commits, objects: Objects, bucket: str, clock: Clock, namespace: str
) -> Sealed:
    """Writes today's root, by UTC; a day that has one keeps it, so a repeat changes nothing.

    Says so as a metric in `namespace`, too: an alarm waits for it.
    """
    root = await seal_day(commits, objects, bucket, clock().date())
    sealed = Sealed(root.day.isoformat(), root.value.hex(), len(root.heads))
    log.info("day_sealed", day=sealed.day, root=sealed.root, shops=sealed.shops)
    write_sealed(namespace, clock())
    return sealed


def write_sealed(namespace: str, moment: datetime) -> None:
    """Writes as a metric that the day has its root."""
    measure("day_measured", namespace, moment, {}, [[]], {"DaySealed": (1, "Count")})
