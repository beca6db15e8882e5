"""What a merchant does who writes first: begins a conversation with whoever has an address."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from cplus.actors import Actor, Source
from cplus.clock import hour_of
from cplus.commands.conversations.addressing import copies
from cplus.commands.conversations.answering import (
    NO_EXTRAS,
    Conversations,
    Extras,
    SentBefore,
    message_id,
    same_extras,
)
from cplus.commands.conversations.attaching import attached
from cplus.errors import FormOfAnother, InvalidInput
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.catalogue.conversations import ReplyWritten
from cplus.events.log.commit import Commit, Draft
from cplus.events.names import (
    begun_ref,
    contact_sequence,
    conversation_stream,
    message_ref,
    reply_claim,
)
from cplus.events.repository import decided
from cplus.ids import spelled
from cplus.mail import is_own_address, normal_address
from cplus.privacy.persons import PersonDirectory
from cplus.wording import worded

MAX_SUBJECT: Final = 200
"""Characters."""
IN_AN_HOUR: Final = 100
"""Conversations that a shop begins at most: this is no way to write to all customers at once."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """What beginning a conversation needs."""

    use: Conversations
    persons: PersonDirectory
    in_an_hour: int = IN_AN_HOUR


@dataclass(frozen=True, slots=True)
class Begun:
    """The conversation that was begun, now or by the same command before."""

    conversation_id: str
    position: int


async def begin(
    shop: str,
    *,
    to: str,
    subject: str,
    text: str,
    key: str,
    actor: Actor,
    source: Source,
    use: Beginning,
    extras: Extras = NO_EXTRAS,
) -> Begun | SentBefore:
    """Begins a conversation by email with whose address `to` is: a customer, or somebody new, who
    is a lead then. It counts against no plan and waits for no reply; an answer to it threads.

    Raises InvalidInput (no address, one of the app's own, no subject or too long a one, too many in
    this hour, and as `answering.reply`), FormOfAnother, and as `Recorder.record` does.
    """
    address, subject = _address(to, use.use.mail_domain), _subject(subject)
    others = copies(extras.cc, extras.bcc, to=address, domain=use.use.mail_domain)
    recorder, claim, now = use.use.recorder, reply_claim(key), use.use.clock()
    talk = _conversation_id(shop, key)
    stream, written = conversation_stream(talk), message_id(shop, talk, key)
    text = text.replace("\0", "")
    before = await recorder.store.by_claim(shop, claim)
    if before is not None:
        wanted = (address, text.replace("\r\n", "\n").strip(), subject, others.cc, others.bcc)
        return await _before(before, stream, wanted, extras, use)
    files = tuple(extras.files)
    if use.use.files is not None and extras.chosen:
        files = await attached(shop, extras.chosen, files, use.use.files)

    async def decide() -> Draft:
        hour = begun_ref(hour_of(now))
        if await recorder.store.count_ref(shop, hour, use.in_an_hour) >= use.in_an_hour:
            raise InvalidInput(
                reason=worded(
                    "a shop can begin up to %(most)s conversations in an hour; try again in the "
                    "next one",
                    most=use.in_an_hour,
                )
            )
        who = await use.persons.resolve(shop, address=address, happened_at=now)
        assert who is not None  # noqa: S101  an address has a person
        begun = Conversation.empty(stream)
        begun.start(
            person=who.person, channel="email", subject=subject, now=now,
            by="merchant", address=address,
        )  # fmt: skip
        begun.reply(
            message_id=written, text=text, author=actor.author, now=now, cc=others.cc,
            bcc=others.bcc, send_at=extras.send_at, files=files,
        )  # fmt: skip
        contact = contact_sequence(who.person)
        number, _ = await recorder.store.latest(shop, contact)
        return Draft(
            shop=shop,
            claim=claim,
            source=source,
            actor=str(actor),
            events=decided(begun),
            sequences=[(contact, number + 1)],
            refs=[stream, who.person, message_ref(written), hour],
        )

    outcome = await recorder.record(shop, claim, decide)
    return Begun(talk, outcome.position)


async def _before(
    commit: Commit, stream: str, wanted: tuple[object, ...], extras: Extras, use: Beginning
) -> Begun | SentBefore:
    """Whether the same form said the same before: address, text, subject and copies."""
    if stream not in commit.refs:
        raise FormOfAnother(what="conversation")
    for recorded in await use.use.recorder.reader.of(commit, ReplyWritten):
        event = recorded.event
        assert isinstance(event, ReplyWritten)  # noqa: S101  all that was read
        said = (event.to_address, event.text, event.subject, event.cc or (), event.bcc or ())
        if said == wanted and same_extras(event, extras, use.use.clock()):
            return Begun(stream.rpartition("/")[2], commit.position)
    return SentBefore()


def _address(written: str, domain: str) -> str:
    address = normal_address(written)
    if address is None:
        raise InvalidInput(reason=worded("enter an email address to write to"))
    if is_own_address(address, domain):
        raise InvalidInput(
            reason=worded("this is an address of this app, where customers write to you")
        )
    return address


def _subject(written: str) -> str:
    subject = " ".join(written.replace("\0", "").split())
    if not subject:
        raise InvalidInput(reason=worded("enter a subject"))
    if len(subject) > MAX_SUBJECT:
        raise InvalidInput(
            reason=worded("a subject can be up to %(most)s characters", most=MAX_SUBJECT)
        )
    return subject


def _conversation_id(shop: str, key: str) -> str:
    """Asked again with the same key, it is the same conversation."""
    digest = hashlib.sha256(f"begun\n{shop}\n{key}".encode()).digest()
    return spelled(digest[:16])  # 16 characters, as many as others have
