"""Reading raw mail: nothing that comes in may stop it, and nothing of it may be lost."""

from __future__ import annotations

import json
import random
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cplus.mail import InboundMail, attachment_bytes, contact_form, normal_address, parse
from tests.conftest import ROOT

FIXTURES = ROOT / "tests" / "fixtures" / "mail"
NAMES = sorted(path.stem for path in FIXTURES.glob("*.eml"))
PLAIN = b"From: a@example.com\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"


def load(name: str) -> bytes:
    return (FIXTURES / f"{name}.eml").read_bytes()


def storable(mail: InboundMail) -> None:
    """Fails where MongoDB or JSON would refuse a string."""
    said = json.dumps(mail.model_dump(mode="json"), ensure_ascii=False)
    said.encode("utf-8")
    assert "\\u0000" not in said


def test_a_mail_is_read_with_its_headers_and_its_text() -> None:
    mail = parse(load("reply_gmail"))
    assert mail.message_id == "reply_gmail@mail.example.com"
    assert mail.in_reply_to == "0100@us-east-1.amazonses.com"
    assert mail.references == [
        "form-1@shopify.com",
        "own-1@mail.cplus.example",
        "0100@us-east-1.amazonses.com",
    ]
    assert (mail.from_name, mail.from_address) == ("Ines Okafor", "ines.okafor@example.com")
    assert mail.return_path == "ines.okafor@example.com"
    assert mail.subject == "Re: Your jug"
    assert mail.date == datetime(2026, 11, 23, 10, 2, 33, tzinfo=UTC)
    assert "> The jug is back in stock." in mail.text
    assert mail.html is None
    assert mail.defects == []
    assert not mail.automatic
    assert not mail.bounce


@given(st.binary(max_size=3_000))
def test_no_bytes_whatsoever_make_it_raise(raw: bytes) -> None:
    storable(parse(raw))


@settings(max_examples=150)
@given(st.sampled_from(NAMES), st.randoms(use_true_random=False))
def test_no_cut_or_changed_mail_makes_it_raise(name: str, chance: random.Random) -> None:
    raw = bytearray(load(name))
    for _ in range(chance.randrange(1, 30)):
        if raw:
            raw[chance.randrange(len(raw))] = chance.randrange(256)
    storable(parse(bytes(raw[: chance.randrange(len(raw) + 1)])))


@settings(max_examples=100)
@given(st.text(max_size=200), st.sampled_from(["utf-8", "utf-16", "utf-7", "cp1252"]))
def test_no_header_makes_it_raise(value: str, charset: str) -> None:
    data = value.encode(charset, "replace").replace(b"\n", b" ")
    names = (b"From", b"Reply-To", b"Subject", b"Date", b"References", b"Content-Type")
    storable(parse(b"".join(name + b": " + data + b"\n" for name in names) + b"\nHello"))


@pytest.mark.parametrize("name", NAMES)
def test_every_sample_can_be_stored_and_leaves_some_text(name: str) -> None:
    mail = parse(load(name))
    storable(mail)
    assert bool(mail.text) == (name not in ("empty", "garbage"))
    assert bool(mail.reply_text) == bool(mail.text)


def test_words_that_are_no_mail_are_kept_as_text() -> None:
    mail = parse(load("no_mime"))
    assert mail.text == "just some words that are no mail at all\nand a second line\n"
    assert "no MIME" in mail.defects
    assert "no sender" in mail.defects


def test_no_bytes_at_all_are_a_mail_with_defects() -> None:
    assert parse(b"").defects == ["no MIME", "no sender"]


def test_binary_garbage_is_a_mail_with_no_text() -> None:
    mail = parse(load("garbage"))
    assert (mail.text, mail.attachments) == ("", [])
    assert "no MIME" in mail.defects


def test_a_wrong_charset_is_guessed_and_named() -> None:
    mail = parse(load("bad_charset"))
    assert mail.text.strip() == "Grüße aus Köln"
    assert mail.defects == ["bad charset"]
    assert parse(load("unknown_charset")).text.strip() == "Grüße"


