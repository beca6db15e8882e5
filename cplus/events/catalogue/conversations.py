"""Events of a conversation (stream `conversation/<id>`): decisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from cplus.events.base import AggregateEvent, Personal


class ConversationStarted(AggregateEvent):
    """Somebody began to talk with the shop."""

    TYPE: ClassVar[str] = "conversation.started"
    person: str
    channel: Literal["contact_form", "email"]
    subject: Personal[str]


class MessageReceived(AggregateEvent):
    """A mail of the shopper came into the conversation."""

    TYPE: ClassVar[str] = "conversation.message_received"
    message_id: str
    person: str
    from_name: Personal[str | None]
    from_address: Personal[str]
    """Where an answer to it goes, if it goes there at all: see `answer_here`."""
    subject: Personal[str]
    text: Personal[str]
    """What the shopper wrote, without what was quoted; at most 256 KB."""
    rfc_message_id: Personal[str | None]
    """The mail's own Message-ID header."""
    automatic: bool = False
    """Whether a machine sent it (out of office, for example)."""
    answer_here: bool = True
    """Whether the conversation's answers go to `from_address` from now on. Not where somebody
    else's mail came in who only named one of its Message-IDs."""
    attachments: int = 0
    raw: Mapping[str, str] | None = None
    """Where the raw mail rests: {"bucket", "key"}."""


class ReplyWritten(AggregateEvent):
    """The merchant answered: the wish to send, recorded before anything is sent."""

    TYPE: ClassVar[str] = "conversation.reply_written"
    message_id: str
    person: str
    to_address: Personal[str]
    subject: Personal[str]
    text: Personal[str]
    in_reply_to: Personal[str | None] = None
    """Message-ID of the mail that it answers."""
    author: str
    """Who wrote it, as people read it: what a user is called, or the id. `merchant` before users
    were known."""


class ConversationClosed(AggregateEvent):
    """The merchant is done with it."""

    TYPE: ClassVar[str] = "conversation.closed"


class ConversationReopened(AggregateEvent):
    """It goes on: by the merchant, or by a message after it was closed."""

    TYPE: ClassVar[str] = "conversation.reopened"
