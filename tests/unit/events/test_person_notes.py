"""What notes on a person promise."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cplus.errors import InvalidInput
from cplus.events.aggregates.person_notes import MAX_NOTE, MAX_NOTES, PersonNotes
from cplus.events.repository import decided

NOW = datetime(2026, 12, 1, 6, tzinfo=UTC)
NOTE: dict[str, Any] = {"person": "person/ada", "note": "n1", "author": "7", "now": NOW}


def given(*texts: str) -> PersonNotes:
    notes = PersonNotes.empty("notes/ada")
    for number, text in enumerate(texts):
        notes.write(**{**NOTE, "note": f"n{number}"}, text=text)
    notes.collect_events()
    return notes


def then(notes: PersonNotes) -> list[str]:
    return [new.event.TYPE for new in decided(notes)]


def test_a_note_is_kept_without_what_surrounds_its_text() -> None:
    notes = given()
    notes.write(**NOTE, text="  Pays\r\nlate. \n")
    [note] = notes.notes.values()
    assert (note.text, note.author, note.at) == ("Pays\nlate.", "7", NOW)
    assert then(notes) == ["person.note_written"]


def test_one_that_was_taken_back_is_not_written_again_by_the_same_form() -> None:
    notes = given("Pays late.")
    notes.remove(note="n0", now=NOW)
    notes.remove(note="n0", now=NOW)
    assert then(notes) == ["person.note_removed"]
    notes.write(**{**NOTE, "note": "n0"}, text="Pays late.")
    assert then(notes) == []
    assert not notes.notes


@pytest.mark.parametrize("text", ["", " \n ", "x" * (MAX_NOTE + 1)])
def test_a_note_without_text_or_too_long_is_refused(text: str) -> None:
    notes = given()
    with pytest.raises(InvalidInput):
        notes.write(**NOTE, text=text)
    assert then(notes) == []


def test_only_so_many_notes_stand_on_a_person() -> None:
    notes = given(*["a note"] * MAX_NOTES)
    with pytest.raises(InvalidInput):
        notes.write(**{**NOTE, "note": "more"}, text="One more.")
    notes.remove(note="n0", now=NOW)
    notes.write(**{**NOTE, "note": "more"}, text="One more.")
    assert len(notes.notes) == MAX_NOTES
