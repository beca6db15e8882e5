"""The function `outbound-email`: sends each answer once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from typing import Any

from cplus.bootstrap import Parts, run
from cplus.consumers.batches import sqs
from cplus.consumers.batches.leases import Leases
from cplus.consumers.mail.outbound_email import Outbound
from cplus.logs import configure


@cache
def _outbound() -> Outbound:
    parts = Parts()
    configure(parts.settings.log_level)
    leases = Leases(parts.mongo.database)
    return Outbound(parts.settings, parts.store, leases, parts.aws, parts.nudger, parts.clock)


async def _handle(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    # A run that is over its time is ended: a second later nobody holds the lease any more.
    lease_seconds = context.get_remaining_time_in_millis() / 1000 + 1.0
    send = partial(_outbound().handle_all, lease_seconds=lease_seconds)
    return await sqs.handle_all(sqs.records(event), send)


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Answers a batch of mails to send with those that failed."""
    return run(_handle(event, context))
