"""The function `email-events`: takes what SES tells of the mail that was sent."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from cplus.bootstrap import Parts, run
from cplus.consumers.batches import sqs
from cplus.consumers.mail.email_events import EmailEvents
from cplus.logs import configure


@cache
def _events() -> EmailEvents:
    parts = Parts()
    configure(parts.settings.log_level)
    return EmailEvents(parts.settings, parts.store, parts.nudger)


async def _handle(event: Mapping[str, Any]) -> dict[str, Any]:
    return await sqs.handle_all(sqs.records(event), _events().handle_all)


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Answers a batch of SES's events with those that failed."""
    return run(_handle(event))
