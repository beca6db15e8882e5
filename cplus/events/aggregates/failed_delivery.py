"""What a conversation decides of a reply that did not arrive."""

from __future__ import annotations

from datetime import datetime

from cplus.errors import InvalidInput, NotFound
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.base import ERASED
from cplus.events.catalogue.conversations import (
    ConversationReopened,
    DeliveryFailed,
    DeliveryFailureSettled,
    ReplyWritten,
)
from cplus.events.names import failure_id
from cplus.wording import worded


def fail(
    talk: Conversation,
    *,
    message_id: str,
    person: str,
    address: str | None,
    reason: str,
    now: datetime,
) -> None:
    """A reply did not arrive at the address (None: at one of them). Of each that is told once,
    reopens the conversation and waits for the merchant; one that is marked as spam is opened once
    that is taken back, and of one whose person was erased nothing is told."""
    if talk.erased or message_id not in talk.written:
        return
    known = [one for one in talk.failures.values() if one.message_id == message_id]
    if any((one.address or "").lower() == (address or "").lower() for one in known):
        return
    talk.trigger_event(
        DeliveryFailed,
        message_id=message_id,
        person=person,
        address=address,
        reason=reason,
        failure=failure_id(message_id, len(known) + 1) if known else None,
        timestamp=now,
    )
    if not talk.open and not talk.spam:
        talk.trigger_event(ConversationReopened, timestamp=now)


def arrive(talk: Conversation, *, message_id: str, now: datetime) -> None:
    """A reply arrived that had been told to have failed."""
    if message_id in talk.failed:
        talk.trigger_event(
            DeliveryFailureSettled, message_id=message_id, because="delivered", timestamp=now
        )


def dismiss(talk: Conversation, *, failure: str, now: datetime) -> None:
    """The merchant leaves it at that; again changes nothing. Raises NotFound for what did not
    fail."""
    told = talk.failures.get(failure)
    if told is None:
        raise NotFound(what="message")
    if failure in talk.failed:
        talk.trigger_event(
            DeliveryFailureSettled,
            message_id=told.message_id,
            because="dismissed",
            failure=told.failure,
            timestamp=now,
        )


def resend(
    talk: Conversation,
    *,
    failed: ReplyWritten,
    told: str,
    message_id: str,
    to: tuple[str, str] | None,
    author: str,
    now: datetime,
) -> None:
    """The merchant sends a reply once more to where it did not arrive (`told`: the failure), or in
    its place to somebody else (`to`: the person and the address). If replies went there, they go to
    the new one from now on. Whoever else got the reply does not get it twice.

    Raises NotFound for one that did not fail, and InvalidInput if something was done about it
    meanwhile, if it was called spam there, or if it was erased.
    """
    if message_id in talk.written:
        return
    failure = talk.failures.get(told)
    if failure is None or failure.message_id != failed.message_id:
        raise NotFound(what="message")
    if told not in talk.failed:
        raise InvalidInput(
            reason=worded("this reply was already sent again, or dismissed"), code="settled"
        )
    if talk.erased or failed.text == ERASED or failure.address is None:
        raise InvalidInput(reason=worded("the person of this conversation was erased"))
    person, address = to or (failure.person, failure.address)
    if failure.reason == "complained" and address == failure.address:
        raise InvalidInput(reason=worded("email to this address was marked as spam"), code="spam")
    talk.trigger_event(
        ReplyWritten,
        **failed.model_dump(exclude=_OWN),
        message_id=message_id,
        person=person,
        to_address=address,
        author=author,
        resends=failed.message_id,
        failure=failure.failure,
        timestamp=now,
    )
    talk.unmark_spam(now)
    if not talk.open:
        talk.trigger_event(ConversationReopened, timestamp=now)


_OWN = {
    *("message_id", "person", "to_address", "cc", "bcc", "author", "send_at"),
    *("resends", "failure"),
    *("originator_id", "originator_version", "timestamp"),
}
"""Fields of a reply that are not those of the one that it sends again."""
