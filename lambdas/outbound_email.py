"""The function `outbound-email`: sends each answer once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from cplus.bootstrap import Parts, run
from cplus.consumers import sqs
from cplus.consumers.leases import Leases
from cplus.consumers.outbound_email import Outbound
from cplus.logs import configure


@cache
def _outbound() -> Outbound:
    parts = Parts()
    configure(parts.settings.log_level)
    leases = Leases(parts.mongo.database)
    return Outbound(parts.settings, parts.store, leases, parts.aws, parts.nudger, parts.clock)


async def _handle(event: Mapping[str, Any]) -> dict[str, Any]:
    return await sqs.handle_all(sqs.records(event), _outbound().handle_all)


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Answers a batch of mails to send with those that failed."""
    return run(_handle(event))
