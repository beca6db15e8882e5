"""The conversation between one customer and the shop: state, events and decisions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import singledispatchmethod
from typing import Any, NamedTuple

from cplus.errors import AddressChanged, InvalidInput, NotFound
from cplus.events.aggregates.base import Aggregate
from cplus.events.aggregates.billing_account import month_of
from cplus.events.base import AggregateEvent, NewEvent, kept
from cplus.events.catalogue.conversations import (
    AnswerRefusal,
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
from cplus.events.catalogue.mail import MailSetAside
from cplus.events.files import StoredFile
from cplus.events.names import conversation_id, failed_message, given_back_ref, started_ref

MAX_REPLY = 100_000
"""Maximum length of a reply in characters."""
MAX_RECIPIENTS = 50
"""Whom SES sends one mail to at most: To, Cc and Bcc together."""
MAX_AHEAD = timedelta(days=60)
"""How long before it goes out a mail can be scheduled."""
MERGED = "this conversation was merged into another: reply there, or undo that first"
MAX_WAITING = 20
"""Mails of one conversation that wait for their moment at once."""


class Sender(NamedTuple):
    """Who sent a message."""

    person: str
    name: str | None
    address: str | None
    rfc_message_id: str | None
    erased: bool


def as_received(mail: MailSetAside) -> dict[str, Any]:
    """What `Conversation.receive` is told of a mail that was set aside: all that both keep."""
    kept = MailSetAside.model_fields.keys() & MessageReceived.model_fields.keys()
    # A report may belong to the person of the mail that it reports, and is no word of theirs.
    told = {"automatic": mail.reason == "report", "virus": mail.reason == "virus"}
    return {name: getattr(mail, name) for name in kept} | told


class Conversation(Aggregate):
    """Stream `conversation/<id>`. Starts empty; `start` is its first decision."""

    def __init__(self) -> None:
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
        self.merged_into: str | None = None
        """The id of the conversation that it was merged into; None if it is on its own."""
        self.was_open = False
        """Whether it was open when it was merged."""
        self.waiting = False
        """Whether somebody who wrote in it waits for an answer."""
        self.lent: set[str] = set()
        """The conversations merged into it in which somebody waits for an answer."""
        self._waited: set[str] = set()
        """Replies that have not gone out, before which somebody waited."""

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

    def start(
        self,
        *,
        person: str,
        channel: str,
        subject: str,
        now: datetime,
        by: str = "customer",
        address: str | None = None,
    ) -> None:
        """Somebody starts the conversation; `address` is where a merchant's first message goes."""
        self.trigger_event(
            ConversationStarted,
            person=person,
            channel=channel,
            subject=subject,
            by=by,
            address=address,
            timestamp=now,
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
        """The customer sent a mail; it reopens a closed conversation unless the mail is automated
        or the conversation is marked as spam. `answer_here`: whether replies may go to its sender
        from now on."""
        if message_id in self.senders:
            return
        self.trigger_event(
            MessageReceived,
            message_id=message_id,
            timestamp=now,
            person=person,
            answer_here=answer_here,
            **mail,
        )
        if not self.open and not self.spam and not mail.get("automatic", False):
            self.trigger_event(ConversationReopened, timestamp=now)

    def reply(
        self,
        *,
        message_id: str,
        text: str,
        author: str,
        now: datetime,
        to: str | None = None,
        cc: Sequence[str] = (),
        bcc: Sequence[str] = (),
        send_at: datetime | None = None,
        files: Sequence[StoredFile] = (),
    ) -> None:
        """The merchant replies, in the belief that it goes to the address `to`, if that is given;
        with `send_at` it goes out at that moment, and can be withdrawn until then.

        Raises InvalidInput for an empty or oversized text, for too many recipients, for a moment
        too far ahead, or if there is no address to reply to, and AddressChanged if it is another
        one by now.
        """
        if message_id in self.written:
            return
        text = text.replace("\r\n", "\n").strip()
        if not text and not files:
            raise InvalidInput(reason="write something first")
        if len(text) > MAX_REPLY:
            raise InvalidInput(reason=f"replies can be up to {MAX_REPLY:,} characters")
        if self.erased:
            raise InvalidInput(reason="the person of this conversation was erased")
        if self.merged_into is not None:
            raise InvalidInput(reason=MERGED)
        if not self.address:
            raise InvalidInput(reason="this conversation has no address to reply to")
        if to is not None and to != self.address:
            raise AddressChanged
        if 1 + len(cc) + len(bcc) > MAX_RECIPIENTS:
            raise InvalidInput(reason=f"a mail can go to up to {MAX_RECIPIENTS} addresses")
        if send_at is not None:
            self._check_moment(send_at, now)
        self.trigger_event(
            ReplyWritten,
            message_id=message_id,
            person=self.answers_to,
            to_address=self.address,
            subject=self.subject,
            text=text,
            in_reply_to=self.last_message_id,
            author=author,
            cc=tuple(cc) or None,
            bcc=tuple(bcc) or None,
            send_at=send_at,
            files=tuple(files) or None,
            objects=tuple({"bucket": one.bucket, "key": one.key} for one in files),
            timestamp=now,
        )
        self.unmark_spam(now)
        if not self.open:
            self.trigger_event(ConversationReopened, timestamp=now)

    def _check_moment(self, send_at: datetime, now: datetime) -> None:
        if send_at > now + MAX_AHEAD:
            raise InvalidInput(reason=f"a mail can be scheduled up to {MAX_AHEAD.days} days ahead")
        if sum(moment > now for moment in self.waits.values()) >= MAX_WAITING:
            reason = f"up to {MAX_WAITING} messages of a conversation can wait to be sent"
            raise InvalidInput(reason=reason)

    def withdraw(self, *, message_id: str, now: datetime) -> None:
        """The merchant takes back a mail that was not sent; the caller has made sure that nobody
        sends it. Withdrawing it again changes nothing. Raises NotFound, and InvalidInput for a mail
        that went out at once."""
        if message_id in self.withdrawn:
            return
        if message_id not in self.written:
            raise NotFound(what="message")
        if message_id not in self.waits:
            raise InvalidInput(reason="this message did not wait to be sent")
        self.trigger_event(ReplyWithdrawn, message_id=message_id, timestamp=now)

    def auto_reply(
        self, *, message_id: str, answers: str, kind: str, text: str, now: datetime
    ) -> None:
        """The shop answers that message by itself: once until the merchant writes. Nothing happens
        for spam, and for whoever was erased or has no address."""
        sender = self.senders.get(answers)
        if sender is None or sender.erased or not sender.address:
            return
        if self.spam or self.erased or self.auto_replied:
            return
        self.trigger_event(
            AutoReplied,
            message_id=message_id,
            answers=answers,
            kind=kind,
            person=sender.person,
            to_address=sender.address,
            subject=self.subject,
            text=text,
            in_reply_to=sender.rfc_message_id,
            timestamp=now,
        )

    def answer_to(self, *, message_id: str, now: datetime) -> None:
        """The merchant wants replies to go to the sender of this message; if they do, nothing
        changes. Raises NotFound, and InvalidInput for a sender without an address."""
        sender = self.senders.get(message_id)
        if sender is None:
            raise NotFound(what="message")
        if sender.erased:
            raise InvalidInput(reason="the sender of this message was erased")
        if not sender.address:
            raise InvalidInput(reason="the sender of this message has no address to reply to")
        if sender.address != self.address:
            self.trigger_event(
                AnswersMoved,
                message_id=message_id,
                person=sender.person,
                name=sender.name,
                address=sender.address,
                rfc_message_id=sender.rfc_message_id,
                timestamp=now,
            )

    def note(self, *, message_id: str, text: str, author: str, now: datetime) -> None:
        """The merchant writes something down for themselves; nobody else gets it.

        Raises InvalidInput for an empty or oversized text, and if its person was erased, whose
        conversation keeps no words any more.
        """
        if message_id in self.written:
            return
        text = text.replace("\r\n", "\n").strip()
        if not text:
            raise InvalidInput(reason="write something first")
        if len(text) > MAX_REPLY:
            raise InvalidInput(reason=f"notes can be up to {MAX_REPLY:,} characters")
        if self.erased:
            raise InvalidInput(reason="the person of this conversation was erased")
        self.trigger_event(
            NoteWritten,
            message_id=message_id,
            person=self.person,
            text=text,
            author=author,
            timestamp=now,
        )

    def refuse_answer(
        self,
        *,
        message_id: str,
        mailbox: str,
        reason: AnswerRefusal,
        proved: bool,
        text: str | None,
        attachments: int,
        now: datetime,
    ) -> None:
        """A mail that claims to be the merchant's answer is not sent on."""
        if message_id not in self.written:
            self.trigger_event(
                AnswerRefused,
                message_id=message_id,
                person=self.person,
                mailbox=mailbox,
                reason=reason,
                proved=proved,
                text=text,
                attachments=attachments,
                timestamp=now,
            )

    def close(self, now: datetime) -> None:
        """The merchant closes it; closing a closed conversation changes nothing."""
        if self.open:
            self.trigger_event(ConversationClosed, timestamp=now)

    def reopen(self, now: datetime) -> None:
        """The merchant reopens it; reopening an open conversation changes nothing. Raises
        InvalidInput if it was merged into another."""
        if not self.open and self.merged_into is not None:
            raise InvalidInput(reason=MERGED)
        if not self.open:
            self.trigger_event(ConversationReopened, timestamp=now)

    def mark_spam(self, now: datetime) -> None:
        """The merchant says that it is spam. In the month in whose allowance it counts, it gives
        its place back; of a month that ended nothing changes."""
        if not self.spam:
            month = month_of(now)
            self.trigger_event(
                ConversationMarkedSpam,
                person=self.person,
                days=tuple(sorted(self._days)),
                month=month if month == self.counts_in else None,
                timestamp=now,
            )

    def unmark_spam(self, now: datetime) -> None:
        """It is no spam after all. If it had given its place back, it takes one in the month in
        which this is said. It is open again if somebody wrote, or a reply failed, meanwhile."""
        if not self.spam:
            return
        missed = self._missed or bool(self.failed)
        self.trigger_event(
            ConversationUnmarkedSpam,
            person=self.person,
            days=tuple(sorted(self._days)),
            month=month_of(now) if self.counts and not self.counts_in else None,
            timestamp=now,
        )
        if missed and not self.open:
            self.trigger_event(ConversationReopened, timestamp=now)

    @singledispatchmethod
    def evolve(self, event: AggregateEvent) -> None:
        """Changes the state by one event; events it has no case for change nothing."""

    @evolve.register
    def _(self, event: ConversationStarted) -> None:
        self.person = event.person
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
        self._takes_part(event.person)
        # What is taken out of the quarantine came before.
        self.last_message_at = max(self.last_message_at or event.timestamp, event.timestamp)
        self._days.add(_day_of(event.timestamp))
        self._missed |= self.spam and not event.automatic
        self.waiting |= not event.automatic
        if event.answer_here and not (event.automatic and self.address):
            self.address = event.from_address or ""
            self.answers_to = event.person
            self.last_message_id = event.rfc_message_id

    @evolve.register
    def _(self, event: ReplyWritten) -> None:
        self.written.add(event.message_id)
        self._takes_part(event.person)
        self.auto_replied = False
        self.last_message_at = event.timestamp
        if event.send_at is not None:
            self.waits[event.message_id] = event.send_at
            self._looked_after[event.message_id] = set(self.failed)
            if self.awaited:
                self._waited.add(event.message_id)
        else:
            self._waited.clear()
        self.waiting = False
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
        self.waiting |= event.message_id in self._waited

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

    @evolve.register
    def _(self, event: AnswerRefused) -> None:
        self.written.add(event.message_id)

    @evolve.register
    def _(self, _event: AutoReplied) -> None:
        self.auto_replied = True

    @evolve.register
    def _(self, event: AnswersMoved) -> None:
        self.address = kept(event.address) or ""
        self.answers_to = event.person
        self._takes_part(event.person)
        self.last_message_id = event.rfc_message_id

    @evolve.register
    def _(self, event: ConversationClosed) -> None:
        self.open = False
        self.closed_at = event.timestamp

    @evolve.register
    def _(self, _event: ConversationReopened) -> None:
        self.open = True
        self.closed_at = None

    @evolve.register
    def _(self, event: ConversationMarkedSpam) -> None:
        self.spam = True
        if event.month is not None:
            self.counts_in = None

    @evolve.register
    def _(self, event: ConversationUnmarkedSpam) -> None:
        self.spam = self._missed = False
        self.counts_in = event.month or self.counts_in

    @evolve.register
    def _(self, event: ConversationMerged) -> None:
        if event.source == self.conversation_id:
            self.merged_into, self.was_open = event.into, self.open
        elif event.lends:
            self.lent.add(event.source)
        self._stand(event.timestamp, is_open=event.open)

    @evolve.register
    def _(self, event: ConversationUnmerged) -> None:
        if event.source == self.conversation_id:
            self.merged_into = None
        self.lent.discard(event.source)
        self._stand(event.timestamp, is_open=event.open)

    def _stand(self, at: datetime, *, is_open: bool) -> None:
        if is_open:
            self.closed_at = None
        elif self.open:
            self.closed_at = at
        self.open = is_open


def allowance_refs(events: Iterable[NewEvent]) -> list[str]:
    """The refs by which the log counts what these events take of a month's allowance, and give
    back."""
    found = list[str]()
    for one in events:
        match one.event:
            case ConversationMarkedSpam(month=str(month)):
                found.append(given_back_ref(month))
            case ConversationUnmarkedSpam(month=str(month)):
                found.append(started_ref(month))
    return found


def _day_of(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()
