"""Looks at a shop's domain again and again, less often the longer nothing changes, and drops one
that is the shop's no more."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from cplus.commands.mail_settings import settings_of
from cplus.consumers.erased_shops import is_removed, last_erasure
from cplus.consumers.scheduled.due import Due
from cplus.consumers.scheduled.taking import DueWork
from cplus.events.aggregates.sender_domain import SenderDomain

SENDER_DOMAIN: Final = "sender_domain"
"""What is due: to look at a domain, by its name."""
_PAUSES: Final = (
    (timedelta(minutes=15), timedelta(minutes=1)),
    (timedelta(hours=2), timedelta(minutes=5)),
    (timedelta(days=1), timedelta(minutes=30)),
    (timedelta(days=7), timedelta(hours=4)),
)
"""How soon one that does not work is looked at again, by how long it has been like this."""
_SELDOM: Final = timedelta(days=1)
_WORKING: Final = timedelta(hours=6)
"""And one that works. Whoever finds that SES refuses its mail looks at once."""


def to_look_at(shop: str, domain: str, at: datetime) -> Due:
    """The row of the shop's domain."""
    return Due(shop, SENDER_DOMAIN, domain, at)


async def look_at_domain(due: Due, use: DueWork) -> datetime | None:
    """Checks the shop's domain; drops one that it removed, or the domain of a shop that is gone."""
    shop, now = due.shop, use.clock()
    erasure = await last_erasure(use.recorder.store, None, shop)
    erased = erasure is not None and not erasure.is_over
    known = (await settings_of(use.recorder, shop)).domain
    wanted = known is not None and known.name == due.ref
    if erased or not wanted or await is_removed(shop, use.recorder):
        await use.domains.drop(shop, due.ref)
        return None
    domain = await use.domains.check(shop)
    return None if domain is None else now + pause(domain, now)


def pause(domain: SenderDomain, now: datetime) -> timedelta:
    """How long it is until the domain is looked at again."""
    if domain.works:
        return _WORKING
    age = now - (domain.failed_at or domain.added_at)
    return next((pause for until, pause in _PAUSES if age < until), _SELDOM)
