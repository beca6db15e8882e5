"""The merchant's own mailboxes: addresses at which they get new messages as mail, and from which
they can answer (stream `mailboxes/<host>`)."""

from __future__ import annotations

from typing import ClassVar, Literal

from cplus.events.base import AggregateEvent, Instant, Personal

Notify = Literal["each", "unanswered", "digest", "nothing"]
"""Of what a mailbox is told: each new message; one that nobody answered for some minutes; once a
day what waits for a reply; nothing."""
SwitchedOff = Literal["bounced", "complained"]


class MailboxAdded(AggregateEvent):
    """The merchant named an address of theirs. It gets nothing before it is verified."""

    TYPE: ClassVar[str] = "mailbox.added"
    mailbox: str
    """The id of the mailbox."""
    person: str
    """Whose address it is, as far as sealing goes: a person of its own, who is no customer."""
    address: Personal[str]


class MailboxVerificationAsked(AggregateEvent):
    """A mail with a code is to go to the mailbox; codes of earlier ones count no more."""

    TYPE: ClassVar[str] = "mailbox.verification_asked"
    mailbox: str
    number: int
    """Which of the mailbox's codes it is, from 1. The code follows from it, and is not stored."""
    expires_at: Instant


class MailboxVerified(AggregateEvent):
    """The merchant wrote the code: somebody reads this mailbox."""

    TYPE: ClassVar[str] = "mailbox.verified"
    mailbox: str


class MailboxNotificationsChosen(AggregateEvent):
    """The merchant chose of what the mailbox is told."""

    TYPE: ClassVar[str] = "mailbox.notifications_chosen"
    mailbox: str
    notify: Notify
    minutes: int | None = None
    """How long a message waits for a reply before the mailbox is told; of `unanswered`."""
    hour: int | None = None
    """At which hour of the shop's day the digest goes; of `digest`."""


class MailboxSwitchedOff(AggregateEvent):
    """Mail to the mailbox bounced for good, or was marked as spam: it gets none until it is
    verified again."""

    TYPE: ClassVar[str] = "mailbox.switched_off"
    mailbox: str
    reason: SwitchedOff


class MailboxRemoved(AggregateEvent):
    """The merchant removed the mailbox, or the app from the shop."""

    TYPE: ClassVar[str] = "mailbox.removed"
    mailbox: str
