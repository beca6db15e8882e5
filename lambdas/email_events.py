"""The function `email-events`: records the status of sent mail from SES."""

from __future__ import annotations

from cplus.bootstrap import Parts
from cplus.consumers.batches.handler import queue_handler
from cplus.consumers.batches.messages import Consume
from cplus.consumers.mail.email_events import EmailEvents
from cplus.logs import configure


def _events() -> Consume:
    parts = Parts()
    configure(parts.settings.log_level)
    return EmailEvents(parts.settings, parts.store, parts.recorder).handle_all


handler = queue_handler(_events)
