"""The function `inbound-email`: starts and joins conversations from raw mail."""

from __future__ import annotations

from cplus.bootstrap import Parts
from cplus.consumers.batches.handler import Consumer, queue_handler
from cplus.consumers.mail.inbound_email import Inbound
from cplus.logs import configure


def _inbound() -> Consumer:
    p = Parts()
    configure(p.settings.log_level)
    inbound = Inbound(p.settings, p.store, p.persons, p.aws, p.recorder)
    return inbound.handle_all, p.aws


handler = queue_handler(_inbound)