@pytest.mark.parametrize("charset", ["idna", "punycode", "zlib", "unicode_escape", "undefined"])
def test_a_codec_that_is_no_charset_is_not_used(charset: str) -> None:
    mail = parse(f"From: a@example.com\nContent-Type: text/plain; charset={charset}\n\nHi".encode())
    assert mail.text == "Hi"
    assert mail.defects == ["bad charset"]


def test_a_charset_with_a_nul_character_does_no_harm() -> None:
    raw = b"From: a@example.com\nContent-Type: text/plain; charset=x\x00y\n\nGr\xc3\xbc\xc3\x9fe"
    assert parse(raw).text == "Grüße"


def test_illegal_bytes_in_headers_are_guessed_and_named() -> None:
    mail = parse(load("raw_bytes_in_headers"))
    assert mail.from_address == "joerg@example.org"
    assert mail.from_name.startswith("Jörg")
    assert mail.subject == "Grüße � an alle"
    assert "bad charset in a header" in mail.defects


def test_nul_characters_and_lone_surrogates_are_replaced() -> None:
    mail = parse(PLAIN + b"a\x00b" + b"\xed\xa0\x80c")
    assert mail.text.startswith("a�b")
    storable(mail)


def test_an_illegal_sender_is_refused_and_named() -> None:
    mail = parse(load("illegal_address"))
    assert mail.from_address is None
    assert mail.reply_to == "ines.okafor@example.com"
    assert "illegal address in from" in mail.defects


@pytest.mark.parametrize(
    ("value", "address", "name"),
    [
        ("ines@Example.COM", "ines@example.com", ""),
        ("Ines.Okafor@example.com (Ines)", "ines.okafor@example.com", "Ines"),
        ('"Okafor, Ines" <ines@example.com>', "ines@example.com", "Okafor, Ines"),
        ("Okafor, Ines <ines@example.com>", "ines@example.com", "Ines"),
        ('"admin@shop.example" <ines@example.com>', "ines@example.com", "admin@shop.example"),
        ("admin@shop.example <ines@example.com>", "ines@example.com", "admin@shop.example"),
        ("=?utf-8?q?J=C3=B6rg?= <j@example.org>", "j@example.org", "Jörg"),
        ("j@bücher.example", "j@xn--bcher-kva.example", ""),
        ("some..dots.@docomo.example", "some..dots.@docomo.example", ""),
        ("a@example.com, b@example.com", "a@example.com", ""),
    ],
)
def test_senders_are_read_as_people_write_them(value: str, address: str, name: str) -> None:
    mail = parse(f"From: {value}\n\nHi".encode())
    assert (mail.from_address, mail.from_name) == (address, name)


def test_the_address_is_also_kept_as_it_was_written() -> None:
    assert parse(b"From: <Ines@Example.COM>\n\nHi").from_original == "Ines@Example.COM"


@pytest.mark.parametrize(
    "address",
    [
        *("", "@", "a@", "@b.example", "a b@c.example", "a@b", "a@b..example", '"a b"@c.example'),
        *("ä@b.example", "a@b.example\nBcc: c@d.example", "a" * 65 + "@b.example", "a@-b.example"),
        "a@" + "b" * 64 + ".example",
    ],
)
def test_addresses_that_no_mail_can_reach_are_refused(address: str) -> None:
    assert normal_address(address) is None


def test_a_thousand_references_are_read() -> None:
    ids = [f"id{number}@example.com" for number in range(1_000)]
    raw = b"From: a@example.com\r\nReferences: " + "\r\n ".join(f"<{i}>" for i in ids).encode()
    assert parse(raw + b"\r\n\r\nHi").references == ids


def test_of_more_references_the_newest_stay() -> None:
    text = " ".join(f"<id{number}@example.com>" for number in range(5_000))
    references = parse(f"From: a@example.com\nReferences: {text}\n\nHi".encode()).references
    assert (len(references), references[-1]) == (1_000, "id4999@example.com")


