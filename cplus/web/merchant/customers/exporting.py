"""Customers as a file for spreadsheets, in parts that fit into one answer."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, Response

from cplus.clock import zone
from cplus.commands.segments import note_export
from cplus.events import names
from cplus.projections.queries import Member
from cplus.web.kit.deps import ClockDep, ConversationsDep, PagesDep, QueriesDep, SignaturesDep
from cplus.web.kit.forms import form_key, new_key, own_form
from cplus.web.kit.i18n import gettext as _
from cplus.web.kit.signed_in import Merchant, MerchantDep, see_other
from cplus.web.merchant.customers.customers import PERSON, tags_of, wanted_now
from cplus.web.merchant.customers.labels import SOURCES
from cplus.web.merchant.customers.segments import definition_of
from cplus.wording import worded

router = APIRouter(prefix="/customers/export")

PAGE: Final = "/customers/export"
ROWS: Final = 10_000
"""Persons who are looked at for one file."""
_FEWEST: Final = 100
LIMIT: Final = 4_000_000
"""Bytes of one file: Lambda answers with 6 MB at most."""
COLUMNS: Final = (
    worded("Name"),
    worded("Email"),
    worded("Phone"),
    worded("Kind"),
    worded("Email marketing"),
    worded("Tags in Shopify"),
    worded("Tags"),
    worded("Orders"),
    worded("Amount spent"),
    worded("Currency"),
    worded("Last order"),
    worded("First order"),
    worded("Bought after a conversation"),
    worded("Came by"),
    worded("Conversations"),
    worded("Customer since"),
    worded("First message"),
    worded("Last message"),
)
_BOM: Final = "\ufeff"
"""By which spreadsheets know UTF-8."""
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""With which a cell begins that spreadsheets run
(https://owasp.org/www-community/attacks/CSV_Injection)."""

_AfterDep = Annotated[str, Query(pattern=r"^([a-z0-9]{1,64})?$")]
_RowsDep = Annotated[int, Query(ge=_FEWEST, le=ROWS)]


@router.get("")
async def prepare(
    request: Request,
    pages: PagesDep,
    queries: QueriesDep,
    me: MerchantDep,
    after: _AfterDep = "",
    rows: _RowsDep = ROWS,
    part: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> HTMLResponse:
    """Says what the file has, and has the button that downloads it."""
    chosen = definition_of(request.url.query)
    begin = names.person(after) if after else ""
    end = await queries.person_ahead(me.shop, begin, rows)
    until = names.person_id(end) if end else ""
    more = {**chosen.told, "after": until, "rows": rows, "part": part + 1}
    return pages.render(
        "customers/export.html",
        me=me,
        section="customers",
        chosen=urlencode(chosen.told),
        narrowed=chosen.narrowed,
        columns=COLUMNS,
        after=after,
        until=until,
        rows=rows,
        part=part,
        smaller=rows < ROWS,
        following=f"{PAGE}?{urlencode(more)}" if until else None,
        new_key=new_key,
    )


@router.get("/file")
async def again(_me: MerchantDep) -> Response:
    """For who loads the address of the form again."""
    return see_other("/customers")


@router.post("/file")
async def download(
    request: Request,
    signatures: SignaturesDep,
    queries: QueriesDep,
    use: ConversationsDep,
    clock: ClockDep,
    me: MerchantDep,
) -> Response:
    """Makes the file, records who gets whom, and then answers it. If it is too large, leads to a
    smaller part."""
    fields = await own_form(request, signatures, me.session)
    key, chosen = form_key(fields), definition_of(fields.get("list", ""))
    after, until = _person(fields.get("after", "")), _person(fields.get("until", ""))
    part, rows = _number(fields, "part", 1), _number(fields, "rows", ROWS)
    file, customers = io.StringIO(newline=""), 0
    writer = csv.writer(file)
    writer.writerow([str(_(column)) for column in COLUMNS])
    size = 0
    async for members in queries.all_members(me.shop, wanted_now(chosen, me, clock), after, until):
        written = file.tell()
        writer.writerows(row_of(one, me) for one in members)
        file.seek(written)
        size += len(file.read().encode())
        customers += len(members)
        if size > LIMIT and rows > _FEWEST:
            at = {**chosen.told, "after": fields.get("after", ""), "part": part}
            return see_other(f"{PAGE}?{urlencode({**at, 'rows': max(rows // 4, _FEWEST)})}")
    await note_export(
        me.shop, chosen, customers, key=key, actor=me.actor, source="dashboard", use=use
    )
    name = f"customers-{clock().astimezone(zone(me.timezone)).date()}-{part}.csv"
    return Response(
        (_BOM + file.getvalue()).encode(),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


def row_of(member: Member, me: Merchant) -> list[str]:
    """The cells of one person. No cell is a formula, whatever a shopper calls themselves."""
    one, lead = member.customer, member.lead
    first = lead.first_order
    kinds = {"customer": _("Customer"), "lead": _("Lead"), "gone": ""}
    cells = (
        one.name,
        one.email,
        one.phone,
        kinds[one.kind],
        one.email_consent,
        ", ".join(one.tags),
        ", ".join(tag.name for tag in tags_of(me) if tag.id in one.own_tags),
        str(one.orders),
        f"{one.amount_spent:f}" if one.amount_spent is not None else "",
        one.currency,
        _day(member.last_order_at, me),
        _day(first.order.created_at, me) if first else "",
        "" if first is None else _("Yes") if first.bought_after else _("No"),
        _(SOURCES[lead.source]) if lead.source else "",
        str(one.conversations),
        _day(one.customer_since, me),
        _day(one.first_contact_at, me),
        _day(one.last_contact_at, me),
    )
    return [defused(cell or "") for cell in cells]


def defused(cell: str) -> str:
    """The text as spreadsheets show it, and never run it."""
    begins = cell.lstrip(" ").startswith(_FORMULAS) or cell.startswith(_FORMULAS)
    return f"'{cell}" if begins else cell


def _day(at: datetime | None, me: Merchant) -> str:
    return at.astimezone(zone(me.timezone)).date().isoformat() if at else ""


def _person(given: str) -> str:
    if not given:
        return ""
    if not PERSON.fullmatch(given):
        raise HTTPException(400, _("This form isn’t valid."))
    return names.person(given)


def _number(fields: Mapping[str, str], name: str, default: int) -> int:
    text = fields.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else default
