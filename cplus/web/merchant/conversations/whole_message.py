"""All that was written in one message of a customer, as text: nothing is loaded from elsewhere."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse

from cplus.consumers.mail.stored_mail import StoredMail
from cplus.events.base import kept
from cplus.mail import InboundMail, html_text
from cplus.web.kit.deps import PagesDep, StoredMailsDep
from cplus.web.kit.signed_in import MerchantDep
from cplus.web.merchant.conversations.page import IdDep, MessageIdDep

router = APIRouter(prefix="/conversations")


@router.get("/{conversation_id}/messages/{message_id}")
async def show(
    pages: PagesDep,
    mails: StoredMailsDep,
    me: MerchantDep,
    conversation_id: IdDep,
    message_id: MessageIdDep,
) -> HTMLResponse:
    """The whole mail: with its quotes, what only its HTML says, and its files by name."""
    found = await mails.find(me.shop, conversation_id, message_id)
    if found is None:
        raise HTTPException(404)
    return pages.render(
        "conversation/whole_message.html", me=me, section="inbox", **whole_mail(found)
    )


def whole_mail(found: StoredMail) -> dict[str, Any]:
    """What the pages of a whole mail show."""
    said = kept(found.message.text)
    mail = found.mail if said is not None else None
    return {
        "erased": said is None,
        "subject": kept(found.message.subject),
        "conversation_id": found.conversation_id,
        "message": found.message,
        "received_at": found.received_at,
        "mail": mail,
        "text": mail.text if mail else said or "",
        "formatted": _formatted(mail) if mail else "",
        "cut": found.cut or any(" cut at " in defect for defect in (mail.defects if mail else [])),
    }


def _formatted(mail: InboundMail) -> str:
    """The text of the HTML, unless the mail's text says the same."""
    text = html_text(mail.html or "")
    return "" if text.split() == mail.text.split() else text
