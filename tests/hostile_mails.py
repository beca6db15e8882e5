"""Mails that break rules, by accident and on purpose. The same seed makes the same mail."""

from __future__ import annotations

import base64
import random
import struct
from collections.abc import Callable
from functools import cache
from itertools import islice

from tests.conftest import ROOT
from tests.mail_programs.answers import answers, write

MEGABYTE = 1024 * 1024
_FIXTURES = ROOT / "tests" / "fixtures" / "mail"
_CHARSETS = (
    *("utf-8", "utf-16", "utf-7", "us-ascii", "iso-8859-1", "windows-1252", "gb18030", "big5"),
    *("shift_jis", "iso-2022-jp", "euc-kr", "koi8-r", "x-nothing", "idna", "unicode_escape", "\0"),
    *("utf-8*de", "'utf-8", '"', "hex", "cp65001", "utf_8_sig", "a" * 300),
)
_TYPES = (
    *("text/plain", "text/html", "text/calendar; method=REQUEST", "application/ms-tnef"),
    *("multipart/mixed", "multipart/alternative", "multipart/related", "multipart/report"),
    *("message/rfc822", "message/delivery-status", "message/partial", "message/external-body"),
    *("application/pkcs7-mime", "image/png", "application/octet-stream", "text", "/", "", "a/b/c"),
)
_NAMES = (
    *("From", "To", "Cc", "Reply-To", "Sender", "Subject", "Date", "Message-ID", "References"),
    *("In-Reply-To", "Return-Path", "Content-Type", "Content-Disposition", "Content-ID"),
    *("Content-Transfer-Encoding", "Auto-Submitted", "Precedence", "DKIM-Signature", "Received"),
    *("X-Autoreply", "MIME-Version", "Content-Location", "", "a b", "\xff"),
)
_SPLINTERS = (
    *(b"\r\n", b"\n\n", b"\r", b"\0", b"--", b"=?", b"?=", b"=?utf-8?b?", b"<", b">", b"<!--"),
    *(b"-->", b"<style>", b"<title>", b'<div class="gmail_quote">', b"<blockquote type=cite>"),
    *(b'<div id="divRplyFwdMsg">', b"</div>", b"&#x", b"&#0;", b"\xff\xfe", b"\xef\xbb\xbf"),
    *(b"\xed\xa0\x80", b'"', b"\\", b"(", b";", b"*=", b"name*0*=utf-8''", b"filename=", b"##-"),
    *(b"[ref:cplus:", b"> ", b"wrote:", b"From: ", b"@", b",", b"boundary=", b"cid:", b"=\n"),
    *(b"\xd8\x00", b"BEGIN:VEVENT\r\n", b"\x78\x9f\x3e\x22", b"\x1b$B", b"-- \n", b"\x0c", b"\x1c"),
)


def hostile(seed: int, *, large: bool = False) -> bytes:
    """A mail of some kind. `large` ones have up to 40 MB, others rarely more than 200 KB."""
    chance = random.Random(seed)
    if large:
        return chance.choice(_LARGE)(chance)
    return chance.choice(_SMALL)(chance)


@cache
def _real() -> tuple[bytes, ...]:
    """Real shapes: the samples, and an answer by each mail program in some languages and forms."""
    samples = [path.read_bytes() for path in sorted(_FIXTURES.glob("*.eml"))]
    return (*samples, *(write(one).raw for one in islice(answers(), 0, None, 29)))


def _garbage(chance: random.Random, most: int) -> bytes:
    return chance.randbytes(chance.randrange(most))


