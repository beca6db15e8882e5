"""The senders that are blocked: the list, and the way to block who wrote a mail that was set
aside."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from cplus.commands import blocking
from cplus.errors import InvalidInput
from cplus.events.aggregates.blocked_senders import Kind
from cplus.web.kit.deps import ConversationsDep, PagesDep, SignaturesDep
from cplus.web.kit.forms import form_key, new_key, own_form
from cplus.web.kit.signed_in import MerchantDep, see_other
from cplus.wording import worded

router = APIRouter(prefix="/inbox")

PAGE = "/inbox/blocked"


def kind_of(fields: Mapping[str, str]) -> Kind:
    """What a form is to block; raises InvalidInput for anything else."""
    match fields.get("what"):
        case "address":
            return "address"
        case "domain":
            return "domain"
    raise InvalidInput(reason=worded("an address or a domain can be blocked"))


@router.get("/blocked")
async def listed(
    pages: PagesDep, use: ConversationsDep, me: MerchantDep, done: str = ""
) -> HTMLResponse:
    """Everybody who is blocked, the last first, as the log has it."""
    blocked = await blocking.blocked_in(use.recorder, me.shop)
    return pages.render(
        "inbox/blocked.html",
        me=me,
        section="inbox",
        blocks=list(reversed(blocked.blocks.values())),
        done=done == "unblocked",
        new_key=new_key,
    )


@router.get("/blocked/unblock")
@router.get("/blocked/author")
async def again(_me: MerchantDep) -> Response:
    """For who loads the address of a form again."""
    return see_other(PAGE)


@router.post("/blocked/unblock")
async def unblock(
    request: Request, signatures: SignaturesDep, use: ConversationsDep, me: MerchantDep
) -> Response:
    """Mail of this sender comes in again."""
    fields = await own_form(request, signatures, me.session)
    await blocking.unblock_sender(
        me.shop,
        fields.get("block", ""),
        key=form_key(fields),
        actor=me.actor,
        source="dashboard",
        use=use,
    )
    return see_other(f"{PAGE}?done=unblocked")


@router.post("/blocked/author")
async def block_author(
    request: Request, signatures: SignaturesDep, use: ConversationsDep, me: MerchantDep
) -> Response:
    """Mail of who wrote one that was set aside is held back from now on."""
    fields = await own_form(request, signatures, me.session)
    await blocking.block_author(
        me.shop,
        fields.get("message", ""),
        kind=kind_of(fields),
        key=form_key(fields),
        actor=me.actor,
        source="dashboard",
        use=use,
    )
    return see_other(PAGE)
