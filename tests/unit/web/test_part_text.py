"""What is said of the parts of a mail."""

from __future__ import annotations

from datetime import UTC, date, datetime

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
    def at(begins: datetime | date) -> str:
        return when_of(Invite("request", "x", begins, None, "", None, (), False), "Asia/Tokyo")

    assert at(datetime(2026, 12, 1, 20, tzinfo=UTC)).startswith("2 Dec 2026, 05:00")
    assert at(date(2026, 12, 24)) == "2026-12-24"
    assert "sender’s time" in at(datetime(2026, 12, 1, 20))  # noqa: DTZ001  as it is written
