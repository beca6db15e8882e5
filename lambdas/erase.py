"""The function `erase`: erases the persons and shops that somebody asked to have erased."""

from __future__ import annotations

from functools import partial

from cplus.bootstrap import Parts
from cplus.consumers.batches.handler import Consumer, queue_handler
from cplus.consumers.erasing.erasing import Erasures, handle
from cplus.leases import Leases
from cplus.logs import configure


def _erasing() -> Consumer:
    parts = Parts()
    settings = parts.settings
    configure(settings.log_level)
    erasures = Erasures(
        erasing=parts.erasing,
        shops=parts.erasing_shops,
        leases=Leases(parts.mongo.database),
        send=partial(parts.aws.send, settings.erasures_queue),
    )
    return (lambda records, limit: handle(records, erasures, limit)), parts.aws


handler = queue_handler(_erasing)
