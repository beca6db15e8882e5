"""A conversation is merged into another, or is on its own again."""

from __future__ import annotations

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
from cplus.web.merchant.conversations.choosing import NONE, named_in, others
from cplus.web.merchant.conversations.page import View, ViewDep

router = APIRouter(prefix="/conversations")


@router.get("/{conversation_id}/unmerge")
async def again(conversation_id: IdDep, _me: MerchantDep) -> Response:
    """For who loads the address of a form again."""
    return see_other(f"/conversations/{conversation_id}")


@router.get("/{conversation_id}/merge")
async def choose(
    view: ViewDep, conversation_id: IdDep, into: str = "", q: str = ""
) -> HTMLResponse:
    """Which conversation it goes into; with `q`, those that a search finds; with `into`, what that
    means."""
    return await _page(view, conversation_id, into, q)


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


async def _page(
    view: View, conversation_id: str, into: str, q: str = "", *, reason: str = "", status: int = 200
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
    offered = await others(view.queries, shop, row, row.person, q)
    return view.pages.render(
        "conversation/merge.html",
        status=status,
        me=view.me,
        section="inbox",
        conversation=row,
        target=target,
        address=await view.address(target) if target else None,
        same=target is not None and target.person in offered.persons,
        others=offered,
        reason=reason,
        key=new_key(),
    )
