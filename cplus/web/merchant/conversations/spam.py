"""A conversation is spam, or is not after all."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from cplus.commands.conversations import spam
from cplus.web.kit.deps import ConversationsDep, SignaturesDep
from cplus.web.kit.forms import form_key, own_form
from cplus.web.kit.signed_in import MerchantDep, see_other
from cplus.web.merchant.conversations.page import IdDep, changed

router = APIRouter(prefix="/conversations")


@router.get("/{conversation_id}/spam")
@router.get("/{conversation_id}/not-spam")
async def again(conversation_id: IdDep, _me: MerchantDep) -> Response:
    """For who loads the address of a form again."""
    return see_other(f"/conversations/{conversation_id}")


@router.post("/{conversation_id}/spam")
async def mark(
    request: Request,
    signatures: SignaturesDep,
    use: ConversationsDep,
    me: MerchantDep,
    conversation_id: IdDep,
) -> Response:
    """It moves to the tab Spam."""
    key = form_key(await own_form(request, signatures, me.session))
    outcome = await spam.mark_spam(
        me.shop, conversation_id, key=key, actor=me.actor, source="dashboard", use=use
    )
    return changed(conversation_id, "spam", outcome)


@router.post("/{conversation_id}/not-spam")
async def unmark(
    request: Request,
    signatures: SignaturesDep,
    use: ConversationsDep,
    me: MerchantDep,
    conversation_id: IdDep,
) -> Response:
    """It moves back to where it was."""
    key = form_key(await own_form(request, signatures, me.session))
    outcome = await spam.unmark_spam(
        me.shop, conversation_id, key=key, actor=me.actor, source="dashboard", use=use
    )
    return changed(conversation_id, "not-spam", outcome)
