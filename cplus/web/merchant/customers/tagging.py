"""The tags of the shop on persons: on the page of one, and of many of a list at once."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from cplus.commands.many import act_key
from cplus.commands.person_tags import tag_people, tag_person, undo_tagging
from cplus.errors import FormOfAnother, InvalidInput, NotFound
from cplus.events import names
from cplus.events.segment import Definition
from cplus.web.kit.deps import ErasuresDep, SignaturesDep, TaggingDep
from cplus.web.kit.forms import form_key, own_form
from cplus.web.kit.signed_in import MerchantDep, see_other
from cplus.web.merchant.customers.customers import LONGEST, PERSON
from cplus.web.merchant.customers.person import ViewDep, page_of
from cplus.web.merchant.customers.segments import told_by
from cplus.web.merchant.privacy.exports import PersonDep

router = APIRouter(prefix="/customers")

_PICK: Final = "pick-"
_TAG: Final = "tag-"
_FIELDS: Final = 150


@router.get("/tags")
@router.get("/tags/undo")
async def again(_me: MerchantDep) -> Response:
    """For who loads the address of a form again."""
    return see_other("/customers")


@router.post("/tags")
async def tag_listed(
    request: Request, signatures: SignaturesDep, use: TaggingDep, me: MerchantDep
) -> Response:
    """Puts a tag on those of a list who are chosen, or takes it off, and leads back to it."""
    fields = await own_form(request, signatures, me.session, most=_FIELDS)
    listed, act, tag = (fields.get(name, "") for name in ("list", "act", "tag"))
    picked = [one.removeprefix(_PICK) for one in fields if one.startswith(_PICK)]
    key = act_key(form_key(fields), picked, act, tag)
    try:
        done = await tag_people(
            me.shop,
            [names.person(one) for one in picked if PERSON.fullmatch(one)],
            act,
            tag,
            key=key,
            actor=me.actor,
            source="dashboard",
            use=use,
        )
    except InvalidInput as error:
        return _back(listed, problem=error.values.get("code", ""))
    return _back(listed, did=key, at=done.position)


@router.post("/tags/undo")
async def undo(
    request: Request, signatures: SignaturesDep, use: TaggingDep, me: MerchantDep
) -> Response:
    """Takes that back."""
    fields = await own_form(request, signatures, me.session)
    listed, did = fields.get("list", ""), fields.get("did", "")
    try:
        done = await undo_tagging(
            me.shop, did, key=form_key(fields), actor=me.actor, source="dashboard", use=use
        )
    except NotFound:
        return _back(listed, problem="over")
    return _back(listed, undone=str(done.changed), at=done.position)


@router.get("/{person}/tags")
async def again_of(person: PersonDep, _me: MerchantDep) -> Response:
    """For who loads the address of a form again."""
    return see_other(page_of(person))


@router.post("/{person}/tags")
async def tag(
    request: Request,
    view: ViewDep,
    signatures: SignaturesDep,
    use: ErasuresDep,
    person: PersonDep,
) -> Response:
    """The person's tags are those that are ticked; what somebody else changed meanwhile stays."""
    me = view.me
    fields = await own_form(request, signatures, me.session, most=_FIELDS)
    key, had = form_key(fields), set(fields.get("had", "").split())
    ticked = {one.removeprefix(_TAG) for one in fields if one.startswith(_TAG)}
    await view.detail(person)
    try:
        at = await tag_person(
            me.shop,
            person,
            added=sorted(ticked - had),
            removed=sorted(had - ticked),
            key=key,
            actor=me.actor,
            source="dashboard",
            use=use,
        )
    except FormOfAnother:
        raise
    except InvalidInput as error:
        return see_other(page_of(person, problem=error.values.get("code", "")))
    return see_other(page_of(person, done="tagged", at=at))


def _back(listed: str, **told: Any) -> Response:
    """To the list that the form was under, as its address says it."""
    given = told_by(listed)
    kept = {name: given[name][:LONGEST] for name in ("q", "segment", "cursor") if name in given}
    said = {name: str(value) for name, value in told.items() if value}
    query = urlencode(kept | Definition.of(given).told | said)
    return see_other(f"/customers?{query}")
