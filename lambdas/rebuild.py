"""The function `rebuild`: folds a shop's log into a new generation, handing its position on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from cplus.aws import Queue
from cplus.bootstrap import Parts, run
from cplus.consumers.batches import sqs
from cplus.consumers.folding.projecting import deadline_in
from cplus.consumers.folding.rebuilding import handle
from cplus.logs import configure
from cplus.projections.groups import ALL
from cplus.projections.running.runner import Runner


@cache
def _parts() -> tuple[Runner, Queue]:
    parts = Parts()
    configure(parts.settings.log_level)
    queue = Queue(parts.aws, parts.settings.rebuild_queue)
    return Runner(parts.mongo, parts.store, ALL, parts.clock), queue


async def _handle(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    runner, queue = _parts()
    deadline = deadline_in(context.get_remaining_time_in_millis() / 1000)
    return sqs.answer(await handle(sqs.records(event), runner, queue.send, deadline))


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Answers a batch of SQS messages with those that failed."""
    return run(_handle(event, context))
