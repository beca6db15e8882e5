"""Two persons who are one are merged, and are two again."""

from __future__ import annotations

import re
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from cplus.commands import merging_persons
from cplus.errors import FormOfAnother, InvalidInput, NotFound
from cplus.events import names
from cplus.projections.queries import Customer, CustomerDetail
from cplus.web.kit.deps import ErasuresDep, SignaturesDep
from cplus.web.kit.forms import form_key, new_key, own_form
from cplus.web.kit.signed_in import MerchantDep, see_other
from cplus.web.kit.text import refusal as reason_of
from cplus.web.kit.text import sentence
from cplus.web.merchant.customers.customers import LONGEST, PERSON, found_people
from cplus.web.merchant.customers.person import View, ViewDep, page_of
from cplus.web.merchant.privacy.exports import PersonDep
from cplus.wording import worded

router = APIRouter(prefix="/customers")

SHOWN: Final = 10
"""People who are offered."""
NOBODY: Final = worded("That is no person of this shop.")
_NAMED: Final = re.compile(r"\s*(?:\S*/customers/)?([a-z0-9]{1,64})(?:[?#]\S*)?\s*")


@router.get("/{person}/unmerge")
async def again(person: PersonDep, _me: MerchantDep) -> Response:
    """For who loads the address of a form again."""
    return see_other(page_of(person))


@router.get("/{person}/merge")
async def choose(
    view: ViewDep,
    use: ErasuresDep,
    person: PersonDep,
    other: Annotated[str, Query(alias="with")] = "",
    q: str = "",
) -> HTMLResponse:
    """With whom the person is merged: looked for by `q`; with somebody chosen, what it means."""
    return await _page(view, use, person, other, q[:LONGEST])


@router.post("/{person}/merge")
async def merge(
    request: Request,
    view: ViewDep,
    signatures: SignaturesDep,
    use: ErasuresDep,
    person: PersonDep,
) -> Response:
    """They are one from now on."""
    me = view.me
    fields = await own_form(request, signatures, me.session)
    key, other = form_key(fields), fields.get("with", "")
    await view.detail(person)
    try:
        if not PERSON.fullmatch(other):
            raise InvalidInput(reason=NOBODY)
        at = await merging_persons.merge_persons(
            me.shop,
            person,
            names.person(other),
            key=key,
            actor=me.actor,
            source="dashboard",
            use=use,
        )
    except FormOfAnother:
        raise
    except InvalidInput as error:
        return await _page(view, use, person, other, "", reason=reason_of(error), status=422)
    return see_other(page_of(person, done="merged", at=at))


@router.post("/{person}/unmerge")
async def unmerge(
    request: Request,
    view: ViewDep,
    signatures: SignaturesDep,
    use: ErasuresDep,
    person: PersonDep,
) -> Response:
    """They are two again."""
    me = view.me
    fields = await own_form(request, signatures, me.session)
    key, pair = form_key(fields), (fields.get("one", ""), fields.get("other", ""))
    await view.detail(person)
    if not all(map(PERSON.fullmatch, pair)):
        raise NotFound(what="person")
    one, other = map(names.person, pair)
    at = await merging_persons.unmerge_persons(
        me.shop, one, other, key=key, actor=me.actor, source="dashboard", use=use
    )
    return see_other(page_of(person, done="unmerged", at=at))


async def _page(
    view: View,
    use: ErasuresDep,
    person: str,
    other: str,
    query: str,
    *,
    reason: str = "",
    status: int = 200,
) -> HTMLResponse:
    mine, shop = await view.detail(person), view.me.shop
    theirs: CustomerDetail | None = None
    if other:
        named = _NAMED.fullmatch(other)
        theirs = await view.queries.customer(shop, names.person(named[1])) if named else None
        why = await _refusal(shop, mine, theirs, use)
        reason = reason or (f"{sentence(why)}" if why else "")
        theirs = None if reason else theirs
    return view.pages.render(
        "customers/merge.html",
        status=status,
        me=view.me,
        section="customers",
        person=mine,
        person_id=names.person_id(person),
        other=theirs,
        query=query,
        found=await _offered(view, mine.customer, query) if theirs is None else [],
        reason=reason,
        key=new_key(),
    )


async def _refusal(
    shop: str, mine: CustomerDetail, theirs: CustomerDetail | None, use: ErasuresDep
) -> str | None:
    if theirs is None:
        return NOBODY
    one, other = mine.customer.person, theirs.customer.person
    try:
        return await merging_persons.refusal(shop, one, other, use=use)
    except NotFound:
        return NOBODY


async def _offered(view: View, mine: Customer, query: str) -> list[Customer]:
    """Who may be meant: whom the search finds, else who is called the same."""
    asked = query.strip() or mine.name or ""
    if not asked:
        return []
    page = await found_people(view.queries, view.me.shop, asked, limit=SHOWN + 1)
    return [one for one in page.items if one.person != mine.person and not one.erased_at][:SHOWN]
