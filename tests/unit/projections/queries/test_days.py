"""The days of a time zone, made of the rows of days in UTC."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cplus.events.base import Recorded
from cplus.events.catalogue.conversations import ConversationStarted
from cplus.projections.base import Row
from cplus.projections.models.metrics import EDGES, METRICS, day_key, quarter_of
from cplus.projections.queries.figures import Day, Figures, days_in, figures_of, summed
from cplus.projections.testing import fold_all
from tests.unit.projections.models.told_events import (
    NOW,
    STARTED,
    at,
    received,
    recorded,
    reply,
    thread,
)

TODAY = day_key(NOW.date())


def _day(moment: str, **sums: Any) -> tuple[date, Row]:
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    return at.date(), {**sums, "quarters": {str(quarter_of(at)): sums}}


@pytest.mark.parametrize(
    ("zone", "moment", "day"),
    [
        ("UTC", "2026-11-23T23:59", "2026-11-23"),
        ("Pacific/Kiritimati", "2026-11-23T09:59", "2026-11-23"),
        ("Pacific/Kiritimati", "2026-11-23T10:00", "2026-11-24"),
        ("Asia/Kolkata", "2026-11-23T18:29", "2026-11-23"),
        ("Asia/Kolkata", "2026-11-23T18:30", "2026-11-24"),
        ("Asia/Kathmandu", "2026-11-23T18:14", "2026-11-23"),
        ("Asia/Kathmandu", "2026-11-23T18:15", "2026-11-24"),
        # On the day on which clocks are set, before and after it.
        ("America/New_York", "2026-11-01T03:59", "2026-10-31"),
        ("America/New_York", "2026-11-01T04:00", "2026-11-01"),
        ("America/New_York", "2026-11-02T04:59", "2026-11-01"),
        ("America/New_York", "2026-11-02T05:00", "2026-11-02"),
    ],
)
def test_a_day_of_a_zone_begins_at_its_own_midnight(zone: str, moment: str, day: str) -> None:
    [found] = days_in(ZoneInfo(zone), [_day(moment, messages_in=3)])
    assert found == Day(date.fromisoformat(day), Figures(messages_in=3))


def test_days_of_a_zone_are_made_of_two_days_in_utc() -> None:
    rows = [_day("2026-11-22T12:00", closed=1), _day("2026-11-23T09:00", closed=2)]
    found = days_in(ZoneInfo("Pacific/Auckland"), rows)
    assert found == [Day(date(2026, 11, 23), Figures(closed=3))]


def test_what_an_older_release_counted_is_kept_once_its_day_has_quarters() -> None:
    before = fold_all(
        METRICS, (*_conversations(1, 40), *thread(STARTED, received("m1"), reply("m2")))
    )
    day = {name: value for name, value in before[TODAY].items() if name != "quarters"}
    zone = ZoneInfo("Europe/Berlin")
    [whole] = days_in(zone, [(NOW.date(), day)])
    assert (whole.figures.conversations, whole.figures.first_answers) == (41, 1)
    assert whole.figures.longest_ms == whole.figures.waited_ms == 60_000

    after = fold_all(METRICS, _conversations(41, 1), {**before, TODAY: day})
    [more] = days_in(zone, [(NOW.date(), after[TODAY])])
    assert more == Day(whole.day, replace(whole.figures, conversations=42, people=42))
    assert more.figures == figures_of(after[TODAY])


def test_the_slowest_answer_of_a_day_belongs_to_its_quarter_alone() -> None:
    row = fold_all(METRICS, tuple(thread(STARTED, received("m1"), reply("m2"))))[TODAY]
    old = Figures(conversations=40, first_answers=1, waited_ms=5, buckets=(1, *[0] * len(EDGES)))
    mixed = {f.name: getattr(summed([figures_of(row), old]), f.name) for f in fields(Figures)}
    # In this zone the quarter is on the next day, and what is in none stays on the day's own.
    newer, older = days_in(
        ZoneInfo("Pacific/Kiritimati"), [(NOW.date(), {**mixed, "quarters": row["quarters"]})]
    )
    assert (newer.figures, newer.figures.longest_ms) == (figures_of(row), 60_000)
    assert older.figures == replace(old, longest_ms=5)


def _conversations(first: int, many: int) -> tuple[Recorded, ...]:
    """Conversations that began within an hour, each of a person of its own."""
    made = []
    for number in range(first, first + many):
        stream = f"conversation/{number}"
        event = ConversationStarted(
            originator_id=stream,
            originator_version=1,
            timestamp=at(number),
            person=f"person/{number}",
            channel="email",
            subject="A lamp",
        )
        made.append(recorded(event, number, number, stream, 1))
    return tuple(made)
