"""The function `react`: hands out what follows from new events to the queues that do it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from cplus.bootstrap import Parts, run
from cplus.consumers.batches import sqs
from cplus.consumers.folding.projecting import deadline_in
from cplus.consumers.reactions import react
from cplus.logs import configure


@cache
def _reactor() -> react.Reactor:
    parts = Parts()
    configure(parts.settings.log_level)
    return parts.reactor


async def _handle(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    reactor = _reactor()
    deadline = deadline_in(context.get_remaining_time_in_millis() / 1000)
    return sqs.answer(await react.handle(sqs.records(event), reactor, deadline))


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Answers a batch of nudges with those that failed."""
    return run(_handle(event, context))
