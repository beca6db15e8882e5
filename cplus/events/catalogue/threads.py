"""Events of a conversation (stream `conversation/<id>`) whose messages were moved."""

from __future__ import annotations

from typing import ClassVar, Literal

from cplus.events.base import AggregateEvent, Instant, Personal

Kind = Literal["in", "out", "auto", "note", "refused"]
"""What a message is: received, written by the merchant, an automatic reply, a note, or a mail that
was not sent on."""


class MessageMoved(AggregateEvent):
    """The merchant moved a message to another conversation. The same is recorded in both."""

    TYPE: ClassVar[str] = "conversation.message_moved"
    message_id: str
    source: str
    """The id of the conversation in which it stood."""
    into: str
    """The id of the one in which it stands from now on."""
    person: str
    """Who wrote it, or whom it went to."""
    at: Instant
    """With `number`, its place in any thread: it keeps both."""
    number: int
    kind: Kind
    automatic: bool
    """Whether a machine sent it."""
    waits: bool
    """Whether somebody waits for an answer to it: from now on they wait in `into`."""
    send_at: Instant | None = None
    """The moment before which it was not sent, if it waited to be."""
    files: bool = False
    """Whether it was received with files."""
    answers: str | None = None
    """The message that an automatic reply answers."""
    back: bool = False
    """Whether it goes back to where it was moved from."""
    text: Personal[str | None] = None
    """How it begins. None if it was erased, as for the next."""
    subject: Personal[str | None] = None
    name: Personal[str | None] = None
    """The name of its sender."""
    address: Personal[str | None] = None
    """The address for replies to it."""
    rfc_message_id: Personal[str | None] = None
    """Message-ID of the mail."""


class ConversationRearranged(AggregateEvent):
    """How a conversation stands after messages were moved into it, or out of it."""

    TYPE: ClassVar[str] = "conversation.rearranged"
    person: str
    """Who wrote the last message, or whom it went to."""
    open: bool
    waiting: bool
    """Whether somebody waits for an answer."""
    messages: int
    """How many were received and written in it."""
    last_message_at: Instant
    last_from: Literal["shopper", "merchant"]
    last_reply: str | None
    """The id of the merchant's last mail."""
    files: bool = False
    """Whether a message was received with files."""
    text: Personal[str | None] = None
    """How the last message begins. None if it was erased."""


class ConversationSplit(AggregateEvent):
    """The merchant split messages off a conversation: the new one begins with them. It counts in no
    figures, and against no plan: its messages counted when they came."""

    TYPE: ClassVar[str] = "conversation.split"
    source: str
    """The id of the conversation from which they come."""
    person: str
    channel: Literal["contact_form", "email"]
    subject: Personal[str]
    address: Personal[str | None] = None
    """Where replies go. None if no address is known."""


class ConversationSplitUndone(AggregateEvent):
    """The merchant took a split back, and nothing is left in the conversation that it had made:
    mail to it goes to the one from which it came."""

    TYPE: ClassVar[str] = "conversation.split_undone"
    source: str