def _mutated(chance: random.Random) -> bytes:
    """A real mail with bytes changed, cut, doubled, and splinters of other mails put in."""
    raw = bytearray(chance.choice(_real()))
    for _ in range(chance.randrange(1, 40)):
        at = chance.randrange(len(raw) + 1)
        what = chance.randrange(6)
        if what == 0 and at < len(raw):
            raw[at] = chance.randrange(256)
        elif what == 1:
            raw[at:at] = chance.choice(_SPLINTERS) * chance.choice((1, 1, 1, 2, 50))
        elif what == 2:
            del raw[at : at + chance.choice((1, 1, 10, 100))]
        elif what == 3:
            end = at + chance.choice((10, 100, 1_000))
            raw[at:at] = raw[at:end] * chance.choice((1, 1, 5))
        elif what == 4:
            other = chance.choice(_real())
            start = chance.randrange(len(other) + 1)
            raw[at:at] = other[start : start + 300]
        else:
            raw[at:at] = _garbage(chance, 50)
        del raw[200_000:]
    return bytes(raw)


def _headers(chance: random.Random) -> bytes:
    """Random headers: known names, random bytes, huge values, encoded words, broken addresses."""
    lines = []
    for _ in range(chance.choice((3, 10, 40, 1_500))):
        name = chance.choice(_NAMES).encode("latin-1")
        pieces = [
            chance.choice(_SPLINTERS).replace(b"\n", b" ").replace(b"\r", b" ")
            if chance.random() < 0.6
            else _garbage(chance, 20).replace(b"\n", b" ")
            for _ in range(chance.randrange(8))
        ]
        value = b" ".join(pieces) * chance.choice((1, 1, 1, 1, 400))
        lines.append(name + b": " + value[:100_000])
    end = chance.choice((b"\r\n", b"\n", b"\r"))
    return end.join([*lines, b"", b"Where is it?", _garbage(chance, 200)])[:300_000]


def _charset(chance: random.Random) -> bytes:
    """Words in one charset that say they are in another, in any encoding."""
    words = chance.choice(("Grüße aus Köln", "注文 1042 はどこですか", "Заказ", "שלום", "a\ud800"))
    try:
        data = words.encode(chance.choice(("utf-8", "utf-16", "gb18030", "cp1252", "koi8-r")))
    except UnicodeEncodeError:
        data = words.encode("utf-8", "surrogatepass")
    data += _garbage(chance, 30)
    encoding = chance.choice(
        ("base64", "quoted-printable", "8bit", "7bit", "x-uuencode", "BASE64 x")
    )
    if encoding.lower().startswith("base64"):
        data = _broken(chance, base64.encodebytes(data))
    kind = chance.choice(("plain", "html"))
    head = (
        f"From: a@example.com\nSubject: Re: x\nContent-Type: text/{kind}; "
        f"charset={chance.choice(_CHARSETS)}\nContent-Transfer-Encoding: {encoding}\n\n"
    )
    return head.encode() + data


def _broken(chance: random.Random, data: bytes) -> bytes:
    """Base64 with characters left out, put in, and the padding gone."""
    broken = bytearray(data)
    for _ in range(chance.randrange(4)):
        at = chance.randrange(len(broken) + 1)
        if chance.random() < 0.5:
            del broken[at : at + 1]
        else:
            broken[at:at] = chance.choice((b"=", b"!", b"\0", b"\xff", b" \n", b"===="))
    return bytes(broken)


def _part(chance: random.Random, boundary: bytes, length: int = 200) -> bytes:
    kind = chance.choice(_TYPES).encode()
    data = base64.encodebytes(_content(chance, kind, length))
    if chance.random() < 0.3:
        data = _broken(chance, data)
    name = _garbage(chance, 40).replace(b"\n", b"") if chance.random() < 0.5 else b"a.png"
    return b"\n".join(
        [
            b"--" + boundary,
            b"Content-Type: " + kind + b'; name="' + name + b'"',
            b"Content-Transfer-Encoding: "
            + chance.choice((b"base64", b"base64", b"quoted-printable", b"8bit")),
            chance.choice((b"Content-Disposition: attachment", b"Content-ID: <a@b>", b"X: y")),
            b"",
            data,
        ]
    )


def _content(chance: random.Random, kind: bytes, length: int) -> bytes:
    if b"tnef" in kind:
        return _tnef(chance)
    if b"calendar" in kind:
        return _calendar(chance)
    return _garbage(chance, length)


