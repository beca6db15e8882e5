"""The notes of a shop on one person: state and decisions."""

from __future__ import annotations

from datetime import datetime
from functools import singledispatchmethod
from typing import Final, NamedTuple

from cplus.errors import InvalidInput
from cplus.events.aggregates.base import Aggregate
from cplus.events.base import AggregateEvent
from cplus.events.catalogue.persons import PersonNoteRemoved, PersonNoteWritten
from cplus.wording import worded

MAX_NOTE: Final = 2_000
"""Characters of a note."""
MAX_NOTES: Final = 50
"""Notes on one person; those that were taken back do not count."""


class PersonNote(NamedTuple):
    """A note on a person."""

    id: str
    person: str
    text: str | None
    """None once the person was erased."""
    author: str
    at: datetime


class PersonNotes(Aggregate):
    """Stream `notes/<id of the person>`."""

    def __init__(self) -> None:
        self.notes: dict[str, PersonNote] = {}
        """By their ids, in the order in which they were written."""
        self._written: set[str] = set()
        """All that ever were."""

    def write(self, *, person: str, note: str, text: str, author: str, now: datetime) -> None:
        """Somebody writes a note; again changes nothing. Raises InvalidInput for one without text,
        that is too long, or too many."""
        text = plain_note(text)
        if note in self._written:
            return
        if not text:
            raise InvalidInput(reason=worded("a note needs a text"))
        if len(text) > MAX_NOTE:
            raise InvalidInput(reason=worded("a note has up to %(most)s characters", most=MAX_NOTE))
        if len(self.notes) >= MAX_NOTES:
            reason = worded("a person has up to %(most)s notes: remove one first", most=MAX_NOTES)
            raise InvalidInput(reason=reason)
        self.trigger_event(
            PersonNoteWritten, person=person, note=note, text=text, author=author, timestamp=now
        )

    def remove(self, *, note: str, now: datetime) -> None:
        """Takes a note back; again changes nothing."""
        if (found := self.notes.get(note)) is not None:
            self.trigger_event(PersonNoteRemoved, person=found.person, note=note, timestamp=now)

    @singledispatchmethod
    def evolve(self, event: AggregateEvent) -> None:
        """Changes the state by one event; events it has no case for change nothing."""

    @evolve.register
    def _(self, event: PersonNoteWritten) -> None:
        told = PersonNote(event.note, event.person, event.text, event.author, event.timestamp)
        self.notes[event.note] = told
        self._written.add(event.note)

    @evolve.register
    def _(self, event: PersonNoteRemoved) -> None:
        self.notes.pop(event.note, None)


def plain_note(text: str) -> str:
    """The text as it is kept."""
    return text.replace("\r\n", "\n").strip()
