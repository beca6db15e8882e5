"""The people behind the conversations: customers, and leads who are none yet."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from cplus.clock import Clock, zone
from cplus.commands.segments import segments_of
from cplus.events.aggregates.tags import Tag
from cplus.events.segment import Consent, CustomerKind, Definition
from cplus.projections.queries import Customer, Page, Queries, Wanted
from cplus.projections.queries.read_models import PAGE
from cplus.projections.words import phrases_of
from cplus.web.kit.deps import (
    ClockDep,
    ConversationsDep,
    HeadDep,
    PagesDep,
    QueriesDep,
    WorkspaceDep,
)
from cplus.web.kit.forms import new_key
from cplus.web.kit.pages import links
from cplus.web.kit.signed_in import Merchant, MerchantDep
from cplus.web.merchant.conversations.thread import caught_up, read_position
from cplus.web.merchant.customers.labels import FIRST_ORDERS, SOURCES, ToldDep, said
from cplus.web.merchant.getting_started import STEPS_BY
from cplus.wording import worded

router = APIRouter(prefix="/customers")

TABS: Final[tuple[tuple[CustomerKind, str], ...]] = (
    ("all", worded("Everyone")),
    ("customers", worded("Customers")),
    ("leads", worded("Leads")),
)
CONSENTS: Final[tuple[tuple[Consent, str], ...]] = (
    ("subscribed", worded("Subscribed")),
    ("not_subscribed", worded("Not subscribed")),
    ("pending", worded("Pending")),
    ("unsubscribed", worded("Unsubscribed")),
    ("unknown", worded("Unknown")),
)
LONGEST: Final = 200
"""Characters of what is searched for."""
MOST: Final = 12
"""Words, or phrases in quotes, of it."""
PERSON: Final = re.compile(r"[a-z0-9]{1,64}")


@router.get("")
async def customers(
    request: Request,
    pages: PagesDep,
    queries: QueriesDep,
    use: ConversationsDep,
    *,
    clock: ClockDep,
    workspace: WorkspaceDep,
    head: HeadDep,
    me: MerchantDep,
    told: ToldDep,
    kind: CustomerKind = "all",
    cursor: str | None = None,
    q: str = "",
    segment: str = "",
) -> HTMLResponse:
    """A page of people, those with the latest news first; with `q`, those who are called so, have
    such an address or phone number, or placed the order of that number. The address can narrow it
    to those of a definition, which may be that of a `segment`."""
    asked, chosen = q[:LONGEST], Definition.of({**request.query_params, "kind": kind})
    wanted = wanted_now(chosen, me, clock)
    if 0 < told.at <= await head(me.shop):
        await caught_up(queries, me.shop, told.at, by=("customers",))
    position, counts, page = await asyncio.gather(
        read_position(queries, me.shop, STEPS_BY),
        queries.person_counts(me.shop),
        _listed(queries, me.shop, wanted, cursor, asked),
    )
    came_by = await queries.sources(
        me.shop, {one.person: one.persons for one in page.items if one.kind == "lead"}
    )
    # Asked of the log only if the address names one.
    saved = (await segments_of(use.recorder, me.shop)).segments.get(segment) if segment else None
    shown = {**chosen.told, "kind": kind, **({"segment": saved.id} if saved else {})}
    searched = {"q": asked} if asked else {}
    others = {name: value for name, value in shown.items() if name != "kind"}
    numbers = {
        "all": counts.customers + counts.leads,
        "customers": counts.customers,
        "leads": counts.leads,
    }
    shop = me.row
    running = shop.last_import if shop and shop.last_import else None
    return pages.render(
        "customers/customers.html",
        me=me,
        section="customers",
        position=position,
        # How many a search finds in all, nobody counts.
        tabs=[
            (key, label, None if asked.strip() or chosen.narrowed else numbers[key])
            for key, label in TABS
        ],
        kind=kind,
        query=asked,
        list_address=_address(asked, others),
        chosen=chosen,
        told=chosen.told,
        chosen_query=urlencode(chosen.told),
        consents=CONSENTS,
        sources=SOURCES,
        first_orders=FIRST_ORDERS,
        came_by=came_by,
        tags=tags_of(me),
        list_query=urlencode({**searched, **shown, **({"cursor": cursor} if cursor else {})}),
        **await said(told, workspace.undoes, me),
        segment=saved,
        new_key=new_key,
        page=page,
        running=running if running and running.outcome is None else None,
        **links("/customers", cursor, page.next, **searched, **shown),
    )


def _address(asked: str, others: Mapping[str, str]) -> str:
    """The address of a list of the same search and filters, but for its kind."""
    named = {**({"q": asked} if asked else {}), **others}
    return f"/customers?{urlencode(named)}&kind=" if named else "/customers?kind="


def tags_of(me: Merchant) -> list[Tag]:
    """The tags of the shop, in the order of their names."""
    return sorted(me.settings.tags.values(), key=lambda tag: tag.name.casefold())


def wanted_now(chosen: Definition, me: Merchant, clock: Clock) -> Wanted:
    """The definition as it is meant now, in the shop's time zone."""
    return Wanted(chosen, clock(), zone(me.timezone), me.settings.tags, me.settings.lead_days)


async def _listed(
    queries: Queries, shop: str, wanted: Wanted, cursor: str | None, asked: str
) -> Page[Customer]:
    kind = wanted.definition.kind
    if asked.strip():
        found = await found_people(queries, shop, asked, kind, cursor)
        if not wanted.definition.narrowed:
            return found
        return Page(await queries.narrowed(shop, found.items, wanted), found.next)
    if not wanted.definition.narrowed:
        return await queries.customers(shop, kind, cursor)
    return await queries.members(shop, wanted, cursor)


async def found_people(
    queries: Queries,
    shop: str,
    asked: str,
    kind: CustomerKind = "all",
    cursor: str | None = None,
    limit: int = PAGE,
) -> Page[Customer]:
    """A page of the people who are meant by what was typed; on the first, before the others, who
    placed an order of that name."""
    phrases, _ = phrases_of(asked, MOST)
    page = await queries.find_people(shop, phrases, kind, cursor, limit)
    if cursor is not None:
        return page
    of_order = [
        one
        for one in await queries.people_of_order(shop, asked)
        if kind == "all" or one.kind == kind.removesuffix("s")
    ]
    known = {one.person for one in of_order}
    return Page([*of_order, *(one for one in page.items if one.person not in known)], page.next)
