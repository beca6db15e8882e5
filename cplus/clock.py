"""The one place that asks what time it is, so that everything else can be told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Answers the present moment, in UTC."""


def utc_now() -> datetime:
    """The present moment in UTC, cut to the milliseconds that BSON can hold."""
    return to_milliseconds(datetime.now(UTC))


def to_milliseconds(moment: datetime) -> datetime:
    """The same moment in UTC and in whole milliseconds; a moment without a zone is refused."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    # A moment that is in UTC under another name, as the database tells it, needs no reckoning.
    moment = moment.astimezone(UTC) if moment.utcoffset() else moment
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
