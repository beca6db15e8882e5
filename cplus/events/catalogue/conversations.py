"""Events of a conversation (stream `conversation/<id>`): decisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from cplus.events.base import AggregateEvent, Instant, Personal
from cplus.events.files import StoredFile


class ConversationStarted(AggregateEvent):
    """Somebody started a conversation with the shop."""

    TYPE: ClassVar[str] = "conversation.started"
    VERSION: ClassVar[int] = 2
    person: str
    channel: Literal["contact_form", "email"]
    subject: Personal[str]
    by: Literal["customer", "merchant"] = "customer"
    """Who wrote first. What the merchant began waits for no reply and counts against no plan."""
    address: Personal[str | None] = None
    """Where the merchant's first message goes; None if the customer wrote first."""


class MessageReceived(AggregateEvent):
    """A customer's mail was added to the conversation."""

    TYPE: ClassVar[str] = "conversation.message_received"
    VERSION: ClassVar[int] = 3
    message_id: str
    person: str
    from_name: Personal[str | None]
    from_address: Personal[str | None]
    """The address for replies to it, if replies go there: see `answer_here`. None if the mail names
    no address that can be answered."""
    sent_from: Personal[str | None] = None
    """The address in `From:`, if that is another one and no form's."""
    proved: bool | None = None
    """Whether the sender of the mail was proved to be `from_address`. None for the contact form, in
    which anybody can write any address, and for what was recorded before this was."""
    subject: Personal[str]
    text: Personal[str]
    """The newly written text, without quotes; at most 256 KB."""
    rfc_message_id: Personal[str | None]
    """The mail's own Message-ID header."""
    automatic: bool = False
    """Whether it is automated (out of office, for example)."""
    virus: bool = False
    """Whether SES found a virus in it: the merchant took it up all the same."""
    answer_here: bool = True
    """Whether replies go to `from_address` from now on. False for mail from somebody who may not
    take them over without the merchant's word: see AnswersMoved."""
    attachments: int = 0
    raw: Mapping[str, str] | None = None
    """Location of the raw mail: {"bucket", "key"}."""
    shortened: bool | None = None
    """Whether the mail says more than `text`: quotes, a signature. None if that was not recorded,
    as for the next."""
    formatted_lines: int | None = None
    """About how many lines its HTML takes; 0 if it has none."""
    files: Personal[tuple[StoredFile, ...] | None] = None
    """Its files. None for mail from before they were kept apart: its raw mail has them."""
    objects: tuple[Mapping[str, str], ...] = ()
    """Where the files are, each {"bucket", "key"}: what erasing the person deletes."""
    cc: Personal[tuple[str, ...] | None] = None
    """Who else got the mail by its `Cc:`; a reply goes to them too, unless the merchant takes them
    out. None for mail from before this was kept."""
    answerable: bool = False
    """Whether a program may answer it, by what the mail says. False for mail from before that was
    asked."""


class ReplyWritten(AggregateEvent):
    """The merchant wrote a mail in the conversation; recorded before anything is sent."""

    TYPE: ClassVar[str] = "conversation.reply_written"
    VERSION: ClassVar[int] = 2
    message_id: str
    person: str
    """Whose address it goes to. Before that was known: the person of the conversation."""
    to_address: Personal[str]
    subject: Personal[str]
    text: Personal[str]
    in_reply_to: Personal[str | None] = None
    """Message-ID of the mail that it replies to."""
    author: str
    """Who wrote it: the id of the user (`actor` without its kind). `merchant` before users were
    known. Replies from the time between may hold what the user is called."""
    cc: Personal[tuple[str, ...] | None] = None
    """Who gets a copy. None if nobody does, or if the person was erased, as for `bcc`."""
    bcc: Personal[tuple[str, ...] | None] = None
    """Who gets a copy that nobody else sees."""
    send_at: Instant | None = None
    """The moment before which it is not sent, and can be withdrawn; None if it goes out at once."""
    resends: str | None = None
    """The id of the message that did not arrive, if this one sends it again."""
    failure: str | None = None
    """Which of that message's failures it looks after, as in DeliveryFailed."""
    files: Personal[tuple[StoredFile, ...] | None] = None
    """What goes with it. None if nothing does, or if the person was erased."""
    objects: tuple[Mapping[str, str], ...] = ()
    """Where the files are, each {"bucket", "key"}: what erasing the person deletes."""


class ReplyWithdrawn(AggregateEvent):
    """The merchant took back a mail that had not been sent: it never is."""

    TYPE: ClassVar[str] = "conversation.reply_withdrawn"
    message_id: str


class AutoReplied(AggregateEvent):
    """The shop answered a message by itself; recorded, with the wish to send it, before anything is
    sent."""

    TYPE: ClassVar[str] = "conversation.auto_replied"
    message_id: str
    """Also that of the mail, which `mail.requested` asks for in the same commit."""
    answers: str
    """The id of the message that it answers."""
    kind: Literal["away", "acknowledgement"]
    """Whether it came outside of the shop's hours, or was the first of a conversation."""
    person: str
    to_address: Personal[str]
    subject: Personal[str]
    text: Personal[str]
    in_reply_to: Personal[str | None] = None
    """Message-ID of the mail that it answers."""


