"""What a signature of S/MIME wraps: the words of a mail that is signed and not encrypted.

Source: RFC 8551, 3.5.2 (signed-data), and RFC 5652, 5.1 and 5.2. The signature is not checked.
"""

from __future__ import annotations

from email import message_from_bytes
from email.message import Message
from typing import Any, Final

from cplus.mail.mime.bounded import TooMuchWork, few_lines, read

_TYPES: Final = {"application/pkcs7-mime", "application/x-pkcs7-mime"}
_SIGNED_DATA: Final = bytes.fromhex("06092a864886f70d010702")
_DATA: Final = bytes.fromhex("06092a864886f70d010701")
_OCTETS, _CONSTRUCTED_OCTETS, _CONTENT = 0x04, 0x24, 0xA0
_LIMIT = 8 * 1024 * 1024  # bytes
_PIECES = 10_000


def signed_content(part: Message[Any, Any]) -> Message[Any, Any] | None:
    """The mail within a part of S/MIME that is only signed; None for any other part."""
    if part.get_content_type() not in _TYPES:
        return None
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes) or len(data) > _LIMIT or _SIGNED_DATA not in data[:64]:
        return None
    start = data.find(_DATA)
    inner = b"" if start < 0 else _octets(data, start + len(_DATA))
    if not inner:
        return None
    try:
        return read(*few_lines(inner))
    except TooMuchWork:
        return message_from_bytes(b"")


def _octets(data: bytes, at: int) -> bytes:
    """The octet string in the explicit [0] that begins here, also in pieces (BER)."""
    tag, at, end = _header(data, at)
    if tag != _CONTENT:
        return b""
    pieces: list[bytes] = []
    while at < end and len(pieces) < _PIECES:
        tag, at, stop = _header(data, at)
        if tag == _OCTETS:
            pieces.append(data[at:stop])
            at = stop
        elif tag != _CONSTRUCTED_OCTETS:
            break  # the end of the contents, or something that is none of them
    return b"".join(pieces)


def _header(data: bytes, at: int) -> tuple[int, int, int]:
    """The tag of the value that begins here, where its contents begin, and where they end."""
    if at + 2 > len(data):
        return 0, len(data), len(data)
    tag, length, at = data[at], data[at + 1], at + 2
    if length == 0x80:  # indefinite: up to the end of contents
        return tag, at, len(data)
    if length > 0x80:
        count = length & 0x7F
        length = int.from_bytes(data[at : at + count], "big")
        at += count
    return tag, at, min(at + length, len(data))
