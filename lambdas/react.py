"""The function `react`: hands out what follows from new events to the queues that do it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from cplus.bootstrap import Parts, run
from cplus.consumers import react, sqs
from cplus.logs import configure


@cache
def _reactor() -> react.Reactor:
    parts = Parts()
    configure(parts.settings.log_level)
    return parts.reactor


async def _handle(event: Mapping[str, Any]) -> dict[str, Any]:
    return sqs.answer(await react.handle(sqs.records(event), _reactor()))


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Answers a batch of nudges with those that failed."""
    return run(_handle(event))
