"""How staff works on a conversation: the forms beside its title."""

from __future__ import annotations

from collections.abc import Awaitable

from fastapi import APIRouter, Request
from fastapi.responses import Response

from cplus.clock import zone
from cplus.commands.conversations import answering, handling
from cplus.commands.conversations.answering import Changed
from cplus.errors import FormOfAnother, InvalidInput
from cplus.web.kit.deps import ClockDep, ConversationsDep, SignaturesDep, WorkspaceDep
from cplus.web.kit.forms import form_key, own_form
from cplus.web.kit.signed_in import MerchantDep, see_other
from cplus.web.merchant.conversations.addresses import IdDep, address_of, changed
from cplus.web.merchant.inbox.moments import snoozed_until
from cplus.web.merchant.inbox.place import CameFromDep, Place

router = APIRouter(prefix="/conversations")

_TAG = "tag-"


@router.get("/{conversation_id}/assign")
@router.get("/{conversation_id}/snooze")
@router.get("/{conversation_id}/wake")
@router.get("/{conversation_id}/tags")
@router.get("/{conversation_id}/priority")
@router.get("/{conversation_id}/answer-to")
@router.get("/{conversation_id}/close")
@router.get("/{conversation_id}/reopen")
async def again(conversation_id: IdDep, came: CameFromDep, _me: MerchantDep) -> Response:
    """For who loads the address of a form again."""
    return see_other(address_of(conversation_id, came))


@router.post("/{conversation_id}/assign")
async def assign(
    request: Request,
    signatures: SignaturesDep,
    use: ConversationsDep,
    workspace: WorkspaceDep,
    me: MerchantDep,
    conversation_id: IdDep,
    came: CameFromDep,
) -> Response:
    """This member of staff looks after it."""
    fields = await own_form(request, signatures, me.session)
    key, who = form_key(fields), fields.get("assignee") or None
    return await _done(
        handling.assign(
            me.shop,
            conversation_id,
            who,
            key=key,
            actor=me.actor,
            source="dashboard",
            members=workspace.members,
            use=use,
        ),
        conversation_id,
        "assigned" if who else "unassigned",
        came,
    )


@router.post("/{conversation_id}/snooze")
async def snooze(
    request: Request,
    signatures: SignaturesDep,
    use: ConversationsDep,
    clock: ClockDep,
    me: MerchantDep,
    conversation_id: IdDep,
    came: CameFromDep,
) -> Response:
    """It is put off until then."""
    fields = await own_form(request, signatures, me.session)
    key = form_key(fields)
    try:
        until, for_reply = snoozed_until(fields, clock(), zone(me.timezone))
    except InvalidInput as error:
        return _refused(conversation_id, error, came)
    return await _done(
        handling.snooze(
            me.shop,
            conversation_id,
            until,
            until_reply=for_reply,
            key=key,
            actor=me.actor,
            source="dashboard",
            use=use,
        ),
        conversation_id,
        "snoozed",
        came,
    )


@router.post("/{conversation_id}/wake")
async def wake(
    request: Request,
    signatures: SignaturesDep,
    use: ConversationsDep,
    me: MerchantDep,
    conversation_id: IdDep,
    came: CameFromDep,
) -> Response:
    """It is put off no more."""
    key = form_key(await own_form(request, signatures, me.session))
    return await _done(
        handling.wake(
            me.shop, conversation_id, key=key, actor=me.actor, source="dashboard", use=use
        ),
        conversation_id,
        "woken",
        came,
    )


@router.post("/{conversation_id}/tags")
async def tag(
    request: Request,
    signatures: SignaturesDep,
    use: ConversationsDep,
    me: MerchantDep,
    conversation_id: IdDep,
    came: CameFromDep,
) -> Response:
    """Its tags are those that are ticked; what somebody else changed meanwhile stays."""
    fields = await own_form(request, signatures, me.session, most=150)
    key, had = form_key(fields), set(fields.get("had", "").split())
    ticked = {one.removeprefix(_TAG) for one in fields if one.startswith(_TAG)}
    return await _done(
        handling.tag(
            me.shop,
            conversation_id,
            added=sorted(ticked - had),
            removed=sorted(had - ticked),
            key=key,
            actor=me.actor,
            source="dashboard",
            use=use,
        ),
        conversation_id,
        "tagged",
        came,
    )


@router.post("/{conversation_id}/priority")
async def prioritize(
    request: Request,
    signatures: SignaturesDep,
    use: ConversationsDep,
    me: MerchantDep,
    conversation_id: IdDep,
    came: CameFromDep,
) -> Response:
    """Says how urgent it is."""
    fields = await own_form(request, signatures, me.session)
    key, which = form_key(fields), fields.get("priority", "")
    return await _done(
        handling.prioritize(
            me.shop, conversation_id, which, key=key, actor=me.actor, source="dashboard", use=use
        ),
        conversation_id,
        "prioritized",
        came,
    )


@router.post("/{conversation_id}/answer-to")
async def answer_to(
    request: Request,
    signatures: SignaturesDep,
    use: ConversationsDep,
    me: MerchantDep,
    conversation_id: IdDep,
    came: CameFromDep,
) -> Response:
    """Replies go to the sender of a message from now on."""
    fields = await own_form(request, signatures, me.session)
    outcome = await answering.answer_to(
        me.shop,
        conversation_id,
        message_id=fields.get("message", ""),
        key=form_key(fields),
        actor=me.actor,
        source="dashboard",
        use=use,
    )
    return changed(conversation_id, "answers", outcome, came)


@router.post("/{conversation_id}/close")
async def close(
    request: Request,
    signatures: SignaturesDep,
    use: ConversationsDep,
    me: MerchantDep,
    conversation_id: IdDep,
    came: CameFromDep,
) -> Response:
    """The merchant is done with it."""
    key = form_key(await own_form(request, signatures, me.session))
    outcome = await answering.close(
        me.shop, conversation_id, key=key, actor=me.actor, source="dashboard", use=use
    )
    return changed(conversation_id, "closed", outcome, came)


@router.post("/{conversation_id}/reopen")
async def reopen(
    request: Request,
    signatures: SignaturesDep,
    use: ConversationsDep,
    me: MerchantDep,
    conversation_id: IdDep,
    came: CameFromDep,
) -> Response:
    """The merchant takes it up again."""
    key = form_key(await own_form(request, signatures, me.session))
    outcome = await answering.reopen(
        me.shop, conversation_id, key=key, actor=me.actor, source="dashboard", use=use
    )
    return changed(conversation_id, "reopened", outcome, came)


async def _done(
    work: Awaitable[Changed], conversation_id: str, done: str, came: Place | None
) -> Response:
    try:
        return changed(conversation_id, done, await work, came)
    except FormOfAnother:
        raise
    except InvalidInput as error:
        return _refused(conversation_id, error, came)


def _refused(conversation_id: str, error: InvalidInput, came: Place | None) -> Response:
    return see_other(address_of(conversation_id, came, refused=error.values.get("code", "")))
