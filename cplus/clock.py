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
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