def _tnef(chance: random.Random) -> bytes:
    """A winmail.dat: right at its beginning, and wrong somewhere."""
    made = bytearray(struct.pack("<IH", 0x223E9F78, 1))
    for _ in range(chance.randrange(1, 12)):
        value = _garbage(chance, 80)
        name = chance.choice(
            (0x800C, 0x9002, 0x8010, 0x800F, 0x9003, 0x9005, chance.randrange(65536))
        )
        if name in (0x9003, 0x9005):
            kind = chance.choice(
                (0x1E, 0x1F, 0x102, 0x3, 0x1003, 0x101F, 0xD, chance.randrange(65536))
            )
            value = struct.pack(
                "<IHHI", chance.choice((1, 3, 2**32 - 1)), kind, chance.choice((0x3707, 0x8001)),
                chance.choice((1, 0, 8, 2**31, 2**32 - 1)),
            ) + value  # fmt: skip
        length = chance.choice((len(value), len(value), 2**31, 0))
        made += struct.pack("<BHHI", 1, name, 0, length) + value + b"\0\0"
    return bytes(made)


def _calendar(chance: random.Random) -> bytes:
    lines = [b"BEGIN:VCALENDAR", b"METHOD:REQUEST"]
    for _ in range(chance.choice((1, 3, 300))):
        lines += [
            b"BEGIN:VEVENT",
            b"DTSTART" + chance.choice((b":20261123T100000Z", b";TZID=Nowhere:20261123T1", b":x")),
            b"ATTENDEE;CN=" + _garbage(chance, 20) + b":mailto:a@example.com",
            b"RRULE:FREQ=" + chance.choice((b"DAILY", b"SECONDLY;COUNT=99999999", b"")),
            b"SUMMARY:" + _garbage(chance, 30),
            chance.choice((b"END:VEVENT", b"END:VEVENT", b"")),
        ]
    return b"\r\n".join([*lines, b"END:VCALENDAR"])


def _parts(chance: random.Random) -> bytes:
    """Parts of all kinds, files with wild names, TNEF and invitations."""
    boundary = chance.choice((b"b", b"=_b", b"b b", b""))
    head = b"From: a@example.com\nSubject: Re: x\nContent-Type: multipart/mixed; boundary="
    head += b'"' + boundary + b'"\n\n'
    count = chance.choice((1, 2, 5, 20, 300))
    parts = [_part(chance, boundary) for _ in range(count)]
    return (
        head + b"\n".join(parts) + (b"\n--" + boundary + b"--\n" if chance.random() < 0.7 else b"")
    )


def _nested(chance: random.Random) -> bytes:
    """Up to 50 levels, of parts or of attached mails, with words at the bottom."""
    depth = chance.choice((2, 10, 29, 31, 50))
    levels = []
    for number in range(depth):
        boundary = b"b%d" % (number if chance.random() < 0.9 else 0)
        if chance.random() < 0.8:
            subtype = chance.choice((b"mixed", b"alternative", b"related", b"digest"))
            levels.append(
                b"Content-Type: multipart/" + subtype + b"; boundary=" + boundary + b"\n\n--"
                + boundary + b"\n"
            )  # fmt: skip
        else:
            levels.append(b"Content-Type: message/rfc822\n\nSubject: inner\n")
    return b"From: a@example.com\nSubject: x\n" + b"".join(levels) + _part(chance, b"b0")


def _html(chance: random.Random) -> bytes:
    """HTML whose tags are open, broken, nested, and marked as quotes where they are none."""
    tags = (
        *("<div>", "</div>", "<p>", "</p>", "<table><tr><td>", "</table>", "<b>", "<a href='x'>"),
        *(
            '<div class="gmail_quote">',
            "<blockquote type='cite'>",
            "</blockquote>",
            "<pre>",
            "<hr>",
        ),
        *('<div id="divRplyFwdMsg">', '<div class="yahoo_quoted">', "<style>", "</style>", "<!--"),
        *("<title>", "<svg>", "<img src='cid:a@b'>", "<img src=data:x>", "&nbsp;", "&#x0;", "--> "),
        *("On 23 Nov 2026 at 10:00, X <x@y.example> wrote:<br>", "words ", "-- <br>", "<br>", "<"),
    )
    count = chance.choice((5, 40, 400, 4_000))
    words = "".join(chance.choice(tags) for _ in range(count))
    head = "From: a@example.com\nIn-Reply-To: <a@b>\nContent-Type: text/html; charset=utf-8\n\n"
    return (head + words).encode()


