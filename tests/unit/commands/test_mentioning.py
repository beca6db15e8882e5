"""Whom a note mentions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cplus.commands.conversations.mentioning import mentioned_in

NAMES = {"1": "Ada", "2": "Ada Brandt", "3": "Bea Öz", "cleo": "Cleo", "5": "Bea Öz", "6": ""}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@Ada look", ["1"]),
        ("@ada brandt, look", ["2"]),
        ("(@CLEO) and @Ada.", ["cleo", "1"]),
        ("@Cleo @Ada @Cleo", ["cleo", "1"]),
        ("@bea öz!", ["3", "5"]),
        ("ask\n@Ada", ["1"]),
        ("@Ada's turn", ["1"]),
        ("@6", ["6"]),
        ("mail@cleo", []),
        ("x.@cleo", []),
        ("ada@cleo.example.com and @cleo.example.com", []),
        ("@Adam @Cleopatra @Ada-Lovelace @@Ada", []),
        ("Ada, and an @ alone", []),
        ("", []),
    ],
)
def test_who_is_named_after_an_at_is_mentioned_once(text: str, expected: list[str]) -> None:
    assert mentioned_in(text, NAMES) == expected


def test_a_team_without_names_is_never_mentioned() -> None:
    assert mentioned_in("@ada", {}) == []


@given(st.text(), st.dictionaries(st.text(min_size=1), st.text(max_size=20), max_size=8))
def test_whatever_is_written_names_only_members(text: str, names: dict[str, str]) -> None:
    found = mentioned_in(text, names)
    assert set(found) <= names.keys()
    assert len(found) == len(set(found))


def test_a_long_note_is_read_at_once() -> None:
    many = {str(number): f"Member {number} of the team" for number in range(500)}
    text = "@Member of nothing " * 5_000 + " @member 7 of the team"
    assert mentioned_in(text, many) == ["7"]