class AnswersMoved(AggregateEvent):
    """The merchant chose that replies go to the sender of this message from now on."""

    TYPE: ClassVar[str] = "conversation.answers_moved"
    message_id: str
    person: str
    """Whose address it is."""
    name: Personal[str | None]
    address: Personal[str]
    rfc_message_id: Personal[str | None]
    """Message-ID of the mail, which the next reply names."""


AnswerRefusal = Literal[
    "unproved",
    "other_mailbox",
    "mailbox_off",
    "expired",
    "person_erased",
    "no_address",
    "moved",
    "command",
    "automatic",
    "empty",
    "unclear",
    "too_long",
    "too_large",
    "virus",
    "merged",
]
"""Why a mail from a merchant's mailbox was not sent on: nothing proves its sender; another mailbox
was asked; the mailbox was removed or switched off; the conversation is too old; its person was
erased; it has no address to reply to; replies go to somebody else by now; its first line is almost
a command; it looks like one of many that a program writes; nothing is written in the mail, or it
stands within what is quoted, or it is too much; its files are too large; there is a virus in it."""


class AnswerRefused(AggregateEvent):
    """A mail that claims to be the merchant's answer to a notification was not sent on."""

    TYPE: ClassVar[str] = "conversation.answer_refused"
    message_id: str
    person: str
    """The person of the conversation, to whom it was to go."""
    mailbox: str
    """The mailbox from which it claims to be."""
    reason: AnswerRefusal
    proved: bool
    """Whether its sender is proved: then the mailbox is told."""
    text: Personal[str | None] = None
    """What was newly written in it; at most 256 KB."""
    attachments: int = 0


class NoteWritten(AggregateEvent):
    """The merchant wrote a note, which only merchants see."""

    TYPE: ClassVar[str] = "conversation.note_written"
    message_id: str
    person: str
    """The person of the conversation."""
    text: Personal[str]
    author: str
    """Who wrote it, as in ReplyWritten."""


class DeliveryFailed(AggregateEvent):
    """A reply did not arrive, or was marked as spam: the merchant has to know."""

    TYPE: ClassVar[str] = "conversation.delivery_failed"
    message_id: str
    person: str
    address: Personal[str | None]
    """Where it did not arrive: one of those that the reply went to. None if nobody knows at which
    of them, or once it is erased."""
    reason: str
    """A code of `cplus/mail/failures.py`."""
    failure: str | None = None
    """Its id, if the same reply had failed elsewhere before; else None, for the message's own."""


class DeliveryFailureSettled(AggregateEvent):
    """Nothing is left to do about a reply that did not arrive; one that is written later says that
    too."""

    TYPE: ClassVar[str] = "conversation.delivery_failure_settled"
    message_id: str
    because: Literal["dismissed", "delivered"]
    """The merchant said so; or it arrived after all."""
    failure: str | None = None
    """Which of the message's failures, as in DeliveryFailed."""


class ConversationClosed(AggregateEvent):
    """The merchant closed it."""

    TYPE: ClassVar[str] = "conversation.closed"


class ConversationReopened(AggregateEvent):
    """It was reopened, by the merchant or by a message after it was closed."""

    TYPE: ClassVar[str] = "conversation.reopened"


class ConversationMarkedSpam(AggregateEvent):
    """The merchant said that the conversation is spam: it counts in no figures any more."""

    TYPE: ClassVar[str] = "conversation.marked_spam"
    person: str
    """Who began it."""
    days: tuple[str, ...]
    """The days (UTC) on which it began and mail came, for example `2026-11-30`: their figures
    change."""
    month: str | None
    """The month of UTC whose allowance it gives a place back to; None if it began earlier."""


class ConversationUnmarkedSpam(AggregateEvent):
    """The merchant said that it is no spam after all, or replied."""

    TYPE: ClassVar[str] = "conversation.unmarked_spam"
    person: str
    """Who began it."""
    days: tuple[str, ...]
    """The days (UTC) on which it began and mail came: their figures change."""
    month: str | None
    """The month of UTC of whose allowance it takes a place; None if it still has one."""


class ConversationMerged(AggregateEvent):
    """The merchant merged a conversation into another: later mail to it goes there. The same is
    recorded in both."""

    TYPE: ClassVar[str] = "conversation.merged"
    source: str
    """The id of the conversation that goes into the other."""
    into: str
    """The id of that one."""
    lends: bool
    """Whether somebody waits for an answer in `source`: from now on they wait in `into`."""
    open: bool
    """Whether the conversation in whose stream it is stands open after it."""
    waiting: bool
    """Whether somebody waits for an answer in that one."""


class ConversationUnmerged(AggregateEvent):
    """The merchant took a merge back: both are on their own again, as recorded in both."""

    TYPE: ClassVar[str] = "conversation.unmerged"
    source: str
    into: str
    open: bool
    """Whether the conversation in whose stream it is stands open after it."""
    waiting: bool
    """Whether somebody waits for an answer in that one."""


def _unchanged(data: dict[str, Any]) -> dict[str, Any]:
    """The fields that are new have defaults."""
    return data


UPCASTS = {
    (ConversationStarted.TYPE, 1): _unchanged,
    (MessageReceived.TYPE, 1): _unchanged,
    (MessageReceived.TYPE, 2): _unchanged,
    (ReplyWritten.TYPE, 1): _unchanged,
}
