"""Mail about a merchant's own mailbox: the code that verifies it, and why an answer from it was not
sent on."""

from __future__ import annotations

from typing import Final

from cplus.commands.mailboxes import VERIFICATION, mailboxes_of
from cplus.consumers.mailboxes.telling import REFUSED
from cplus.consumers.sending.outgoing import name_of
from cplus.consumers.sending.pages import page_link
from cplus.consumers.sending.purpose import Later, Mail, MailParts, Never, Purpose
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.aggregates.mailboxes import CODE_HOURS, Mailbox
from cplus.events.base import kept
from cplus.events.catalogue.conversations import AnswerRefused
from cplus.events.catalogue.mail import MailRequested
from cplus.events.names import conversation_stream
from cplus.events.standing import events_of_message
from cplus.mail import compose_notice, no_reply_address
from cplus.mail.mailbox_tokens import mailbox_code
from cplus.mail.refusals import refusal_words

APP: Final = "Conversations Plus"
GONE: Final = "the mailbox was removed or switched off"
SETTINGS: Final = "/settings/mail"
_SUBJECT: Final = 150  # characters


async def _verification(shop: str, wish: MailRequested, use: MailParts) -> Mail | Never | Later:
    mailbox = await _wanted(shop, wish, use)
    if mailbox is None or mailbox.on or mailbox.code_until is None:
        return Never("the mailbox was removed or verified before the mail went out")
    if use.clock() >= mailbox.code_until:
        return Never("the code expired before the mail went out")
    secret = use.settings.secret("application_secret")
    code = mailbox_code(shop, mailbox.id, mailbox.code, secret)
    name = await name_of(use.recorder.store, use.recorder.reader, shop)
    return _notice(
        wish,
        mailbox.address,
        use,
        subject=f"Confirm this address for {name}",
        text=(
            f"Somebody at {name} wants to get the messages of its customers at this address, and "
            f"to answer them from here.\n\nThe code is {code}\n\n"
            f"It can be used once, within {CODE_HOURS} hours. Enter it in {APP}, or open this page "
            "and confirm:"
        ),
        link=page_link(shop, f"{SETTINGS}?mailbox={mailbox.id}&code={code}", use.settings),
        label="Confirm this address",
        closing=(
            "If you don’t know what this is about, do nothing: without the code, nothing is sent "
            f"here. Nobody reads replies to this mail, which {shop} asked for."
        ),
    )


async def _refused(shop: str, wish: MailRequested, use: MailParts) -> Mail | Never | Later:
    mailbox = await _wanted(shop, wish, use)
    if mailbox is None or not mailbox.on:
        return Never(GONE)
    found = await _refusal(shop, wish.about["message"], use)
    if found is None:
        return Never("the mail that was not sent on is not in the log")
    stream = conversation_stream(wish.about["conversation"])
    talk: Conversation = await use.recorder.load(Conversation, shop, stream)
    who = "a customer" if talk.erased else talk.address or "a customer"
    subject = "" if talk.erased else (kept(talk.subject) or "")[:_SUBJECT]
    return _notice(
        wish,
        mailbox.address,
        use,
        subject=": ".join(filter(None, ["Your answer was not sent", subject])),
        text=(
            f"Your answer to {who}{f', “{subject}”,' if subject else ''} was not sent on. "
            f"{refusal_words(found.reason)}\n\n"
            "It is shown in the conversation, where you can send what you wrote:"
        ),
        link=page_link(shop, f"/conversations/{wish.about['conversation']}", use.settings),
        label="Open the conversation",
        closing=(
            "At most one such mail is sent in an hour; the conversation shows every answer that "
            "was not sent. Nobody reads replies to this mail."
        ),
    )


async def _wanted(shop: str, wish: MailRequested, use: MailParts) -> Mailbox | None:
    mailboxes = await mailboxes_of(use.recorder, shop)
    return mailboxes.by_id.get(wish.about["mailbox"])


async def _refusal(shop: str, message_id: str, use: MailParts) -> AnswerRefused | None:
    store, reader = use.recorder.store, use.recorder.reader
    for _, told in await events_of_message(store, reader, shop, message_id, [AnswerRefused]):
        assert isinstance(told.event, AnswerRefused)  # noqa: S101  all that was read
        return told.event
    return None


def _notice(
    wish: MailRequested,
    to: str,
    use: MailParts,
    *,
    subject: str,
    text: str,
    link: str,
    label: str,
    closing: str,
) -> Mail:
    domain = use.settings.mail_domain
    sender = no_reply_address(domain)
    raw = compose_notice(
        sender_name=APP,
        from_address=sender,
        to=to,
        subject=subject,
        text=text,
        link=link,
        label=label,
        closing=closing,
        own_message_id=f"{wish.message_id}@{domain}",
    )
    return Mail(sender, [to], raw)


PURPOSES = (Purpose(VERIFICATION, _verification), Purpose(REFUSED, _refused))
