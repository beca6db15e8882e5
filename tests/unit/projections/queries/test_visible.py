"""What shows nothing gives way to what does."""

from __future__ import annotations

import pytest

from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.queries.persons import customer_view, families
from cplus.projections.queries.visible import visible
from tests.unit.projections.models.told_events import (
    STARTED,
    changed,
    fold,
    received,
    thread,
)

BLANK = [
    pytest.param(text, id=ascii(text))
    for text in ("", " ", "\t\n", "\u200b", "\u2060", "\u2066\u2069", "\u3164", "\u2800", "\u0301")
]


@pytest.mark.parametrize("text", BLANK)
def test_a_text_that_shows_nothing_is_none(text: str) -> None:
    assert visible(text) is None
    assert visible(f"{text}Ada") == f"{text}Ada"


@pytest.mark.parametrize("text", ["Ada", "李", "ا", "5", "-", "🙂", "e\u0301"])
def test_a_text_that_shows_something_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize("text", BLANK)
def test_a_person_with_a_blank_name_goes_by_their_address(text: str) -> None:
    events = [changed(9, 9, first_name=text, last_name=text), *thread(STARTED, received("m1"))]
    shown = customer_view(families(fold(CUSTOMERS, events))["person/a"], {}, {})
    assert (shown.name, shown.email) == ("Ada", "ada@example.com")
    events = thread(STARTED, received("m1", from_name=text))
    shown = customer_view(families(fold(CUSTOMERS, events))["person/a"], {}, {})
    assert (shown.name, shown.email) == (None, "ada@example.com")