def test_a_mail_of_five_megabytes_is_read_in_seconds_and_its_text_cut() -> None:
    started = time.process_time()
    mail = parse(PLAIN + "Grüße, ".encode() * 600_000)
    assert time.process_time() - started < 5
    assert 255 * 1024 < len(mail.text.encode()) <= 256 * 1024
    assert mail.defects == ["text cut at 256 KB"]


@pytest.mark.parametrize(
    "raw",
    [
        PLAIN + b"\n" * 5_000_000,
        PLAIN + b"\n \t" * 60_000,
        PLAIN + (b"On " + b"a " * 150 + b"\n") * 1_000,
        PLAIN + b"##-" * 80_000,
        PLAIN + b"> ##- a -##\n" * 20_000,
        PLAIN + b"> x\nFrom: a\nDate: b\nTo: c\n" * 10_000,
        PLAIN + b"> x\n" + b"On 1.1.2026 at 10:00, X <a@b.example> wrote :\nx: \n" * 5_000,
        PLAIN.replace(b"plain", b"html") + b"<div>" * 50_000,
        PLAIN.replace(b"plain", b"html") + b"<" * 250_000,
        b"Subject: " + b"=?a?q?" * 100_000 + b"\n\nx",
        b"From: " + b'"a' * 100_000 + b"\n\nx",
    ],
    ids=[
        *("empty lines", "blanks", "On", "markers", "quoted markers", "labels", "attributions"),
        *("divs", "angles", "words", "quotes"),
    ],
)
def test_mail_made_to_be_slow_is_read_in_seconds(raw: bytes) -> None:
    started = time.process_time()
    storable(parse(raw))
    assert time.process_time() - started < 5


def nested(depth: int, rest: bytes) -> bytes:
    parts = (
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(depth)
    )
    return b"From: mailer@shopify.com\nSubject: Slow\n" + b"".join(parts) + rest


FORM = b"From: mailer@shopify.com\nContent-Type: text/html\n\n<b>Body:</b>x"
QUOTED = b"From: a@example.com\n\nOn 1 Jan 2026 at 10:00, X <a@b.example> wrote:\n> x\n"
PARTS = b"From: a@example.com\nContent-Type: multipart/mixed; boundary=b\n\n"


@pytest.mark.parametrize(
    "raw",
    [
        nested(290, b"\n" + b"\n" * 980_000),
        nested(29, b"\n" + b"\n" * 160_000),
        nested(4, b"\n" + b"\r" * 3_000_000),
        b"From: a@example.com\n" + b"Content-Type: message/rfc822\n\n" * 5_000,
        PLAIN.replace(b"charset=utf-8", b'a="' + b";" * 100_000),
        PARTS + (b'--b\nContent-Type: text/plain; a="' + b";a" * 2_000 + b"\n\nx\n") * 500,
        PARTS
        + b"".join(
            b"--b\nContent-Type: multipart/mixed; boundary=c%d\n\n" % n for n in range(9_000)
        ),
        b"".join(b"X-%d: a\n" % n for n in range(200_000)) + b"\nHi",
        FORM + b"<b>y</b>" * 32_000,
        FORM.replace(b"x", b"<b>Name:</b>y<br>" * 8_000),
        PLAIN.replace(b"a@example.com", b"mailer@shopify.com") + b"A:\n" * 80_000,
        QUOTED + b"a\n>b\n" * 50_000,
        QUOTED + b"l" * 100_000 + b"\nx:\n" + b">b\n\n" * 37_000,
    ],
    ids=[
        *("nested", "nested a little", "returns", "forwarded", "parameters"),
        *("parameters of parts", "boundaries", "headers"),
        *("bold", "bodies", "labels", "quotes", "quotes below a long line"),
    ],
)
def test_no_shape_of_a_mail_makes_it_or_its_form_take_long(raw: bytes) -> None:
    started = time.process_time()
    mail = parse(raw)
    contact_form(mail)
    assert time.process_time() - started < 5
    storable(mail)


