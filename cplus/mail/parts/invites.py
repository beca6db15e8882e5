"""What a calendar invitation says (RFC 5545 and 5546)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, Literal

from cplus.mail.text import one_line

Method = Literal["request", "cancel", "reply", "other"]

_LIMIT: Final = 256 * 1024  # bytes that are read: it has a few kilobytes
_EVENTS: Final = 10
_GUESTS: Final = 50
_ANSWERS: Final = {
    "ACCEPTED": "accepted",
    "DECLINED": "declined",
    "TENTATIVE": "may come",
    "NEEDS-ACTION": "no answer yet",
}


@dataclass(frozen=True, slots=True)
class Guest:
    """Who is asked, or asks."""

    name: str
    address: str
    answer: str = ""
    """In words; empty if nothing is said."""


@dataclass(frozen=True, slots=True)
class Invite:
    """One event of a calendar."""

    method: Method
    """`request` asks to come, or changes when and where; `cancel` calls it off; `reply` answers."""
    what: str
    begins: datetime | date | None
    """In UTC; a date if it takes whole days; a time without zone is as the sender wrote it."""
    ends: datetime | date | None
    where: str
    organiser: Guest | None
    guests: tuple[Guest, ...]
    repeats: bool


def read_invites(data: bytes) -> list[Invite]:
    """The events of a calendar file, at most 10; none if it cannot be read. Never raises."""
    if len(data) > _LIMIT:
        return []
    try:
        from icalendar import Calendar  # takes its time to load, and few mails have one

        calendar = Calendar.from_ical(data)
        method = _method(str(calendar.get("method", "")))
        return [_invite(one, method) for one in calendar.walk("VEVENT")[:_EVENTS]]
    except Exception:  # noqa: BLE001 - a stranger's file, read by a library: it is still a file
        return []


def _method(said: str) -> Method:
    known: dict[str, Method] = {"REQUEST": "request", "CANCEL": "cancel", "REPLY": "reply"}
    return known.get(said.upper(), "other")


def _invite(event: Any, method: Method) -> Invite:
    guests = event.get("attendee", [])
    organiser = event.get("organizer")
    return Invite(
        method="cancel" if str(event.get("status", "")).upper() == "CANCELLED" else method,
        what=one_line(str(event.get("summary", "")), 200),
        begins=_moment(event, "dtstart"),
        ends=_moment(event, "dtend"),
        where=one_line(str(event.get("location", "")), 300),
        organiser=None if organiser is None else _guest(organiser),
        guests=tuple(
            _guest(one) for one in (guests if isinstance(guests, list) else [guests])[:_GUESTS]
        ),
        repeats="rrule" in event,
    )


def _guest(said: Any) -> Guest:
    told = getattr(said, "params", {})
    address = str(said)
    if address.lower().startswith("mailto:"):
        address = address[7:]
    return Guest(
        name=one_line(str(told.get("CN", "")), 100),
        address=one_line(address, 254),
        answer=_ANSWERS.get(str(told.get("PARTSTAT", "")).upper(), ""),
    )


def _moment(event: Any, name: str) -> datetime | date | None:
    said = event.get(name)
    moment = getattr(said, "dt", None)
    if isinstance(moment, datetime):
        return moment if moment.tzinfo is None else moment.astimezone(UTC)
    return moment if isinstance(moment, date) else None
