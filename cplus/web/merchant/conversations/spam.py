"""A conversation is spam, or is not after all; its sender is blocked, or no more."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from cplus.commands import blocking
from cplus.commands.conversations import spam
from cplus.web.kit.deps import ConversationsDep, SignaturesDep
from cplus.web.kit.forms import form_key, own_form
from cplus.web.kit.signed_in import MerchantDep, see_other
from cplus.web.merchant.conversations.addresses import IdDep, changed
from cplus.web.merchant.inbox.place import CameFromDep
from cplus.web.merchant.inbox.quarantine import kind_of

router = APIRouter(prefix="/conversations")


@router.get("/{conversation_id}/spam")
@router.get("/{conversation_id}/not-spam")
@router.get("/{conversation_id}/block")
@router.get("/{conversation_id}/unblock")
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
    came: CameFromDep,
) -> Response:
    """It moves to the tab Spam."""
    key = form_key(await own_form(request, signatures, me.session))
    outcome = await spam.mark_spam(
        me.shop, conversation_id, key=key, actor=me.actor, source="dashboard", use=use
    )
    return changed(conversation_id, "spam", outcome, came)


@router.post("/{conversation_id}/not-spam")
async def unmark(
    request: Request,
    signatures: SignaturesDep,
    use: ConversationsDep,
    me: MerchantDep,
    conversation_id: IdDep,
    came: CameFromDep,
) -> Response:
    """It moves back to where it was."""
    key = form_key(await own_form(request, signatures, me.session))
    outcome = await spam.unmark_spam(
        me.shop, conversation_id, key=key, actor=me.actor, source="dashboard", use=use
    )
    return changed(conversation_id, "not-spam", outcome, came)


@router.post("/{conversation_id}/block")
async def block(
    request: Request,
    signatures: SignaturesDep,
    use: ConversationsDep,
    me: MerchantDep,
    conversation_id: IdDep,
    came: CameFromDep,
) -> Response:
    """Mail of whom replies go to is held back from now on; with `what` a domain, of all in it."""
    fields = await own_form(request, signatures, me.session)
    outcome = await blocking.block_sender(
        me.shop,
        conversation_id,
        kind=kind_of(fields),
        key=form_key(fields),
        actor=me.actor,
        source="dashboard",
        use=use,
    )
    return changed(conversation_id, "blocked", outcome, came)


@router.post("/{conversation_id}/unblock")
async def unblock(
    request: Request,
    signatures: SignaturesDep,
    use: ConversationsDep,
    me: MerchantDep,
    conversation_id: IdDep,
    came: CameFromDep,
) -> Response:
    """Their mail comes in again."""
    fields = await own_form(request, signatures, me.session)
    outcome = await blocking.unblock_sender(
        me.shop,
        fields.get("block", ""),
        key=form_key(fields),
        actor=me.actor,
        source="dashboard",
        use=use,
    )
    return changed(conversation_id, "unblocked", outcome, came)
