"""Anchors the log once a day: writes one Merkle root over all shops' heads to its own bucket."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog

from cplus.clock import Clock
from cplus.events.audit.roots import Objects, anchor_day
from cplus.events.log.commits import Commits
from cplus.logs import measure

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Anchored:
    """The root that was written."""

    day: str
    root: str
    shops: int


async def daily(
    commits: Commits, objects: Objects, bucket: str, clock: Clock, namespace: str
) -> Anchored:
    """Writes today's root (UTC). A day that already has a root keeps it, so a repeat is harmless.

    Also writes a metric in `namespace`, whose absence raises an alarm.
    """
    root = await anchor_day(commits, objects, bucket, clock().date())
    anchored = Anchored(root.day.isoformat(), root.value.hex(), len(root.heads))
    log.info("day_anchored", day=anchored.day, root=anchored.root, shops=anchored.shops)
    write_anchored(namespace, clock())
    return anchored


def write_anchored(namespace: str, moment: datetime) -> None:
    """Writes the metric that says that the day has its root."""
    measure("day_measured", namespace, moment, {}, [[]], {"DayAnchored": (1, "Count")})
