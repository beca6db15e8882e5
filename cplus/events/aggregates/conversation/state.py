"""A conversation as its events tell it: what decisions about it ask."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import singledispatchmethod
from typing import Any

from cplus.events.aggregates.base import Aggregate
from cplus.events.aggregates.billing_account import month_of
from cplus.events.aggregates.conversation.handled import Handling
from cplus.events.aggregates.conversation.last_changes import LastChanges
from cplus.events.aggregates.conversation.thread import Sender, Thread
from cplus.events.base import AggregateEvent, kept
from cplus.events.catalogue.conversations import (
    AnswerRefused,
    AnswersMoved,
    AutoReplied,
    ConversationClosed,
    ConversationMarkedSpam,
    ConversationMerged,
    ConversationReopened,
    ConversationStarted,
    ConversationUnmarkedSpam,
    ConversationUnmerged,
    DeliveryFailed,
    DeliveryFailureSettled,
    MessageReceived,
    NoteWritten,
    ReplyWithdrawn,
    ReplyWritten,
)
from cplus.events.catalogue.handling import (
    ConversationAssigned,
    ConversationPrioritized,
    ConversationSnoozed,
    ConversationTagged,
    ConversationWoken,
)
from cplus.events.catalogue.threads import (
    ConversationRearranged,
    ConversationSplit,
    ConversationSplitUndone,
    MessageMoved,
)
from cplus.events.names import conversation_id, failed_message


class ConversationState(Aggregate):
    """What the events of the stream `conversation/<id>` say of it by now."""

    def __init__(self) -> None:
        self.handling = Handling()
        """How the shop's staff works on it."""
        self.changes = LastChanges()
        self.person = ""
        self.erased = False
        """Whether that person was erased."""
        self.subject = ""
        self.address = ""
        self.answers_to = ""
        """Whose address that is: replies are theirs."""
        self.people: list[str] = []
        """Whom replies go to or may have gone to, each once, in their order."""
        self.last_message_id: str | None = None
        self.last_message_at: datetime | None = None
        self.senders: dict[str, Sender] = {}
        """By the ids of the messages that were received."""
        self.open = False
        self.closed_at: datetime | None = None
        self.written: set[str] = set()
        self.failures: dict[str, DeliveryFailed] = {}
        """Each that a reply did not arrive somewhere, whatever was done about it, by its id
        (`failure_id`)."""
        self.failed: set[str] = set()
        """Those of them that still wait for the merchant."""
        self.spam = False
        """Whether it is marked as spam: whatever comes to it is no news, and nothing answers by
        itself."""
        self.counts = True
        """Whether it counts at all: what the merchant began does not."""
        self._begin_alone()
        self.auto_replied = False
        """Whether the shop answered by itself since the merchant wrote last."""
        self.counts_in: str | None = None
        """The month of whose allowance it has a place; None if it gave it back."""
        self._days: set[str] = set()
        self._missed = False
        """Whether mail came while it was spam."""
        self.withdrawn: set[str] = set()
        self.waits: dict[str, datetime] = {}
        """Until when mails wait that were not withdrawn, by the ids of the messages."""
        self._looked_after: dict[str, set[str]] = {}
        """What had failed when each of them was written."""

    def _begin_alone(self) -> None:
        self.channel: Any = "email"
        self.thread = Thread()
        self.merged_into: str | None = None
        """The id of the conversation that it was merged into; None if it is on its own."""
        self.was_open = False
        """Whether it was open when it was merged."""
        self.split_from: str | None = None
        """The id of the conversation that it was split off; None if it began by itself."""
        self.split_undone = False
        self.lent: set[str] = set()
        """The conversations merged into it in which somebody waits for an answer."""
        self._waited: dict[str, set[str]] = {}
        """Replies that have not gone out, and what waited for an answer before each."""

    @property
    def waiting(self) -> bool:
        """Whether somebody who wrote in it waits for an answer."""
        return bool(self.thread.unanswered)

    @property
    def awaited(self) -> bool:
        """Whether somebody waits for an answer in it, or in what was merged into it."""
        return self.waiting or bool(self.lent)

    @property
    def conversation_id(self) -> str:
        """Its id without the stream's prefix."""
        return conversation_id(self.id)

    @property
    def recipient(self) -> int:
        """Which of the people gets replies now: a mail can be bound to it, because it never changes
        for a person, also not when somebody is erased."""
        return self.people.index(self.answers_to) if self.answers_to else 0

    def _takes_part(self, person: str) -> None:
        if person not in self.people:
            self.people.append(person)

    @singledispatchmethod
    def evolve(self, event: AggregateEvent) -> None:
        """Changes the state by one event; events it has no case for change nothing."""

    @evolve.register
    def _(self, event: ConversationStarted) -> None:
        self.person = event.person
        self.channel = event.channel
        self.erased = kept(event.subject) is None
        self.subject = event.subject
        self.address = event.address or ""
        self.answers_to = event.person if event.address else ""
        self._takes_part(event.person)
        self.open = True
        self.counts = event.by == "customer"
        self.counts_in = month_of(event.timestamp) if self.counts else None
        self._days.add(_day_of(event.timestamp))

    @evolve.register
    def _(self, event: MessageReceived) -> None:
        sender = Sender(
            event.person,
            event.from_name,
            event.from_address,
            event.rfc_message_id,
            kept(event.text) is None,
        )
        self.senders[event.message_id] = sender
        self.thread.add(
            event,
            "in",
            event.text,
            event.subject,
            automatic=event.automatic,
            files=event.attachments > 0,
        )
        self._takes_part(event.person)
        # What is taken out of the quarantine came before.
        self.last_message_at = max(self.last_message_at or event.timestamp, event.timestamp)
        self._days.add(_day_of(event.timestamp))
        self._missed |= self.spam and not event.automatic
        if event.answer_here and not (event.automatic and self.address):
            self.address = event.from_address or ""
            self.answers_to = event.person
            self.last_message_id = event.rfc_message_id

    @evolve.register
    def _(self, event: ReplyWritten) -> None:
        self.written.add(event.message_id)
        self.thread.add(event, "out", event.text, event.subject)
        self._takes_part(event.person)
        self.auto_replied = False
        self.last_message_at = event.timestamp
        if event.send_at is not None:
            self.waits[event.message_id] = event.send_at
            self._looked_after[event.message_id] = set(self.failed)
            if self.awaited:
                self._waited[event.message_id] = self.thread.unanswered | self.lent
        else:
            self._waited.clear()
        self.thread.unanswered.clear()
        self.lent.clear()
        # Whatever it says, the merchant looked after the conversation; but sent again to one, it
        # says nothing of the others whom the same reply did not reach.
        own = event.failure or event.resends or ""
        self.failed = {one for one in self.failed if failed_message(one) == event.resends} - {own}
        failed = self.failures.get(own)
        # Sent again to another address, that is where replies go, unless a copy failed.
        if failed is not None and failed.address == self.address and kept(event.to_address):
            self.address, self.answers_to = event.to_address, event.person

    @evolve.register
    def _(self, event: ReplyWithdrawn) -> None:
        self.withdrawn.add(event.message_id)
        self.waits.pop(event.message_id, None)
        self.failed |= self._looked_after.pop(event.message_id, set())
        self.thread.take_out(event.message_id)
        self.thread.unanswered |= self._waited.get(event.message_id, set())

    @evolve.register
    def _(self, event: DeliveryFailed) -> None:
        failure = event.failure or event.message_id
        self.failures[failure] = event
        self.failed.add(failure)

    @evolve.register
    def _(self, event: DeliveryFailureSettled) -> None:
        self.failed.discard(event.failure or event.message_id)

    @evolve.register
    def _(self, event: NoteWritten) -> None:
        self.written.add(event.message_id)
        self.thread.add(event, "note", event.text)

    @evolve.register
    def _(self, event: AnswerRefused) -> None:
        self.written.add(event.message_id)
        self.thread.add(event, "refused", event.text or "")

    @evolve.register
    def _(self, event: AutoReplied) -> None:
        self.auto_replied = True
        self.thread.add(event, "auto", event.text, event.subject, answers=event.answers)

    @evolve.register
    def _(self, event: AnswersMoved) -> None:
        self.address = kept(event.address) or ""
        self.answers_to = event.person
        self._takes_part(event.person)
        self.last_message_id = event.rfc_message_id

    @evolve.register
    def _(self, event: ConversationClosed) -> None:
        self._stand(event, is_open=False)

    @evolve.register
    def _(self, event: ConversationReopened) -> None:
        self._stand(event, is_open=True)

    @evolve.register(ConversationAssigned)
    @evolve.register(ConversationSnoozed)
    @evolve.register(ConversationWoken)
    @evolve.register(ConversationTagged)
    @evolve.register(ConversationPrioritized)
    def _(self, event: AggregateEvent) -> None:
        self.handling.evolve(event, self.changes)

    @evolve.register
    def _(self, event: ConversationMarkedSpam) -> None:
        self.changes.note("spam", event, self.spam)
        self.spam = True
        if event.month is not None:
            self.counts_in = None

    @evolve.register
    def _(self, event: ConversationUnmarkedSpam) -> None:
        self.changes.note("spam", event, self.spam)
        self.spam = self._missed = False
        self.counts_in = event.month or self.counts_in

    @evolve.register
    def _(self, event: ConversationMerged) -> None:
        if event.source == self.conversation_id:
            self.merged_into, self.was_open = event.into, self.open
        elif event.lends:
            self.lent.add(event.source)
        self._stand(event, is_open=event.open)

    @evolve.register
    def _(self, event: ConversationUnmerged) -> None:
        if event.source == self.conversation_id:
            self.merged_into = None
        self.lent.discard(event.source)
        self._stand(event, is_open=event.open)

    @evolve.register
    def _(self, event: ConversationSplit) -> None:
        self.person, self.channel = event.person, event.channel
        self.erased = kept(event.subject) is None
        self.subject = event.subject
        self.address = event.address or ""
        self.answers_to = event.person if event.address else ""
        self._takes_part(event.person)
        self.open = True
        self.counts = False
        self.split_from = event.source
        self.last_message_at = event.timestamp

    @evolve.register
    def _(self, event: MessageMoved) -> None:
        # What was written before brings nothing back any more if it is taken back.
        self._waited.clear()
        self._looked_after.clear()
        if event.into != self.conversation_id:
            self.thread.moved_away(event)
            self.senders.pop(event.message_id, None)
            self.waits.pop(event.message_id, None)
        else:
            self.thread.moved_here(event)
            if event.send_at is not None:  # it may be taken back as long as nobody tried to send it
                self.waits[event.message_id] = event.send_at
            if event.kind == "in":
                known = (event.person, event.name, event.address, event.rfc_message_id)
                self.senders[event.message_id] = Sender(*known, event.text is None)
                self._takes_part(event.person)
            else:
                self.written.add(event.message_id)
        self._names_last(event)

    def _names_last(self, event: MessageMoved) -> None:
        """The next reply names the last mail of whom it goes to that stands here."""
        mails = [self.senders[one.message_id] for one in self.thread.mails if one.kind == "in"]
        there = [one for one in mails if one.address == self.address and one.rfc_message_id]
        if self.split_from and event.into == self.conversation_id:
            self.last_message_id = there[-1].rfc_message_id if there else self.last_message_id
        elif event.rfc_message_id and event.rfc_message_id == self.last_message_id:
            self.last_message_id = there[-1].rfc_message_id if there else None

    @evolve.register
    def _(self, event: ConversationRearranged) -> None:
        self._stand(event, is_open=event.open)

    @evolve.register
    def _(self, event: ConversationSplitUndone) -> None:
        self.merged_into, self.split_undone = event.source, True
        self._stand(event, is_open=False)

    def _stand(self, event: AggregateEvent, *, is_open: bool) -> None:
        if is_open != self.open:
            self.changes.note("open", event, self.open)
        if is_open:
            self.closed_at = None
        elif self.open:
            self.closed_at = event.timestamp
        self.open = is_open


def _day_of(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()
