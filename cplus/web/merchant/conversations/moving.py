"""A message is moved to another conversation, or with all that follow into a new one; and back."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from cplus.commands.conversations import moving
from cplus.commands.conversations.answering import Changed
from cplus.commands.conversations.merging import loaded, pair
from cplus.commands.conversations.moving import Asked
from cplus.errors import FormOfAnother, InvalidInput, NotFound
from cplus.events.aggregates.conversation.decisions import Conversation as Talk
from cplus.events.aggregates.conversation.thread import Line
from cplus.events.aggregates.moving import refusal
from cplus.projections.queries import Conversation
from cplus.web.kit.deps import SignaturesDep
from cplus.web.kit.forms import form_key, new_key, own_form
from cplus.web.kit.signed_in import MerchantDep, see_other
from cplus.web.kit.text import refusal as refused
from cplus.web.kit.text import sentence
from cplus.web.merchant.conversations.addresses import IdDep, MessageIdDep, changed
from cplus.web.merchant.conversations.choosing import NONE, named_in, others
from cplus.web.merchant.conversations.page import View, ViewDep

router = APIRouter(prefix="/conversations")


@router.get("/{conversation_id}/unsplit")
@router.get("/{conversation_id}/messages/{message_id}/split")
@router.get("/{conversation_id}/messages/{message_id}/move-back")
async def again(conversation_id: IdDep, _me: MerchantDep) -> Response:
    """For who loads the address of a form again."""
    return see_other(f"/conversations/{conversation_id}")


@router.get("/{conversation_id}/messages/{message_id}/move")
async def choose(
    view: ViewDep, conversation_id: IdDep, message_id: MessageIdDep, into: str = "", q: str = ""
) -> HTMLResponse:
    """Where the message goes; with `q`, what a search finds; with `into`, what that means."""
    return await _page(view, conversation_id, message_id, into, q)


@router.post("/{conversation_id}/messages/{message_id}/move")
async def move(
    request: Request,
    view: ViewDep,
    signatures: SignaturesDep,
    conversation_id: IdDep,
    message_id: MessageIdDep,
) -> Response:
    """It stands in the other conversation, to whose page this leads."""
    fields = await own_form(request, signatures, view.me.session)
    asked, into = _asked(fields, view), fields.get("into", "")
    try:
        at, target = await moving.move(view.me.shop, conversation_id, message_id, into, asked=asked)
    except FormOfAnother:
        raise
    except InvalidInput as error:
        reason = refused(error)
        return await _page(view, conversation_id, message_id, into, reason=reason, status=422)
    return changed(target, "moved", Changed(at))


@router.post("/{conversation_id}/messages/{message_id}/move-back")
async def move_back(
    request: Request,
    view: ViewDep,
    signatures: SignaturesDep,
    conversation_id: IdDep,
    message_id: MessageIdDep,
) -> Response:
    """It stands where it came from."""
    asked = _asked(await own_form(request, signatures, view.me.session), view)
    at = await moving.move_back(view.me.shop, conversation_id, message_id, asked=asked)
    return changed(conversation_id, "moved-back", Changed(at))


@router.post("/{conversation_id}/messages/{message_id}/split")
async def split(
    request: Request,
    view: ViewDep,
    signatures: SignaturesDep,
    conversation_id: IdDep,
    message_id: MessageIdDep,
) -> Response:
    """It and what follows are a conversation of their own, to whose page this leads."""
    asked = _asked(await own_form(request, signatures, view.me.session), view)
    try:
        at, made = await moving.split(view.me.shop, conversation_id, message_id, asked=asked)
    except FormOfAnother:
        raise
    except InvalidInput as error:
        reason = refused(error)
        return await _page(view, conversation_id, message_id, "", reason=reason, status=422)
    return changed(made, "split", Changed(at))


@router.post("/{conversation_id}/unsplit")
async def unsplit(
    request: Request, view: ViewDep, signatures: SignaturesDep, conversation_id: IdDep
) -> Response:
    """What was split off is back in the conversation that it came from, to whose page this
    leads."""
    asked = _asked(await own_form(request, signatures, view.me.session), view)
    at, origin = await moving.unsplit(view.me.shop, conversation_id, asked=asked)
    return changed(origin, "unsplit", Changed(at))


def _asked(fields: Mapping[str, str], view: View) -> Asked:
    return Asked(form_key(fields), view.me.actor, "dashboard", view.use)


async def _page(
    view: View,
    conversation_id: str,
    message_id: str,
    into: str,
    q: str = "",
    *,
    reason: str = "",
    status: int = 200,
) -> HTMLResponse:
    shop = view.me.shop
    row = await view.queries.conversation(shop, conversation_id)
    talk = await loaded(shop, conversation_id, view.use)
    if row is None or message_id not in talk.thread:
        raise HTTPException(404)
    line = talk.thread.of(message_id)
    target: Conversation | None = None
    if into and not reason:
        target, reason = await _target(view, talk, line, into)
    offered = await others(view.queries, shop, row, line.person, q)
    return view.pages.render(
        "conversation/move.html",
        status=status,
        me=view.me,
        section="inbox",
        conversation=row,
        message_id=message_id,
        text=line.text,
        can_split=talk.thread.lines[0].message_id != message_id,
        target=target,
        same=target is not None and target.person in offered.persons,
        others=offered,
        reason=reason,
        key=new_key(),
    )


async def _target(view: View, talk: Talk, line: Line, into: str) -> tuple[Conversation | None, str]:
    """The conversation that is named, or why the message cannot go there."""
    shop, named = view.me.shop, named_in(into)
    if named is None:
        return None, NONE
    try:
        two = await pair(shop, talk.conversation_id, named, use=view.use)
    except NotFound:
        return None, NONE
    if why := refusal(talk, two.target, [line], view.now):
        return None, f"{sentence(why)}."
    return await view.queries.conversation(shop, two.target.conversation_id), ""
