"""The people behind the conversations: customers, and leads who are none yet."""

from __future__ import annotations

import asyncio
import re
from typing import Final

from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse

from cplus.events import names
from cplus.projections.queries import CustomerKind
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
_PERSON: Final = re.compile(r"[a-z0-9]{1,64}")


@router.get("")
async def customers(
    pages: PagesDep,
    queries: QueriesDep,
    me: MerchantDep,
    kind: CustomerKind = "all",
    cursor: str | None = None,
) -> HTMLResponse:
    """A page of people, those with the latest news first."""
    position, counts, page = await asyncio.gather(
        read_position(queries, me.shop, STEPS_BY),
        queries.person_counts(me.shop),
        queries.customers(me.shop, kind, cursor),
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
        tabs=[(key, label, numbers[key]) for key, label in TABS],
        kind=kind,
        page=page,
        running=running if running and running.outcome is None else None,
        **links("/customers", cursor, page.next, kind=kind),
    )


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
