"""When a shop is open, in its own time zone. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from cplus.errors import InvalidInput
from cplus.wording import worded

DAYS: Final = (
    worded("Monday"),
    worded("Tuesday"),
    worded("Wednesday"),
    worded("Thursday"),
    worded("Friday"),
    worded("Saturday"),
    worded("Sunday"),
)
MAX_INTERVALS: Final = 6
"""Of one day at most."""
MAX_CLOSED: Final = 400
"""Days on which a shop is closed that it can name at most."""

_DAY: Final = 24 * 60
_ONE: Final = timedelta(days=1)
_AROUND: Final = 2  # days: an interval ends on the day after at the latest, and zones shift by one
_HORIZON: Final = MAX_CLOSED + 2 * 7
_TIME: Final = r"([0-9]{1,2})(?:[:.]([0-9]{2}))?\s*([ap]m)?"
_INTERVAL: Final = re.compile(rf"\s*{_TIME}\s*(?:-|–|—|to|bis)\s*{_TIME}\s*", re.IGNORECASE)
_DATES: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:\s*(?:to|bis|–|—)\s*([0-9]{4}-[0-9]{2}-[0-9]{2}))?"
)
_EVERYTHING: Final = 2_000  # characters of what is typed


class Interval(NamedTuple):
    """A time of a day, in minutes since its midnight."""

    opens: int
    closes: int
    """Over 1,440 if that is on the day after."""

    def __str__(self) -> str:
        """As it is stored, for example `22:00-02:00`."""
        return f"{_clock(self.opens)}-{_clock(self.closes)}"


@dataclass(frozen=True, slots=True)
class Hours:
    """The times of a week at which a shop is open, Monday first, and the days on which it is closed
    all the same. An interval belongs to the day on which it begins."""

    week: tuple[tuple[Interval, ...], ...]
    closed: frozenset[date] = frozenset()

    def is_open(self, moment: datetime, zone: ZoneInfo) -> bool:
        """Whether the shop is open at that moment."""
        around = self._around(moment, zone, range(-_AROUND, _AROUND))
        return any(opens <= moment < closes for opens, closes in around)

    def next_opening(self, moment: datetime, zone: ZoneInfo) -> datetime | None:
        """The first moment from then on at which the shop is open; None if there is none."""
        if not any(self.week):
            return None
        if self.is_open(moment, zone):
            return moment
        for day in range(-_AROUND, _HORIZON):
            two = self._around(moment, zone, [day, day + 1])  # a zone may leave out a day
            opens = [one for one, _ in two if one >= moment]
            if opens:
                return min(opens)
        return None

    def _around(
        self, moment: datetime, zone: ZoneInfo, days: Iterable[int]
    ) -> Iterator[tuple[datetime, datetime]]:
        """When it opens and closes on these days, counted from that of the moment; UTC."""
        today = moment.astimezone(zone).date()
        for distance in days:
            day = today + distance * _ONE
            for one in () if day in self.closed else self.week[day.weekday()]:
                opens = _moment(day, one.opens, zone, last=False)
                closes = _moment(day, one.closes, zone, last=True)
                if opens < closes:  # a clock that is put forward may leave nothing of it
                    yield opens, closes


def stored_week(week: Sequence[Sequence[Interval]]) -> tuple[str, ...]:
    """The week as the log keeps it: of each day its intervals, with commas."""
    return tuple(",".join(map(str, day)) for day in week)


def read_hours(week: Sequence[str], closed: Sequence[str]) -> Hours | None:
    """What the log keeps; None if the shop is never open, which means that it has no hours."""
    read = tuple(tuple(_read(one) for one in day.split(",") if one) for day in week)
    return Hours(read, frozenset(map(date.fromisoformat, closed))) if any(read) else None


def typed_day(text: str, day: str) -> tuple[Interval, ...]:
    """The intervals that somebody typed, for example `9-12:30, 2pm-6pm`, in order. Raises
    InvalidInput."""
    parts = [one for one in re.split("[,;\n]", text[:_EVERYTHING]) if one.strip()]
    if [one.strip().lower() for one in parts] == ["closed"]:
        return ()
    if len(parts) > MAX_INTERVALS:
        raise InvalidInput(
            reason=worded("%(day)s can have up to %(most)s times", day=day, most=MAX_INTERVALS)
        )
    found = sorted(_typed(one, day) for one in parts)
    for before, after in itertools.pairwise(found):
        if after.opens < before.closes:
            raise InvalidInput(reason=worded("the times of %(day)s overlap", day=day))
    return tuple(found)


def typed_dates(text: str, today: date) -> frozenset[date]:
    """The days that somebody typed, one or `2026-12-24 to 2026-12-26` in a line, without those that
    are over. Raises InvalidInput."""
    found = set[date]()
    for line in filter(None, map(str.strip, re.split("[,;\n]", text[: 20 * _EVERYTHING]))):
        match = _DATES.fullmatch(line)
        if match is None:
            raise InvalidInput(
                reason=worded("“%(typed)s” is not a day such as 2026-12-24", typed=line[:40])
            )
        try:
            first = date.fromisoformat(match[1])
            last = date.fromisoformat(match[2] or match[1])
        except ValueError:
            raise InvalidInput(
                reason=worded("there is no day %(typed)s", typed=line[:40])
            ) from None
        days = (last - first).days
        if not 0 <= days < MAX_CLOSED:
            raise InvalidInput(
                reason=worded(
                    "“%(typed)s” is not a time of up to %(most)s days",
                    typed=line[:40],
                    most=MAX_CLOSED,
                )
            )
        found.update(day for day in (first + n * _ONE for n in range(days + 1)) if day >= today)
        if len(found) > MAX_CLOSED:
            raise InvalidInput(reason=worded("up to %(most)s days can be named", most=MAX_CLOSED))
    return frozenset(found)


def _typed(text: str, day: str) -> Interval:
    match = _INTERVAL.fullmatch(text)
    if match is None:
        raise InvalidInput(
            reason=worded(
                "“%(typed)s” on %(day)s is not a time such as 9:00–17:00",
                typed=text.strip()[:40],
                day=day,
            )
        )
    opens = _minutes(match[1], match[2], match[3], day)
    closes = _minutes(match[4], match[5], match[6], day)
    if opens in (_DAY, closes):
        raise InvalidInput(
            reason=worded("“%(typed)s” on %(day)s has no length", typed=text.strip()[:40], day=day)
        )
    return Interval(opens, closes if closes > opens else closes + _DAY)


def _minutes(hours: str, minutes: str | None, half: str | None, day: str) -> int:
    hour, minute = int(hours), int(minutes or 0)
    time = f"{hour} {half.lower()}" if half else f"{hours}:{minute:02d}"
    wrong = InvalidInput(reason=worded("there is no time %(time)s on %(day)s", time=time, day=day))
    if half and not 1 <= hour <= 12:
        raise wrong
    if half:
        hour = hour % 12 + 12 * (half.lower() == "pm")
    found = hour * 60 + minute
    if minute > 59 or found > _DAY:
        raise wrong
    return found


def _read(text: str) -> Interval:
    opens, closes = (int(one[:2]) * 60 + int(one[3:]) for one in text.split("-"))
    return Interval(opens, closes if closes > opens else closes + _DAY)


def _clock(minutes: int) -> str:
    minutes = minutes if minutes <= _DAY else minutes - _DAY
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _moment(day: date, minutes: int, zone: ZoneInfo, *, last: bool) -> datetime:
    """When a clock there shows that: of a time that it shows twice, the first or the last; one that
    it leaves out is the moment at which it is put forward."""
    shown = datetime.combine(day, time()) + timedelta(minutes=minutes)
    found = shown.replace(tzinfo=zone, fold=int(last)).astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == shown:
        return found
    # In what is left out, the two readings are on both sides of the change.
    early, late = sorted(shown.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    before = early.astimezone(zone).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late
