"""What a merchant does with a mail that was set aside: makes a conversation of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from cplus.actors import Actor
from cplus.commands.conversations import Conversations
from cplus.errors import NotFound
from cplus.events.aggregates.billing_account import month_of
from cplus.events.aggregates.conversation import Conversation
from cplus.events.base import NewEvent, Recorded
from cplus.events.catalogue.mail import MailSetAside, MailTakenUp
from cplus.events.log.commit import Commit, Draft
from cplus.events.names import (
    contact_sequence,
    conversation_stream,
    mail_stream,
    message_ref,
    started_ref,
    taken_up_claim,
)
from cplus.events.repository import decided
from cplus.ids import spelled


@dataclass(frozen=True, slots=True)
class Made:
    """The conversation that the mail is."""

    conversation_id: str
    position: int
    """Where that is recorded, now or by the same command before."""


async def make_conversation(
    shop: str, message_id: str, *, actor: Actor, use: Conversations
) -> Made:
    """A person wrote this mail: makes a conversation of it, once, however often it is asked for.

    The mail keeps its moment, so that the conversation counts on the day on which it came. Raises
    NotFound, and as `Recorder.record` does.
    """
    made = _conversation_id(shop, message_id)

    async def decide() -> Draft:
        commit, aside, mail = await _found(shop, message_id, use)
        contact = contact_sequence(mail.person)
        number, _ = await use.recorder.store.latest(shop, contact)
        begun = _begun(made, mail, aside.occurred_at)
        taken = MailTakenUp(message_id=message_id, conversation_id=made)
        started = started_ref(month_of(aside.occurred_at))
        return Draft(
            shop=shop,
            claim=taken_up_claim(message_id),
            source="dashboard",
            actor=str(actor),
            events=[*begun, NewEvent(mail_stream(message_id), taken, use.clock())],
            sequences=[(contact, number + 1)],
            # With the mail's own refs, so that an answer to it finds the conversation.
            refs=list(dict.fromkeys([conversation_stream(made), *commit.refs, started])),
            correlation_id=commit.correlation,
            causation_id=commit.id,
        )

    outcome = await use.recorder.record(shop, taken_up_claim(message_id), decide)
    return Made(made, outcome.position)


def _conversation_id(shop: str, message_id: str) -> str:
    """The id of the conversation that the mail begins: asked again, it is the same one."""
    digest = hashlib.sha256(f"conversation\n{shop}\n{message_id}".encode()).digest()
    return spelled(digest[:16])  # 16 characters, as many as others have


async def _found(
    shop: str, message_id: str, use: Conversations
) -> tuple[Commit, Recorded, MailSetAside]:
    commits = await use.recorder.store.by_ref(shop, message_ref(message_id))
    read = await use.recorder.reader.read(commits, [MailSetAside])
    for commit, events in zip(commits, read, strict=True):
        for recorded in events:
            if isinstance(recorded.event, MailSetAside):
                return commit, recorded, recorded.event
    raise NotFound(what="mail")


def _begun(conversation_id: str, mail: MailSetAside, at: datetime) -> list[NewEvent]:
    """The conversation as the mail would have begun it, had it not been set aside."""
    begun = Conversation.empty(conversation_stream(conversation_id))
    begun.start(person=mail.person, channel=mail.channel, subject=mail.subject, now=at)
    begun.receive(
        now=at,
        message_id=mail.message_id,
        person=mail.person,
        from_name=mail.from_name,
        from_address=mail.from_address,
        sent_from=mail.sent_from,
        proved=mail.proved,
        subject=mail.subject,
        text=mail.text,
        rfc_message_id=mail.rfc_message_id,
        attachments=mail.attachments,
        raw=mail.raw,
    )
    return decided(begun)
