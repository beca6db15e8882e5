"""The function `webhooks`: records each webhook once and says what it means."""

from __future__ import annotations

from cplus.bootstrap import Parts
from cplus.consumers.batches.handler import queue_handler
from cplus.consumers.batches.messages import Consume
from cplus.consumers.webhooks.record import REDELIVERIES, Recorder, handle
from cplus.logs import configure


def _recorder() -> Consume:
    parts = Parts()
    configure(parts.settings.log_level)
    recorder = Recorder(
        store=parts.store,
        persons=parts.persons,
        bodies=parts.bodies,
        redeliveries=parts.mongo.database[REDELIVERIES],
        nudger=parts.nudger,
        clock=parts.clock,
    )
    return lambda records, limit: handle(records, recorder, limit)


handler = queue_handler(_recorder)
