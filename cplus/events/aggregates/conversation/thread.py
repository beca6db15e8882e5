"""What stands in the thread of a conversation: its messages, and who waits for an answer."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final, NamedTuple

from cplus.events.base import kept
from cplus.events.catalogue.conversations import (
    AnswerRefused,
    AutoReplied,
    MessageReceived,
    NoteWritten,
    ReplyWritten,
)
from cplus.events.catalogue.threads import Kind, MessageMoved

BEGINNING: Final = 500
"""Characters of a message that are kept of it: lists show less."""
_MAILS: Final = ("in", "out")
_WRITTEN: Final = (*_MAILS, "note")


class Sender(NamedTuple):
    """Who sent a message."""

    person: str
    name: str | None
    address: str | None
    rfc_message_id: str | None
    erased: bool


class Line(NamedTuple):
    """A message in the thread, by its place."""

    at: datetime
    number: int
    message_id: str
    person: str
    kind: Kind
    text: str | None
    """How it begins; None once it is erased, as for the next."""
    subject: str | None = ""
    automatic: bool = False
    files: bool = False
    """Whether it was received with files."""
    answers: str | None = None
    """The message that an automatic reply answers."""
    author: str | None = None
    """Of a reply or a note, as its event has it."""

    @property
    def is_written(self) -> bool:
        """Whether a person wrote it here, the customer or one of the team."""
        return self.kind in _WRITTEN and not self.automatic

    @property
    def is_mail(self) -> bool:
        """Whether one of the two wrote it to the other."""
        return self.kind in _MAILS


class Thread:
    """The messages that stand in a conversation by now."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}
        self.unanswered: set[str] = set()
        """Those to which somebody waits for an answer."""
        self.came: dict[str, str] = {}
        """Those that were moved here, and from which conversation."""
        self.left: dict[str, str] = {}
        """Those that were moved away from here, and to which conversation."""

    def __contains__(self, message_id: object) -> bool:
        return message_id in self._lines

    def of(self, message_id: str) -> Line:
        """The message. Raises KeyError."""
        return self._lines[message_id]

    @property
    def known(self) -> set[str]:
        """Those that stand here, and those that were moved away."""
        return {*self._lines, *self.left}

    @property
    def lines(self) -> list[Line]:
        """All of them in the order of the thread."""
        return sorted(self._lines.values(), key=lambda one: one[:3])

    @property
    def mails(self) -> list[Line]:
        """Those that one of the two wrote to the other, in order."""
        return [one for one in self.lines if one.is_mail]

    def add(
        self,
        event: MessageReceived | ReplyWritten | AutoReplied | NoteWritten | AnswerRefused,
        kind: Kind,
        text: str,
        subject: str = "",
        *,
        automatic: bool = False,
        files: bool = False,
        answers: str | None = None,
    ) -> None:
        """A message was received or written here."""
        said, about = kept(text[:BEGINNING]), kept(subject)
        place = (event.timestamp, event.originator_version, event.message_id, event.person)
        author = getattr(event, "author", None)
        self._lines[event.message_id] = Line(
            *place, kind, said, about, automatic, files, answers, author
        )
        if kind == "in" and not automatic:
            self.unanswered.add(event.message_id)

    def since(self, seen: Collection[str], reader: str) -> dict[str, str | None]:
        """What others than the reader wrote after all of the messages that were seen: the authors,
        None for a customer, by the ids in the order in which they came. Empty if none of those
        stands here: then nobody knows what came after them."""
        own = [one for key, one in self._lines.items() if key not in self.came]
        last = max((one.number for one in own if one.message_id in seen), default=None)
        if last is None:
            return {}
        later = sorted((one for one in own if one.number > last), key=lambda one: one.number)
        told = (one for one in later if one.is_written and one.author != reader)
        return {one.message_id: one.author for one in told}

    def take_out(self, message_id: str) -> None:
        """A mail was taken back before it was sent."""
        self._lines.pop(message_id, None)

    def moved_here(self, event: MessageMoved) -> None:
        """A message of another conversation stands here from now on."""
        self._lines[event.message_id] = Line(
            event.at,
            event.number,
            event.message_id,
            event.person,
            event.kind,
            event.text,
            event.subject,
            event.automatic,
            event.files,
            event.answers,
        )
        self.left.pop(event.message_id, None)
        if event.back:
            self.came.pop(event.message_id, None)
        else:
            self.came[event.message_id] = event.source
        if event.waits:
            self.unanswered.add(event.message_id)

    def moved_away(self, event: MessageMoved) -> None:
        """A message stands in another conversation from now on."""
        self._lines.pop(event.message_id, None)
        self.came.pop(event.message_id, None)
        self.unanswered.discard(event.message_id)
        self.left[event.message_id] = event.into
