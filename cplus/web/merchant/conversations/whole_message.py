"""All that was written in one message of a customer, and its parts: nothing is loaded from
elsewhere before the merchant asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import HTMLResponse

from cplus.consumers.mail.message_files import MessageFile
from cplus.consumers.mail.stored_mail import StoredMail
from cplus.events.base import kept
from cplus.mail import InboundMail, Invite, html_text, lines_of, parse, read_invites
from cplus.web.kit.built import built
from cplus.web.kit.deps import MessageFilesDep, PagesDep, StoredMailsDep
from cplus.web.kit.signed_in import MerchantDep
from cplus.web.merchant.conversations.addresses import IdDep, MessageIdDep

router = APIRouter(prefix="/conversations")

_OPENED: Final = 3  # invitations, and attached mails, that a page shows
_OPENED_LIMIT: Final = 2 * 1024 * 1024  # bytes of each


@dataclass(frozen=True, slots=True)
class WholeMails:
    """Shows whole mails."""

    files: MessageFilesDep

    async def of(self, shop: str, found: StoredMail) -> dict[str, Any]:
        """What the pages of a whole mail show."""
        said = kept(found.message.text)
        mail = found.mail if said is not None else None
        # As a link would find it: not if its files are not to be had.
        message = await self.files.message(shop, found.message.message_id)
        files = await self.files.listed(shop, message) if message is not None else []
        return {
            "erased": said is None,
            "subject": kept(found.message.subject),
            "conversation_id": found.conversation_id,
            "message": found.message,
            "received_at": found.received_at,
            "mail": mail,
            "text": mail.text if mail else said or "",
            "formatted": _formatted(mail) if mail else "",
            "lines": lines_of(mail.html, sum(one.inline for one in files))
            if mail and message
            else 0,
            "openable": message is not None,
            "files": files,
            "invites": await self._invites(shop, found, files),
            "letters": await self._letters(shop, found, files),
            "cut": found.cut
            or any(" cut at " in defect for defect in (mail.defects if mail else [])),
        }

    async def _invites(
        self, shop: str, found: StoredMail, files: Sequence[MessageFile]
    ) -> list[Invite]:
        """What the calendar invitations among the files say; one is often there twice."""
        read: dict[Invite, None] = {}
        async for data in self._some(shop, found, files, "text/calendar"):
            read |= dict.fromkeys(await asyncio.to_thread(read_invites, data))
        return list(read)

    async def _letters(
        self, shop: str, found: StoredMail, files: Sequence[MessageFile]
    ) -> list[InboundMail]:
        """The attached mails, one level deep."""
        return [
            await asyncio.to_thread(parse, data)
            async for data in self._some(shop, found, files, "message/rfc822")
        ]

    async def _some(
        self, shop: str, found: StoredMail, files: Sequence[MessageFile], kind: str
    ) -> AsyncIterator[bytes]:
        of_kind = [one for one in files if one.content_type == kind and one.size <= _OPENED_LIMIT]
        for one in of_kind[:_OPENED]:
            async with self.files.opened(shop, found.message.message_id, one.id) as opened:
                if opened is not None:
                    yield opened[1]


@router.get("/{conversation_id}/messages/{message_id}")
async def show(
    pages: PagesDep,
    mails: StoredMailsDep,
    whole: Annotated[WholeMails, Depends(built(WholeMails))],
    me: MerchantDep,
    conversation_id: IdDep,
    message_id: MessageIdDep,
) -> HTMLResponse:
    """The whole mail: with its quotes, what only its HTML says, and its files by name."""
    found = await mails.find(me.shop, conversation_id, message_id)
    if found is None:
        raise HTTPException(404)
    return pages.render(
        "conversation/whole_message.html", me=me, section="inbox", **await whole.of(me.shop, found)
    )


def _formatted(mail: InboundMail) -> str:
    """The text of the HTML, unless the mail's text says the same."""
    text = html_text(mail.html or "")
    return "" if text.split() == mail.text.split() else text
