"""Messages: a row for each message of a conversation, by the message's id."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cplus.events.base import ERASED, Recorded
from cplus.events.catalogue.conversations import (
    AnswerRefused,
    AutoReplied,
    MessageReceived,
    NoteWritten,
    ReplyWithdrawn,
    ReplyWritten,
)
from cplus.events.catalogue.handling import MembersMentioned
from cplus.events.catalogue.mail import (
    AUTO_REPLY,
    MailBounced,
    MailComplained,
    MailDelivered,
    MailRejected,
    MailSent,
)
from cplus.events.catalogue.privacy import PersonErased
from cplus.events.catalogue.threads import MessageMoved
from cplus.events.names import conversation_id
from cplus.projections.base import Projection, Row
from cplus.projections.models.facts import (
    MAIL_FACTS,
    UNSENT,
    is_of_reply,
    moved_to,
    still_moved,
    types,
    with_fate,
)

_OF_FILES = ("id", "name", "content_type", "size", "inline")
_GONE = {"sent_from", "cc", "bcc", "files", "shortened", "formatted_lines"}
"""What a row has no more once who wrote it was erased."""


def keys(event: Recorded) -> Iterable[str]:
    """The message's id, if it is none of our other mails; of an erasure, those of all messages of
    the person."""
    if isinstance(event.event, PersonErased):
        return event.event.messages
    if not is_of_reply(event.event) and getattr(event.event, "purpose", "") != AUTO_REPLY:
        return []
    return [getattr(event.event, "message_id")]  # noqa: B009  every event handled here has it


def evolve(_key: str, row: Row | None, event: Recorded) -> Row | None:
    """A message has one event; the events about its delivery come in any order."""
    if type(event.event) in MAIL_FACTS:
        return _fate(row, event)
    match event.event:
        case PersonErased():
            return None if row is None else _erased(row)
        case MessageReceived() as mail:
            return {
                **_placed(event, row),
                **_sender(mail),
                **_parts(mail),
                "direction": "in",
                "text": mail.text,
                "subject": mail.subject,
                "from_name": mail.from_name,
                "from_address": mail.from_address,
                "author": None,
                "to_address": None,
                "automatic": mail.automatic,
                "attachments": mail.attachments,
            }
        case ReplyWithdrawn():
            return {**UNSENT, **_placed(event, row), "number": 0, "withdrawn": True}
        case ReplyWritten() as reply:
            return _replied(row, reply, event)
        case MessageMoved() as moved:
            return None if row is None else _moved(row, moved, event)
        case AutoReplied() | NoteWritten() | AnswerRefused() | MembersMentioned():
            return _other(row, event)
    return row


def _moved(row: Row, moved: MessageMoved, event: Recorded) -> Row:
    """In another thread, at the same place: by when it was written."""
    stands = moved_to(row, event)
    if stands is None:
        return row
    left = {name: value for name, value in row.items() if name != "moved_from"}
    came = {} if moved.back else {"moved_from": moved.source}
    return {**left, **came, **stands}


def _replied(row: Row | None, reply: ReplyWritten, event: Recorded) -> Row:
    """A message of the merchant, with the fate that may have been told before it."""
    if row is not None and row.get("withdrawn"):
        return row
    fate = {name: (row or {}).get(name, value) for name, value in UNSENT.items()}
    return {
        **fate,
        **_placed(event, row),
        **_addressed(reply),
        "direction": "out",
        "text": reply.text,
        "subject": reply.subject,
        "from_name": None,
        "from_address": None,
        "author": reply.author,
        "to_address": reply.to_address,
        "automatic": False,
        "attachments": len(reply.files or ()),
    }


def _other(row: Row | None, event: Recorded) -> Row | None:
    """What stands in a thread besides what the two wrote to each other."""
    match event.event:
        case AutoReplied() as auto:
            return _auto_replied(row, auto, event)
        case NoteWritten() as note:
            told = {"mentions": row["mentions"]} if row and "mentions" in row else {}
            return {**_placed(event, row), **_unsent("note", note.text, author=note.author), **told}
        case MembersMentioned() as mention:
            return row and {**row, "mentions": list(mention.members)}
        case AnswerRefused() as refused:
            about = {"reason": refused.reason, "attachments": refused.attachments}
            text = _unsent("refused", refused.text or "", author=f"mailbox/{refused.mailbox}")
            return {**_placed(event, row), **text, **about}
    return row


def _auto_replied(row: Row | None, reply: AutoReplied, event: Recorded) -> Row:
    """What the shop answered by itself, with the fate that may have been told before it."""
    fate = {name: (row or {}).get(name, value) for name, value in UNSENT.items()}
    text = _unsent("out", reply.text, author=AUTO_REPLY)
    about = {"subject": reply.subject, "to_address": reply.to_address, "automatic": True}
    return {**fate, **_placed(event, row), **text, **about}


def _unsent(direction: str, text: str, *, author: str) -> dict[str, Any]:
    """What a merchant wrote that went to nobody."""
    return {
        "direction": direction,
        "text": text,
        "subject": "",
        "from_name": None,
        "from_address": None,
        "author": author,
        "to_address": None,
        "automatic": False,
        "attachments": 0,
    }


def _sender(mail: MessageReceived) -> dict[str, Any]:
    """What is told of the sender; nothing for a mail of which it was not recorded, so that rows
    from before stay as they are."""
    told = {
        "proved": mail.proved,
        "sent_from": mail.sent_from,
        "virus": mail.virus or None,
        "cc": list(mail.cc or ()) or None,
    }
    return {name: value for name, value in told.items() if value is not None}


def _parts(mail: MessageReceived) -> dict[str, Any]:
    """What else there is of a mail; nothing if it was not recorded. Where its files are, and what
    opens them, stays in the log."""
    told = {"shortened": mail.shortened, "formatted_lines": mail.formatted_lines}
    rest: dict[str, Any] = {name: value for name, value in told.items() if value is not None}
    if mail.files is not None:
        rest["files"] = _files(mail.files)
    return rest


def _files(files: Iterable[Any]) -> list[dict[str, Any]]:
    return [{name: getattr(one, name) for name in _OF_FILES} for one in files]


def _addressed(reply: ReplyWritten) -> dict[str, Any]:
    """Who else gets it, when it goes out and what goes with it; nothing of a reply to one person at
    once, so that rows from before stay as they are."""
    told = {
        "cc": list(reply.cc or ()),
        "bcc": list(reply.bcc or ()),
        "send_at": reply.send_at,
        "files": _files(reply.files or ()),
    }
    return {name: value for name, value in told.items() if value}


def _erased(row: Row) -> Row:
    """The row without what the person wrote and who they are: the same, whether the events before
    were read with their key or without it."""
    if "text" not in row:  # it still waits for its message, and holds nothing
        return row
    left = {name: value for name, value in row.items() if name not in _GONE}
    gone = {"subject": ERASED, "text": ERASED}
    return {**left, **gone, "from_name": None, "from_address": None, "to_address": None}


def _placed(event: Recorded, row: Row | None) -> dict[str, Any]:
    return {
        "conversation_id": conversation_id(event.stream),
        # With the moment, its place in the thread, also in that of another conversation: of those
        # of one moment, the order of the stream.
        "number": event.version or 0,
        "at": event.occurred_at,
        **still_moved(row),
    }


def _fate(row: Row | None, event: Recorded) -> Row:
    """A fact that comes before its message waits in a row with no place in the thread, which no
    query shows."""
    conversation_id = getattr(event.event, "conversation_id", "")
    return with_fate({**UNSENT, "conversation_id": conversation_id, **(row or {})}, event)


MESSAGES = Projection(
    name="messages",
    version=1,
    handles=types(
        MessageReceived,
        ReplyWritten,
        NoteWritten,
        AnswerRefused,
        ReplyWithdrawn,
        AutoReplied,
        MembersMentioned,
        MessageMoved,
        MailSent,
        MailDelivered,
        MailBounced,
        MailComplained,
        MailRejected,
        PersonErased,
    ),
    opens=types(MessageReceived, ReplyWritten, NoteWritten, AnswerRefused, AutoReplied),
    keys=keys,
    evolve=evolve,
    indexes=(
        (("conversation_id", 1), ("at", 1), ("number", 1), ("_id", 1)),
        (("direction", 1),),
    ),
)
