"""Text from mail: made storable, cut to size, decoded whatever charset the sender claimed."""

from __future__ import annotations

import base64
import binascii
import codecs
import quopri
import re

TEXT_LIMIT = 256 * 1024
"""Maximum UTF-8 bytes kept of a mail's text, and of its HTML. The raw mail has the rest."""

HEADER_LIMIT = 4096
"""Maximum characters read of one header; longer ones are attacks or accidents."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,40})\?([bBqQ])\?([^?\s]{0,2000}?)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)[ \t\r\n]{1,80}(=\?[^?\s]{1,40}\?[bBqQ]\?)")

# Charset names that senders use too narrowly, and the charset that decodes all of it.
_WIDER = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso-8859-1": "cp1252",
    "latin-1": "cp1252",
    "latin1": "cp1252",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-6-i": "iso-8859-6",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
}
# Python codecs that are not mail charsets; some take quadratic time.
_NO_CHARSETS = {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"}


def storable(text: str) -> str:
    """The text with NUL characters and lone surrogates replaced by U+FFFD.

    MongoDB refuses lone surrogates in any string and NUL in keys, and JSON readers differ.
    """
    return _UNSTORABLE.sub("�", text)


def one_line(text: str, limit: int = HEADER_LIMIT) -> str:
    """The text on one line, without control characters, at most `limit` characters."""
    return " ".join(_CONTROL.sub(" ", storable(text)).split())[:limit]


def cut(text: str, limit: int = TEXT_LIMIT) -> tuple[str, bool]:
    """The beginning of the text that fits `limit` bytes of UTF-8, and whether any was cut."""
    if len(text) * 4 <= limit:
        return text, False
    data = text.encode("utf-8", "replace")
    if len(data) <= limit:
        return text, False
    return data[:limit].decode("utf-8", "ignore"), True


def decode(data: bytes, charset: str | None) -> tuple[str, bool]:
    """Decodes bytes that claim to be in `charset`; also returns whether that was true.

    If not: UTF-8, and if that fails windows-1252, in which every byte is a character.
    """
    name = (charset or "utf-8").strip().strip("\"'").lower()
    name = _WIDER.get(name, name)
    try:
        if codecs.lookup(name).name.replace("-", "_") not in _NO_CHARSETS:
            return storable(data.decode(name)), True
    except (LookupError, UnicodeError, ValueError):
        pass
    return guess(data), False


def guess(data: bytes) -> str:
    """Decodes bytes in an unknown charset."""
    try:
        return storable(data.decode("utf-8"))
    except UnicodeDecodeError:
        return storable(data.decode("cp1252", "replace"))


def _word(match: re.Match[str]) -> str:
    charset, encoding, encoded = match.groups()
    try:
        if encoding in "bB":
            # Many senders forget the padding.
            data = base64.b64decode(encoded + "=" * (-len(encoded) % 4))
        else:
            data = quopri.decodestring(encoded.encode("ascii", "replace"), header=True)
    except (binascii.Error, ValueError):
        return match.group(0)
    return decode(data, charset.partition("*")[0])[0]


def raw_header(value: str) -> tuple[str, bool]:
    """A header from Python's parser with non-ASCII bytes decoded, and whether there were any, which
    is the sender's error unless they are UTF-8.
    """
    value = value[:HEADER_LIMIT]
    try:
        data = value.encode("ascii", "surrogateescape")
    except UnicodeEncodeError:
        return storable(value), True
    text = guess(data)
    return text, not data.isascii() and text.encode("utf-8") != data


def decode_words(value: str) -> str:
    """A header's text with its encoded words (RFC 2047) decoded; broken ones stay unchanged."""
    joined = _BETWEEN_WORDS.sub(r"\1\2", value)
    return one_line(_ENCODED_WORD.sub(_word, joined))
