"""Which message a merchant's answer to a notification is about, and where that message stands."""

from __future__ import annotations

from cplus.commands.conversations.moving import place_of
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.catalogue.mail import MailRequested
from cplus.events.names import message_ref
from cplus.events.recording import Recorder
from cplus.mail import InboundMail

_NAMED = 5  # ids of ours that a mail may name: of the notification, and of those before it


async def where_answered(
    recorder: Recorder, shop: str, talk: Conversation, mail: InboundMail, domain: str
) -> Conversation:
    """The conversation in which the message stands now that the notification was about, if it stood
    in this one; this one, if the mail does not say which notification it answers. A notification's
    own id is the last of its References, which programs put into those of the answer."""
    if not talk.thread.left:
        return talk
    ids = [mail.in_reply_to or "", *reversed(mail.references)]
    named = [local for local, _, at in (one.rpartition("@") for one in ids) if at == domain.lower()]
    for wish in list(dict.fromkeys(named))[:_NAMED]:
        for commit in await recorder.store.by_ref(shop, message_ref(wish)):
            for one in await recorder.reader.of(commit, MailRequested):
                event = one.event
                assert isinstance(event, MailRequested)  # noqa: S101  all that was read
                about = event.about.get("message")
                if event.message_id == wish and about in talk.thread.known:
                    return await place_of(recorder, shop, talk, str(about))
    return talk


def recipient_changed(named: Conversation, to: int, talk: Conversation) -> bool:
    """Whether replies in `talk` go to somebody else than recipient `to` of the conversation that
    the mailbox was told of."""
    if named.id == talk.id:
        return to != talk.recipient
    person = talk.people[talk.recipient] if talk.people else None
    return person is None or named.people[to : to + 1] != [person]
