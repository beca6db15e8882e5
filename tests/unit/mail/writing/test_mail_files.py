"""Files that go with a mail: they arrive byte for byte, under their name, in the right place."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime
from email.message import MIMEPart
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cplus.errors import InvalidInput
from cplus.mail import FILES_LIMIT, OutgoingFile, Quoted, attachment_bytes, parse
from cplus.mail.writing import mime
from cplus.mail.writing.model import SIZE_LIMIT
from tests.unit.mail.writing.composed import as_read, compose, is_file

PHOTO = OutgoingFile("photo.png", "image/png", bytes(range(256)) * 3, cid="photo-1@mail.example")
BILL = OutgoingFile("Rechnung für Ines.pdf", "application/pdf", b"%PDF-1.7\r\n.\nFrom \x00\xff")


def shape(message: MIMEPart[Any, Any]) -> object:
    """The types of the parts, as they are nested."""
    if not message.is_multipart():
        return message.get_content_type()
    return (message.get_content_subtype(), *map(shape, message.iter_parts()))


BOTH = ("alternative", "text/plain", "text/html")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ((), BOTH),
        ((PHOTO,), ("related", BOTH, "image/png")),
        ((BILL,), ("mixed", BOTH, "application/pdf")),
        ((BILL, PHOTO), ("mixed", ("related", BOTH, "image/png"), "application/pdf")),
    ],
    ids=["none", "shown", "attached", "both"],
)
def test_parts_are_nested_as_mail_programs_expect_it(
    files: tuple[OutgoingFile, ...], expected: object
) -> None:
    assert shape(as_read(compose(files=files))) == expected


def test_files_arrive_byte_for_byte_also_by_our_own_reader() -> None:
    raw = compose(files=[BILL, PHOTO])
    mail = parse(raw)
    assert mail.defects == []
    assert mail.reply_text == "The jug is back."
    assert {one.name: attachment_bytes(raw, one.part) for one in mail.attachments} == {
        BILL.name: BILL.data,
        PHOTO.name: PHOTO.data,
    }
    read = {
        part.get_filename(): part.get_content() for part in as_read(raw).walk() if is_file(part)
    }
    assert read == {BILL.name: BILL.data, PHOTO.name: PHOTO.data}


def test_a_picture_is_shown_where_the_html_names_it() -> None:
    message = as_read(compose(files=[PHOTO, PHOTO]))
    page = message.get_body(("html",))
    assert page is not None
    assert page.get_content().count('<img src="cid:photo-1@mail.example" alt="photo.png"') == 1
    shown, attached = [part for part in message.walk() if is_file(part)]
    assert (shown.get_content_disposition(), shown["Content-ID"]) == (
        "inline",
        "<photo-1@mail.example>",
    )
    # The same Content-ID twice: only one of them can be shown.
    assert (attached.get_content_disposition(), attached["Content-ID"]) == ("attachment", None)


@pytest.mark.parametrize(
    "file",
    [
        PHOTO._replace(content_type="image/svg+xml"),
        PHOTO._replace(content_type="text/html"),
        PHOTO._replace(cid='x"><script>'),
        PHOTO._replace(cid="a\r\nBcc: b@c.example"),
    ],
)
def test_only_a_picture_with_a_plain_id_is_shown_and_anything_else_attached(
    file: OutgoingFile,
) -> None:
    [part] = [part for part in as_read(compose(files=[file])).walk() if is_file(part)]
    assert part.get_content_disposition() == "attachment"
    assert part["Content-ID"] is None


@pytest.mark.parametrize(
    ("given_type", "data", "sent"),
    [
        ("application/pdf", b"x", "application/pdf"),
        ("TEXT/CSV", "größe".encode(), 'text/csv; charset="utf-8"'),
        ("text/csv", "größe".encode("latin-1"), "text/csv"),
        ("message/rfc822", b"From: a@example.com\n\nHi", "application/octet-stream"),
        ("multipart/mixed", b"", "application/octet-stream"),
        ("", b"", "application/octet-stream"),
        ("text/html\r\nBcc: a@b.example", b"", "application/octet-stream"),
        ("no type", b"", "application/octet-stream"),
    ],
)
def test_a_type_that_cannot_be_sent_as_it_is_becomes_bytes(
    given_type: str, data: bytes, sent: str
) -> None:
    file = OutgoingFile("a.bin", given_type, data)
    [part] = [part for part in as_read(compose(files=[file])).walk() if is_file(part)]
    assert str(part["Content-Type"]).partition("; name=")[0] == sent
    assert part.get_payload(decode=True) == data


@pytest.mark.parametrize(
    ("name", "arrives", "plain"),
    [
        ("bill.pdf", "bill.pdf", "bill.pdf"),
        ("Größe (final) 'a'.pdf", "Größe (final) 'a'.pdf", "Gro_e (final) 'a'.pdf"),
        ("請求書.pdf", "請求書.pdf", "_.pdf"),
        ("📷 jug.jpeg", "📷 jug.jpeg", "_ jug.jpeg"),
        ("../../etc/passwd", "_.._etc_passwd", "_.._etc_passwd"),
        ("C:\\a\\b.txt", "C_a_b.txt", "C_a_b.txt"),
        ("evil\u202egpj.exe", "evilgpj.exe", "evilgpj.exe"),
        ('a"b\r\nBcc: c@d.example', "a_b Bcc_ c@d.example", "a_b Bcc_ c@d.example"),
        ("", "file", "file"),
        (".pdf", "pdf", "pdf"),
        ("50%'s*.txt", "50%'s_.txt", "50%'s_.txt"),
        ("=?utf-8?q?x?=", "=_utf-8_q_x_=", "=_utf-8_q_x_="),
        ("é" * 300 + ".docx", "é" * 115 + ".docx", "e" * 49 + ".docx"),
        ("x" * 300 + ".docx", "x" * 115 + ".docx", "x" * 49 + ".docx"),
    ],
)
def test_a_name_arrives_by_rfc_2231_and_in_ascii(name: str, arrives: str, plain: str) -> None:
    raw = compose(files=[OutgoingFile(name, "application/pdf", b"x")])
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    [part] = [part for part in as_read(raw).walk() if is_file(part)]
    assert part.get_filename() == arrives
    assert part["Content-Type"].params["name"] == plain
    assert [one.name for one in parse(raw).attachments] == [arrives]


@given(st.text(max_size=200), st.text(max_size=30), st.binary(max_size=400), st.text(max_size=30))
@example("a\ud800b", "a/b", b"", "x")
def test_whatever_a_file_is_called_it_arrives(
    name: str, content_type: str, data: bytes, cid: str
) -> None:
    raw = compose(files=[OutgoingFile(name, content_type, data, cid)])
    assert raw.isascii()
    [part] = [part for part in as_read(raw).walk() if is_file(part)]
    assert part.get_payload(decode=True) == data
    assert parse(raw).defects == []


def test_the_size_is_counted_before_anything_is_encoded_and_too_large_a_mail_refused() -> None:
    for size in (0, 1, 2, 3, 56, 57, 58, 57 * 4096 + 1):
        pieces = mime.file_part(OutgoingFile("a.bin", "application/pdf", b"x" * size))
        assert mime.size(pieces) == len(mime.raw(pieces))
    too_large = bytes(SIZE_LIMIT * 57 // 78)
    tracemalloc.start()
    with pytest.raises(InvalidInput, match="larger than 40 MB"):
        compose(files=[OutgoingFile("a.bin", "application/zip", too_large)])
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_30_mb_of_files_fit_beside_the_longest_text_and_take_their_own_size_twice() -> None:
    third = bytes(FILES_LIMIT // 3)
    files = [OutgoingFile(f"{number}.jpg", "image/jpeg", third) for number in range(3)]
    history = [Quoted("Ines", datetime(2026, 11, 1, tzinfo=UTC), "語" * 20_000)]
    tracemalloc.start()
    raw = compose(files=files, text="語" * 20_000, history=history, signature="語" * 2_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert FILES_LIMIT * 4 / 3 < len(raw) < SIZE_LIMIT
    # What was given is held by the caller; together it is less than three times the files.
    assert peak < 2 * FILES_LIMIT
