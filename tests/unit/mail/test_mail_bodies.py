"""Which part of a mail its words are in: found wherever a program put them."""

from __future__ import annotations

import base64
import quopri

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
    # What is left of the words may be read; the file is there in any case.
    inner = "Content-Type: text/plain\n\nPlease cancel order 1042."
    assert mail.text.strip() in inner
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


FLAG = "Content-Type: text/plain; name=note.txt"
REFUND = "I want order 4711 refunded."
LAMP = "Hello, the blue lamp that I bought of you in 2025 is broken. Yours, Ann"


@pytest.mark.parametrize(
    ("plain", "other", "words"),
    [
        # Neither says what the other does: both.
        (REFUND, "<img src=cid:x><p>Get Outlook for iOS</p>", f"{REFUND}\n\nGet Outlook for iOS"),
        # The plain one says more, or the same in other lines.
        (f"{REFUND}\nGet Outlook", "<p>Get Outlook</p>", f"{REFUND}\nGet Outlook"),
        ("灯\n坏了", "<p>灯坏了</p>", "灯\n坏了"),
        # The plain one is the beginning, or a stand-in.
        ("I want", f"<p>{REFUND}</p>", REFUND),
        ("Your program does not support HTML mail.", f"<p>{REFUND}</p>", REFUND),
        # A stand-in has no number of its own.
        ("This is the HTML of order 4711.", "<p>Thanks</p>",
         "This is the HTML of order 4711.\n\nThanks"),
        # A single number that only the HTML has, in much that both have: its line.
        (
            LAMP,
            "<p>Hello, the blue lamp that I bought of you is broken.<p>Order 4711<p>Yours, Ann",
            f"{LAMP}\n\nOrder 4711",
        ),
        # HTML that shows nothing adds nothing.
        (REFUND, "<title>Untitled</title><img src=cid:x>", REFUND),
        ("This is an HTML message.", f"<title>{REFUND}</title>", REFUND),
    ],
)  # fmt: skip
def test_no_words_of_two_alternatives_are_lost(plain: str, other: str, words: str) -> None:
    mail = parse(multi("alternative", text(plain, "; charset=utf-8"), html(other)))
    assert mail.text.strip() == words


def test_the_words_of_a_signed_part_beside_a_footer_are_read() -> None:
    inner = b"Content-Type: text/plain\r\n\r\nI want order 4711 sent to Rome.\r\n"
    part = signed(inner).decode().removeprefix(HEAD)
    mail = parse(multi("mixed", part, text("This mail was scanned for viruses.")))
    assert mail.text.split("\n") == [
        "I want order 4711 sent to Rome.", "", "This mail was scanned for viruses.", ""
    ]  # fmt: skip
    assert [one.name for one in mail.attachments] == ["smime.p7m"]


def test_alternatives_within_a_signature_are_not_those_beside_it() -> None:
    inner = multi("alternative", text("Order 4711"), html("<p>Order 4711</p>")).partition(b"\n\n")
    kind = b"Content-Type: multipart/alternative; boundary=b\n\n"
    part = signed(kind + inner[2]).decode().removeprefix(HEAD)
    beside = multi("alternative", text("Scanned."), html("<p>Scanned.</p>")).decode()
    mail = parse(multi("mixed", part, beside.removeprefix(HEAD).replace("b\n", "c\n")))
    assert mail.text.split() == ["Order", "4711", "Scanned."]


@pytest.mark.parametrize("disposition", ["", "\nContent-Disposition: inline; filename=note.txt"])
def test_the_first_text_is_words_even_if_it_has_a_name(disposition: str) -> None:
    first = f"{FLAG}{disposition}\n\n{REFUND}\n"
    mail = parse(multi("mixed", first, text("This mail was scanned for viruses.")))
    assert mail.text.split() == f"{REFUND} This mail was scanned for viruses.".split()


def test_a_first_text_that_is_attached_stays_a_file() -> None:
    first = f"{FLAG}\nContent-Disposition: attachment\n\n1,2\n"
    mail = parse(multi("mixed", first, text("See the file.")))
    assert (mail.text.strip(), len(mail.attachments)) == ("See the file.", 1)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("<title>x<p>Order 4711 please", ["x", "Order 4711 please"]),
        ("<p>Hello</p><title>Order 4711: where is it?</p>", ["Hello", "Order 4711: where is it?"]),
        ("<title>Order 4711 &amp; more</title><body></body>", ["Order 4711 & more"]),
        ("<style>Order 4711 please<p>Ann", ["Order 4711 please", "Ann"]),
        ("<style>p { color: red }</style><script>go()</script><!-- no --><img src=x>", []),
        ("<title>Lamp</title><p>Order 4711</p>", ["Order 4711"]),
    ],
)
def test_html_that_shows_none_of_its_words_is_read(source: str, words: list[str]) -> None:
    mail = parse(f"{HEAD}Content-Type: text/html\n\n{source}\n".encode())
    assert [line for line in mail.text.split("\n") if line] == words


def test_words_that_a_browser_would_not_show_are_told() -> None:
    mail = parse(f"{HEAD}Content-Type: text/html\n\n<title>Order 4711</title>\n".encode())
    assert mail.defects == ["words of broken html"]


LONG = "\U0001f600 order 4711 für\n" * 300_000  # 7 MB


@pytest.mark.parametrize(
    ("encoding", "charset"),
    [
        ("8bit", "utf-8"),
        ("base64", "utf-8"),
        ("base64", "utf-16"),
        ("quoted-printable", "utf-8"),
        ("quoted-printable", "utf-16"),
    ],
)
def test_of_a_long_text_the_beginning_is_read(encoding: str, charset: str) -> None:
    data = LONG.encode(charset)
    if encoding == "base64":
        data = base64.encodebytes(data)
    elif encoding == "quoted-printable":
        data = quopri.encodestring(data[: len(data) // 3])
    head = (
        f"{HEAD}Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain;"
        f" charset={charset}\nContent-Transfer-Encoding: {encoding}\n\n"
    )
    mail = parse(head.encode() + data + b"\n--b\nContent-Type: text/html\n\n<p>Hi\n--b--\n")
    assert LONG.startswith(mail.text[:-4])
    assert 256 * 1024 - 8 < len(mail.text.encode()) <= 256 * 1024
    assert mail.defects == ["text cut at 256 KB"]


def test_words_behind_a_large_picture_are_read() -> None:
    picture = "iVBORw0KGgo" * 280_000
    pasted = f'<p>Hi</p><img src="data:image/png;base64,{picture}"><p>Order 4711</p>'
    mail = parse(f"{HEAD}Content-Type: text/html\n\n{pasted}".encode())
    assert mail.text.split() == ["Hi", "Order", "4711"]


@pytest.mark.parametrize(
    ("encoding", "data", "size"),
    [
        ("8bit", "Grüße\r\n".encode() * 3, 27),
        ("8bit", b"\xff\xfe plain", 8),
        ("quoted-printable", b"Gr=C3=BC=C3=9Fe =\r\n=3D", 9),
        ("base64", b"R3LDvMOfZQ==", 7),
    ],
)
def test_the_size_of_a_file_is_counted_in_bytes(encoding: str, data: bytes, size: int) -> None:
    head = (
        "From: ann@example.com\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nHi\r\n"
        "--b\r\nContent-Type: application/octet-stream; charset=utf-8\r\n"
        f"Content-Disposition: attachment\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    [file] = parse(head.encode() + data + b"\r\n--b--\r\n").attachments
    assert file.size == size
