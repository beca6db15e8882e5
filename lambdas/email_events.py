"""The function `email-events`: records the status of sent mail from SES."""

from __future__ import annotations

from cplus.bootstrap import Parts
from cplus.consumers.batches.handler import Consumer, queue_handler
from cplus.consumers.sending.email_events import EmailEvents
from cplus.logs import configure


def _events() -> Consumer:
    parts = Parts()
    configure(parts.settings.log_level)
    events = EmailEvents(parts.settings, parts.store, parts.recorder, parts.clock)
    return events.handle_all, parts.aws


handler = queue_handler(_events)
