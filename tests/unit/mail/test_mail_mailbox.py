"""Who wrote a mail: read from what programs write, and proved only where nobody reads another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cplus.mail import parse
from cplus.mail.reading.mailbox import mailboxes

ANN = "ann@example.com"


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("Ann <ann@example.com>", "Ann"),
        ("ann@example.com", ""),
        ("ann@example.com (Ann Reader)", "Ann Reader"),
        ("ann@example.com (Ann (office) Reader)", "Ann (office) Reader"),
        ('"Reader, Ann" <Ann@Example.com>', "Reader, Ann"),
        ('"ann@shop.example" <ann@example.com>', "ann@shop.example"),
        ("Ann (Sales) <ann@example.com> (work)", "Ann (Sales)"),
        ("=?utf-8?Q?Ann_Re=C3=A4der?= <ann@example.com>", "Ann Reäder"),
    ],
)
def test_one_address_is_plain(value: str, name: str) -> None:
    [found], refused, plain = mailboxes(value)
    assert (found.address, found.name, refused, plain) == (ANN, name, 0, True)


@pytest.mark.parametrize(
    "value",
    [
        "Ann <ann@example.com.>",
        "Ann Reader ann@example.com",
        "Ann <mailto:ann@example.com>",
        "'ann@example.com'",
        "=?utf-8?Q?Ann_Re=C3=A4der_=3Cann=40example=2Ecom=3E?=",
        "Ann <ann@example.com> and more, see <https://example.com>",
        "Team Reader: ann@example.com, bob@example.com;",
        'Ann "Reader <ann@example.com>',
        "=?utf-8?Q?Reader,_Ann?= <ann@example.com>",
        "(Ann <ann@example.com>",
        '("(") <ann@example.com> (")")',
    ],
)
def test_an_odd_header_is_read_and_is_not_plain(value: str) -> None:
    found = mailboxes(value)
    assert (found.mailboxes[0].address, found.plain) == (ANN, False)


@pytest.mark.parametrize(
    ("headers", "author"),
    [
        ("From: attacker@evil.example (Vic <vic@example.com>)", "attacker@evil.example"),
        ("From: Vic <vic@example.com>\nFrom: attacker@evil.example", "vic@example.com"),
        ("From: vic@example.com, attacker@evil.example", "vic@example.com"),
        ("From: <mailer@shopify.com>@evil.example", "mailer@shopify.com"),
        ("From: <mailer@shopify.com> <attacker@evil.example>", "attacker@evil.example"),
        ('From: "mailer@shopify.com <attacker@evil.example>', "attacker@evil.example"),
        ("From: mailer@shopify.com <attacker@evil.example>", "attacker@evil.example"),
        ("From: (mailer@shopify.com <attacker@evil.example>", "attacker@evil.example"),
        ("From: x: mailer@shopify.com, attacker@evil.example;", "mailer@shopify.com"),
    ],
)
def test_an_author_in_whom_another_can_be_read_is_never_proved(headers: str, author: str) -> None:
    mail = parse(f"{headers}\nSubject: Hi\n\nHi".encode())
    if mail.from_is_plain:  # then a checker reads the same one
        assert author == "attacker@evil.example"
        assert "(" in headers
    assert mail.from_address == author


@pytest.mark.parametrize(
    "head",
    [
        # Behind more headers than are kept, spelled with a space, indented, folded away.
        "From: mailer@shopify.com\n" + "X: 1\n" * 1_000 + "From: eve@evil.example",
        "From : eve@evil.example\nFrom: mailer@shopify.com",
        " From: eve@evil.example\nFrom: mailer@shopify.com",
        "From: mailer@shopify.com\nX: 1\n\tFrom: eve@evil.example",
        # Cut off behind what is read, also when it is folded.
        "From: mailer@shopify.com," + " " * 5_000 + "eve@evil.example",
        "From: mailer@shopify.com,\n" + " \t" * 3_000 + "\n eve@evil.example",
        # A line that ends the headers for others.
        "Received: x\n(no details)\nFrom: mailer@shopify.com",
        # Letters that only some take for those of shopify.com.
        "From: mailer@\u017fhopify.com",
        "From: mailer@shopify\u3002com",
        "From: mailer@\uff53hopify.com",
        "From: mailer@shopify.com\r\rFrom: eve@evil.example",
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_sender_whom_others_may_read_otherwise_is_not_proved(head: str, end: str) -> None:
    mail = parse((head + "\nSubject: New\n\nHi").replace("\n", end).encode())
    assert not mail.from_is_plain


def test_a_mail_with_many_headers_has_a_proved_sender() -> None:
    head = "Received: by mx.example\r\n" * 40 + "From: Ann <ann@example.com>\r\nTo: a@b.example"
    assert parse(f"{head}\r\n\r\nFrom: here to there".encode()).from_is_plain


def test_a_comma_in_an_encoded_name_parts_no_addresses() -> None:
    [found] = mailboxes("=?utf-8?Q?Reader,_Ann?= <ann@example.com>").mailboxes
    assert found.name == "Reader, Ann"


def test_the_second_author_is_read_if_the_first_is_none() -> None:
    mail = parse(b"From: [broken]\nFrom: Ann <ann@example.com>\n\nHi")
    assert (mail.from_address, mail.from_name, mail.from_is_plain) == (ANN, "Ann", False)


@given(st.text(alphabet="ab@<>\"'(),;:. \\\t\x01\x02\x03\x04=?", max_size=60))
def test_no_header_stops_the_reader_and_what_is_plain_holds_one_address(value: str) -> None:
    found = mailboxes(value)
    if found.plain:
        [one] = found.mailboxes
        assert found.refused == 0
        outside = value.replace(one.original, "", 1)
        assert "<" not in outside.replace("<", "", 1) or "(" in value or '"' in value


@pytest.mark.parametrize(
    "text", ["(" * 4_000, "((" * 900 + "a" + "))" * 900, '"' * 4_001, "<" * 4_000]
)
def test_a_deep_header_takes_no_time(text: str) -> None:
    assert mailboxes(f"{text} ann@example.com").plain is False
