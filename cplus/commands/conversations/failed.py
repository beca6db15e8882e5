"""What a merchant does about a reply that did not arrive: sends it again, there or elsewhere, lets
it be, or allows mail to an address again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from cplus.actors import Actor, Source
from cplus.clock import Clock
from cplus.commands.conversations.answering import (
    Changed,
    Conversations,
    Replied,
    decide_in,
    message_id,
)
from cplus.errors import FormOfAnother, InvalidInput, NotFound
from cplus.events.aggregates import failed_delivery
from cplus.events.aggregates.addresses import Addresses
from cplus.events.aggregates.conversation.decisions import Conversation, allowance_refs
from cplus.events.base import NewEvent
from cplus.events.catalogue.conversations import ReplyWritten
from cplus.events.log.commit import Commit, Draft
from cplus.events.log.outcomes import AlreadyRecorded
from cplus.events.names import (
    addresses_stream,
    command_claim,
    conversation_stream,
    failed_message,
    message_ref,
    reply_claim,
)
from cplus.events.recording import Recorder
from cplus.events.repository import decided
from cplus.events.standing import find_message
from cplus.mail import normal_address
from cplus.mail.failures import failure_words
from cplus.privacy.persons import PersonDirectory
from cplus.wording import worded


@dataclass(frozen=True, slots=True)
class FailedReplies:
    """What these commands need."""

    recorder: Recorder
    persons: PersonDirectory
    clock: Clock


async def resend(
    shop: str,
    conversation_id: str,
    failed_id: str,
    *,
    key: str,
    actor: Actor,
    source: Source,
    use: FailedReplies,
    to: str | None = None,
) -> Replied:
    """Sends the reply of that failure again to where it did not arrive, or to the address `to`,
    once for each key. The first allows mail to that address again.

    Raises NotFound, InvalidInput (no address, one that mail is not sent to, something was done
    about it meanwhile), FormOfAnother, and as `Recorder.record` does: then the same key may be used
    again.
    """
    commit, failed = await _written(shop, conversation_id, failed_id, use.recorder)
    other = await _person_at(shop, to, use) if to is not None else None
    stream, written = conversation_stream(conversation_id), message_id(shop, conversation_id, key)

    async def decide() -> Draft | None:
        now = use.clock()
        talk: Conversation = await use.recorder.load(Conversation, shop, stream)
        failed_delivery.resend(
            talk,
            failed=failed,
            told=failed_id,
            message_id=written,
            to=other,
            author=actor.author,
            now=now,
        )
        events = decided(talk)
        if not events:
            return None
        failure = talk.failures[failed_id]
        person, address = other or (failure.person, failure.address or "")
        events += await _opened(shop, person, address, use, again=other is None)
        streams = [new.stream for new in events]
        return Draft(
            shop=shop,
            claim=reply_claim(key),
            source=source,
            actor=str(actor),
            events=events,
            refs=[*dict.fromkeys(streams), message_ref(written), *allowance_refs(events)],
            correlation_id=commit.correlation,
            causation_id=commit.id,
        )

    outcome = await use.recorder.record(shop, reply_claim(key), decide)
    if isinstance(outcome, AlreadyRecorded) and message_ref(written) not in outcome.commit.refs:
        raise FormOfAnother(what="conversation")
    return Replied(outcome.position if outcome else None)


async def dismiss(
    shop: str,
    conversation_id: str,
    failed_id: str,
    *,
    key: str,
    actor: Actor,
    source: Source,
    use: FailedReplies,
) -> Changed:
    """Nothing is left to do about it. Raises NotFound, FormOfAnother, and as `Recorder.decide`
    does."""
    decision = partial(failed_delivery.dismiss, failure=failed_id, now=use.clock())
    talks = Conversations(use.recorder, use.clock)
    outcome = await decide_in(
        decision, shop, conversation_id, command_claim(key), actor, source, talks
    )
    return Changed(outcome.position if outcome else None)


async def allow(
    shop: str, conversation_id: str, *, key: str, actor: Actor, source: Source, use: FailedReplies
) -> Changed:
    """Mail goes again to the address that replies go to. Raises NotFound, FormOfAnother, and as
    `Recorder.record` does."""
    claim, stream = command_claim(key), conversation_stream(conversation_id)

    async def decide() -> Draft | None:
        talk: Conversation = await use.recorder.load(Conversation, shop, stream)
        if not talk.version:
            raise NotFound(what="conversation")
        events = await _opened(shop, talk.answers_to, talk.address, use, again=True)
        refs = [stream, addresses_stream(talk.answers_to)]
        return Draft(shop, claim, source, str(actor), events=events, refs=refs) if events else None

    outcome = await use.recorder.record(shop, claim, decide)
    if isinstance(outcome, AlreadyRecorded) and stream not in outcome.commit.refs:
        raise FormOfAnother(what="conversation")
    return Changed(outcome.position if outcome else None)


async def stopped(
    recorder: Recorder, shop: str, conversation_id: str, copies: Sequence[str]
) -> tuple[str | None, Sequence[str]]:
    """Why no mail goes to where replies go in this conversation, as a code (None if it does); and
    which of the copies get none."""
    stream = conversation_stream(conversation_id)
    talk: Conversation = await recorder.load(Conversation, shop, stream)
    if not talk.answers_to:
        return None, ()
    found: Addresses = await recorder.load(Addresses, shop, addresses_stream(talk.answers_to))
    return found.reason(talk.address), [one for one in copies if found.reason(one)]


async def refuse_stopped(shop: str, conversation_id: str, *, key: str, recorder: Recorder) -> None:
    """Raises InvalidInput if no mail goes to where replies go in this conversation: nobody would
    get a reply. Not for one that was recorded before, under this key."""
    why, _ = await stopped(recorder, shop, conversation_id, ())
    if why and await recorder.store.by_claim(shop, reply_claim(key)) is None:
        raise InvalidInput(
            reason=worded(
                "nothing was sent, because email to this address is stopped; tick “Send this reply "
                "there anyway”, or have replies go to another address"
            )
        )


async def _opened(
    shop: str, person: str, address: str, use: FailedReplies, *, again: bool
) -> list[NewEvent]:
    """What lets mail go to the address: it is allowed `again`, or was not stopped."""
    found: Addresses = await use.recorder.load(Addresses, shop, addresses_stream(person))
    reason = found.reason(address)
    if reason and not again:
        raise InvalidInput(
            reason=worded("email to this address is stopped: %(why)s", why=failure_words(reason)),
            code="stopped",
        )
    found.unmark(person=person, address=address, now=use.clock())
    return decided(found)


async def _person_at(shop: str, to: str, use: FailedReplies) -> tuple[str, str]:
    address = normal_address(to)
    if address is None:
        raise InvalidInput(reason=worded("that is not an email address"), code="address")
    found = await use.persons.resolve(shop, address=address)
    assert found is not None  # noqa: S101  it was asked with an address
    return found.person, address


async def _written(
    shop: str, conversation_id: str, failed_id: str, recorder: Recorder
) -> tuple[Commit, ReplyWritten]:
    written = failed_message(failed_id)
    found = await find_message(recorder.store, recorder.reader, shop, written, [ReplyWritten])
    if found is None or found.conversation_id != conversation_id:
        raise NotFound(what="message")
    event = found.recorded.event
    assert isinstance(event, ReplyWritten)  # noqa: S101  all that was read
    return found.commit, event
