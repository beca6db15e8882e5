"""Records that a mail did not arrive: its fate, what the conversation decides about it, and the
mark of the address, in one commit, so that nothing is lost if a worker crashes in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cplus.commands.conversations.moving import place_of
from cplus.consumers.sending.outgoing import Outgoing
from cplus.consumers.sending.purposes import registered
from cplus.events.aggregates import failed_delivery
from cplus.events.aggregates.addresses import Addresses
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.base import NewEvent
from cplus.events.catalogue.conversations import ReplyWritten
from cplus.events.log.commit import Draft
from cplus.events.names import addresses_stream
from cplus.events.recording import Recorder
from cplus.events.repository import decided
from cplus.mail.failures import OF_ADDRESS


@dataclass(frozen=True, slots=True)
class Failure:
    """That a mail did not arrive."""

    reason: str
    """A code of `cplus/mail/failures.py`."""
    address: str | None
    """Where; None if nobody knows at which of the mail's addresses."""


async def record_failure(
    recorder: Recorder, draft: Draft, mail: Outgoing, failures: Sequence[Failure], now: datetime
) -> None:
    """Appends the draft of the mail's fate with all that follows from it, and nudges. Raises as
    `Recorder.record` does."""

    async def decide() -> Draft:
        events = [*draft.events]
        events += await _of_conversation(recorder, draft.shop, mail, failures, now)
        events += await _of_address(recorder, draft.shop, mail, failures, now)
        return replace(draft, events=events, refs=_refs(draft, events))

    await recorder.record(draft.shop, draft.claim, decide)


async def record_arrival(recorder: Recorder, draft: Draft, mail: Outgoing, now: datetime) -> None:
    """Appends the draft that says that a mail arrived of which it had been told that it did not."""

    async def decide() -> Draft:
        talk = await _conversation(recorder, draft.shop, mail)
        failed_delivery.arrive(talk, message_id=mail.message_id, now=now)
        events = [*draft.events, *decided(talk)]
        return replace(draft, events=events, refs=_refs(draft, events))

    await recorder.record(draft.shop, draft.claim, decide)


async def addresses_of(recorder: Recorder, shop: str, mail: Outgoing) -> Addresses:
    """What is known of the addresses of the customer whom the mail is for; nothing of anybody
    else's."""
    person = mail.wish.person
    if person is None or not mail.wish.to_address or not _to_customer(mail):
        return Addresses.empty("")
    found: Addresses = await recorder.load(Addresses, shop, addresses_stream(person))
    return found


async def _of_conversation(
    recorder: Recorder, shop: str, mail: Outgoing, failures: Sequence[Failure], now: datetime
) -> list[NewEvent]:
    if not isinstance(mail.wish, ReplyWritten):
        return []
    talk = await _conversation(recorder, shop, mail)
    for failure in failures:
        failed_delivery.fail(
            talk,
            message_id=mail.message_id,
            person=mail.wish.person,
            address=failure.address,
            reason=failure.reason,
            now=now,
        )
    return decided(talk)


async def _of_address(
    recorder: Recorder, shop: str, mail: Outgoing, failures: Sequence[Failure], now: datetime
) -> list[NewEvent]:
    person = mail.wish.person
    marked = [one for one in failures if one.reason in OF_ADDRESS and one.address]
    if person is None or not marked or not _to_customer(mail):
        return []
    found: Addresses = await recorder.load(Addresses, shop, addresses_stream(person))
    for one in marked:
        found.mark(
            person=person,
            address=one.address or "",
            reason=one.reason,
            message_id=mail.message_id,
            now=now,
        )
    return decided(found)


def _to_customer(mail: Outgoing) -> bool:
    """Whether it is mail to a customer: a mailbox of the merchant's has rules of its own."""
    purpose = registered().get(mail.purpose)
    return purpose is not None and purpose.threads


async def _conversation(recorder: Recorder, shop: str, mail: Outgoing) -> Conversation:
    assert isinstance(mail.wish, ReplyWritten)  # noqa: S101  callers ask
    loaded: Conversation = await recorder.load(Conversation, shop, mail.wish.originator_id)
    return await place_of(recorder, shop, loaded, mail.message_id)


def at(mail: Outgoing, told: str) -> str | None:
    """Which of the mail's addresses was told of. A forwarded mail is told of by the address that it
    came to last: of one that went to several nobody knows which of them that was."""
    known = {one.lower(): one for one in mail.recipients()}
    return known.get(told.lower(), mail.wish.to_address if mail.is_single else None)


def _refs(draft: Draft, events: list[NewEvent]) -> list[str]:
    streams = [new.stream for new in events if new.version is not None]
    return list(dict.fromkeys([*draft.refs, *streams]))
