"""What the shop's staff says of a person, and only it sees: notes (stream `notes/<person>`) and
tags (stream `tags/<person>`). It is about the person, and is exported and erased with them."""

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


class PersonTagged(AggregateEvent):
    """Somebody put tags of the shop on a person, or took them off. Those of Shopify are another
    matter: CustomerTagsChanged."""

    TYPE: ClassVar[str] = "person.tagged"
    person: str
    added: tuple[str, ...] = ()
    """Ids of tags, as in TagMade."""
    removed: tuple[str, ...] = ()
    added_names: Personal[tuple[str, ...] | None] = None
    """What the tags were called then. Folds go by the ids: names change."""
    removed_names: Personal[tuple[str, ...] | None] = None
