"""The segments of customers that were saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from cplus.commands import segments
from cplus.errors import InvalidInput
from cplus.events.aggregates.segments import Segment
from cplus.events.segment import Definition
from cplus.web.kit.deps import ConversationsDep, PagesDep, SignaturesDep
from cplus.web.kit.forms import form_key, new_key, own_form
from cplus.web.kit.pages import Pages
from cplus.web.kit.signed_in import Merchant, MerchantDep, see_other

router = APIRouter(prefix="/customers/segments")

PAGE: Final = "/customers/segments"
_LONGEST: Final = 4_000  # characters of what a form says is chosen


class _Row(NamedTuple):
    segment: Segment
    query: str | None
    """Of the address that shows who is in it; None if this release cannot read it."""


@router.get("")
async def show(
    pages: PagesDep, use: ConversationsDep, me: MerchantDep, saved: str = ""
) -> HTMLResponse:
    """All of them, as the log has them."""
    return await _page(pages, use, me, saved=saved == "yes")


@router.get("/save")
@router.get("/remove")
async def again(_me: MerchantDep) -> Response:
    """For who loads the address of a form again."""
    return see_other(PAGE)


@router.post("/save")
async def save(
    request: Request,
    pages: PagesDep,
    signatures: SignaturesDep,
    use: ConversationsDep,
    me: MerchantDep,
) -> Response:
    """Saves what a list shows as a segment, or changes one."""
    fields = await own_form(request, signatures, me.session)
    change = fields.get("segment", "") if fields.get("as") == "change" else ""
    known = (await segments.segments_of(use.recorder, me.shop)).segments if change else {}
    try:
        await segments.save_segment(
            me.shop,
            fields.get("name", ""),
            definition_of(fields.get("list", "")),
            # One that somebody removed meanwhile is made anew.
            segment=change if change in known else None,
            key=form_key(fields),
            actor=me.actor,
            source="dashboard",
            use=use,
        )
    except InvalidInput as error:
        return await _page(pages, use, me, error=error, fields=fields)
    return see_other(f"{PAGE}?saved=yes")


@router.post("/remove")
async def remove(
    request: Request, signatures: SignaturesDep, use: ConversationsDep, me: MerchantDep
) -> Response:
    """Removes a segment."""
    fields = await own_form(request, signatures, me.session)
    segment, key = fields.get("segment", ""), form_key(fields)
    await segments.remove_segment(
        me.shop, segment, key=key, actor=me.actor, source="dashboard", use=use
    )
    return see_other(f"{PAGE}?saved=yes")


def told_by(query: str) -> dict[str, str]:
    """What the address of a list says, by name; nothing if it cannot be read."""
    try:
        return dict(parse_qsl(query[:_LONGEST], max_num_fields=30))
    except ValueError:
        return {}


def definition_of(query: str) -> Definition:
    """What a list shows, as its address says it."""
    return Definition.of(told_by(query))


async def _page(
    pages: Pages,
    use: ConversationsDep,
    me: Merchant,
    *,
    saved: bool = False,
    error: InvalidInput | None = None,
    fields: Mapping[str, str] | None = None,
) -> HTMLResponse:
    found = (await segments.segments_of(use.recorder, me.shop)).segments.values()
    reason: Any = error.values["reason"] if error else ""
    return pages.render(
        "customers/segments.html",
        status=422 if error else 200,
        me=me,
        section="customers",
        rows=[_row(one) for one in sorted(found, key=lambda one: one.name.casefold())],
        saved=saved,
        reason=reason,
        typed=fields or {},
        new_key=new_key,
    )


def _row(segment: Segment) -> _Row:
    try:
        told = segment.definition.told
    except InvalidInput:
        return _Row(segment, None)
    return _Row(segment, urlencode({**told, "segment": segment.id}))
