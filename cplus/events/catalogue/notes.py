"""Notes of the shop on a person (stream `notes/<person>`), which only its staff sees. They are
about the person, and are exported and erased with them."""

from __future__ import annotations

from typing import ClassVar

from cplus.events.base import AggregateEvent, Personal


class PersonNoteWritten(AggregateEvent):
    """Somebody of the shop wrote a note on a person."""

    TYPE: ClassVar[str] = "person.note_written"
    person: str
    note: str
    """Its id."""
    text: Personal[str | None]
    author: str
    """Who wrote it, as in ReplyWritten."""


class PersonNoteRemoved(AggregateEvent):
    """A note was taken back: no page shows it any more."""

    TYPE: ClassVar[str] = "person.note_removed"
    person: str
    note: str
