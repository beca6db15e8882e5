"""Mail that started no conversation by itself: the list, each mail in full, and the way to make a
conversation of it."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from cplus.commands.blocking import sender_of
from cplus.commands.conversations.automatic_mail import make_conversation
from cplus.events.base import kept
from cplus.projections.queries import SetAsideKind
from cplus.web.kit.built import built
from cplus.web.kit.deps import ConversationsDep, PagesDep, QueriesDep, SignaturesDep, StoredMailsDep
from cplus.web.kit.forms import new_key, own_form
from cplus.web.kit.pages import links
from cplus.web.kit.signed_in import MerchantDep, see_other
from cplus.web.merchant.conversations.addresses import MessageIdDep
from cplus.web.merchant.conversations.thread import caught_up
from cplus.web.merchant.conversations.whole_message import WholeMails
from cplus.wording import worded

router = APIRouter(prefix="/inbox/automatic")

TABS: Final[tuple[tuple[SetAsideKind, str, None], ...]] = (
    ("all", worded("All"), None),
    ("quarantine", worded("Quarantine"), None),
    ("automatic", worded("Automatic mail"), None),
)


@router.get("")
async def listed(
    pages: PagesDep,
    queries: QueriesDep,
    me: MerchantDep,
    tab: SetAsideKind = "all",
    cursor: str | None = None,
) -> HTMLResponse:
    """A page of it, the newest first."""
    page = await queries.set_aside(me.shop, cursor, kind=tab)
    return pages.render(
        "inbox/automatic_mail.html",
        me=me,
        section="inbox",
        page=page,
        tabs=TABS,
        tab=tab,
        **links("/inbox/automatic", cursor, page.next, tab=tab),
    )


@router.get("/{message_id}")
async def show(
    pages: PagesDep,
    mails: StoredMailsDep,
    whole: Annotated[WholeMails, Depends(built(WholeMails))],
    use: ConversationsDep,
    me: MerchantDep,
    message_id: MessageIdDep,
) -> HTMLResponse:
    """The whole mail, as the log and its bucket have it: so also what no read model shows yet."""
    found = await mails.find_set_aside(me.shop, message_id)
    if found is None:
        raise HTTPException(404)
    mail = found.message
    address = None if kept(mail.text) is None else mail.sent_from or mail.from_address
    shown = await whole.of(me.shop, found)
    return pages.render(
        "inbox/set_aside.html",
        me=me,
        section="inbox",
        made=found.conversation_id,
        sender=await sender_of(use, me.shop, address),
        new_key=new_key,
        **shown,
    )


@router.get("/{message_id}/conversation")
async def again(message_id: MessageIdDep, _me: MerchantDep) -> Response:
    """For who loads the address of the form again."""
    return see_other(f"/inbox/automatic/{message_id}")


@router.post("/{message_id}/conversation")
async def take_up(
    request: Request,
    queries: QueriesDep,
    signatures: SignaturesDep,
    use: ConversationsDep,
    me: MerchantDep,
    message_id: MessageIdDep,
) -> Response:
    """A person wrote it: makes a conversation of it and leads there; back to the mail, which says
    so and links to it, as long as the read models are behind."""
    fields = await own_form(request, signatures, me.session)
    made = await make_conversation(
        me.shop,
        message_id,
        actor=me.actor,
        source="dashboard",
        use=use,
        warned=fields.get("warned") == "yes",
    )
    if await caught_up(queries, me.shop, made.position):
        return see_other(f"/conversations/{made.conversation_id}")
    return see_other(f"/inbox/automatic/{message_id}")
