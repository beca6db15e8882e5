"""The function `daily`: anchors the log of each day under one Merkle root, destroys the keys whose
time is over, and forgets who was erased long ago."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import Any

from cplus.bootstrap import Parts, run
from cplus.consumers.scheduled.daily import daily
from cplus.logs import configure


@cache
def _parts() -> Parts:
    parts = Parts()
    configure(parts.settings.log_level)
    return parts


async def _daily() -> dict[str, Any]:
    parts = _parts()
    settings = parts.settings
    await parts.keyring.expire()
    await parts.persons.lapse()
    return asdict(
        await daily(
            parts.store.log, parts.aws, settings.roots_bucket, parts.clock, settings.metrics
        )
    )


def handler(_event: object, _context: object) -> dict[str, Any]:
    """Called by the schedule; returns the day's root."""
    return run(_daily())
