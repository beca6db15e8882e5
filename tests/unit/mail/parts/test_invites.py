"""What a calendar invitation asks: what, when, where and who."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from cplus.mail import read_invites

INVITE = """BEGIN:VCALENDAR
METHOD:{method}
VERSION:2.0
PRODID:-//Example//EN
BEGIN:VTIMEZONE
TZID:Own Time
BEGIN:STANDARD
DTSTART:16010101T000000
TZOFFSETFROM:+0100
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:1
SUMMARY:Fitting
{when}
LOCATION:The shop
ORGANIZER;CN=Ada:mailto:ada@example.com
ATTENDEE;CN=Bea;PARTSTAT=ACCEPTED:mailto:bea@example.com
ATTENDEE:mailto:cy@example.com
END:VEVENT
END:VCALENDAR
"""
AT_TEN = "DTSTART;TZID=Own Time:20261201T100000\nDTEND;TZID=Own Time:20261201T110000"


def invite(method: str = "REQUEST", when: str = AT_TEN) -> bytes:
    return INVITE.format(method=method, when=when).replace("\n", "\r\n").encode()


@pytest.mark.parametrize("method", ["request", "cancel", "reply"])
def test_an_invitation_says_what_when_where_and_who(method: str) -> None:
    [one] = read_invites(invite(method.upper()))
    assert (one.method, one.what, one.where) == (method, "Fitting", "The shop")
    assert one.begins == datetime(2026, 12, 1, 9, tzinfo=UTC)
    assert one.ends == datetime(2026, 12, 1, 10, tzinfo=UTC)
    assert one.organiser is not None
    assert one.organiser.address == "ada@example.com"
    assert [(guest.name, guest.answer) for guest in one.guests] == [("Bea", "accepted"), ("", "")]


def test_one_that_takes_whole_days_has_dates() -> None:
    [one] = read_invites(invite(when="DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261226"))
    assert one.begins == date(2026, 12, 24)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe\0",
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n",
        invite(when="DTSTART:nonsense"),
        invite() * 2,
        b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VEVENT\r\n" * 5_000,
        invite() + b" " * 300_000,
    ],
)
def test_what_cannot_be_read_is_still_a_file_and_no_fault(data: bytes) -> None:
    assert len(read_invites(data)) <= 2
