"""The function `webhooks`: records each webhook once, with its events."""

from __future__ import annotations

from cplus.bootstrap import Parts
from cplus.consumers.batches.handler import queue_handler
from cplus.consumers.batches.messages import Consume
from cplus.consumers.batches.one_by_one import one_by_one
from cplus.consumers.webhooks.record import REDELIVERIES, Webhooks, handle
from cplus.logs import configure


def _webhooks() -> Consume:
    parts = Parts()
    configure(parts.settings.log_level)
    use = Webhooks(
        recorder=parts.recorder,
        persons=parts.persons,
        bodies=parts.bodies,
        redeliveries=parts.mongo.database[REDELIVERIES],
        accepted_since=parts.accepted_since,
        clock=parts.clock,
    )
    return one_by_one(lambda records, limit: handle(records, use, limit), parts.aws)


handler = queue_handler(_webhooks)
