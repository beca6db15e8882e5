"""Which part of a mail its words are in: found wherever a program put them."""

from __future__ import annotations

import base64

import pytest

from cplus.mail import parse

HEAD = "From: ann@example.com\nSubject: Lamp\n"
PICTURE = "Content-Type: image/png; name=a.png\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=\n"


def multi(kind: str, *parts: str) -> bytes:
    body = "".join(f"--b\n{part}\n" for part in parts)
    return f"{HEAD}Content-Type: multipart/{kind}; boundary=b\n\n{body}--b--\n".encode()


def text(words: str, more: str = "") -> str:
    return f"Content-Type: text/plain{more}\n\n{words}\n"


def html(words: str, more: str = "") -> str:
    return f"Content-Type: text/html{more}\n\n{words}\n"


@pytest.mark.parametrize(
    ("raw", "words", "files"),
    [
        # A stand-in for the HTML; a footer of a virus scanner beside it.
        (
            multi("alternative", text("This is an HTML message."), html("<p>It is broken.</p>")),
            "It is broken.",
            0,
        ),
        (
            multi("mixed", html("<p>It is broken.</p>"), text("Scanned.", "; charset=us-ascii")),
            "It is broken.\nScanned.",
            0,
        ),
        # Of two alternatives that say the same, the plain one.
        (multi("alternative", text("Is it blue?"), html("<p>Is it blue?</p>")), "Is it blue?", 0),
        # Text, a picture, text: as phones send it.
        (multi("mixed", text("Look:"), PICTURE, text("Please send a new one.")),
         "Look:\n\nPlease send a new one.", 1),
        # What calls the only words a file.
        (f"{HEAD}Content-Type: text/plain; name=m.txt\n\nIt is red.\n".encode(), "It is red.", 0),
        (
            multi(
                "alternative",
                text("It is broken.", "\nContent-Disposition: attachment"),
                html("<p>It is broken.</p>", "\nContent-Disposition: attachment"),
            ),
            "It is broken.",
            0,
        ),
        # A file beside the words stays a file.
        (multi("mixed", text("See the file."), text("1,2", "; name=a.csv")), "See the file.", 1),
        # A multipart without its boundary.
        (f"{HEAD}Content-Type: multipart/alternative; boundary=b\n\nIt is broken.\n".encode(),
         "It is broken.", 0),
        # A charset that only the HTML tells.
        (
            f"{HEAD}Content-Type: text/html\n\n<meta charset=windows-1251><p>".encode()
            + "Лампа".encode("cp1251"),
            "Лампа",
            0,
        ),
        # Where a link leads, if its text does not tell.
        (
            f'{HEAD}Content-Type: text/html\n\n<a href="https://a.example/blue">this one</a>, or '
            '<a href="https://a.example/red">a.example/red</a>?'.encode(),
            "this one <https://a.example/blue>, or a.example/red?",
            0,
        ),
    ],
)  # fmt: skip
def test_the_words_are_found(raw: bytes, words: str, files: int) -> None:
    mail = parse(raw)
    assert mail.text.strip() == words
    assert len(mail.attachments) == files


def octets(tag: int, content: bytes) -> bytes:
    """A value of DER."""
    size = len(content)
    length = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")
    return bytes([tag]) + length + content


def signed(inner: bytes, *, pieces: bool = False) -> bytes:
    """A mail of S/MIME that is signed, as far as its words go."""
    signed_data = bytes.fromhex("06092a864886f70d010702")
    data = bytes.fromhex("06092a864886f70d010701")
    string = octets(4, inner)
    if pieces:  # of no stated length, as OpenSSL streams it
        string = b"\x24\x80" + octets(4, inner[:9]) + octets(4, inner[9:]) + b"\0\0"
    wrapped = octets(0x30, data + octets(0xA0, string))
    whole = octets(0x30, signed_data + octets(0xA0, octets(0x30, b"\x02\x01\x01" + wrapped)))
    kind = "application/pkcs7-mime; smime-type=signed-data; name=smime.p7m"
    head = f"{HEAD}Content-Type: {kind}\nContent-Transfer-Encoding: base64\n\n"
    return head.encode() + base64.encodebytes(whole)


@pytest.mark.parametrize("pieces", [False, True])
def test_the_words_of_a_signed_mail_are_read(pieces: bool) -> None:
    inner = b"Content-Type: text/plain; charset=utf-8\r\n\r\nPlease cancel order 1042.\r\n"
    mail = parse(signed(inner, pieces=pieces))
    assert mail.text.strip() == "Please cancel order 1042."
    assert [one.name for one in mail.attachments] == ["smime.p7m"]


@pytest.mark.parametrize("cut", range(0, 200, 7))
def test_a_broken_signed_mail_is_kept_as_a_file(cut: int) -> None:
    raw = signed(b"Content-Type: text/plain\r\n\r\nPlease cancel order 1042.\r\n")
    head, _, body = raw.partition(b"\n\n")
    broken = base64.b64encode(base64.b64decode(body)[:cut])
    mail = parse(head + b"\n\n" + broken)
    assert mail.text.strip() == "" or cut > 30
    assert [one.name for one in mail.attachments] == ["smime.p7m"]


def test_a_line_among_the_headers_that_is_none_costs_no_header() -> None:
    raw = (
        b"X-Scan: 0.1\r\n(no details)\r\nFrom: ann@example.com\r\nSubject: Lamp\r\n\r\nBroken.\r\n"
    )
    mail = parse(raw)
    assert (mail.from_address, mail.subject, mail.text) == ("ann@example.com", "Lamp", "Broken.\n")


def test_words_without_a_blank_line_above_them_stay_words() -> None:
    mail = parse(b"From: ann@example.com\nSubject: Lamp\nIt is broken.\n\nPlease help.\n")
    assert mail.text == "It is broken.\n\nPlease help.\n"
