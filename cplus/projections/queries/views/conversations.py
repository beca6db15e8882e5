"""What queries answer about conversations and their mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from cplus.events.catalogue.handling import Priority
from cplus.events.catalogue.mail import AsideReason
from cplus.events.catalogue.tags import ListedState

ConversationState = ListedState
SetAsideKind = Literal["all", "quarantine", "automatic"]
DeliveryState = Literal["under_way", "arrived", "failed", "all"]
MailStatus = Literal["written", "sent", "delivered", "bounced", "complained", "rejected"]


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as the inbox shows it."""

    id: str
    """Without the stream's prefix `conversation/`."""
    person: str
    """Who talks with the shop: `person/…`, as it was named when the conversation began."""
    erased: bool
    """Whether that person was erased: then nobody can be answered."""
    subject: str | None
    """Empty if it has none; None once it is erased."""
    channel: str
    """`contact_form` or `email`."""
    from_name: str | None
    """Name of whom replies go to."""
    from_address: str | None
    """Where replies go; None if no address is known."""
    open: bool
    unanswered: bool
    """It is open and the shopper waits for an answer; mail from machines waits for nothing."""
    messages: int
    snippet: str | None
    """The last message's first 140 characters, on one line; None once they are erased."""
    last_message_at: datetime
    last_from: Literal["shopper", "merchant"]
    last_failed: bool
    """The merchant's last mail did not arrive: it bounced or was rejected."""
    last_unproved: bool
    """The last message is a mail whose sender was not proved."""
    started_at: datetime
    closed_at: datetime | None
    """When it was closed; None while it is open."""
    spam: bool
    """Marked as spam: it is listed and counted as nothing else."""
    failed: Sequence[FailedReply] = ()
    """The oldest first."""
    cc: Sequence[str] = ()
    """Who gets a copy of replies, unless the merchant takes them out."""
    last_delayed: bool = False
    """The merchant's last mail came back for now."""
    merged_into: str | None = None
    """The id of the conversation that it was merged into: new mail to it goes there."""
    merged: Sequence[str] = ()
    """The ids of those that were merged into it."""
    waiting_since: datetime | None = None
    """Since when the merchant is waited for; None if that is not known."""
    scheduled_at: datetime | None = None
    """When the reply goes out that was written last, if it still waits for that."""
    has_files: bool = False
    """A message of the customer had files."""
    assignee: str | None = None
    """The id of the member of staff who looks after it."""
    snoozed: bool = False
    """It is put off: it is listed neither as open nor as awaiting a reply."""
    snoozed_until: datetime | None = None
    snoozed_for_reply: bool = False
    tags: Sequence[str] = ()
    """Ids."""
    priority: Priority = "normal"
    mentions: Mapping[str, datetime] = field(default_factory=dict)
    """When each member of staff was mentioned last, by their ids."""
    split_from: str | None = None
    """The id of the conversation that it was split off."""
    by_merchant: bool = False
    """The merchant wrote first."""


@dataclass(frozen=True, slots=True)
class FailedReply:
    """A reply that did not arrive, about which nothing was done yet."""

    id: str
    """Of the failure: a reply may fail at several addresses."""
    message_id: str
    address: str | None
    """Where; None if nobody knows, or it is erased."""
    reason: str
    """A code of `cplus/mail/failures.py`."""
    at: datetime
    """When that was told."""


