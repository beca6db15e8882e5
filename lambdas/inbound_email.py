"""The function `inbound-email`: starts and joins conversations from raw mail."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from cplus.bootstrap import Parts, run
from cplus.consumers import sqs
from cplus.consumers.inbound_email import Inbound
from cplus.logs import configure


@cache
def _inbound() -> Inbound:
    parts = Parts()
    configure(parts.settings.log_level)
    return Inbound(
        parts.settings, parts.store, parts.repository, parts.persons, parts.aws, parts.nudger
    )


async def _handle(event: Mapping[str, Any]) -> dict[str, Any]:
    return await sqs.handle_all(sqs.records(event), _inbound().handle_all)


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Answers a batch of SES notifications with those that failed."""
    return run(_handle(event))
