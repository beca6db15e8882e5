"""Until when a conversation is put off, as a form says it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cplus.events.aggregates.conversation.refusals import refused
from cplus.wording import worded

CHOICES: Final[Mapping[str, str]] = {
    "hours": worded("In 3 hours"),
    "tomorrow": worded("Tomorrow morning"),
    "week": worded("Next Monday"),
    "month": worded("In 30 days"),
    "reply": worded("Until somebody writes"),
}
_MORNING: Final = time(9)


def snoozed_until(
    fields: Mapping[str, str], now: datetime, local: ZoneInfo
) -> tuple[datetime | None, bool]:
    """The moment, and whether until a reply. Raises InvalidInput if it says neither."""
    today = now.astimezone(local).date()
    match fields.get("until", ""):
        case "hours":
            return now + timedelta(hours=3), False
        case "tomorrow":
            return _morning(today + timedelta(days=1), local), False
        case "week":
            return _morning(today + timedelta(days=7 - today.weekday()), local), False
        case "month":
            return _morning(today + timedelta(days=30), local), False
        case "reply":
            return None, True
    try:
        moment = datetime.fromisoformat(fields.get("at", ""))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=local)
        return moment.astimezone(UTC), False
    except (ValueError, OverflowError):
        raise refused("moment") from None


def _morning(day: date, local: ZoneInfo) -> datetime:
    return datetime.combine(day, _MORNING, local).astimezone(UTC)
