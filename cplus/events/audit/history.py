"""Who did what to a conversation, in plain words, page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from cplus.actors import SHOPPER, system
from cplus.events.base import Event, Recorded
from cplus.events.catalogue import conversations as talk
from cplus.events.catalogue import handling, mail, threads
from cplus.events.catalogue.operators import OperatorLooked
from cplus.events.catalogue.privacy import PersonErased
from cplus.events.catalogue.senders import SenderBlocked, SenderUnblocked
from cplus.events.log.store import EventStore
from cplus.events.names import conversation_stream
from cplus.events.reader import EventReader
from cplus.wording import worded

SOON: Final = timedelta(minutes=1)
"""A mail that waits longer than this was scheduled; any other can just be undone."""

APP: Final = system("inbound-email")
"""Who refuses a mail that claims to be the merchant's."""
PAGE: Final = 50
"""Commits of a page: nearly always as many entries."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that somebody did."""

    position: int
    at: datetime
    actor: str
    """Who, as a commit keeps it: not always who recorded it."""
    did: str
    """What, in words that follow a name: `closed the conversation`."""
    type: str
    """The event's stored type."""
    message: str | None
    """The id of the message that it is about, if it is about one."""
    recorded_at: datetime
    """When the log learned of it: the order of entries."""


@dataclass(frozen=True, slots=True)
class History:
    """A page of them, the newest first."""

    entries: Sequence[Entry]
    older: int | None
    """Pass it as `before` for what came earlier; None if these are the first."""


async def history(
    store: EventStore,
    reader: EventReader,
    shop: str,
    conversation_id: str,
    *,
    before: int | None = None,
    limit: int = PAGE,
) -> History:
    """What happened in the conversation before position `before`, or until now: one question to
    the log. Empty if there is no such conversation."""
    stream = conversation_stream(conversation_id)
    found = await store.page_of_ref(
        shop, stream, after=before or 0, limit=limit + 1, newest_first=True
    )
    page = found[:limit]
    entries = [
        _entry(recorded)
        for events in await reader.read(page, DEEDS)
        for recorded in reversed(_told([e for e in events if _is_of(e, stream, conversation_id)]))
    ]
    return History(entries, page[-1].position if len(found) > limit else None)


def _is_of(recorded: Recorded, stream: str, conversation_id: str) -> bool:
    """A commit may hold events of several conversations, and of something else."""
    event = recorded.event
    return (
        recorded.stream == stream
        # Other mails of ours may be about the conversation too: those are no part of it.
        or (
            getattr(event, "conversation_id", None) == conversation_id
            and getattr(event, "purpose", mail.REPLY) == mail.REPLY
        )
        or (isinstance(event, PersonErased) and conversation_id in event.conversations)
        # What was looked at is among the refs of a look, as the conversation is of this commit.
        or isinstance(event, OperatorLooked)
    )


def _told(events: Sequence[Recorded]) -> Sequence[Recorded]:
    """Those that are entries. Where a merchant made a conversation of a mail, that says how it
    started: nobody started it when the mail came."""
    moved = [one for one in events if isinstance(one.event, threads.MessageMoved)]
    split = any(isinstance(one.event, threads.ConversationSplit) for one in events)
    left_out = moved if split else moved[1:]  # many at once are one deed
    if any(isinstance(one.event, mail.MailTakenUp) for one in events):
        left_out += [one for one in events if isinstance(one.event, talk.ConversationStarted)]
    return [one for one in events if one not in left_out]


def _entry(recorded: Recorded) -> Entry:
    event = recorded.event
    # Whoever recorded it, a customer wrote it: a merchant who takes a mail up records it too.
    wrote = isinstance(event, talk.MessageReceived)
    # Whoever sent it, it was not they who refused it.
    refused = isinstance(event, talk.AnswerRefused)
    return Entry(
        recorded.position,
        recorded.occurred_at,
        SHOPPER if wrote else APP if refused else recorded.actor,
        did(event),
        event.TYPE,
        getattr(event, "message_id", None),
        recorded.recorded_at,
    )


