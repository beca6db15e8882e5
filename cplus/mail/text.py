"""Text from mail: made storable, cut to size, decoded whatever charset the sender claimed."""

from __future__ import annotations

import base64
import binascii
import contextlib
import quopri
import re

from cplus.mail.charsets import codec_of, decoded, marked

TEXT_LIMIT = 256 * 1024
"""Maximum UTF-8 bytes kept of a mail's text, and of its HTML. The raw mail has the rest."""

HEADER_LIMIT = 4096
"""Maximum characters read of one header; longer ones are attacks or accidents."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_WORD = r"=\?([^?\s]{1,40})\?([bBqQ])\?([^?\r\n]{0,2000}?)\?="
_ENCODED_WORD = re.compile(_WORD)
ENCODED_WORDS = re.compile(rf"{_WORD}(?:[ \t\r\n]{{0,80}}{_WORD})*")
"""Matches encoded words (RFC 2047) that follow each other."""


def storable(text: str) -> str:
    """The text with NUL characters and lone surrogates replaced by U+FFFD.

    MongoDB refuses lone surrogates in any string and NUL in keys, and JSON readers differ.
    """
    return text if text.isascii() and "\0" not in text else _UNSTORABLE.sub("�", text)


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


def decode(data: bytes, charset: str | None, *, whole: bool = True) -> tuple[str, bool]:
    """Decodes bytes that claim to be in `charset`; also returns whether that was true.

    If not: UTF-8, and if that fails windows-1252, in which every byte is a character. A byte order
    mark tells better than the claim, and is no part of the text. `whole` is False if the bytes are
    the beginning of more, and may end within a character.
    """
    claimed = codec_of(charset or "utf-8")
    codec, mark = marked(data, claimed)
    if codec is not None:
        right = charset is None or (claimed or "")[:6] == codec[:6]
        with contextlib.suppress(UnicodeError, ValueError):
            return storable(decoded(data[mark:], codec, whole=whole)), right
    if mark and claimed is not None:
        with contextlib.suppress(UnicodeError, ValueError):
            return storable(decoded(data, claimed, whole=whole)), True
    return guess(data, whole=whole), False


def guess(data: bytes, *, whole: bool = True) -> str:
    """Decodes bytes in an unknown charset; `whole` as for `decode`."""
    try:
        return storable(decoded(data, "utf-8", whole=whole))
    except UnicodeDecodeError:
        return storable(data.decode("cp1252", "replace"))


def _bytes_of(encoding: str, encoded: str) -> bytes:
    """What an encoded word encodes. Some programs leave what should be encoded as it is."""
    data = encoded.encode("utf-8", "replace")
    if encoding in "bB":
        # Many senders forget the padding.
        return base64.b64decode(data + b"=" * (-len(data) % 4))
    return quopri.decodestring(data, header=True)


def _words(match: re.Match[str]) -> str:
    """A run of encoded words. A character may be split over two of them (RFC 2047 forbids it,
    and programs do it), so the bytes of one charset are put together before they are decoded."""
    decoded_runs: list[str] = []
    charset, data = "", b""
    for word in _ENCODED_WORD.finditer(match[0]):
        named = word[1].partition("*")[0].lower()
        try:
            some = _bytes_of(word[2], word[3])
        except (binascii.Error, ValueError):
            return match[0]
        if named != charset and data:
            decoded_runs.append(decode(data, charset)[0])
            data = b""
        charset, data = named, data + some
    return "".join([*decoded_runs, decode(data, charset)[0]])


def raw_header(value: str) -> tuple[str, bool]:
    """A header from Python's parser with non-ASCII bytes decoded, and whether there were any, which
    is the sender's error unless they are UTF-8.
    """
    value = value[:HEADER_LIMIT]
    if value.isascii():
        return storable(value), False
    try:
        data = value.encode("ascii", "surrogateescape")
    except UnicodeEncodeError:
        return storable(value), True
    text = guess(data)
    return text, not data.isascii() and text.encode("utf-8") != data


def decode_words(value: str) -> str:
    """A header's text with its encoded words (RFC 2047) decoded; what is broken stays as it is."""
    return one_line(ENCODED_WORDS.sub(_words, value))
