"""What the marks of a search promise, also for a text that somebody made as long as it can be."""

from __future__ import annotations

from itertools import count

import pytest

from cplus.projections.queries.search import Marked, beginning_at_match, marked
from cplus.projections.queries.search.marks import say_all
from cplus.projections.words import LOOKED_AT, Phrase, phrases_of

# 256 KB, the most that is kept of a mail.
HOSTILE = ["Greetings from there and " * 10_400, "Grüße aus Köln und " * 11_800, "配送" * 43_000]


def phrases(query: str) -> list[Phrase]:
    return list(phrases_of(query, 12)[0])


def found(pieces: list[Marked]) -> list[str]:
    return [one.text for one in pieces if one.found]


@pytest.mark.parametrize("before", [0, 1_200, 1_249, 1_250, 2_499, 9_000, LOOKED_AT - 20])
def test_the_part_around_the_first_match_is_shown_with_all_that_is_found_in_it(before: int) -> None:
    text = "x " * (before // 2) + "a blue lamp, Lamp. " + "y " * 30_000
    pieces = beginning_at_match(text, phrases("lamp"))
    assert found(pieces) == ["lamp", "Lamp"]
    assert sum(len(one.text) for one in pieces) < 210


def test_a_word_that_a_look_cuts_is_not_taken_for_its_beginning() -> None:
    text = "x " * 623 + "lamps " + "y " * 2_000  # the first look ends behind its p
    assert found(beginning_at_match(text, phrases("lamp "))) == []


@pytest.mark.parametrize("text", HOSTILE)
def test_a_long_text_is_looked_at_from_its_beginning_only_as_far_as_it_is_indexed(
    text: str,
) -> None:
    whole = f"{text} needle"
    assert found(beginning_at_match(whole, phrases("needle"))) == []
    assert not say_all([whole], phrases('"needle"'))
    near = f"{text[: LOOKED_AT // 2]} needle {text}"
    assert found(beginning_at_match(near, phrases("needle"))) == ["needle"]
    assert say_all(["Ada", near, "found before"], phrases('needle ada "found before"'))
    assert found(marked(f"needle {text}", phrases("needle"))) == ["needle"]


def test_when_the_time_is_over_only_the_first_words_of_a_text_are_looked_at() -> None:
    text = "A lamp. " + "z " * 300 + "needle " + "y " * LOOKED_AT
    assert found(beginning_at_match(text, phrases("lamp"), lambda: True)) == ["lamp"]
    pieces = beginning_at_match(text, phrases("needle"), lambda: True)
    assert found(pieces) == []
    assert pieces[0].text.startswith("A lamp. z z")
    # It is asked before each look, not only once for a text.
    asked = count(1)
    far = "z " * 4_000 + "needle"
    assert found(beginning_at_match(far, phrases("needle"), lambda: next(asked) > 2)) == []
    assert next(asked) == 4
