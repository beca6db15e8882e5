"""What a conversation decides of a reply that did not arrive."""

from __future__ import annotations

from datetime import datetime

from cplus.errors import InvalidInput, NotFound
from cplus.events.aggregates.conversation import Conversation
from cplus.events.base import ERASED
from cplus.events.catalogue.conversations import (
    ConversationReopened,
    DeliveryFailed,
    DeliveryFailureSettled,
    ReplyWritten,
)


def fail(
    talk: Conversation, *, message_id: str, person: str, address: str, reason: str, now: datetime
) -> None:
    """A reply did not arrive. It is told once, reopens the conversation and waits for the merchant;
    not in one that is marked as spam, or whose person was erased."""
    if talk.spam or talk.erased or message_id in talk.failures or message_id not in talk.written:
        return
    talk.trigger_event(
        DeliveryFailed,
        message_id=message_id,
        person=person,
        address=address,
        reason=reason,
        timestamp=now,
    )
    if not talk.open:
        talk.trigger_event(ConversationReopened, timestamp=now)


def arrive(talk: Conversation, *, message_id: str, now: datetime) -> None:
    """A reply arrived that had been told to have failed."""
    if message_id in talk.failed:
        talk.trigger_event(
            DeliveryFailureSettled, message_id=message_id, because="delivered", timestamp=now
        )


def dismiss(talk: Conversation, *, message_id: str, now: datetime) -> None:
    """The merchant leaves it at that; again changes nothing. Raises NotFound for a message that did
    not fail."""
    if message_id not in talk.failures:
        raise NotFound(what="message")
    if message_id in talk.failed:
        talk.trigger_event(
            DeliveryFailureSettled, message_id=message_id, because="dismissed", timestamp=now
        )


def resend(
    talk: Conversation,
    *,
    failed: ReplyWritten,
    message_id: str,
    person: str,
    address: str,
    author: str,
    now: datetime,
) -> None:
    """The merchant sends a reply that did not arrive once more, to the same address or to another,
    to which later replies go too. Raises NotFound for one that did not fail, and InvalidInput if it
    was settled meanwhile or erased."""
    if message_id in talk.written:
        return
    if failed.message_id not in talk.failures:
        raise NotFound(what="message")
    if failed.message_id not in talk.failed:
        raise InvalidInput(reason="this reply was already sent again, or dismissed")
    if talk.erased or failed.text == ERASED:
        raise InvalidInput(reason="the person of this conversation was erased")
    again = failed.model_dump(exclude=_OWN)
    talk.trigger_event(
        ReplyWritten,
        **again,
        message_id=message_id,
        person=person,
        to_address=address,
        author=author,
        resends=failed.message_id,
        timestamp=now,
    )
    if not talk.open:
        talk.trigger_event(ConversationReopened, timestamp=now)


_OWN = {
    *("message_id", "person", "to_address", "author", "send_at", "resends"),
    *("originator_id", "originator_version", "timestamp"),
}
"""Fields of a reply that are not those of the one that it sends again."""
