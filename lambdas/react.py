"""The function `react`: hands out what follows from new events to the queues that do it."""

from __future__ import annotations

from cplus.bootstrap import Parts
from cplus.consumers.batches.handler import queue_handler
from cplus.consumers.batches.messages import Consume
from cplus.consumers.reactions import react
from cplus.logs import configure


def _reactor() -> Consume:
    parts = Parts()
    configure(parts.settings.log_level)
    reactor = parts.reactor
    return lambda records, limit: react.handle(records, reactor, limit)


handler = queue_handler(_reactor)
