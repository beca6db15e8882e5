"""Every file of a mail comes out, called and typed by what it is, whatever its sender says."""

from __future__ import annotations

import struct
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cplus.mail import MailFile, files_of, parse
from cplus.mail.parts.kinds import kind_of
from cplus.mail.parts.names import safe_name
from cplus.mail.parts.tnef import read_tnef
from tests.unit.mail.parts.letters import letter

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
GIF_SCRIPT = b"GIF89a/*\x00*/=1;alert(document.cookie)"


def found(mail: EmailMessage | bytes) -> list[MailFile]:
    raw = mail if isinstance(mail, bytes) else mail.as_bytes()
    return list(files_of(raw))


def test_a_picture_that_the_html_shows_is_known_by_its_content_id() -> None:
    mail = letter('<p>Look: <img src="cid:one%40example.com"> <img src=cid:gone></p>')
    part = mail.get_payload(1)
    assert isinstance(part, EmailMessage)
    part.add_related(PNG, "image", "png", cid="<one@example.com>", filename="lamp.png")
    mail.add_attachment(PNG, maintype="image", subtype="png", filename="apart.png", cid="<two@x>")
    first, second = found(mail)
    assert (first.cid, first.inline, first.data) == ("one@example.com", True, PNG)
    assert (second.name, second.inline) == ("apart.png", False)


@pytest.mark.parametrize(
    ("data", "declared", "name", "kind"),
    [
        (PNG, "application/pdf", "x.pdf", "image/png"),
        (b"\xff\xd8\xff\xe0", "application/octet-stream", "x", "image/jpeg"),
        (b"%PDF-1.7", "image/png", "x.png", "application/pdf"),
        (b"<!-- --><svg onload=alert(1)>", "image/png", "x.png", "image/svg+xml"),
        (b"\xef\xbb\xbf<?xml version='1'?><svg>", "image/jpeg", "x", "image/svg+xml"),
        (b" \n<script>alert(1)</script>", "image/png", "x.png", "text/html"),
        (b"<!DOCTYPE HTML><p>", "text/plain", "x.txt", "text/html"),
        (b"<x>", "image/png", "x.png", "application/xml"),
        (GIF_SCRIPT, "text/javascript", "x.js", "image/gif"),
        (b"not a picture", "image/png", "x.png", "application/octet-stream"),
        (b"not a film", "video/mp4", "x.mp4", "application/octet-stream"),
        (b"a,b\n1,2\n", "text/csv", "x.csv", "text/csv"),
        (b"BM begins this line", "text/plain", "x.txt", "text/plain"),
        (b"a\0b", "text/plain", "x.txt", "application/octet-stream"),
        (b"PK\x03\x04", "application/octet-stream", "x.xlsx",
         "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (b"PK\x03\x04", "image/png", "x.png", "application/zip"),
        (b"x", "text/html\r\nX-Evil: 1", "x", "application/octet-stream"),
        (b"", "", "", "application/octet-stream"),
    ],
)  # fmt: skip
def test_what_a_file_is_its_content_says(data: bytes, declared: str, name: str, kind: str) -> None:
    assert kind_of(data, declared, name) == kind


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\Windows\\x.exe", "C_Windows_x.exe"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("a\u2066b\u200b\r\nc.pdf", "abc.pdf"),
        ("nul.txt", "_nul.txt"),
        ("..", ""),
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
        ("Rechnung für Ödön.pdf", "Rechnung für Ödön.pdf"),
    ],
)
def test_a_name_neither_leads_anywhere_nor_hides_its_ending(said: str, name: str) -> None:
    assert safe_name(said) == name


def test_an_attached_mail_is_one_file_called_by_its_subject() -> None:
    inner = letter()
    inner.replace_header("Subject", "Your order: 7/8")
    inner.add_attachment(b"deep", maintype="text", subtype="x-deep", filename="deep.txt")
    mail = letter()
    mail.add_attachment(inner)
    [file] = found(mail)
    assert (file.name, file.content_type) == ("Your order_ 7_8.eml", "message/rfc822")
    within = parse(file.data)
    assert within.subject == "Your order: 7/8"
    assert [one.name for one in within.attachments] == ["deep.txt"]


def test_of_more_than_200_files_the_first_200_are_kept() -> None:
    mail = letter()
    for number in range(205):
        mail.add_attachment(b"x", maintype="text", subtype="csv", filename=f"{number}.csv")
    files = found(mail)
    assert [one.name for one in files] == [f"{number}.csv" for number in range(200)]
    assert len({one.id for one in files}) == 200


def attribute(level: int, name: int, value: bytes) -> bytes:
    return struct.pack("<BHHI", level, name, 6, len(value)) + value + b"\0\0"


def text_property(id_: int, value: str) -> bytes:
    data = value.encode("utf-16-le") + b"\0\0"
    return struct.pack("<HHII", 0x1F, id_, 1, len(data)) + data + b"\0" * (-len(data) % 4)


def winmail() -> bytes:
    named = struct.pack("<HH", 3, 0x8001) + b"g" * 16 + struct.pack("<III", 0, 7, 9)
    properties = struct.pack("<I", 2) + named + text_property(0x3707, "Long name.pdf")
    return (
        struct.pack("<IH", 0x223E9F78, 1)
        + attribute(1, 0x9003, struct.pack("<I", 1) + text_property(0x1000, "Said in Outlook"))
        + attribute(2, 0x9002, b"\0" * 14)
        + attribute(2, 0x8010, b"LONGNA~1.PDF\0")
        + attribute(2, 0x800F, b"%PDF-1.4 inside")
        + attribute(2, 0x9005, properties)
        + attribute(2, 0x9002, b"\0" * 14)
        + attribute(2, 0x8010, b"..\\lamp.png\0")
        + attribute(2, 0x800F, PNG)
    )


def test_the_files_and_the_words_in_a_winmail_dat_are_there() -> None:
    mail = letter()
    mail.add_attachment(
        winmail(), maintype="application", subtype="ms-tnef", filename="winmail.dat"
    )
    whole, first, second, words = found(mail)
    assert whole.name == "winmail.dat"
    assert (first.name, first.content_type) == ("Long name.pdf", "application/pdf")
    assert (second.name, second.data) == ("_lamp.png", PNG)
    assert (words.name, words.data) == ("message.txt", b"Said in Outlook")
    assert first.id == f"{whole.id}.0"


@given(st.binary(max_size=60), st.integers(0, 200), st.integers(0, 255))
@settings(max_examples=60, deadline=None)
def test_a_broken_winmail_dat_breaks_nothing(more: bytes, at: int, byte: int) -> None:
    whole = bytearray(winmail())
    whole[at % len(whole)] = byte
    read_tnef(bytes(whole))
    read_tnef(bytes(whole[:at]))
    read_tnef(struct.pack("<IH", 0x223E9F78, 1) + more)


@given(st.binary(max_size=200), st.text(max_size=30))
@settings(max_examples=60, deadline=None)
def test_any_bytes_have_a_type_and_any_name_is_safe(data: bytes, name: str) -> None:
    assert "/" in kind_of(data, name, name)
    assert not set(safe_name(name)) & set('/\\:*?"<>|\0\u202e')
