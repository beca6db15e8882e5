"""Counts of the last 24 hours, in two numbers: how many today, and how many the day before.

The day before counts for as much of it as lies in the last 24 hours, as if it had been even. So a
full count runs empty little by little, and no midnight lets twice as much through. Days are UTC's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

DAY: Final = 86_400.0
"""Seconds."""


class Moment(NamedTuple):
    """A moment by its day."""

    day: int
    """Since 1970."""
    gone: float
    """The part of it that is over: 0 to 1."""


def moment(at: datetime) -> Moment:
    """The day of that moment, and how much of it is over."""
    seconds = at.timestamp()
    return Moment(int(seconds // DAY), (seconds % DAY) / DAY)


def rolled(name: str, at: Moment) -> dict[str, Any]:
    """A stage of a pipeline by which the count `name` stands at the day of that moment."""
    passed = {"$subtract": [at.day, {"$ifNull": ["$day", at.day]}]}
    today = {"$ifNull": [f"${name}_today", 0]}
    before = {"$ifNull": [f"${name}_before", 0]}
    # Another worker's clock may have passed midnight first: its day stands.
    same, next_one = {"$lte": [passed, 0]}, {"$eq": [passed, 1]}
    return {
        f"{name}_today": {"$cond": [same, today, 0]},
        f"{name}_before": {"$cond": [same, before, {"$cond": [next_one, today, 0]}]},
    }


def used_by(name: str, at: Moment) -> dict[str, Any]:
    """An expression: how many of the last 24 hours the count `name` has, once it was rolled."""
    return {"$add": [f"${name}_today", {"$multiply": [f"${name}_before", 1.0 - at.gone]}]}


def used(row: Mapping[str, Any], name: str, at: Moment) -> float:
    """The same of a row that was read, at whatever day it stands."""
    today, before = float(row.get(f"{name}_today", 0)), float(row.get(f"{name}_before", 0))
    passed = at.day - int(row.get("day", at.day))
    if passed > 0:
        today, before = 0.0, today if passed == 1 else 0.0
    return max(0.0, today + before * (1.0 - at.gone))


def seconds_until(row: Mapping[str, Any], name: str, at: Moment, room: float) -> float:
    """How long it takes until the count, of a row that was rolled, is at most `room`."""
    today, before = float(row[f"{name}_today"]), float(row[f"{name}_before"])
    if today + before * (1.0 - at.gone) <= room:
        return 0.0
    if today <= room:
        return (1.0 - (room - today) / before - at.gone) * DAY
    # Not before tomorrow, when what was sent today begins to run out.
    return (1.0 - at.gone + 1.0 - max(0.0, room) / today) * DAY
