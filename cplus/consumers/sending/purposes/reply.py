"""A merchant's words to a customer."""

from __future__ import annotations

from collections.abc import Sequence

from cplus.clock import zone
from cplus.commands.mail_settings import settings_of
from cplus.consumers.sending.history import history
from cplus.consumers.sending.outgoing import name_of, timezone_of
from cplus.consumers.sending.purpose import Later, Mail, MailParts, Never, Purpose
from cplus.errors import ObjectBroken
from cplus.events.base import ERASED
from cplus.events.catalogue.conversations import ReplyWritten
from cplus.events.catalogue.mail import REPLY
from cplus.events.files import StoredFile
from cplus.events.names import conversation_id
from cplus.mail import (
    RECIPIENTS_LIMIT,
    OutgoingFile,
    compose_reply,
    conversation_token,
    reply_address,
    reply_subject,
)


async def _ready(shop: str, wish: ReplyWritten, use: MailParts) -> Mail | Never | Later:
    """Raises InvalidInput for an address that no mail can go to, and for a mail that is too
    large."""
    if wish.to_address == ERASED:
        return Never("the person was erased")
    recipients = list(dict.fromkeys([wish.to_address, *(wish.cc or ()), *(wish.bcc or ())]))
    if len(recipients) > RECIPIENTS_LIMIT:
        return Never(f"a mail has at most {RECIPIENTS_LIMIT} recipients")
    files = await _files(shop, wish.files or (), use)
    if files is None:
        return Never("a file of this message could not be read")
    store, reader = use.recorder.store, use.recorder.reader
    name = await name_of(store, reader, shop)
    local = zone(await timezone_of(store, reader, shop))
    domain, secret = use.settings.mail_domain, use.settings.secret("application_secret")
    conversation = conversation_id(wish.originator_id)
    address = reply_address(shop, conversation, secret, domain)
    settings = await settings_of(use.recorder, shop)
    # Answers come to us whatever it leaves from: by Reply-To.
    sender = use.sender or address
    earlier = await history(shop, wish, use.recorder, shop_name=name, zone=local)
    raw = compose_reply(
        shop_name=name,
        from_address=sender,
        to=wish.to_address,
        cc=wish.cc or (),
        # What the merchant writes first answers nothing.
        subject=reply_subject(wish.subject) if wish.in_reply_to or earlier else wish.subject,
        text=wish.text,
        files=files,
        signature=settings.signature(wish.author),
        history=earlier,
        reply_to=address,
        in_reply_to=wish.in_reply_to,
        references=[wish.in_reply_to] if wish.in_reply_to else [],
        own_message_id=f"{wish.message_id}@{domain}",
        # A long shop name leaves no room for it in the address: the text carries it too.
        token=conversation_token(shop, conversation, secret),
    )
    return Mail(sender, recipients, raw)


async def _files(
    shop: str, stored: Sequence[StoredFile], use: MailParts
) -> list[OutgoingFile] | None:
    """What goes with the mail. None if one of them is not there any more, which is no reason to try
    again for ever."""
    found = []
    for one in stored:
        try:
            data = await use.files.get(shop, one)
        except (KeyError, ObjectBroken):
            return None
        found.append(OutgoingFile(one.name, one.content_type, data, None))
    return found


PURPOSES = (Purpose(REPLY, _ready, threads=True),)
