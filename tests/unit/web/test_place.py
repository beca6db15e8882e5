"""Lists of conversations, as addresses and saved views say them."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cplus.events.aggregates.tags import Shown
from cplus.web.merchant.inbox.place import NOBODY, VIEWS, Place

DAYS = st.dates().map(lambda day: day.isoformat())
SHOWN = st.builds(
    Shown,
    st.sampled_from(list(VIEWS)),
    tag=st.none() | st.just("t1"),
    assignee=st.none() | st.sampled_from(["", "ada"]),
    priority=st.none() | st.sampled_from(["low", "urgent"]),
    since=st.none() | DAYS,
    until=st.none() | DAYS,
    files=st.booleans(),
)


def in_zone(name: str) -> Any:
    return cast(Any, SimpleNamespace(timezone=name, actor=SimpleNamespace(author="ada")))


@settings(max_examples=50)
@given(SHOWN)
def test_a_saved_view_leads_to_what_was_saved(shows: Shown) -> None:
    place = Place.showing(shows)
    assert place.shown == shows
    assert Place.read(place.query) == place


@given(st.text(min_size=1, max_size=200), st.sampled_from(list(VIEWS)), st.booleans())
def test_what_was_searched_for_leads_back_to_the_search(
    words: str, state: Any, files: bool
) -> None:
    place = Place(state, since="2026-11-01", files=files, cursor="c" * 100, words=words)
    assert Place.read(place.query) == place
    assert place.address.startswith("/search?q=")
    assert Place.read(f"q={quote(words)}") == Place("all", words=words), "as the page says it"


def test_nobody_is_not_whoever() -> None:
    nobody, whoever = Place(assignee=NOBODY), Place()
    me = in_zone("UTC")
    assert (nobody.filter(me).assignee, whoever.filter(me).assignee) == ("", None)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Los_Angeles", "Pacific/Kiritimati"])
@pytest.mark.parametrize("day", ["0001-01-01", "0002-02-02", "2026-12-01", "9999-12-31"])
def test_any_day_that_can_be_typed_narrows_a_list(zone: str, day: str) -> None:
    found = Place(since=day, until=day).filter(in_zone(zone))
    for moment in (found.since, found.until):
        assert moment is None or moment.tzinfo is UTC, "so that it can be asked of the database"
    assert Place(since="2026-12-01").filter(in_zone("Europe/Berlin")).since == datetime(
        2026, 11, 30, 23, tzinfo=UTC
    )
