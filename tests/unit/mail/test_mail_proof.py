"""The author of a mail is proved by who checked the address that is read, and by nobody else."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from cplus.mail import Receipt, author_is_proved, parse
from cplus.mail.mime.bounded import has_one_author


def test_blank_lines_among_headers_cost_no_more_than_their_length() -> None:
    blank = b" \r\n" * 40_000
    raw = b"From: Ann <ann@example.com>\r\nX-Pad: y\r\n" + blank + b"To: s@example.com\r\n\r\nhi"
    start = time.process_time()
    assert has_one_author(raw)
    # It takes a hundredth of a second; at the square of the lines it would take a quarter minute.
    assert time.process_time() - start < 2


def receipt(dkim: Any, dmarc: Any) -> Receipt:
    return Receipt(
        ses_message_id="abc",
        received_at=datetime(2026, 11, 23, tzinfo=UTC),
        recipients=("acorn@mail.example.com",),
        envelope_sender="ann@example.com",
        bucket="mail",
        key="inbound/abc",
        dkim=dkim,
        dmarc=dmarc,
    )


def signed(*signatures: str, author: str = "Ann <ann@shop.example.com>") -> bytes:
    lines = [f"DKIM-Signature: {one}" for one in signatures]
    return "\r\n".join([*lines, f"From: {author}", "Subject: Hi", "", "Hello"]).encode()


@pytest.mark.parametrize(
    ("dkim", "dmarc", "proved"),
    [
        ("PASS", "PASS", True),
        ("FAIL", "PASS", True),
        ("PASS", "FAIL", False),
        ("PASS", None, True),
        ("PASS", "GRAY", True),
        ("GRAY", None, False),
        (None, None, False),
        ("PASS", "PROCESSING_FAILED", False),
    ],
)
def test_an_author_is_proved_by_dmarc_and_else_by_dkim(
    dkim: Any, dmarc: Any, *, proved: bool
) -> None:
    mail = parse(signed("v=1; a=rsa-sha256; d=shop.example.com; s=k; b=x"))
    assert author_is_proved(receipt(dkim, dmarc), mail) is proved


@pytest.mark.parametrize(
    ("signatures", "proved"),
    [
        (["d=example.com; s=k"], True),
        (["v=1;\r\n d = Shop.Example.com ;s=k"], True),
        (["d=evil.example; s=k"], False),
        (["d=evilshop.example.com; s=k"], False),
        (["d=other.shop.example.com; s=k"], False),
        (["d=com; s=k"], False),
        (["d=; s=k"], False),
        (["s=k"], False),
        ([], False),
        # Which of them the verdict means is not told.
        (["d=shop.example.com; s=k", "d=evil.example; s=k"], False),
        (["d=shop.example.com; d=evil.example"], False),
    ],
)
@pytest.mark.parametrize("dmarc", ["GRAY", None])
def test_a_signature_proves_an_author_of_its_own_domain_alone(
    signatures: list[str], dmarc: Any, *, proved: bool
) -> None:
    assert author_is_proved(receipt("PASS", dmarc), parse(signed(*signatures))) is proved


def test_two_authors_are_never_proved() -> None:
    mail = parse(signed("d=shop.example.com", author="ann@shop.example.com, bo@shop.example.com"))
    assert not author_is_proved(receipt("PASS", "PASS"), mail)


def test_a_signature_behind_more_headers_than_are_read_proves_nothing() -> None:
    many = b"X-A: b\r\n" * 1_000
    mail = parse(b"DKIM-Signature: d=shop.example.com\r\nFrom: ann@shop.example.com\r\n" + many)
    assert not author_is_proved(receipt("PASS", "GRAY"), mail)
