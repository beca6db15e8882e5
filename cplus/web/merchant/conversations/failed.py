"""What is done about a reply that did not arrive."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from cplus.commands.conversations import failed
from cplus.errors import InvalidInput
from cplus.web.kit.deps import FailedRepliesDep, SignaturesDep
from cplus.web.kit.forms import form_key, own_form
from cplus.web.kit.signed_in import MerchantDep, see_other
from cplus.web.merchant.conversations.addresses import FailureIdDep, IdDep, changed
from cplus.web.merchant.conversations.problems import problem_of

router = APIRouter(prefix="/conversations")


@router.get("/{conversation_id}/failed/{failure}/resend")
@router.get("/{conversation_id}/failed/{failure}/dismiss")
async def again(conversation_id: IdDep, failure: FailureIdDep, _me: MerchantDep) -> Response:
    """For who loads the address of a form again."""
    return see_other(f"/conversations/{conversation_id}#failed-{failure}")


@router.post("/{conversation_id}/failed/{failure}/resend")
async def resend(
    request: Request,
    signatures: SignaturesDep,
    use: FailedRepliesDep,
    me: MerchantDep,
    conversation_id: IdDep,
    failure: FailureIdDep,
) -> Response:
    """The reply goes out again, to another address if the form has one."""
    fields = await own_form(request, signatures, me.session)
    try:
        outcome = await failed.resend(
            me.shop,
            conversation_id,
            failure,
            key=form_key(fields),
            actor=me.actor,
            source="dashboard",
            use=use,
            to=fields.get("to"),
        )
    except InvalidInput as error:
        problem = problem_of(error)
        asked = urlencode({"failed": failure, "problem": problem})
        return see_other(f"/conversations/{conversation_id}?{asked}#failed-{failure}")
    at = f"?at={outcome.position}#end" if outcome.position else ""
    return see_other(f"/conversations/{conversation_id}{at}")


@router.post("/{conversation_id}/failed/{failure}/dismiss")
async def dismiss(
    request: Request,
    signatures: SignaturesDep,
    use: FailedRepliesDep,
    me: MerchantDep,
    conversation_id: IdDep,
    failure: FailureIdDep,
) -> Response:
    """The merchant leaves it at that."""
    key = form_key(await own_form(request, signatures, me.session))
    outcome = await failed.dismiss(
        me.shop,
        conversation_id,
        failure,
        key=key,
        actor=me.actor,
        source="dashboard",
        use=use,
    )
    return changed(conversation_id, "dismissed", outcome)
