"""The function `react`: hands out what follows from new events to the queues that do it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from typing import Any

from cplus.bootstrap import CREDENTIALS, Parts, run
from cplus.consumers import installs, react, sqs
from cplus.logs import configure


@cache
def _reactor() -> react.Reactor:
    parts = Parts()
    configure(parts.settings.log_level)
    return react.Reactor(
        store=parts.store,
        checkpoints=parts.mongo.database["checkpoints"],
        send=parts.aws.send,
        import_queue=parts.settings.import_queue,
        send_queue=parts.settings.send_queue,
        forget=partial(installs.forget, parts.mongo.keyring[CREDENTIALS]),
        clock=parts.clock,
    )


async def _handle(event: Mapping[str, Any]) -> dict[str, Any]:
    return sqs.answer(await react.handle(sqs.records(event), _reactor()))


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Answers a batch of nudges with those that failed."""
    return run(_handle(event))
