"""When a shop is open: in its own zone, over midnight, and where its clocks are changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cplus.errors import InvalidInput
from cplus.events.aggregates.hours import (
    DAYS,
    Hours,
    Interval,
    read_hours,
    stored_week,
    typed_dates,
    typed_day,
)

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = (
    *("UTC", "Europe/Berlin", "America/New_York", "America/St_Johns", "Asia/Kathmandu"),
    *("Australia/Lord_Howe", "Pacific/Apia", "America/Havana", "Africa/Cairo", "Asia/Beirut"),
)
"""With half hours, changes at midnight, and a day that was left out."""


def hours(*days: str, closed: tuple[date, ...] = ()) -> Hours:
    """Those of a week, Monday first; a day that is not given has none."""
    week = tuple(typed_day(one, "a day") for one in (*days, *[""] * (7 - len(days))))
    return Hours(week, frozenset(closed))


def at(zone: ZoneInfo, *when: int, fold: int = 0) -> datetime:
    """A moment, by the clock there."""
    year, month, day, hour, minute = when
    return datetime(year, month, day, hour, minute, tzinfo=zone, fold=fold).astimezone(UTC)


def test_a_shop_is_open_in_its_intervals_and_opens_next_at_the_following() -> None:
    week = hours("9-12, 13:30-17")  # on Mondays, of which 7 December 2026 is one
    monday = (2026, 12, 7)
    for hour, minute, is_open in [
        (8, 59, False), (9, 0, True), (11, 59, True), (12, 0, False), (13, 29, False),
        (13, 30, True), (16, 59, True), (17, 0, False),
    ]:  # fmt: skip
        assert week.is_open(at(BERLIN, *monday, hour, minute), BERLIN) is is_open
    noon = at(BERLIN, *monday, 12, 15)
    assert week.next_opening(noon, BERLIN) == at(BERLIN, *monday, 13, 30)
    assert week.next_opening(at(BERLIN, *monday, 10, 1), BERLIN) == at(BERLIN, *monday, 10, 1)
    evening = at(BERLIN, *monday, 20, 0)
    assert week.next_opening(evening, BERLIN) == at(BERLIN, 2026, 12, 14, 9, 0)


def test_an_interval_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    week = hours("", "", "", "", "22-2", closed=(date(2026, 12, 12),))  # Friday; then closed
    assert week.is_open(at(BERLIN, 2026, 12, 12, 1, 59), BERLIN)
    assert not week.is_open(at(BERLIN, 2026, 12, 12, 2, 0), BERLIN)
    assert not week.is_open(at(BERLIN, 2026, 12, 11, 1, 0), BERLIN)
    shut = hours("", "", "", "", "22-2", closed=(date(2026, 12, 11),))
    assert not shut.is_open(at(BERLIN, 2026, 12, 12, 1, 0), BERLIN)
    assert shut.next_opening(at(BERLIN, 2026, 12, 11, 0, 0), BERLIN) == at(
        BERLIN, 2026, 12, 18, 22, 0
    )


def test_a_whole_day_has_no_gap_at_midnight() -> None:
    week = hours(*["0-24"] * 7)
    for hour, minute in ((0, 0), (23, 59), (12, 0)):
        assert week.is_open(at(BERLIN, 2026, 12, 7, hour, minute), BERLIN)
    assert week.is_open(at(BERLIN, 2026, 12, 7, 23, 59) + timedelta(seconds=59.999), BERLIN)


def test_a_shop_without_times_never_opens_and_one_that_is_closed_for_long_does() -> None:
    assert hours().next_opening(at(BERLIN, 2026, 12, 7, 9, 0), BERLIN) is None
    year = tuple(date(2026, 12, 1) + timedelta(days=n) for n in range(400))
    week = hours(*["9-17"] * 7, closed=year)
    found = week.next_opening(at(BERLIN, 2026, 12, 1, 0, 0), BERLIN)
    assert found == at(BERLIN, 2028, 1, 5, 9, 0)


def test_times_that_a_clock_leaves_out_are_the_moment_at_which_it_is_put_forward() -> None:
    week = hours(*["2:15-2:45"] * 6, "2:30-5, 1-2:30")  # Sunday 28 March 2027: 2:00 becomes 3:00
    change = datetime(2027, 3, 28, 1, tzinfo=UTC)
    day = read_hours(stored_week(week.week), ())
    assert day is not None
    assert day.is_open(change - timedelta(seconds=1), BERLIN)
    assert day.is_open(change, BERLIN)
    nothing = hours("", "", "", "", "", "", "2:15-2:45")
    assert not nothing.is_open(change, BERLIN)
    following = nothing.next_opening(change - timedelta(hours=1), BERLIN)
    assert following == at(BERLIN, 2027, 4, 4, 2, 15)


def test_times_that_a_clock_shows_twice_begin_with_the_first_and_end_with_the_last() -> None:
    sunday = (2026, 10, 25)  # 3:00 becomes 2:00
    opens, closes = hours(*[""] * 6, "2:30-9"), hours(*[""] * 6, "1-2:30")
    assert opens.is_open(at(BERLIN, *sunday, 2, 30), BERLIN)
    assert opens.is_open(at(BERLIN, *sunday, 2, 10, fold=1), BERLIN), "it is not shut again"
    assert closes.is_open(at(BERLIN, *sunday, 2, 40), BERLIN)
    assert closes.is_open(at(BERLIN, *sunday, 2, 29, fold=1), BERLIN)
    assert not closes.is_open(at(BERLIN, *sunday, 2, 30, fold=1), BERLIN)


@st.composite
def weeks(draw: st.DrawFn) -> Hours:
    """Any week."""
    minutes = st.integers(0, 1439)
    one = st.tuples(minutes, st.integers(1, 1440)).map(lambda t: Interval(t[0], t[0] + t[1]))
    days = draw(st.lists(st.lists(one, max_size=2), min_size=7, max_size=7))
    closed = draw(st.sets(st.dates(date(2011, 12, 20), date(2012, 1, 10)), max_size=4))
    return Hours(tuple(tuple(day) for day in days), frozenset(closed))


def by_the_clock(week: Hours, moment: datetime, zone: ZoneInfo) -> bool:
    """Whether it is open by what a clock on the wall shows, and nothing else."""
    shown = moment.astimezone(zone).replace(tzinfo=None)
    for day in (shown.date(), shown.date() - timedelta(days=1)):
        since = (shown - datetime.combine(day, datetime.min.time())) / timedelta(minutes=1)
        found = [] if day in week.closed else week.week[day.weekday()]
        if any(one.opens <= since < one.closes for one in found):
            return True
    return False


TIMES = (
    (datetime(2011, 12, 25, tzinfo=UTC), 11),  # when Apia left out a day
    (datetime(2026, 3, 1, tzinfo=UTC), 60),
    (datetime(2026, 10, 1, tzinfo=UTC), 40),
)


@st.composite
def moments(draw: st.DrawFn) -> datetime:
    """Any, near one at which clocks are changed."""
    begin, days = draw(st.sampled_from(TIMES))
    return begin + timedelta(seconds=draw(st.integers(0, days * 24 * 3600)))


@given(weeks(), moments(), st.sampled_from(ZONES))
@settings(max_examples=100, deadline=None)
def test_a_shop_is_open_whenever_its_clock_says_so_and_else_only_where_clocks_are_changed(
    week: Hours, moment: datetime, name: str
) -> None:
    zone, day = ZoneInfo(name), timedelta(days=1, hours=2)
    changed = (moment - day).astimezone(zone).utcoffset() != (moment + day).astimezone(
        zone
    ).utcoffset()
    said = week.is_open(moment, zone)
    assert said == by_the_clock(week, moment, zone) or (said and changed)


@given(weeks(), moments(), st.sampled_from(ZONES))
@settings(max_examples=100, deadline=None)
def test_the_next_opening_is_the_first_moment_at_which_it_is_open(
    week: Hours, moment: datetime, name: str
) -> None:
    zone = ZoneInfo(name)
    found = week.next_opening(moment, zone)
    if found is None:
        assert not any(week.week)
        return
    assert found >= moment
    assert week.is_open(found, zone)
    if found > moment:
        assert not week.is_open(moment, zone)
        assert not week.is_open(found - timedelta(milliseconds=1), zone)
        for part in range(1, 20):
            assert not week.is_open(moment + (found - moment) * part / 20, zone)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("9-17", "09:00-17:00"),
        (" 9:30 – 12.15 ; 2pm to 6PM", "09:30-12:15,14:00-18:00"),
        ("12am-12pm", "00:00-12:00"),
        ("13-17, 9-12", "09:00-12:00,13:00-17:00"),
        ("22:00-02:00", "22:00-02:00"),
        ("0-24", "00:00-24:00"),
        ("Closed", ""),
        ("  ", ""),
    ],
)
def test_what_people_type_is_read_and_kept_in_one_way(typed: str, stored: str) -> None:
    day = typed_day(typed, "Monday")
    assert stored_week([day]) == (stored,)
    kept = read_hours([stored], ())
    assert (kept.week[0] if kept else ()) == day


@pytest.mark.parametrize(
    "typed",
    ["9", "nine to five", "9-17-18", "25-26", "9:60-10", "9-9", "24-3", "13pm-2pm", "9-12, 11-13",
     "1-2,3-4,5-6,7-8,9-10,11-12,13-14", "9-17" + "x" * 5_000, "0-24, 1-2", "٣-٤x"],
)  # fmt: skip
def test_what_is_no_time_is_refused_with_its_day(typed: str) -> None:
    with pytest.raises(InvalidInput, match="Monday"):
        typed_day(typed, DAYS[0])


def test_closed_days_are_named_one_by_one_or_from_to_and_those_that_are_over_go() -> None:
    found = typed_dates("2026-12-24 to 2026-12-26\n\n2026-11-01, 2027-01-01", date(2026, 12, 1))
    assert sorted(found) == [*(date(2026, 12, day) for day in (24, 25, 26)), date(2027, 1, 1)]


@pytest.mark.parametrize(
    "typed",
    ["tomorrow", "2026-13-01", "2026-02-30", "2026-12-26 to 2026-12-24", "2026-01-01 to 2036-01-01",
     "2027-01-01 to 2027-12-31\n2028-01-01 to 2028-12-31"],
)  # fmt: skip
def test_what_is_no_day_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput):
        typed_dates(typed, date(2026, 12, 1))
