"""What is said of the parts of a mail."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from cplus.mail import Invite, MailFile
from cplus.web.kit.part_text import kind, protection, when_of


def files(*types: str) -> list[MailFile]:
    return [MailFile(str(number), "x", one, b"") for number, one in enumerate(types)]


@pytest.mark.parametrize(
    ("types", "text", "said"),
    [
        (("application/pgp-encrypted", "application/octet-stream"), "", "encrypted with PGP"),
        ((), "-----BEGIN PGP MESSAGE-----\nabc", "encrypted with PGP"),
        (("application/pkcs7-mime",), "", "encrypted with S/MIME"),
        (("application/pkcs7-mime",), "Read", "signed with S/MIME"),
        (("application/x-pkcs7-signature",), "Read", "signed with S/MIME"),
        (("application/pgp-signature",), "Read", "signed with PGP"),
        (("image/png",), "Read", ""),
    ],
)
def test_a_mail_that_is_protected_is_said_to_be(
    types: tuple[str, ...], text: str, said: str
) -> None:
    found = protection(files(*types), text)
    assert said in found
    assert bool(found) == bool(said)


def test_types_have_names_that_people_know() -> None:
    names = [kind(one) for one in ("application/pdf", "image/svg+xml", "video/mp4", "x/y")]
    assert names == ["PDF", "SVG picture", "MP4 video", "x/y"]


def test_an_invitation_is_in_the_time_of_the_shop() -> None:
    def at(begins: datetime | date, ends: datetime | date | None = None) -> str:
        return when_of(Invite("request", "x", begins, ends, "", None, (), False), "Asia/Tokyo")

    evening = datetime(2026, 12, 1, 20, tzinfo=UTC)
    assert at(evening) == "2 Dec 2026, 05:00 (Asia/Tokyo)"
    assert at(evening, evening) == "2 Dec 2026, 05:00 (Asia/Tokyo)"
    assert at(evening, evening + timedelta(hours=1)) == "2 Dec 2026, 05:00 – 06:00 (Asia/Tokyo)"
    later = evening + timedelta(days=1)
    assert at(evening, later) == "2 Dec 2026, 05:00 – 3 Dec 2026, 05:00 (Asia/Tokyo)"
    assert at(date(2026, 12, 24), date(2026, 12, 25)) == at(date(2026, 12, 24)) == "24 Dec 2026"
    assert at(date(2026, 12, 24), date(2026, 12, 27)) == "24 Dec 2026 – 26 Dec 2026"
    assert "sender’s time" in at(datetime(2026, 12, 1, 20))  # noqa: DTZ001  as it is written
