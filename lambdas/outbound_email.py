"""The function `outbound-email`: sends each mail once, and tells browsers of staff."""

from __future__ import annotations

from cplus.bootstrap import Parts
from cplus.consumers.batches.handler import Consumer, queue_handler
from cplus.consumers.sending.outbound_email import Outbound
from cplus.leases import Leases
from cplus.logs import configure


def _outbound() -> Consumer:
    p = Parts()
    configure(p.settings.log_level)
    leases = Leases(p.mongo.database)
    made = (p.settings, p.store, leases, p.aws, p.recorder, p.mail_parts, p.mail_budget)
    outbound = Outbound(*made, p.shop_tenants, p.clock, push=p.pushing.handle)
    return outbound.handle_all, p.aws


handler = queue_handler(_outbound)
