"""Once a day, tells a merchant's own mailbox which conversations await a reply."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from cplus.clock import zone
from cplus.commands.mailboxes import mailboxes_of
from cplus.consumers.mailboxes.telling import DIGEST
from cplus.consumers.sending.outgoing import name_of, timezone_of
from cplus.consumers.sending.pages import page_link
from cplus.consumers.sending.purpose import Later, Mail, MailParts, Never, Purpose
from cplus.events.catalogue.mail import MailRequested
from cplus.mail import compose_notice, no_reply_address
from cplus.mail.text import one_line
from cplus.projections.queries import Conversation

_APP: Final = "Conversations Plus"
_LISTED: Final = 20
_LINE: Final = 120  # characters of what stands in a line


async def _ready(shop: str, wish: MailRequested, use: MailParts) -> Mail | Never | Later:
    mailbox = (await mailboxes_of(use.recorder, shop)).on.get(wish.about["mailbox"])
    if mailbox is None or mailbox.notify != "digest":
        return Never("the mailbox was removed, switched off, or wants no digest")
    page = await use.unanswered(shop, _LISTED)
    waiting = [one for one in page.items if not one.erased]
    if not waiting:
        return Never("nobody waits for a reply any more")
    store, reader = use.recorder.store, use.recorder.reader
    name = await name_of(store, reader, shop)
    at = zone(await timezone_of(store, reader, shop))
    count = f"{len(waiting)}{'+' if page.next else ''}"
    noun = "conversation awaits" if count == "1" else "conversations await"
    domain = use.settings.mail_domain
    sender = no_reply_address(domain)
    listed = "\n\n".join(_line(one, at) for one in waiting)
    raw = compose_notice(
        sender_name=_APP,
        from_address=sender,
        to=mailbox.address,
        subject=f"{count} {noun} a reply in {name}",
        text=listed,
        link=page_link(shop, "/inbox?tab=unanswered", use.settings),
        label="Open the inbox",
        closing=(
            "This mail is sent once a day if somebody waits for a reply; you choose that in the "
            "settings. Nobody reads replies to it."
        ),
        own_message_id=f"{wish.message_id}@{domain}",
    )
    return Mail(sender, [mailbox.address], raw)


def _line(one: Conversation, at: ZoneInfo) -> str:
    who = one_line(one.from_name or one.from_address or "Unknown sender", _LINE)
    return (
        f"{who}, {_date(one.last_message_at.astimezone(at))}\n{one_line(one.subject or '', _LINE)}"
    )


def _date(local: datetime) -> str:
    return f"{local.day} {local:%B} at {local:%H:%M}"


PURPOSES = (Purpose(DIGEST, _ready),)
