"""What the functions `project-…` share; no function of its own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from cplus.bootstrap import Parts
from cplus.consumers import sqs
from cplus.logs import configure
from cplus.projections.base import Projection
from cplus.projections.nudged import deadline_in, handle_nudges
from cplus.projections.runner import Runner


@cache
def _parts() -> Parts:
    parts = Parts()
    configure(parts.settings.log_level)
    return parts


async def project(
    event: Mapping[str, Any], context: Any, projections: tuple[Projection, ...]
) -> dict[str, Any]:
    """Folds what the nudges of the event tell of; answers which of them failed."""
    parts = _parts()
    runner = Runner(parts.mongo, parts.store, projections, parts.clock)
    deadline = deadline_in(context.get_remaining_time_in_millis() / 1000)
    pool = parts.settings.mongo_pool
    return sqs.answer(await handle_nudges(sqs.records(event), runner, deadline, pool))
