"""The sums of a shop: of a day, of several, or of all; and what they tell together. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import accumulate
from typing import Any, Final

from cplus.projections.models.metrics import EDGES, QUARTERS


@dataclass(frozen=True, slots=True)
class Figures:
    """How often each thing happened."""

    conversations: int = 0
    """That began."""
    closed: int = 0
    reopened: int = 0
    messages_in: int = 0
    """Mails of shoppers, without those that a machine sent."""
    automatic_in: int = 0
    """Mails that a machine sent, out of office for example."""
    messages_out: int = 0
    """Answers that the merchant wrote."""
    first_answers: int = 0
    """Conversations that got their first answer."""
    people: int = 0
    """Persons who wrote for the first time."""
    customers: int = 0
    """Customers that were made in Shopify, and of whom it told."""
    sent: int = 0
    """Mails that SES took; the same for all that follow: mails of which it was told."""
    delivered: int = 0
    bounced: int = 0
    """Refused for good."""
    bounced_for_now: int = 0
    complained: int = 0
    """Called spam."""
    rejected: int = 0
    """Not sent by SES."""
    waited_ms: int = 0
    """Milliseconds that the first answers took, together."""
    longest_ms: int = 0
    """Milliseconds that the slowest of them took."""
    buckets: tuple[int, ...] = (0,) * (len(EDGES) + 1)
    """How many of them took at most `EDGES` seconds each and more than the one before; the last
    took longer than all."""

    @property
    def messages(self) -> int:
        """All messages: in, of shoppers and of machines, and out."""
        return self.messages_in + self.automatic_in + self.messages_out

    @property
    def mean_seconds(self) -> float | None:
        """How long a first answer took on average; None if there was none."""
        return self.waited_ms / 1000 / self.first_answers if self.first_answers else None

    def within(self, share: float) -> float | None:
        """Seconds within which that share of the first answers came, for example 0.5; None if
        there were none. Of more than one it is an estimate, which assumes that they are spread
        evenly within their bucket."""
        if not self.first_answers:
            return None
        if self.first_answers == 1:
            return self.longest_ms / 1000
        wanted = share * self.first_answers
        upto = list(accumulate(self.buckets))
        bucket = bisect_left(upto, wanted)
        longest = self.longest_ms / 1000
        low = min((0, *EDGES)[bucket], longest)
        high = min((*EDGES, longest)[bucket], longest)
        inside = wanted - (upto[bucket] - self.buckets[bucket])
        return low + (high - low) * inside / self.buckets[bucket]


_NOTHING: Final = Figures()
_SUMS: Final = [f.name for f in fields(Figures) if f.name not in {"buckets", "longest_ms"}]
"""The figures that add up."""


@dataclass(frozen=True, slots=True)
class Day:
    """What happened on a day."""

    day: date
    """In UTC, or in the zone that was asked for."""
    figures: Figures


def figures_of(row: Mapping[str, Any] | None) -> Figures:
    """The figures of a row of sums; 0 where it names none."""
    known = {f.name: row[f.name] for f in fields(Figures) if f.name in row} if row else {}
    if "buckets" in known:
        known["buckets"] = tuple(known["buckets"])
    return Figures(**known)


def days_in(zone: tzinfo, rows: Iterable[tuple[date, Mapping[str, Any]]]) -> list[Day]:
    """The days of a zone, the newest first, from rows of days in UTC with their quarters of an
    hour. What an older release counted is in no quarter: it counts on the day of the same name."""
    parts: dict[date, list[Figures]] = {}
    for day, row in rows:
        quarters: Mapping[str, Mapping[str, Any]] = row.get(QUARTERS, {})
        begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
        for quarter, sums in quarters.items():
            local = (begin + timedelta(minutes=15 * int(quarter))).astimezone(zone).date()
            parts.setdefault(local, []).append(figures_of(sums))
        if (left := _in_no_quarter(row, quarters.values())) != _NOTHING:
            parts.setdefault(day, []).append(left)
    return [Day(day, summed(parts[day])) for day in sorted(parts, reverse=True)]


def _in_no_quarter(row: Mapping[str, Any], quarters: Iterable[Mapping[str, Any]]) -> Figures:
    """What the day counts beyond its quarters."""
    whole = figures_of(row)
    left: dict[str, int] = {name: getattr(whole, name) for name in _SUMS}
    buckets = list(whole.buckets)
    for sums in quarters:  # they name only what is not 0
        for name in sums.keys() & left.keys():
            left[name] -= sums[name]
        for number, answers in enumerate(sums.get("buckets", ())):
            buckets[number] -= answers
    # The slowest answer of the day may be in a quarter. None took longer than all together.
    longest = min(whole.longest_ms, left["waited_ms"])
    return Figures(**left, longest_ms=longest, buckets=tuple(buckets))


def summed(some: Iterable[Figures]) -> Figures:
    """Several as one."""
    many = [Figures(), *some]
    sums: dict[str, Any] = {name: sum(getattr(one, name) for one in many) for name in _SUMS}
    longest = max(one.longest_ms for one in many)
    buckets = tuple(map(sum, zip(*(one.buckets for one in many), strict=True)))
    return Figures(**sums, longest_ms=longest, buckets=buckets)


def every_day(days: Sequence[Day], first: date, last: date) -> list[Day]:
    """One entry for each day from the first to the last, also where nothing happened."""
    known = {one.day: one for one in days}
    count = (last - first).days + 1
    between = (first + timedelta(days=number) for number in range(count))
    return [known.get(day, Day(day, Figures())) for day in between]