def test_a_large_file_in_many_lines_costs_no_word_of_its_mail() -> None:
    head = (
        b"From: a@example.com\r\nSubject: My order\r\nReferences: <r@x.example>\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nWhere is it?\r\n--b\r\n"
        b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    )
    whole = parse(head + b"QUFB\r\n" * 600_000 + b"--b--\r\n")
    assert (whole.subject, whole.reply_text) == ("My order", "Where is it?")
    assert whole.references == ["r@x.example"]
    assert whole.defects == []
    assert [one.size for one in whole.attachments] == [1_800_000]
    cut = parse(head + b"QUFB\r\n" * 1_100_000 + b"--b--\r\n")
    assert (cut.subject, cut.reply_text) == ("My order", "Where is it?")
    assert cut.defects[0] == "only the first million lines read"


def test_an_attachments_size_is_that_of_its_bytes() -> None:
    for name in NAMES:
        raw = load(name)
        for one in parse(raw).attachments:
            data = attachment_bytes(raw, one.part) or b""
            if data.startswith(b"!!!"):
                continue  # no base64 at all, though it says so
            slack = 200 if one.content_type == "message/rfc822" else 0
            assert abs(one.size - len(data)) <= slack, name


def test_parts_nested_deeper_than_python_goes_still_leave_the_headers() -> None:
    part = "Content-Type: multipart/mixed; boundary=b{}\n\n--b{}\n"
    raw = "From: a@example.com\nSubject: Deep\n" + "".join(part.format(i, i) for i in range(2_000))
    mail = parse(raw.encode())
    assert (mail.from_address, mail.subject) == ("a@example.com", "Deep")
    assert mail.defects[0] == "parts nested too deeply"


def test_attachments_keep_names_that_are_broken() -> None:
    mail = parse(load("broken_attachment_names"))
    assert [one.name for one in mail.attachments] == [
        "Krug-größe.png",
        "Rechnungÿ ä.pdf",
        "_.._etc_passwd",
        "unquoted name",
        "long name.pdf",
        "attachment-6.zip",
        "%",
    ]
    assert mail.attachments[0].size == 200
    assert mail.text == "See the file.\n"


def test_the_bytes_of_an_attachment_are_found_by_its_part() -> None:
    raw = load("broken_attachment_names")
    first = parse(raw).attachments[0]
    assert attachment_bytes(raw, first.part) == b"0123456789" * 20
    assert attachment_bytes(raw, 99) is None
    assert attachment_bytes(b"", -1) is None


def test_winmail_dat_is_an_attachment_and_a_defect() -> None:
    mail = parse(load("winmail_dat"))
    assert [one.name for one in mail.attachments] == ["winmail.dat"]
    assert "content in winmail.dat" in mail.defects


def test_the_texts_before_and_after_a_picture_are_both_read() -> None:
    mail = parse(load("ios_text_around_picture"))
    assert mail.reply_text == "It looks like this:\n\nCan you send another?"
    assert [one.content_type for one in mail.attachments] == ["image/jpeg"]


def test_a_mail_that_was_cut_off_keeps_what_came() -> None:
    assert parse(load("missing_end_boundary")).text == "The line went dead he"


def test_html_is_made_harmless() -> None:
    hostile = (
        b"<p onclick=x()>Hi<script>alert(1)</script><style>p{}</style>"
        b'<img src="https://spy.example/1.gif"><a href="javascript:x()">a</a>'
        b'<form action="https://spy.example"><input name=q></form><iframe src=x></iframe></p>'
    )
    mail = parse(PLAIN.replace(b"plain", b"html") + hostile)
    assert mail.html is not None
    for word in ("script", "alert", "onclick", "spy.example", "form", "iframe", "<img"):
        assert word not in mail.html
    assert mail.text == "Hia"


def test_a_date_that_is_none_is_a_defect() -> None:
    for value in (b"yesterday", b"Mon, 99 Nov 2026 99:00:00 +9999", b"1 Jan 99999 00:00:00 +0"):
        mail = parse(b"From: a@example.com\nDate: " + value + b"\n\nHi")
        assert (mail.date, mail.defects) == (None, ["bad date"])
