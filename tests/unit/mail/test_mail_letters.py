"""Letters: what was written is what is read, whatever its sender calls the charset."""

from __future__ import annotations

import pytest

from cplus.mail import parse
from cplus.mail.charsets import codec_of
from cplus.mail.text import decode, decode_words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        # A character split over two words.
        ("=?UTF-8?Q?Bestellung_f=C3?=\n =?UTF-8?Q?=BCr_J=C3=B6rg?=", "Bestellung für Jörg"),
        ("=?UTF-8?B?QmVzdGVsbHVuZyBmww?= =?utf-8?B?vHI?=", "Bestellung für"),
        # What should be encoded, left as it is.
        ("=?utf-8?Q?Order 1042 f=C3=BCr Ann?=", "Order 1042 für Ann"),
        ("=?utf-8?Q?Bestellung_für_Jörg?=", "Bestellung für Jörg"),
        # Two charsets, a language, words between.
        ("=?iso-8859-1?Q?f=FCr?= =?koi8-r?Q?=EC?=", "fürЛ"),
        ("=?utf-8*de?Q?f=C3=BCr?= you =?utf-8?Q?=C3=A4?=", "für you ä"),
        ("=?x-nothing?Q?f=C3=BCr?=", "für"),
        ("=?utf-8?Z?abc?= is no word", "=?utf-8?Z?abc?= is no word"),
    ],
)
def test_encoded_words_are_read(value: str, words: str) -> None:
    assert decode_words(value) == words


@pytest.mark.parametrize(
    ("label", "data", "text"),
    [
        ("windows-874", b"\xe2\xa4\xc1\xe4\xbf", "โคมไฟ"),
        ("tis-620", b"\xe2\xa4\xc1", "โคม"),
        ("x-sjis", b"\x83\x89\x83\x93\x83v \x87@", "ランプ ①"),
        ("windows-31j", b"\x83\x89\x83\x93\x83v", "ランプ"),
        ("x-gbk", "灯坏了".encode("gbk"), "灯坏了"),
        ("cp-1251", "Лампа".encode("cp1251"), "Лампа"),
        ("cp-850", "für".encode("cp850"), "für"),
        ("iso-8859-1", b"\x93quoted\x94 \x80", "“quoted” €"),
        ("iso-8859-8-i", "מנורה".encode("iso8859-8"), "מנורה"),
        ("ks_c_5601-1987", "전등".encode("cp949"), "전등"),
        ("ISO-2022-JP", b"\x1b$B%i%s%W\x1b(B ok", "ランプ ok"),
        ("ISO-2022-JP", b"\x1b$B-!\x1b(B and \x1b$B-j\x1b(B", "① and ㈱"),
        ("'UTF8'", "für".encode(), "für"),
        ("us-ascii", "für".encode(), "für"),
        ("utf-7", b"f+APw-r", "für"),
    ],
)
def test_a_charset_is_known_by_the_names_that_senders_give_it(
    label: str, data: bytes, text: str
) -> None:
    assert decode(data, label) == (text, True)
    raw = f"From: a@example.com\nContent-Type: text/plain; charset={label}\n\n".encode() + data
    assert parse(raw).text.strip() == text


@pytest.mark.parametrize(
    "label", ["", "idna", "punycode", "hex", "rot13", "unicode_escape", "no\0"]
)
def test_what_is_no_charset_is_guessed(label: str) -> None:
    assert codec_of(label) is None
    assert decode("für".encode(), label or "nothing") == ("für", False)


@pytest.mark.parametrize("data", [b"\x1b$B%", b"\x1b$B\xff\xff\x1b(B", b"\x1b$B  \x1b(B\xfe"])
def test_broken_japanese_is_guessed(data: bytes) -> None:
    assert decode(data, "iso-2022-jp")[1] is False


@pytest.mark.parametrize(
    ("label", "data", "right"),
    [
        ("utf-16", b"\xfe\xff" + "Order 4711 für".encode("utf-16-be"), True),
        ("utf-16", b"\xff\xfe" + "Order 4711 für".encode("utf-16-le"), True),
        ("utf-16", "Order 4711 für".encode("utf-16-le"), True),
        ("utf-16le", b"\xfe\xff" + "Order 4711 für".encode("utf-16-be"), True),
        ("utf-8", b"\xef\xbb\xbf" + "Order 4711 für".encode(), True),
        ("utf-8", b"\xfe\xff" + "Order 4711 für".encode("utf-16-be"), False),
        ("iso-8859-1", b"\xef\xbb\xbf" + "Order 4711 für".encode(), False),
        ("x-nothing", b"\xff\xfe" + "Order 4711 für".encode("utf-16-le"), False),
        (None, b"\xfe\xff" + "Order 4711 für".encode("utf-16-be"), True),
    ],
)
def test_a_byte_order_mark_tells_better_than_the_label(
    label: str | None, data: bytes, right: bool
) -> None:
    assert decode(data, label) == ("Order 4711 für", right)


def test_letters_that_look_like_a_byte_order_mark_stay_letters() -> None:
    assert decode("яюЛампа".encode("cp1251"), "windows-1251") == ("яюЛампа", True)
    assert decode(b"\xef\xbb\xbf\xfc", "iso-8859-1") == ("ï»¿ü", True)


@pytest.mark.parametrize(
    "label", ["utf-8", "utf-16", "gb18030", "iso-2022-jp", "shift_jis", "x-no"]
)
def test_a_beginning_may_end_within_a_character(label: str) -> None:
    data = "灯灯灯".encode("utf-8" if label == "x-no" else label)
    read = {decode(data[:end], label, whole=False)[0] for end in range(1, len(data))}
    assert read <= {"", "灯", "灯灯", "灯灯灯"}
