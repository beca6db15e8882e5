"""The function `project-conversations`: folds conversations and messages."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from cplus.bootstrap import Parts, run
from cplus.consumers import sqs
from cplus.logs import configure
from cplus.projections.groups import PROJECT_CONVERSATIONS
from cplus.projections.nudged import deadline_in, handle_nudges
from cplus.projections.runner import Runner


@cache
def _parts() -> tuple[Runner, int]:
    parts = Parts()
    configure(parts.settings.log_level)
    runner = Runner(parts.mongo, parts.store, PROJECT_CONVERSATIONS, parts.clock)
    return runner, parts.settings.mongo_pool


async def _handle(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    runner, pool = _parts()
    deadline = deadline_in(context.get_remaining_time_in_millis() / 1000)
    return sqs.answer(await handle_nudges(sqs.records(event), runner, deadline, pool))


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Answers a batch of nudges with those that failed."""
    return run(_handle(event, context))
