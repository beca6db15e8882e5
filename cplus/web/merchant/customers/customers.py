"""The people behind the conversations: customers, and leads who are none yet."""

from __future__ import annotations

import asyncio
import re
from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse

from cplus.events import names
from cplus.projections.queries import Customer, CustomerKind, Page, Queries
from cplus.projections.queries.read_models import PAGE
from cplus.projections.words import phrases_of
from cplus.web.kit.deps import PagesDep, QueriesDep
from cplus.web.kit.pages import links
from cplus.web.kit.signed_in import MerchantDep
from cplus.web.merchant.conversations.thread import read_position
from cplus.web.merchant.getting_started import STEPS_BY
from cplus.wording import worded

router = APIRouter(prefix="/customers")

TABS: Final[tuple[tuple[CustomerKind, str], ...]] = (
    ("all", worded("Everyone")),
    ("customers", worded("Customers")),
    ("leads", worded("Leads")),
)
LONGEST: Final = 200
"""Characters of what is searched for."""
MOST: Final = 12
"""Words, or phrases in quotes, of it."""
_PERSON: Final = re.compile(r"[a-z0-9]{1,64}")


@router.get("")
async def customers(
    pages: PagesDep,
    queries: QueriesDep,
    me: MerchantDep,
    kind: CustomerKind = "all",
    cursor: str | None = None,
    q: str = "",
) -> HTMLResponse:
    """A page of people, those with the latest news first; with `q`, those who are called so, have
    such an address or phone number, or placed the order of that number."""
    asked = q[:LONGEST]
    position, counts, page = await asyncio.gather(
        read_position(queries, me.shop, STEPS_BY),
        queries.person_counts(me.shop),
        _listed(queries, me.shop, kind, cursor, asked),
    )
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
        tabs=[(key, label, None if asked.strip() else numbers[key]) for key, label in TABS],
        kind=kind,
        query=asked,
        list_address=_address(asked),
        page=page,
        running=running if running and running.outcome is None else None,
        **links("/customers", cursor, page.next, **({"q": asked} if asked else {}), kind=kind),
    )


def _address(asked: str) -> str:
    """The address of a list of the same search, but for its kind."""
    return f"/customers?{urlencode({'q': asked})}&kind=" if asked else "/customers?kind="


async def _listed(
    queries: Queries, shop: str, kind: CustomerKind, cursor: str | None, asked: str
) -> Page[Customer]:
    if not asked.strip():
        return await queries.customers(shop, kind, cursor)
    return await found_people(queries, shop, asked, kind, cursor)


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


@router.get("/{person}")
async def customer(
    pages: PagesDep, queries: QueriesDep, me: MerchantDep, person: str
) -> HTMLResponse:
    """A person, with orders and conversations; `person` without the prefix `person/`."""
    found = None
    if _PERSON.fullmatch(person):
        found = await queries.customer(me.shop, names.person(person))
    if found is None:
        raise HTTPException(404)
    return pages.render("customers/customer.html", me=me, section="customers", person=found)
