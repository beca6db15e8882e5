"""The function `rebuild`: folds a shop's log into a new generation."""

from __future__ import annotations

from cplus.aws import Queue
from cplus.bootstrap import Parts
from cplus.consumers.batches.handler import Consumer, queue_handler
from cplus.consumers.folding.rebuilding import handle
from cplus.logs import configure
from cplus.projections.groups import ALL
from cplus.projections.running.runner import Runner


def _filler() -> Consumer:
    parts = Parts()
    configure(parts.settings.log_level)
    runner = Runner(parts.mongo, parts.store, parts.reader, ALL, parts.clock)
    queue = Queue(parts.aws, parts.settings.rebuild_queue)
    return (lambda records, limit: handle(records, runner, queue.send, limit)), parts.aws


handler = queue_handler(_filler)
