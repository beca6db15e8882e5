"""The list of conversations."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from cplus.clock import zone
from cplus.projections.queries import ConversationState, Figures, summed
from cplus.web.kit.deps import ClockDep, MailDomainDep, PagesDep, QueriesDep
from cplus.web.kit.pages import links
from cplus.web.kit.signed_in import Merchant, MerchantDep, see_other
from cplus.web.merchant.getting_started import STEPS, Guide, guide_of
from cplus.wording import worded

router = APIRouter()

TABS: Final[tuple[tuple[ConversationState, str], ...]] = (
    ("open", worded("Open")),
    ("unanswered", worded("Awaiting reply")),
    ("closed", worded("Closed")),
    ("all", worded("All")),
    ("spam", worded("Spam")),
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
    position, counts = await queries.inbox_standing(me.shop)
    here = zone(me.timezone)
    today = clock().astimezone(here).date()
    page, asked, (week, total) = await asyncio.gather(
        queries.list_conversations(me.shop, tab, cursor),
        queries.first_open_request(me.shop),
        queries.metrics_with_total(me.shop, here, today - timedelta(days=_DAYS - 1), today),
    )
    numbers = {
        "open": counts.open,
        "unanswered": counts.unanswered,
        "closed": counts.conversations - counts.open,
        "all": counts.conversations,
        "spam": counts.spam,
    }
    return pages.render(
        "inbox/inbox.html",
        me=me,
        section="inbox",
        tabs=[(key, label, numbers[key]) for key, label in TABS],
        tab=tab,
        page=page,
        **links("/inbox", cursor, page.next, tab=tab),
        position=position,
        asked=asked,
        urgent=asked is not None and asked.due_at - clock() < _URGENT,
        guide=_guide(me, total, domain),
        empty_shop=counts.conversations == 0 and tab != "spam",
        days=_DAYS,
        week=summed(one.figures for one in week),
    )


def _guide(me: Merchant, total: Figures, domain: str) -> Guide | None:
    """The first steps, while some are left and the merchant did not hide them."""
    if me.row and not me.row.setup.shown:
        return None
    guide = guide_of(me, total, domain)
    return guide if guide.done < STEPS else None


@router.get("/")
async def home(
    pages: PagesDep, queries: QueriesDep, clock: ClockDep, domain: MailDomainDep, me: MerchantDep
) -> Response:
    """The inbox; without a session, the page that signs in. In the Admin's frame this is the page
    itself, as a redirect would lose the token of its address."""
    if me.frame is None:
        return see_other("/inbox")
    return await inbox(pages, queries, clock, domain, me)
