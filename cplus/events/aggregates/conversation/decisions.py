"""The conversation between one customer and the shop: what is decided about it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from cplus.errors import AddressChanged, InvalidInput, NotFound, OthersWrote
from cplus.events.aggregates.billing_account import month_of
from cplus.events.aggregates.conversation.handling import wake
from cplus.events.aggregates.conversation.refusals import refused
from cplus.events.aggregates.conversation.state import ConversationState
from cplus.events.base import NewEvent
from cplus.events.catalogue.conversations import (
    AnswerRefusal,
    AnswerRefused,
    AnswersMoved,
    AutoReplied,
    ConversationClosed,
    ConversationMarkedSpam,
    ConversationReopened,
    ConversationStarted,
    ConversationUnmarkedSpam,
    MessageReceived,
    NoteWritten,
    ReplyWithdrawn,
    ReplyWritten,
)
from cplus.events.catalogue.handling import MembersMentioned
from cplus.events.catalogue.mail import MailSetAside
from cplus.events.files import StoredFile
from cplus.events.names import given_back_ref, started_ref
from cplus.wording import worded

MAX_REPLY = 100_000
"""Maximum length of a reply in characters."""
MAX_RECIPIENTS = 50
"""Whom SES sends one mail to at most: To, Cc and Bcc together."""
MAX_MENTIONS = 20
"""Members of the team whom one note mentions at most."""
MAX_AHEAD = timedelta(days=60)
"""How long before it goes out a mail can be scheduled."""
MAX_WAITING = 20
"""Mails of one conversation that wait for their moment at once."""


def as_received(mail: MailSetAside) -> dict[str, Any]:
    """What `Conversation.receive` is told of a mail that was set aside: all that both keep."""
    kept = MailSetAside.model_fields.keys() & MessageReceived.model_fields.keys()
    # A report may belong to the person of the mail that it reports, and is no word of theirs.
    told = {"automatic": mail.reason == "report", "virus": mail.reason == "virus"}
    return {name: getattr(mail, name) for name in kept} | told


class Conversation(ConversationState):
    """Stream `conversation/<id>`. Starts empty; `start` is its first decision."""

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
        """The customer sent a mail; unless that is automated, it wakes a conversation that is put
        off, and reopens a closed one that is not marked as spam. `answer_here`: whether replies may
        go to its sender from now on."""
        if message_id in self.senders or message_id in self.thread.left:
            return
        self.trigger_event(
            MessageReceived,
            message_id=message_id,
            timestamp=now,
            person=person,
            answer_here=answer_here,
            **mail,
        )
        if mail.get("automatic", False):
            return
        wake(self, now=now, reason="reply")
        if not self.open and not self.spam:
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
        seen: Collection[str] = (),
    ) -> None:
        """The merchant replies, in the belief that it goes to the address `to`, if that is given;
        with `send_at` it goes out at that moment, and can be withdrawn until then. `seen` are the
        newest messages that they had before them, if that is known.

        Raises InvalidInput for an empty or oversized text, for too many recipients, for a moment
        too far ahead, or if there is no address to reply to, AddressChanged if it is another
        one by now, and OthersWrote if others wrote after what was seen.
        """
        if message_id in self.written:
            return
        text = text.replace("\r\n", "\n").strip()
        if not text and not files:
            raise InvalidInput(reason=worded("write something first"))
        if len(text) > MAX_REPLY:
            raise InvalidInput(
                reason=worded("replies can be up to %(most)s characters", most=MAX_REPLY)
            )
        if self.erased:
            raise refused("erased")
        if self.merged_into is not None:
            raise refused("merged-reply")
        if not self.address:
            raise InvalidInput(reason=worded("this conversation has no address to reply to"))
        if to is not None and to != self.address:
            raise AddressChanged
        self._check_seen(seen, author)
        if 1 + len(cc) + len(bcc) > MAX_RECIPIENTS:
            raise InvalidInput(
                reason=worded("a mail can go to up to %(most)s addresses", most=MAX_RECIPIENTS)
            )
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
        if self.handling.snoozed_for_reply:
            wake(self, now=now, reason="reply")
        if not self.open:
            self.trigger_event(ConversationReopened, timestamp=now)

    def _check_seen(self, seen: Collection[str], author: str) -> None:
        since = self.thread.since(seen, author)
        if since:
            raise OthersWrote(since=since)

    def _check_moment(self, send_at: datetime, now: datetime) -> None:
        if send_at > now + MAX_AHEAD:
            raise InvalidInput(
                reason=worded(
                    "a mail can be scheduled up to %(most)s days ahead", most=MAX_AHEAD.days
                )
            )
        if sum(moment > now for moment in self.waits.values()) >= MAX_WAITING:
            reason = worded(
                "up to %(most)s messages of a conversation can wait to be sent", most=MAX_WAITING
            )
            raise InvalidInput(reason=reason)

    def withdraw(self, *, message_id: str, now: datetime) -> None:
        """The merchant takes back a mail that was not sent; the caller has made sure that nobody
        sends it. If somebody waits for an answer again, the conversation is open. Withdrawing it
        again changes nothing. Raises NotFound, and InvalidInput for a mail that went out at
        once."""
        if message_id in self.withdrawn:
            return
        if message_id not in self.written:
            raise NotFound(what="message")
        if message_id not in self.waits:
            raise InvalidInput(reason=worded("this message did not wait to be sent"))
        self.trigger_event(ReplyWithdrawn, message_id=message_id, timestamp=now)
        left = self.erased or self.spam or self.merged_into is not None
        if self.awaited and not self.open and not left:
            self.trigger_event(ConversationReopened, timestamp=now)

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
            raise InvalidInput(reason=worded("the sender of this message was erased"))
        if not sender.address:
            raise InvalidInput(
                reason=worded("the sender of this message has no address to reply to")
            )
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

    def note(
        self,
        *,
        message_id: str,
        text: str,
        author: str,
        now: datetime,
        mentions: Sequence[str] = (),
    ) -> None:
        """The merchant writes something down for themselves; nobody else gets it. It `mentions`
        members of the team.

        Raises InvalidInput for an empty or oversized text, for too many mentions, and if its person
        was erased, whose conversation keeps no words any more.
        """
        if message_id in self.written:
            return
        text = text.replace("\r\n", "\n").strip()
        if not text:
            raise InvalidInput(reason=worded("write something first"))
        if len(text) > MAX_REPLY:
            raise InvalidInput(
                reason=worded("notes can be up to %(most)s characters", most=MAX_REPLY)
            )
        if self.erased:
            raise InvalidInput(reason=worded("the person of this conversation was erased"))
        members = tuple(dict.fromkeys(one for one in mentions if one != author))
        if len(members) > MAX_MENTIONS:
            raise InvalidInput(
                reason=worded("a note can mention up to %(most)s members", most=MAX_MENTIONS)
            )
        self.trigger_event(
            NoteWritten,
            message_id=message_id,
            person=self.person,
            text=text,
            author=author,
            timestamp=now,
        )
        if members:
            self.trigger_event(
                MembersMentioned, message_id=message_id, members=members, timestamp=now
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
        """The merchant closes it, which ends that it is put off; closing a closed conversation
        changes nothing."""
        if self.open:
            wake(self, now=now)
            self.trigger_event(ConversationClosed, timestamp=now)

    def reopen(self, now: datetime) -> None:
        """The merchant reopens it; reopening an open conversation changes nothing. Raises
        InvalidInput if it was merged into another."""
        if not self.open and self.merged_into is not None:
            raise refused("merged-reply")
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