DEEDS: Final[Mapping[type[Event], str]] = MappingProxyType(
    {
        talk.ConversationStarted: worded("started the conversation"),
        talk.MessageReceived: worded("wrote"),
        talk.ReplyWritten: worded("replied"),
        talk.AutoReplied: worded("sent the shop’s automatic reply"),
        talk.NoteWritten: worded("wrote a note"),
        talk.AnswerRefused: worded("did not send a mail that claims to be the merchant’s"),
        talk.ReplyWithdrawn: worded("took back a message before it was sent"),
        talk.AnswersMoved: worded("chose the address that replies go to"),
        talk.DeliveryFailed: worded("told that the reply did not arrive"),
        talk.DeliveryFailureSettled: worded("dismissed the notice that the reply did not arrive"),
        talk.ConversationClosed: worded("closed the conversation"),
        talk.ConversationReopened: worded("reopened the conversation"),
        talk.ConversationMarkedSpam: worded("marked the conversation as spam"),
        talk.ConversationUnmarkedSpam: worded("took the spam mark away"),
        talk.ConversationMerged: worded("merged two conversations"),
        talk.ConversationUnmerged: worded("took the merge of two conversations back"),
        handling.ConversationAssigned: worded("assigned the conversation"),
        handling.ConversationSnoozed: worded("snoozed the conversation"),
        handling.ConversationWoken: worded("ended the snooze"),
        handling.ConversationTagged: worded("changed the tags"),
        handling.ConversationPrioritized: worded("set the priority"),
        threads.MessageMoved: worded("moved messages between conversations"),
        threads.ConversationSplit: worded("split this off another conversation"),
        threads.ConversationSplitUndone: worded("took the split back"),
        mail.MailTakenUp: worded("made a conversation of the mail"),
        mail.MailSent: worded("sent the reply by email"),
        mail.MailDelivered: worded("delivered the reply"),
        mail.MailBounced: worded("could not deliver the reply"),
        mail.MailComplained: worded("reported that the reply was marked as spam"),
        mail.MailRejected: worded("refused to send the reply"),
        SenderBlocked: worded("blocked the sender"),
        SenderUnblocked: worded("unblocked the sender"),
        OperatorLooked: worded("looked at the conversation"),
        PersonErased: worded("erased the person"),
    }
)

_PRIORITIES: Final[Mapping[handling.Priority, str]] = MappingProxyType(
    {
        "low": worded("set the priority to low"),
        "normal": worded("set the priority to normal"),
        "high": worded("set the priority to high"),
        "urgent": worded("set the priority to urgent"),
    }
)


def did(event: Event) -> str:
    """What was done, in words that follow a name; of an event in `DEEDS`."""
    words = _in_detail(event) or DEEDS[type(event)]
    match event:
        case talk.ReplyWritten(send_at=moment) if moment and moment - event.timestamp > SOON:
            return worded("scheduled a message")
        case talk.ConversationStarted(channel="contact_form"):
            return worded("started the conversation with the contact form")
        case talk.ConversationStarted():
            return worded("started the conversation by email")
        case talk.MessageReceived(automatic=True):
            return worded("sent an automatic reply")
        case talk.DeliveryFailureSettled(because="delivered"):
            return worded("told that the reply arrived after all")
        case mail.MailBounced(permanent=False):
            return worded("could not deliver the reply yet")
    return words


def _in_detail(event: Event) -> str:
    match event:
        case handling.ConversationAssigned(assignee=None):
            return worded("left the conversation to nobody in particular")
        case handling.ConversationPrioritized(priority=priority):
            return _PRIORITIES[priority]
        case SenderBlocked(kind="domain"):
            return worded("blocked the sender’s whole domain")
        case SenderUnblocked(kind="domain"):
            return worded("unblocked the sender’s whole domain")
    return ""
