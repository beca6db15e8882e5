"""Tells a merchant's own mailbox of a customer's message, so that it can be answered from there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from cplus.clock import zone
from cplus.commands.conversations.moving import place_of
from cplus.commands.mailboxes import mailboxes_of
from cplus.consumers.mailboxes.telling import NOTIFICATION
from cplus.consumers.mailboxes.waiting import Waiting, for_mailbox, waiting_messages
from cplus.consumers.sending.order_facts import order_facts
from cplus.consumers.sending.outgoing import name_of, timezone_of
from cplus.consumers.sending.pages import page_link
from cplus.consumers.sending.purpose import Later, Mail, MailParts, Never, Purpose
from cplus.errors import ObjectBroken
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.aggregates.mailboxes import Mailbox
from cplus.events.base import kept
from cplus.events.catalogue.conversations import MessageReceived
from cplus.events.catalogue.mail import MailRequested
from cplus.events.names import conversation_stream
from cplus.mail import OutgoingFile
from cplus.mail.mailbox_tokens import mailbox_address, mailbox_token
from cplus.mail.text import cut
from cplus.mail.writing.notification import Told, compose_notification

ATTACHED: Final = 5 * 1024 * 1024
"""Bytes of files that go with the mail; more of them are named only."""
_WORDS: Final = 32 * 1024  # bytes of one message; the page has all
_SUBJECT: Final = 150
_NAMES: Final = 20
_GONE: Final = "the mailbox was removed, switched off, or wants to hear of nothing"


async def _ready(shop: str, wish: MailRequested, use: MailParts) -> Mail | Never | Later:
    mailboxes = await mailboxes_of(use.recorder, shop)
    mailbox = mailboxes.on.get(wish.about["mailbox"])
    if mailbox is None or mailbox.notify == "nothing":
        return Never(_GONE)
    stream = conversation_stream(wish.about["conversation"])
    named: Conversation = await use.recorder.load(Conversation, shop, stream)
    conversation = await place_of(use.recorder, shop, named, wish.about["message"])
    if conversation.erased:
        return Never("the customer was erased")
    if conversation.spam:
        return Never("the conversation was marked as spam")
    told = await waiting_messages(use.recorder, shop, conversation.id, until=wish.about["message"])
    told = [one for one in told if kept(one.message.text) is not None]
    if mailbox.notify != "unanswered":
        told = told[-1:]
    if not told:
        return Never("the message is gone")
    if not (told := for_mailbox(mailbox, told)):
        return Never("the message came from the mailbox itself, or before it was verified")
    return await _composed(shop, wish, mailbox, conversation, told, use)


async def _composed(
    shop: str,
    wish: MailRequested,
    mailbox: Mailbox,
    conversation: Conversation,
    told: Sequence[Waiting],
    use: MailParts,
) -> Mail:
    store, reader = use.recorder.store, use.recorder.reader
    settings, newest = use.settings, told[-1].message
    secret, domain = settings.secret("application_secret"), settings.mail_domain
    named = (shop, conversation.conversation_id, mailbox.id)
    to = conversation.recipient
    sender = mailbox_address(*named, secret, domain, to)
    at = zone(await timezone_of(store, reader, shop))
    name = await name_of(store, reader, shop)
    who = _who(newest)
    raw = compose_notification(
        sender_name=f"{who} via {name}",
        from_address=sender,
        to=mailbox.address,
        subject=_subject(conversation.subject),
        told=[_told(one, at, len(told)) for one in told],
        facts=order_facts(await use.orders(shop, conversation.person)),
        link=page_link(shop, f"/conversations/{conversation.conversation_id}", settings),
        label="Open the conversation",
        closing=(
            f"{_answering(conversation.address, name)} "
            "If the first line is #close, the conversation is closed too; if it begins with #note, "
            "all that you write stays in the app as a note. What is sent to this address is chosen "
            "in the app’s email settings."
        ),
        token=mailbox_token(*named, secret, to),
        thread=mailbox_token(*named, secret),
        own_message_id=f"{wish.message_id}@{domain}",
        files=await _files(shop, [one.message for one in told], use),
    )
    return Mail(sender, [mailbox.address], raw)


def _who(message: MessageReceived) -> str:
    return message.from_name or message.from_address or "A customer"


def _answering(address: str, name: str) -> str:
    """Where an answer goes, which may not be to whoever wrote: if a copied person did, say."""
    if not address:
        return "There is no address to which an answer to this mail can go."
    return (
        f"Reply to this mail to answer {address}: what you write above the quote is sent there in "
        f"the name of {name}, with the shop’s signature in place of yours. Quoted text is left "
        "out, and nobody gets a copy."
    )


def _subject(subject: str) -> str:
    """That of the conversation alone, so that the mails of one are one thread."""
    return (kept(subject) or "")[:_SUBJECT] or "New message"


def _told(one: Waiting, at: ZoneInfo, count: int) -> Told:
    text, was_cut = cut(one.message.text, _WORDS)
    if was_cut:
        text += "\n[…] The conversation shows all of it."
    names = [file.name for file in one.message.files or ()]
    more = len(names) - _NAMES
    shown = ", ".join(names[:_NAMES]) + (f" and {more} more" if more > 0 else "")
    when = f" on {_date(one.at.astimezone(at))}" if count > 1 else ""
    proof = " (sender not verified)" if one.message.proved is False else ""
    files = f"Attached: {shown}" if names else ""
    if files and one.message.virus:
        files += " (a virus was found in this mail: its files are not sent along)"
    return Told(f"{_who(one.message)}{proof} wrote{when}:", text or "(no text)", files)


def _date(local: datetime) -> str:
    return f"{local.day} {local:%B} at {local:%H:%M}"


async def _files(
    shop: str, messages: Sequence[MessageReceived], use: MailParts
) -> list[OutgoingFile]:
    """The files, if all of them are small; what cannot be read any more is left out, and all that
    came in a mail with a virus: SES would refuse to send it, and with it the words."""
    found = [file for one in messages if not one.virus for file in one.files or ()]
    if not found or sum(file.size for file in found) > ATTACHED:
        return []
    made: list[OutgoingFile] = []
    for file in found:
        try:
            data = await use.files.get(shop, file)
        except (KeyError, ObjectBroken):
            continue
        made.append(OutgoingFile(file.name, file.content_type, data))
    return made


PURPOSES = (Purpose(NOTIFICATION, _ready),)
