"""The merchant has a person erased: what that means is said before it is done."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from cplus.commands.erasing import Erasures, asked_to_erase, erase_person
from cplus.events import names
from cplus.web.kit.deps import (
    ErasuresDep,
    HeadDep,
    IsKnownDep,
    PagesDep,
    QueriesDep,
    SignaturesDep,
)
from cplus.web.kit.forms import form_key, new_key, own_form
from cplus.web.kit.signed_in import MerchantDep, see_other
from cplus.web.merchant.conversations.thread import caught_up
from cplus.web.merchant.privacy.exports import PersonDep

router = APIRouter(prefix="/privacy/people")


@router.get("/{person}/erase")
async def prepare(
    pages: PagesDep,
    queries: QueriesDep,
    is_known: IsKnownDep,
    use: ErasuresDep,
    head: HeadDep,
    me: MerchantDep,
    person: PersonDep,
) -> HTMLResponse:
    """Says what will be gone and what stays, and has the button that erases."""
    shown = await caught_up(queries, me.shop, await head(me.shop), by=("customers",))
    who = await _who(me.shop, person, use)
    found = await queries.customer(me.shop, person)
    asked = await asked_to_erase(me.shop, person, use=use)
    if found is None and asked is None and not await is_known(me.shop, person):
        raise HTTPException(404)
    return pages.render(
        "privacy/erase.html",
        me=me,
        section="privacy",
        person=names.person_id(person),
        customer=found.customer if found else None,
        parts=found.parts if found else (),
        asked=asked,
        who=who,
        behind=not shown,
        key=new_key(),
    )


@router.post("/{person}/erase")
async def erase(
    request: Request,
    signatures: SignaturesDep,
    queries: QueriesDep,
    use: ErasuresDep,
    me: MerchantDep,
    person: PersonDep,
) -> Response:
    """Records that the person is to be erased; sent twice, it is one erasure. The form says who is
    erased, and of one whom a merchant merged that all of them are meant."""
    fields = await own_form(request, signatures, me.session)
    key = form_key(fields)
    found = await queries.customer(me.shop, person)
    if not await use.recorder.store.by_ref(me.shop, person, 1):
        raise HTTPException(404)
    meant = fields.get("who") == await _who(me.shop, person, use)
    if not meant or (found is not None and found.parts and "all" not in fields):
        # Whom somebody merged since the page was made is not erased by what it said.
        return see_other(f"/privacy/people/{names.person_id(person)}/erase")
    asked = await erase_person(
        me.shop, person, key=key, source="dashboard", actor=me.actor, use=use
    )
    return see_other(f"/privacy?erasing={asked.erasure}")


async def _who(shop: str, person: str, use: Erasures) -> str:
    """Who is erased with that person, by all ids: as the log says it, which the erasure asks too,
    and no row that may be behind it."""
    return " ".join(map(names.person_id, sorted(await use.all_ids(shop, [person]))))