def _nothing_like_a_mail(chance: random.Random) -> bytes:
    return _garbage(chance, 5_000)


def _lines(chance: random.Random) -> bytes:
    """Text of lines that quotes and signatures are made of, in any order."""
    lines = (
        *("> quoted", ">> twice", "On 23 Nov 2026, at 10:00, X <x@y.example> wrote:", "", "Two."),
        *("From: X <x@y.example>", "Sent: 1.1.2026 10:00", "To: Y", "Subject: J", "_" * 32, "-- "),
        *(
            "-----Original Message-----",
            "Best regards,",
            "Ines",
            "Sent from my iPhone",
            "##- a -##",
        ),
        *("[ref:cplus:abcdefghijklmnopqrst]", "---------- Forwarded message", "wrote:", "x" * 500),
    )
    count = chance.choice((5, 50, 3_000))
    text = "\n".join(chance.choice(lines) for _ in range(count))
    return f"From: a@example.com\nSubject: Re: x\nIn-Reply-To: <a@b>\n\n{text}".encode()


_SMALL: tuple[Callable[[random.Random], bytes], ...] = (
    *(_mutated, _mutated, _mutated, _headers, _charset, _parts, _nested, _html, _lines),
    _nothing_like_a_mail,
)


def _many_parts(chance: random.Random) -> bytes:
    """10,000 parts, or as many boundaries."""
    part = chance.choice((b"--b\n\nx\n", b"--b\nContent-Type: image/png; name=a.png\n\nQUFB\n"))
    return b"From: a@example.com\nContent-Type: multipart/mixed; boundary=b\n\n" + part * 10_000


def _large_file(chance: random.Random) -> bytes:
    """A file of up to 40 MB as it travels, in base64 that is now and then broken, below words."""
    size = chance.choice((3, 10, 29)) * MEGABYTE
    data = base64.encodebytes(chance.randbytes(size // 8) * 8)
    if chance.random() < 0.5:
        data = data[: len(data) // 2] + b"!=\n" + data[len(data) // 2 :]
    return (
        b"From: a@example.com\nSubject: Re: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n"
        b"Two, please.\n--b\nContent-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n"
        + data
        + b"--b--\n"
    )


def _large_text(chance: random.Random) -> bytes:
    """Text or HTML of up to 40 MB, of one line or of millions."""
    unit = chance.choice(
        (
            b"x",
            b"\n",
            b"> a\n",
            b"<p>a</p>",
            b"<div>",
            b"&amp;",
            b"=?",
            b"\xff",
            b"wrote:\n",
            b"\t\n ",
        )
    )
    size = chance.choice((3, 10, 40)) * MEGABYTE
    kind = chance.choice((b"plain", b"html"))
    head = b"From: a@example.com\nIn-Reply-To: <a@b>\nContent-Type: text/" + kind + b"\n\n"
    return head + unit * (size // len(unit))


def _large_headers(chance: random.Random) -> bytes:
    """Headers of megabytes: one of them, or very many."""
    name = chance.choice(_NAMES[:20]).encode()
    unit = chance.choice((b"<a@b.example>, ", b"=?utf-8?q?a?= ", b"a;b=c; ", b'"', b"(", b" \n "))
    if chance.random() < 0.5:
        value = unit.replace(b"\n", b"") * (3 * MEGABYTE // len(unit))
        return name + b": " + value + b"\nFrom: a@example.com\n\nx"
    return (name + b": " + unit.strip() + b"\n") * 100_000 + b"\nx"


_LARGE: tuple[Callable[[random.Random], bytes], ...] = (
    *(_many_parts, _large_file, _large_text, _large_text, _large_headers),
)
