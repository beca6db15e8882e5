"""When the daily digest of a mailbox is due. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from cplus.clock import to_milliseconds


def digest_at(day: date, hour: int, zone: ZoneInfo) -> datetime:
    """The moment of that hour on a day of the shop's zone. An hour that the clocks leave out is the
    next one that there is; of one that comes twice, the first."""
    return to_milliseconds(datetime.combine(day, time(hour), zone).astimezone(UTC))


def next_digest(after: datetime, hour: int, zone: ZoneInfo) -> datetime:
    """The first such moment after that one."""
    day = after.astimezone(zone).date()
    while (at := digest_at(day, hour, zone)) <= after:
        day += timedelta(days=1)
    return at
