"""Customers who ask for their data, and who was erased."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from cplus.projections.queries import DataRequest, DataRequestState, Queries
from cplus.web.kit.deps import ClockDep, IsKnown, IsKnownDep, PagesDep, QueriesDep
from cplus.web.kit.pages import links
from cplus.web.kit.signed_in import MerchantDep

router = APIRouter(prefix="/privacy")

TABS: Final[tuple[tuple[DataRequestState, str], ...]] = (
    ("open", "Open"),
    ("exported", "Exported"),
    ("all", "All"),
)
_ERASURES: Final = 5
"""The last ones, of which this page tells; all are on a page of their own."""
_SHOWN: Final = 20
"""Requests of a page: for each of somebody unknown the log is asked."""


@router.get("")
async def requests(
    pages: PagesDep,
    queries: QueriesDep,
    is_known: IsKnownDep,
    clock: ClockDep,
    me: MerchantDep,
    state: DataRequestState = "open",
    cursor: str | None = None,
    erasing: str = "",
) -> HTMLResponse:
    """A page of requests, the newest first, and the last erasures; `erasing` is the id of one that
    was just asked for."""
    counts, page, erasures = await asyncio.gather(
        queries.data_request_counts(me.shop),
        queries.data_requests(me.shop, state, cursor, _SHOWN),
        queries.erasures(me.shop, None, _ERASURES),
    )
    numbers = {
        "open": counts.open,
        "exported": counts.exported,
        "all": counts.requests,
    }
    return pages.render(
        "privacy.html",
        me=me,
        section="privacy",
        tabs=[(key, label, numbers[key]) for key, label in TABS],
        state=state,
        page=page,
        known=await _known(me.shop, page.items, queries, is_known),
        now=clock(),
        erasures=erasures,
        erasing=bool(erasing),
        **links("/privacy", cursor, page.next, state=state),
    )


async def _known(
    shop: str, asked: Sequence[DataRequest], queries: Queries, is_known: IsKnown
) -> set[str]:
    """Those of whom something is kept. Mail that was set aside makes nobody a customer or lead, so
    for all others the log is asked."""
    persons = {one.person for one in asked}
    customers = await queries.customers_among(shop, persons)
    others = sorted(persons - customers)
    found = await asyncio.gather(*(is_known(shop, person) for person in others))
    return customers | {person for person, yes in zip(others, found, strict=True) if yes}
