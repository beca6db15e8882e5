"""The function `webhooks`: records each webhook once, with its events."""

from __future__ import annotations

from cplus.bootstrap import Parts
from cplus.consumers.batches.handler import Consumer, queue_handler
from cplus.consumers.webhooks.record import handle
from cplus.logs import configure


def _webhooks() -> Consumer:
    parts = Parts()
    configure(parts.settings.log_level)
    use = parts.webhooks
    return (lambda records, limit: handle(records, use, limit)), parts.aws


handler = queue_handler(_webhooks)
