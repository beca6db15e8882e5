"""The conversation between one customer and the shop: state, events and decisions."""

from __future__ import annotations

from datetime import datetime
from functools import singledispatchmethod
from typing import Any

from cplus.errors import InvalidInput
from cplus.events.aggregates.base import Aggregate
from cplus.events.base import AggregateEvent
from cplus.events.catalogue.conversations import (
    ConversationClosed,
    ConversationReopened,
    ConversationStarted,
    MessageReceived,
    ReplyWritten,
)
from cplus.events.names import conversation_id

MAX_REPLY = 100_000
"""Maximum length of a reply in characters."""


class Conversation(Aggregate):
    """Stream `conversation/<id>`. Starts empty; `start` is its first decision."""

    def __init__(self) -> None:
        self.person = ""
        self.subject = ""
        self.address = ""
        self.last_message_id: str | None = None
        self.message_ids: list[str] = []
        self.open = False
        self.closed_at: datetime | None = None
        self.written: set[str] = set()

    @property
    def conversation_id(self) -> str:
        """Its id without the stream's prefix."""
        return conversation_id(self.id)

    def start(self, *, person: str, channel: str, subject: str, now: datetime) -> None:
        """The customer starts the conversation."""
        self.trigger_event(
            ConversationStarted, person=person, channel=channel, subject=subject, timestamp=now
        )

    def receive(
        self,
        *,
        now: datetime,
        message_id: str,
        person: str,
        answer_here: bool = True,
        **mail: Any,
    ) -> None:
        """The customer sent a mail; it reopens a closed conversation unless it is automated.
        `answer_here`: whether replies may go to its sender from now on."""
        if message_id in self.message_ids:
            return
        self.trigger_event(
            MessageReceived,
            message_id=message_id,
            timestamp=now,
            person=person,
            answer_here=answer_here,
            **mail,
        )
        if not self.open and not mail.get("automatic", False):
            self.trigger_event(ConversationReopened, timestamp=now)

    def reply(self, *, message_id: str, text: str, author: str, now: datetime) -> None:
        """The merchant replies; raises InvalidInput for an empty or oversized text, or if there is
        no address to reply to."""
        if message_id in self.written:
            return
        text = text.replace("\r\n", "\n").strip()
        if not text:
            raise InvalidInput(reason="write something first")
        if len(text) > MAX_REPLY:
            raise InvalidInput(reason=f"replies can be up to {MAX_REPLY:,} characters")
        if not self.address:
            raise InvalidInput(reason="this conversation has no address to reply to")
        self.trigger_event(
            ReplyWritten,
            message_id=message_id,
            person=self.person,
            to_address=self.address,
            subject=self.subject,
            text=text,
            in_reply_to=self.last_message_id,
            author=author,
            timestamp=now,
        )
        if not self.open:
            self.trigger_event(ConversationReopened, timestamp=now)

    def close(self, now: datetime) -> None:
        """The merchant closes it; closing a closed conversation changes nothing."""
        if self.open:
            self.trigger_event(ConversationClosed, timestamp=now)

    def reopen(self, now: datetime) -> None:
        """The merchant reopens it; reopening an open conversation changes nothing."""
        if not self.open:
            self.trigger_event(ConversationReopened, timestamp=now)

    @singledispatchmethod
    def evolve(self, event: AggregateEvent) -> None:
        """Changes the state by one event; events it has no case for change nothing."""

    @evolve.register
    def _(self, event: ConversationStarted) -> None:
        self.person = event.person
        self.subject = event.subject
        self.open = True

    @evolve.register
    def _(self, event: MessageReceived) -> None:
        self.message_ids.append(event.message_id)
        if event.answer_here and not (event.automatic and self.address):
            self.address = event.from_address
            self.last_message_id = event.rfc_message_id

    @evolve.register
    def _(self, event: ReplyWritten) -> None:
        self.written.add(event.message_id)

    @evolve.register
    def _(self, event: ConversationClosed) -> None:
        self.open = False
        self.closed_at = event.timestamp

    @evolve.register
    def _(self, _event: ConversationReopened) -> None:
        self.open = True
        self.closed_at = None
