"""`winmail.dat` (TNEF), in which some versions of Outlook hide the files of a mail.

Source: [MS-OXTNEF], 2.1.3, and [MS-OXCDATA], 2.11.1. Read in one pass and in linear time, as far
as it can be read; what follows a broken attribute is left. A body in compressed RTF is left too:
Outlook sends its words as the text of the mail.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from cplus.mail.text import guess

_SIGNATURE: Final = 0x223E9F78
_BODY, _RENDERING, _TITLE = 0x800C, 0x9002, 0x8010
_DATA, _PROPERTIES, _OF_ATTACHMENT = 0x800F, 0x9003, 0x9005
_LONG_NAME, _SHORT_NAME, _MIME, _CONTENT_ID = 0x3707, 0x3704, 0x370E, 0x3712
_DATA_OBJECT, _TEXT_BODY, _HTML_BODY = 0x3701, 0x1000, 0x1013
_UNICODE: Final = 0x1F
_FIXED: Final = {
    2: 4,
    3: 4,
    4: 4,
    0xA: 4,
    0xB: 4,
    5: 8,
    6: 8,
    7: 8,
    0x14: 8,
    0x40: 8,
    0x48: 16,
}
"""Bytes of the values of each type of property that has a length of its own."""
_VARIABLE: Final = {0x1E, _UNICODE, 0x102, 0xD}
_ATTRIBUTES: Final = 5_000
_PROPERTIES_LIMIT: Final = 2_000
_FILES: Final = 200


@dataclass(slots=True)
class TnefFile:
    """A file in it."""

    name: str = ""
    content_type: str = ""
    data: bytes = b""
    cid: str = ""


@dataclass(slots=True)
class Tnef:
    """What it holds."""

    files: list[TnefFile] = field(default_factory=list)
    text: str = ""
    html: bytes = b""


def read_tnef(data: bytes) -> Tnef:
    """All that can be read of it; nothing of what is none. Never raises."""
    found = Tnef()
    try:
        if struct.unpack_from("<I", data)[0] != _SIGNATURE:
            return found
        for name, value in _attributes(data):
            _take(found, name, value)
    except (struct.error, ValueError):
        pass  # it is cut off, or broken from here on
    found.files = [one for one in found.files if one.data]
    return found


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 6
    for _ in range(_ATTRIBUTES):
        if at + 9 > len(data):
            return
        _level, name, _kind, length = struct.unpack_from("<BHHI", data, at)
        at += 9
        if at + length > len(data):
            return
        yield name, data[at : at + length]
        at += length + 2  # a checksum of 16 bits, which many programs get wrong


def _take(found: Tnef, name: int, value: bytes) -> None:
    if name == _RENDERING:
        if len(found.files) >= _FILES:
            raise ValueError("too many files")
        found.files.append(TnefFile())
    elif name == _BODY:
        found.text = found.text or _text(value)
    elif name == _PROPERTIES:
        for id_, kind, one in _properties(value):
            if id_ == _TEXT_BODY:
                found.text = found.text or _text(one, kind)
            elif id_ == _HTML_BODY:
                found.html = found.html or one.rstrip(b"\0")
    elif found.files:
        _take_of_file(found.files[-1], name, value)


def _take_of_file(file: TnefFile, name: int, value: bytes) -> None:
    if name == _TITLE:
        file.name = file.name or _text(value)
    elif name == _DATA:
        file.data = value
    elif name == _OF_ATTACHMENT:
        for id_, kind, one in _properties(value):
            if id_ == _LONG_NAME:
                file.name = _text(one, kind) or file.name
            elif id_ == _SHORT_NAME:
                file.name = file.name or _text(one, kind)
            elif id_ == _MIME:
                file.content_type = _text(one, kind)
            elif id_ == _CONTENT_ID:
                file.cid = _text(one, kind)
            elif id_ == _DATA_OBJECT and not file.data:
                file.data = one


def _properties(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """The properties with their ids and types; of one with several values, the first."""
    count = min(struct.unpack_from("<I", data)[0], _PROPERTIES_LIMIT)
    at = 4
    for _ in range(count):
        kind, id_ = struct.unpack_from("<HH", data, at)
        at += 4
        if id_ >= 0x8000:
            at = _after_name(data, at)
        base, several = kind & 0x0FFF, kind & 0x1000
        values = 1
        if several or base in _VARIABLE:
            values = struct.unpack_from("<I", data, at)[0]
            at += 4
        first = b""
        for number in range(values):
            value, at = _value(data, at, base)
            first = value if number == 0 else first
        yield id_, base, first


def _after_name(data: bytes, at: int) -> int:
    """Where a property's own name ends: a GUID, and a number or a text."""
    is_text = struct.unpack_from("<I", data, at + 16)[0]
    if not is_text:
        return at + 24
    length = struct.unpack_from("<I", data, at + 20)[0]
    return at + 24 + _padded(length)


def _value(data: bytes, at: int, base: int) -> tuple[bytes, int]:
    if base in _VARIABLE:
        length = struct.unpack_from("<I", data, at)[0]
        at += 4
        end = at + length
        following = at + _padded(length)
    elif base in _FIXED:
        end = following = at + _FIXED[base]
    else:
        raise ValueError("a type of property that has no known length")
    if end > len(data):
        raise ValueError("a property that is cut off")
    return data[at:end], following


def _padded(length: int) -> int:
    return (length + 3) & ~3


def _text(value: bytes, kind: int = 0) -> str:
    if kind == _UNICODE:
        return value.decode("utf-16-le", "replace").rstrip("\0")
    return guess(value.rstrip(b"\0"))
