"""Words of messages: a row for each message of a conversation, by its id. What search asks.

A row holds the words of what was written, of the subject, of names and addresses and of the names
of files, as `cplus/projections/words.py` makes them. The words themselves are read from the
message's own row.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cplus.events.base import Recorded, kept
from cplus.events.catalogue.conversations import (
    AnswerRefused,
    AutoReplied,
    MessageReceived,
    NoteWritten,
    ReplyWithdrawn,
    ReplyWritten,
)
from cplus.events.catalogue.privacy import PersonErased
from cplus.events.catalogue.threads import MessageMoved
from cplus.events.names import conversation_id
from cplus.projections.base import Projection, Row
from cplus.projections.models.facts import moved_to, still_moved, types
from cplus.projections.words import index_words

MOST: Final = 4_000
"""Different words of a message that it is found by; names, addresses and the subject come first."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TIES: Final = 1 << 20
_FAR: Final = 1 << 43  # with the last bits, what the database takes as a number

_WITHDRAWN: Final[Row] = {"withdrawn": True}


def order_of(at: datetime, key: str) -> int:
    """What rows are sorted by: the moment in milliseconds, and in the last 20 bits something of the
    message's id, so that two of one moment have an order too. One number keeps the index small."""
    return first_order(at) + zlib.crc32(key.encode("utf-8", "replace")) % _TIES


def first_order(at: datetime) -> int:
    """The smallest order of that moment; before 1691 and after 2247, of the nearest that has
    one."""
    milliseconds = (at - _EPOCH) // timedelta(milliseconds=1)
    return max(-_FAR, min(milliseconds, _FAR - 1)) * _TIES


def moment_of(order: int) -> datetime:
    """The moment of an order."""
    return _EPOCH + timedelta(milliseconds=order // _TIES)


def keys(event: Recorded) -> Iterable[str]:
    """The message's id; of an erasure, those of all messages of the person."""
    if isinstance(event.event, PersonErased):
        return event.event.messages
    return [getattr(event.event, "message_id")]  # noqa: B009  every event handled here has it


def evolve(key: str, row: Row | None, event: Recorded) -> Row | None:
    """A message has one event; it goes with whoever is erased."""
    if isinstance(event.event, PersonErased):
        return row if row == _WITHDRAWN else None
    if isinstance(event.event, ReplyWithdrawn):
        return _WITHDRAWN
    if row == _WITHDRAWN:
        return row
    if isinstance(event.event, MessageMoved):
        return None if row is None else {**row, **(moved_to(row, event) or {})}
    # Personal texts that were erased read as a mark, which is no word of anybody.
    told = [text for text in _texts(event.event) if text and kept(text)]
    words = index_words(told, MOST)
    if not words:
        return None
    files = {"files": True} if _has_files(event.event) else {}
    return {
        "conversation_id": conversation_id(event.stream),
        "order": order_of(event.occurred_at, key),
        "words": words,
        **files,
        **still_moved(row),
    }


def _texts(told: Any) -> Iterable[str | None]:
    match told:
        case MessageReceived():
            yield from (told.from_name, told.from_address, told.sent_from, *(told.cc or ()))
            yield from (told.subject, *_names(told), told.text)
        case ReplyWritten():
            yield from (told.to_address, *(told.cc or ()), *(told.bcc or ()))
            yield from (told.subject, *_names(told), told.text)
        case AutoReplied():
            yield from (told.to_address, told.subject, told.text)
        case NoteWritten() | AnswerRefused():
            yield told.text


def _names(told: MessageReceived | ReplyWritten) -> list[str]:
    return [one.name for one in told.files or ()]


def _has_files(told: Any) -> bool:
    if isinstance(told, ReplyWritten):
        return bool(told.files)
    return isinstance(told, MessageReceived) and told.attachments > 0


MESSAGE_WORDS = Projection(
    name="message_words",
    version=1,
    handles=types(
        MessageReceived,
        ReplyWritten,
        NoteWritten,
        AnswerRefused,
        ReplyWithdrawn,
        AutoReplied,
        MessageMoved,
        PersonErased,
    ),
    opens=types(MessageReceived, ReplyWritten, NoteWritten, AnswerRefused, AutoReplied),
    keys=keys,
    evolve=evolve,
    indexes=(
        (("words", 1), ("order", -1)),
        (("order", -1),),
        (("conversation_id", 1),),
    ),
)
