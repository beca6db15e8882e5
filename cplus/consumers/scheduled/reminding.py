"""Requests the reminders whose time has come; `outbound-email` sends them."""

from __future__ import annotations

import structlog

from cplus.consumers.notices.wishes import NoticeRequests
from cplus.deadline import Deadline

log = structlog.get_logger()


async def remind(use: NoticeRequests, *, deadline: Deadline) -> int:
    """Takes each reminder that is due; returns how many. None is begun with after `deadline`.

    Two at once do no harm: the wish is claimed in the log. The row goes after that, so one that was
    not recorded is taken again in the next minute.
    """
    taken = 0
    async for one in use.reminders.due(use.clock()):
        if deadline.passed():
            break
        try:
            await use.wish(one.shop, one.request_id, one.kind)
        except Exception as error:  # noqa: BLE001  one must hold up no other
            log.warning("reminder_failed", shop=one.shop, error=type(error).__name__)
            continue
        await use.reminders.done(one)
        taken += 1
    if taken:
        log.info("reminders_taken", reminders=taken)
    return taken
