"""Customers who ask for their data, and who was erased."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Annotated, Final, Literal

from fastapi import APIRouter, HTTPException, Path, Request
from fastapi.responses import HTMLResponse, Response

from cplus.commands.retention import retention_of, set_retention
from cplus.events.names import person_id
from cplus.projections.queries import DataRequest, DataRequestState, Queries
from cplus.web.kit.deps import (
    ClockDep,
    ErasuresDep,
    IsKnown,
    IsKnownDep,
    PagesDep,
    QueriesDep,
    SignaturesDep,
)
from cplus.web.kit.forms import form_key, new_key, own_form
from cplus.web.kit.i18n import gettext as _
from cplus.web.kit.pages import links
from cplus.web.kit.signed_in import MerchantDep, see_other
from cplus.wording import worded

router = APIRouter(prefix="/privacy")

TABS: Final[tuple[tuple[DataRequestState, str], ...]] = (
    ("open", worded("Open")),
    ("exported", worded("Exported")),
    ("all", worded("All")),
)
_ERASURES: Final = 5
"""The last ones, of which this page tells; all are on a page of their own."""
_MONTHS: Final = (3, 6, 12, 24, 36)
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,2}")
_SHOWN: Final = 20
"""Requests of a page: for each of somebody unknown the log is asked."""


@router.get("")
async def requests(
    pages: PagesDep,
    queries: QueriesDep,
    is_known: IsKnownDep,
    clock: ClockDep,
    use: ErasuresDep,
    me: MerchantDep,
    *,
    state: DataRequestState = "open",
    cursor: str | None = None,
    erasing: str = "",
    saved: Literal["", "yes"] = "",
) -> HTMLResponse:
    """A page of requests, the newest first, and the last erasures; `erasing` is the id of one that
    was just asked for, `saved` says that the rule of retention was."""
    counts, page, erasures, months = await asyncio.gather(
        queries.data_request_counts(me.shop),
        queries.data_requests(me.shop, state, cursor, _SHOWN),
        queries.erasures(me.shop, None, _ERASURES),
        retention_of(use.recorder.store, use.recorder.reader, me.shop),
    )
    numbers = {
        "open": counts.open,
        "exported": counts.exported,
        "all": counts.requests,
    }
    return pages.render(
        "privacy/privacy.html",
        me=me,
        section="privacy",
        tabs=[(key, label, numbers[key]) for key, label in TABS],
        state=state,
        page=page,
        known=await _known(me.shop, page.items, queries, is_known),
        now=clock(),
        erasures=erasures,
        erasing=bool(erasing),
        erased=erasing in {one.id for one in erasures.items if one.completed_at},
        months=months,
        saved=saved,
        offered=sorted({*_MONTHS, *([months] if months else [])}),
        key=new_key(),
        **links("/privacy", cursor, page.next, state=state),
    )


@router.get("/requests/{number}")
async def request(
    queries: QueriesDep, me: MerchantDep, number: Annotated[int, Path(ge=1, lt=2**63)]
) -> Response:
    """Where the mail about a request leads: to its export, if there is one to make."""
    asked = await queries.data_request(me.shop, number)
    if asked is None or asked.erased:
        return see_other("/privacy?state=all")
    return see_other(f"/privacy/people/{person_id(asked.person)}?request={asked.id}")


@router.get("/retention")
async def again(_me: MerchantDep) -> Response:
    """For who loads the address of the form again."""
    return see_other("/privacy")


@router.post("/retention")
async def retention(
    request: Request, signatures: SignaturesDep, use: ErasuresDep, me: MerchantDep
) -> Response:
    """Decides for how long people are kept who only wrote."""
    fields = await own_form(request, signatures, me.session)
    months = fields.get("months", "")
    if months and not _NUMBER.fullmatch(months):
        raise HTTPException(400, _("This form isn’t valid."))
    await set_retention(
        me.shop,
        int(months) if months else None,
        key=form_key(fields),
        source="dashboard",
        actor=me.actor,
        use=use,
    )
    return see_other("/privacy?saved=yes")


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
