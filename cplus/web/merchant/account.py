"""What the shop pays, and what the app knows of the shop."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from cplus.events.aggregates.billing_account import month_of
from cplus.events.aggregates.settings import MOST_LEAD_DAYS
from cplus.projections.queries import Subscription
from cplus.web.kit.cookies import LANGUAGE
from cplus.web.kit.deps import (
    AllowanceUsedDep,
    ClockDep,
    CookiesDep,
    MailDomainDep,
    PagesDep,
    QueriesDep,
)
from cplus.web.kit.forms import new_key
from cplus.web.kit.i18n import LANGUAGES, called
from cplus.web.kit.signed_in import MerchantDep
from cplus.web.merchant.conversations.thread import read_position
from cplus.web.merchant.getting_started import STEPS_BY, guide_of

router = APIRouter()

_WAITING: Final = {"pending", "accepted", "frozen"}
"""Shopify's names for subscriptions that are not in force now and have not ended."""


@router.get("/billing")
async def billing(
    pages: PagesDep,
    queries: QueriesDep,
    used: AllowanceUsedDep,
    clock: ClockDep,
    me: MerchantDep,
) -> HTMLResponse:
    """The shop's plan, what it uses of it this month, and its subscriptions."""
    found = sorted(await queries.billing(me.shop), key=_begun, reverse=True)
    month = month_of(clock())
    account = await queries.billing_account(me.shop)
    active = [one for one in found if one.status == "active"]
    return pages.render(
        "billing.html",
        me=me,
        section="billing",
        account=account,
        used=await used(me.shop, month),
        reached=bool(account and account.reached == month),
        current=active[0] if active else None,
        also_active=active[1:],
        waiting=[one for one in found if one.status in _WAITING],
        ended=[one for one in found if one.status not in _WAITING and one.status != "active"],
    )


def _begun(one: Subscription) -> tuple[datetime, str]:
    return one.created_at or one.changed_at, one.id


@router.get("/settings")
async def settings(
    request: Request,
    pages: PagesDep,
    queries: QueriesDep,
    domain: MailDomainDep,
    cookies: CookiesDep,
    me: MerchantDep,
    leads: str = "",
    typed: str = "",
) -> HTMLResponse:
    """Facts of the shop, its mail address here, and how far its customers are imported."""
    position, conversations, persons, total = await asyncio.gather(
        read_position(queries, me.shop, STEPS_BY),
        queries.conversation_counts(me.shop),
        queries.person_counts(me.shop),
        queries.metrics_total(me.shop),
    )
    guide = guide_of(me, total, domain)
    return pages.render(
        "settings.html",
        me=me,
        section="settings",
        position=position,
        shop=me.row,
        address=guide.address,
        conversations=conversations,
        persons=persons,
        messages=total.messages,
        guide=guide,
        languages={one: called(one) for one in LANGUAGES},
        chosen=cookies.held(request, LANGUAGE) or "",
        leads=leads,
        typed=typed if leads == "refused" else "",
        most_days=MOST_LEAD_DAYS,
        new_key=new_key,
    )
