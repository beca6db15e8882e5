"""A conversation is merged into another, or is on its own again."""

from __future__ import annotations

import re
from typing import Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from cplus.commands.conversations import merging
from cplus.commands.conversations.answering import Changed
from cplus.errors import FormOfAnother, InvalidInput, NotFound
from cplus.events.aggregates.merging import refusal
from cplus.projections.queries import Conversation
from cplus.web.kit.deps import ConversationsDep, SignaturesDep
from cplus.web.kit.forms import form_key, new_key, own_form
from cplus.web.kit.signed_in import MerchantDep, see_other
from cplus.web.kit.text import refusal as reason_of
from cplus.web.kit.text import sentence
from cplus.web.merchant.conversations.addresses import IdDep, changed
from cplus.web.merchant.conversations.page import View, ViewDep
from cplus.wording import worded

router = APIRouter(prefix="/conversations")

_NAMED: Final = re.compile(r"\s*(?:\S*/conversations/)?([a-z0-9]{1,64})(?:[?#]\S*)?\s*")
NONE: Final = worded("That is no conversation of this shop. Copy the address of its page.")


@router.get("/{conversation_id}/unmerge")
async def again(conversation_id: IdDep, _me: MerchantDep) -> Response:
    """For who loads the address of a form again."""
    return see_other(f"/conversations/{conversation_id}")


@router.get("/{conversation_id}/merge")
async def choose(view: ViewDep, conversation_id: IdDep, into: str = "") -> HTMLResponse:
    """Which conversation it goes into; with `into`, what that means."""
    return await _page(view, conversation_id, into)


@router.post("/{conversation_id}/merge")
async def merge(
    request: Request, view: ViewDep, signatures: SignaturesDep, conversation_id: IdDep
) -> Response:
    """It goes into the other, to whose page this leads."""
    me, use = view.me, view.use
    fields = await own_form(request, signatures, me.session)
    key, into = form_key(fields), fields.get("into", "")
    try:
        at = await merging.merge(
            me.shop, conversation_id, into, key=key, actor=me.actor, source="dashboard", use=use
        )
    except FormOfAnother:
        raise
    except InvalidInput as error:
        reason = reason_of(error)
        return await _page(view, conversation_id, into, reason=reason, status=422)
    target = (await merging.pair(me.shop, conversation_id, into, use=use)).target
    return changed(target.conversation_id, "merged", Changed(at))


@router.post("/{conversation_id}/unmerge")
async def unmerge(
    request: Request,
    signatures: SignaturesDep,
    use: ConversationsDep,
    me: MerchantDep,
    conversation_id: IdDep,
) -> Response:
    """It is on its own again."""
    key = form_key(await own_form(request, signatures, me.session))
    at = await merging.unmerge(
        me.shop, conversation_id, key=key, actor=me.actor, source="dashboard", use=use
    )
    return changed(conversation_id, "unmerged", Changed(at))


def named_in(text: str) -> str | None:
    """The id of the conversation whose page's address, or id, the text is."""
    named = _NAMED.fullmatch(text)
    return named[1] if named else None


async def _page(
    view: View, conversation_id: str, into: str, *, reason: str = "", status: int = 200
) -> HTMLResponse:
    shop = view.me.shop
    row = await view.queries.conversation(shop, conversation_id)
    if row is None:
        raise HTTPException(404)
    target: Conversation | None = None
    if into and (named := named_in(into)):
        try:
            two = await merging.pair(shop, conversation_id, named, use=view.use)
        except NotFound:
            reason = reason or NONE
        else:
            if why := refusal(two.source, two.target, view.now):
                reason = reason or f"{sentence(why)}."
            else:
                target = await view.queries.conversation(shop, two.target.conversation_id)
    elif into:
        reason = reason or NONE
    person = await view.queries.customer(shop, row.person)
    others = person.conversations if person else []
    persons = {one.person for one in others}
    return view.pages.render(
        "conversation/merge.html",
        status=status,
        me=view.me,
        section="inbox",
        conversation=row,
        target=target,
        address=await view.address(target) if target else None,
        same=target is not None and target.person in persons,
        others=[one for one in others if may_take(one, row)],
        asked=into,
        reason=reason,
        key=new_key(),
    )


def may_take(one: Conversation, row: Conversation) -> bool:
    """Whether it may be offered as where `row`, or a message of it, could go."""
    return one.id != row.id and not (one.merged_into or one.spam or one.erased)
