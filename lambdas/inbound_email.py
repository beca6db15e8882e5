"""The function `inbound-email`: starts and joins conversations from raw mail."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from typing import Any

from cplus.bootstrap import Parts, run
from cplus.consumers.batches import sqs
from cplus.consumers.mail.inbound_email import Inbound
from cplus.logs import configure


@cache
def _inbound() -> Inbound:
    parts = Parts()
    configure(parts.settings.log_level)
    return Inbound(
        parts.settings, parts.store, parts.repository, parts.persons, parts.aws, parts.nudger
    )


async def _handle(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    inbound = _inbound()
    left = float(context.get_remaining_time_in_millis()) / 1000
    # A part is kept for the nudges: who only finds out later finds a killed function.
    work = partial(inbound.handle_all, seconds=left - min(10.0, 0.2 * left))
    return await sqs.handle_all(sqs.records(event), work)


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Answers a batch of SES notifications with those that failed or were not finished."""
    return run(_handle(event, context))
