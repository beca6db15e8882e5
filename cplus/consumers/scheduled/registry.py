"""Who takes what is due. A new kind is a line here and a handler: see `due.py` and `taking.py`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from cplus.consumers.mailboxes.due import digest, held, unanswered
from cplus.consumers.mailboxes.moved import HELD, UNANSWERED
from cplus.consumers.mailboxes.telling import DAILY
from cplus.consumers.notices.reminders import REMINDER, remind
from cplus.consumers.reactions.replies import SCHEDULED, hand_out_scheduled
from cplus.consumers.reactions.snoozes import SNOOZE, wake_snoozed
from cplus.consumers.scheduled.taking import Handler
from cplus.consumers.sending.delays import DELAYED, give_up
from cplus.consumers.sending.domains.due import SENDER_DOMAIN, look_at_domain
from cplus.consumers.sending.tenants import TENANT, look_after

HANDLERS: Final[Mapping[str, Handler]] = MappingProxyType(
    {
        REMINDER: remind,
        SCHEDULED: hand_out_scheduled,
        DELAYED: give_up,
        UNANSWERED: unanswered,
        HELD: held,
        DAILY: digest,
        TENANT: look_after,
        SENDER_DOMAIN: look_at_domain,
        SNOOZE: wake_snoozed,
    }
)
"""By the `what` of their rows, which is stored and never changes."""
