"""The function `react`: queues the work that follows from new events."""

from __future__ import annotations

from cplus.bootstrap import Parts
from cplus.consumers.batches.handler import Consumer, queue_handler
from cplus.consumers.reactions.following import handle
from cplus.consumers.reactions.registry import REACTIONS
from cplus.logs import configure


def _reactor() -> Consumer:
    parts = Parts()
    configure(parts.settings.log_level)
    reactor = parts.reactor
    return (lambda records, limit: handle(records, REACTIONS, reactor, limit)), parts.aws


handler = queue_handler(_reactor)
