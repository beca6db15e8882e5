"""The only place that reads the clock; everything else gets the time passed in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Clock = Callable[[], datetime]
"""Returns the current time in UTC."""


def utc_now() -> datetime:
    """The current time in UTC, truncated to milliseconds, like BSON."""
    return to_milliseconds(datetime.now(UTC))


def to_milliseconds(moment: datetime) -> datetime:
    """The same moment in UTC and in whole milliseconds; a time without a zone is refused."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    if moment.tzinfo is UTC and not moment.microsecond % 1000:
        return moment
    # A time from the database is in UTC under another name and needs no conversion.
    moment = moment.astimezone(UTC) if moment.utcoffset() else moment
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)


def hour_of(moment: datetime) -> str:
    """The hour of UTC, for example `2026-12-01T09`. Refs of the log hold it: it never changes."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H}"


def zone(name: str | None) -> ZoneInfo:
    """The time zone of an IANA name; UTC where it is unknown."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
