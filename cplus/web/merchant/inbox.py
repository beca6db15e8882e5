"""The list of conversations."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from cplus.clock import Clock, zone
from cplus.projections.queries import ConversationState, Figures, Queries, summed
from cplus.web.kit.deps import ClockDep, MailDomainDep, PagesDep, QueriesDep
from cplus.web.kit.pages import links
from cplus.web.kit.signed_in import Merchant, MerchantDep, see_other
from cplus.web.merchant.conversations.thread import read_position
from cplus.web.merchant.getting_started import STEPS, Guide, guide_of

router = APIRouter()

TABS: Final[tuple[tuple[ConversationState, str], ...]] = (
    ("open", "Open"),
    ("unanswered", "Awaiting reply"),
    ("closed", "Closed"),
    ("all", "All"),
    ("spam", "Spam"),
)
_URGENT: Final = timedelta(days=7)
"""How long before a customer's request for their data is due the merchant is warned."""
_DAYS: Final = 7
"""Days of the figures above the list, today among them."""


@router.get("/inbox")
async def inbox(
    pages: PagesDep,
    queries: QueriesDep,
    clock: ClockDep,
    domain: MailDomainDep,
    me: MerchantDep,
    tab: ConversationState = "open",
    cursor: str | None = None,
) -> HTMLResponse:
    """A page of conversations, the newest message first."""
    # The position is read first: what comes between the two is offered as news once more.
    position = await read_position(queries, me.shop)
    counts, page, asked, guide, week = await asyncio.gather(
        queries.conversation_counts(me.shop),
        queries.list_conversations(me.shop, tab, cursor),
        queries.first_open_request(me.shop),
        _guide(me, queries, domain),
        _week(me, queries, clock),
    )
    numbers = {
        "open": counts.open,
        "unanswered": counts.unanswered,
        "closed": counts.conversations - counts.open,
        "all": counts.conversations,
        "spam": counts.spam,
    }
    return pages.render(
        "inbox.html",
        me=me,
        section="inbox",
        tabs=[(key, label, numbers[key]) for key, label in TABS],
        tab=tab,
        page=page,
        **links("/inbox", cursor, page.next, tab=tab),
        position=position,
        asked=asked,
        urgent=asked is not None and asked.due_at - clock() < _URGENT,
        guide=guide,
        empty_shop=counts.conversations == 0 and tab != "spam",
        days=_DAYS,
        week=week,
    )


async def _guide(me: Merchant, queries: Queries, domain: str) -> Guide | None:
    """The first steps, while some are left and the merchant did not hide them."""
    if me.row and not me.row.setup.shown:
        return None
    guide = await guide_of(me, queries, domain)
    return guide if guide.done < STEPS else None


async def _week(me: Merchant, queries: Queries, clock: Clock) -> Figures:
    """What happened in the last days of the shop's time zone."""
    here = zone(me.timezone)
    last = clock().astimezone(here).date()
    days = await queries.metrics_in(me.shop, here, last - timedelta(days=_DAYS - 1), last)
    return summed(one.figures for one in days)


@router.get("/")
async def home(
    pages: PagesDep, queries: QueriesDep, clock: ClockDep, domain: MailDomainDep, me: MerchantDep
) -> Response:
    """The inbox; without a session, the page that signs in. In the Admin's frame this is the page
    itself, as a redirect would lose the token of its address."""
    if me.frame is None:
        return see_other("/inbox")
    return await inbox(pages, queries, clock, domain, me)