@dataclass(frozen=True, slots=True)
class FileView:
    """A file of a message."""

    id: str
    name: str
    content_type: str
    size: int
    """Bytes."""
    inline: bool
    """Whether the HTML of the mail shows it in its place."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a conversation."""

    id: str
    conversation_id: str
    number: int
    """With `at`, its place in a thread: of those of one moment, the order in which the conversation
    got them that they came to."""
    moved_from: str | None
    """The id of the conversation from which it was moved here; None if it was not."""
    direction: Literal["in", "out", "note", "refused"]
    """`in` from the shopper, `out` from the merchant; `note` by the merchant, for merchants;
    `refused` a mail that claims to be the merchant's answer, and was not sent on."""
    text: str | None
    """Plain text, to be escaped; None once it is erased."""
    subject: str | None
    """Empty if it has none; None once it is erased."""
    at: datetime
    from_name: str | None
    """Of the shopper; None on messages of the merchant."""
    from_address: str | None
    """Of the shopper; None too if the mail names no address that can be answered."""
    sent_from: str | None
    """The address in `From:`, if that is another one."""
    proved: bool | None
    """Whether the sender of a mail was proved to be `from_address`; None if nobody could tell."""
    author: str | None
    """Who of the shop wrote it: the id of the user; `merchant` before users were known. None on
    messages of the shopper."""
    mentions: Sequence[str]
    """The ids of the members whom a note mentions."""
    to_address: str | None
    """Where a message of the merchant goes."""
    cc: Sequence[str]
    """Who got a copy of it."""
    bcc: Sequence[str]
    """Who got a copy that nobody else sees."""
    send_at: datetime | None
    """The moment before which a message of the merchant is not sent; None for at once."""
    automatic: bool
    """A machine sent it (out of office, for example)."""
    attachments: int
    files: Sequence[FileView] | None
    """None if they are not kept apart from the mail, as before December 2026."""
    shortened: bool | None
    """Whether the mail says more than `text`; None if that was not recorded."""
    formatted_lines: int | None
    """About how many lines its HTML takes; 0 if it has none, None if that was not recorded."""
    virus: bool
    """A virus was found in it, and it was taken out of the quarantine all the same."""
    status: MailStatus | None
    """How far a message of the merchant came; None on messages of the shopper."""
    reason: str | None
    """Why it bounced or was rejected, in SES's words."""
    status_at: datetime | None
    """When the status was reached."""
    ses_message_id: str | None
    fallback: str | None
    """The merchant's own domain, if it was to leave from there and left from ours."""

    @property
    def place(self) -> tuple[datetime, int, str]:
        """Its place in a thread."""
        return self.at, self.number, self.id

    @property
    def erased(self) -> bool:
        """Whether who wrote it, or whom it was written to, was erased."""
        return self.text is None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A mail of the merchant, and its delivery status. Each moment is the earliest one recorded."""

    message_id: str
    conversation_id: str
    person: str
    """Whom it goes to: `person/…`."""
    status: MailStatus
    """The furthest that it came."""
    state: Literal["under_way", "arrived", "failed"]
    reason: str | None
    """Why it bounced or was rejected, in SES's words."""
    written_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    bounced_for_now_at: datetime | None
    bounced_at: datetime | None
    complained_at: datetime | None
    rejected_at: datetime | None
    ses_message_id: str | None


@dataclass(frozen=True, slots=True)
class SetAside:
    """A mail that came in and starts no conversation by itself."""

    message_id: str
    person: str
    """Who wrote it: `person/…`."""
    reason: AsideReason
    from_name: str | None
    from_address: str | None
    """None if the mail names no address that can be answered."""
    proved: bool | None
    """Whether the sender was proved to be `from_address`; None for the contact form."""
    subject: str | None
    """Empty if it has none; None once it is erased."""
    snippet: str | None
    """The first 140 characters of its text, on one line; None once they are erased."""
    at: datetime
    conversation_id: str | None
    """The conversation that the merchant made of it."""

    @property
    def erased(self) -> bool:
        """Whether who wrote it was erased, and it came only after that."""
        return self.snippet is None


@dataclass(frozen=True, slots=True)
class ConversationCounts:
    """How many conversations there are; those marked as spam are in no other number."""

    conversations: int
    open: int
    """Also those that are put off."""
    unanswered: int
    spam: int = 0
    snoozed: int = 0
    assigned: int = 0
    """Of those that are open and not put off: how many somebody looks after."""
