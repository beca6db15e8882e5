"""The function `webhooks`: records each webhook once and says what it means."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from cplus.bootstrap import Parts, run
from cplus.consumers.batches import sqs
from cplus.consumers.webhooks import record as webhooks
from cplus.logs import configure


@cache
def _recorder() -> webhooks.Recorder:
    parts = Parts()
    configure(parts.settings.log_level)
    return webhooks.Recorder(
        store=parts.store,
        persons=parts.persons,
        bodies=parts.bodies,
        redeliveries=parts.mongo.database[webhooks.REDELIVERIES],
        nudger=parts.nudger,
        clock=parts.clock,
    )


async def _handle(event: Mapping[str, Any]) -> dict[str, Any]:
    return sqs.answer(await webhooks.handle(sqs.records(event), _recorder()))


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Answers a batch of SQS messages with those that failed."""
    return run(_handle(event))
