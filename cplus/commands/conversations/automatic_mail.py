"""What a merchant does with a mail that was set aside: makes a conversation of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

from cplus.actors import Actor, Source
from cplus.commands.conversations.answering import Conversations
from cplus.commands.conversations.merging import root_of
from cplus.errors import InvalidInput, NotFound
from cplus.events.aggregates.billing_account import month_of
from cplus.events.aggregates.conversation.decisions import Conversation, as_received
from cplus.events.base import Event, NewEvent, kept
from cplus.events.catalogue.conversations import MessageReceived
from cplus.events.catalogue.mail import MailSetAside, MailTakenUp
from cplus.events.log.commit import Commit, Draft
from cplus.events.log.store import EventStore
from cplus.events.names import (
    claimed_stream,
    contact_sequence,
    conversation_id,
    conversation_stream,
    is_received,
    mail_stream,
    started_ref,
    taken_up_claim,
)
from cplus.events.reader import EventReader
from cplus.events.repository import decided
from cplus.events.standing import events_of_message
from cplus.ids import spelled
from cplus.wording import worded


@dataclass(frozen=True, slots=True)
class Made:
    """The conversation that the mail is."""

    conversation_id: str
    position: int
    """Where that is recorded, now or by the same command before."""


async def make_conversation(
    shop: str,
    message_id: str,
    *,
    actor: Actor,
    source: Source,
    use: Conversations,
    warned: bool = False,
) -> Made:
    """A person wrote this mail: makes a conversation of it, once, however often it is asked for.

    The mail keeps its moment, so that the conversation counts on the day on which it came. If a
    copy of it went into a conversation meanwhile, or it answers one, it is that one. `warned`: the
    merchant was told what a virus may do. Raises NotFound, InvalidInput if the person was erased or
    there is a virus in it and nobody was warned, and as `Recorder.record` does.
    """
    claim = taken_up_claim(message_id)

    async def decide() -> Draft:
        aside = await set_aside(use.recorder.store, use.recorder.reader, shop, message_id)
        if aside is None:
            raise NotFound(what="mail")
        if kept(aside.mail.text) is None:
            raise InvalidInput(reason=worded("who wrote this mail was erased"))
        if aside.mail.reason == "virus" and not warned:
            raise InvalidInput(
                reason=worded("a virus was found in this mail: say that you know it")
            )
        mail, commit = aside.mail, aside.commit
        places, talk = await _copies(shop, commit, use)
        new, refs = list[NewEvent](), list[str]()
        answered = await _answered(shop, mail, use) if talk is None else None
        if answered is not None:
            # Who was held back gets no answers without the merchant's word.
            answered.receive(now=aside.at, **as_received(mail), answer_here=False)
            talk, new = answered.id, decided(answered)
            refs.append(answered.person)
        elif talk is None:
            talk = conversation_stream(_conversation_id(shop, message_id))
            contact = contact_sequence(mail.person)
            number, _ = await use.recorder.store.latest(shop, contact)
            places.append((contact, number + 1))
            new = _begun(talk, mail, aside.at)
            refs.append(started_ref(month_of(aside.at)))
        taken = MailTakenUp(message_id=message_id, conversation_id=conversation_id(talk))
        return Draft(
            shop=shop,
            claim=claim,
            source=source,
            actor=str(actor),
            events=[*new, NewEvent(mail_stream(message_id), taken, use.clock())],
            sequences=places,
            # With the mail's own refs, so that an answer to it finds the conversation.
            refs=list(dict.fromkeys([talk, *commit.refs, *refs])),
            correlation_id=commit.correlation,
            causation_id=commit.id,
        )

    outcome = await use.recorder.record(shop, claim, decide)
    return Made(await _made(shop, claim, use), outcome.position)


async def _answered(shop: str, mail: MailSetAside, use: Conversations) -> Conversation | None:
    """The conversation that the mail answers, unless its person was erased since."""
    if mail.answers is None:
        return None
    stream = conversation_stream(mail.answers)
    found: Conversation = await use.recorder.load(Conversation, shop, stream)
    found = await root_of(use.recorder, shop, found)
    return found if found.version and not found.erased else None


async def _made(shop: str, claim: str, use: Conversations) -> str:
    """The id of the conversation that the claim's commit made, now or before."""
    commit = await use.recorder.store.by_claim(shop, claim)
    events = await use.recorder.reader.of(commit, MailTakenUp) if commit else []
    for recorded in events:
        if isinstance(recorded.event, MailTakenUp):
            return recorded.event.conversation_id
    raise NotFound(what="mail")


async def _copies(
    shop: str, commit: Commit, use: Conversations
) -> tuple[list[tuple[str, int]], str | None]:
    """The place among the mail's copies that taking it up claims, so that no later copy is heard
    too; or the conversation into which a copy went, which holds that place."""
    store, reader = use.recorder.store, use.recorder.reader
    for name in [claimed_stream(claim) for claim in commit.claims if is_received(claim)]:
        number, last = await store.latest(shop, name)
        if last is None or last.id == commit.id:
            return [(name, number + 1)], None
        for recorded in await reader.of(last, MessageReceived):
            return [], recorded.stream
    return [], None


def _conversation_id(shop: str, message_id: str) -> str:
    """The id of the conversation that the mail begins: asked again, it is the same one."""
    digest = hashlib.sha256(f"conversation\n{shop}\n{message_id}".encode()).digest()
    return spelled(digest[:16])  # 16 characters, as many as others have


@dataclass(frozen=True, slots=True)
class SetAside:
    """A mail that was set aside, as the log has it."""

    mail: MailSetAside
    at: datetime
    """When it came."""
    commit: Commit
    conversation_id: str | None
    """The conversation that was made of it, if one was."""


async def set_aside(
    store: EventStore, reader: EventReader, shop: str, message_id: str
) -> SetAside | None:
    """The mail that was set aside under this id; None if this shop has no such mail."""
    found: SetAside | None = None
    made: str | None = None
    kinds: list[type[Event]] = [MailSetAside, MailTakenUp]
    for commit, recorded in await events_of_message(store, reader, shop, message_id, kinds):
        if isinstance(recorded.event, MailTakenUp):
            made = recorded.event.conversation_id
        elif isinstance(recorded.event, MailSetAside):
            found = SetAside(recorded.event, recorded.occurred_at, commit, None)
    return replace(found, conversation_id=made) if found else None


def _begun(stream: str, mail: MailSetAside, at: datetime) -> list[NewEvent]:
    """The conversation as the mail would have begun it, had it not been set aside."""
    begun = Conversation.empty(stream)
    begun.start(person=mail.person, channel=mail.channel, subject=mail.subject, now=at)
    begun.receive(now=at, **as_received(mail))
    return decided(begun)
