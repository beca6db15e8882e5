"""Reads mail that breaks no rule of MIME, as nearly all mail does not, several times as fast as
Python's parser, and makes the same of it. Whatever is odd in the least is left to that one.

It does not look at each line: it looks for each boundary. A line that ends an outer part ends all
that stand in it, so the outermost is taken apart first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.policy import compat32
from itertools import pairwise
from typing import Final

from cplus.mail.mime.part import Part, TooMuchWork, Work

_PARTS: Final = 1_000  # of more the other parser knows the limits
_BLANK: Final = re.compile(rb"\n\r?\n")
_EMPTY: Final = re.compile(rb"\r?\n")
_HEAD: Final = 64 * 1024  # bytes of the headers of a part
_FIELD: Final = re.compile(r"([!-9;-~]{1,100}):[ \t]*+([^\n]*+\n(?:[ \t][^\n]*+\n)*+)")
_FIELDS: Final = re.compile(r"(?:[!-9;-~]{1,100}:[^\n]*+\n(?:[ \t][^\n]*+\n)*+)*+")
_LONE: Final = re.compile(r"\r(?!\n)")
_BOUNDARY_END: Final = re.compile(rb"(--)?[ \t]*\r?")


class _OddError(Exception):
    """Something in the mail is unusual."""


def well_formed(raw: bytes, lines: int) -> Part | None:
    """The mail as Python's parser reads it; None if it is not certain that this would be the same.

    `raw` and `lines` as for `read`.
    """
    work = Work(lines)
    try:
        root = Part(work)
        _fill(root, raw, 0, len(raw))
    except (_OddError, TooMuchWork, UnicodeError):
        return None
    return root


def _fill(part: Part, raw: bytes, start: int, end: int, *, last_line: bool = True) -> None:
    """Reads a part that stands between two places; the end of its last line is the boundary's that
    follows, unless it belongs to it (`last_line`)."""
    if part.work.parts > _PARTS:
        raise _OddError
    blank = _EMPTY.match(raw, start, end)
    if blank is None:
        blank = _BLANK.search(raw, start, min(end, start + _HEAD))
        if blank is None:
            raise _OddError
        _fill_head(part, raw[start : blank.start() + 1])
    body = blank.end()
    kind = part.get_content_type()
    if kind == "message/rfc822":
        inner = Part(part.work)
        part.attach(inner)
        _fill(inner, raw, body, end, last_line=last_line)
    elif kind.startswith("multipart/"):
        _fill_parts(part, kind, raw, body, end, last_line)
    elif kind.startswith("message/"):
        raise _OddError
    else:
        part.set_payload(_text(raw, body, end if last_line else _before_line_end(raw, body, end)))


def _fill_head(part: Part, written: bytes) -> None:
    head = written.decode("ascii", "surrogateescape")
    if _FIELDS.fullmatch(head) is None or ("\r" in head and _LONE.search(head)):
        raise _OddError
    fields = [(name, value.rstrip("\r\n")) for name, value in _FIELD.findall(head)]
    for at, (name, value) in enumerate(fields):
        if value[:1] in ("\r", "\n"):  # nothing stands in the header's first line
            fields[at] = compat32.header_source_parse(f"{name}:{value}".splitlines(keepends=True))
    part.set_all(fields)


def _fill_parts(part: Part, kind: str, raw: bytes, start: int, end: int, last_line: bool) -> None:
    boundary = part.get_boundary()
    encoding = str(part.get("content-transfer-encoding", "8bit")).lower()
    if not boundary or kind == "multipart/digest" or encoding not in ("7bit", "8bit", "binary"):
        raise _OddError
    mark = b"--" + boundary.encode("ascii", "surrogateescape")
    if b"\n" in mark or b"\r" in mark:
        raise _OddError
    found = _boundaries(mark, raw, start, end)
    if found[0][0] > start:
        part.preamble = _text(raw, start, _before_line_end(raw, start, found[0][0]))
    for (_, begins), (ends, _) in pairwise(found):
        if begins >= ends:
            raise _OddError  # two boundaries without a part between them
        inner = Part(part.work)
        part.attach(inner)
        _fill(inner, raw, begins, ends, last_line=False)
    rest = found[-1][1]
    if last_line:
        part.epilogue = _text(raw, rest, end)
    elif rest < end:
        part.epilogue = _text(raw, rest, _before_line_end(raw, rest, end))


def _boundaries(mark: bytes, raw: bytes, start: int, end: int) -> list[tuple[int, int]]:
    """Where each boundary begins, and where the line after it does, up to the one that closes."""
    if raw.find(b"\r" + mark, start, end) >= 0:
        raise _OddError  # some take a lone \r for the end of a line
    found: list[tuple[int, int]] = []
    for at in _begun(mark, raw, start, end):
        stop = raw.find(b"\n", at, end)
        rest = raw[at + len(mark) : end if stop < 0 else stop]
        if b"\r" in rest[:-1]:
            raise _OddError
        if ends := _BOUNDARY_END.fullmatch(rest):
            found.append((at, end if stop < 0 else stop + 1))
            if ends[1]:
                if len(found) > 1:
                    return found
                break
    raise _OddError  # it is not closed, or has no part


def _begun(mark: bytes, raw: bytes, start: int, end: int) -> Iterator[int]:
    """Where a line begins with these bytes."""
    if raw.startswith(mark, start, end):
        yield start
    at = raw.find(b"\n" + mark, start, end)
    while at >= 0:
        yield at + 1
        at = raw.find(b"\n" + mark, at + 1, end)


def _before_line_end(raw: bytes, start: int, end: int) -> int:
    """Where the end of the last line begins, of what stands between two places."""
    if end > start and raw[end - 1] == 10:
        end -= 1
    if end > start and raw[end - 1] == 13:
        end -= 1
    return end


def _text(raw: bytes, start: int, end: int) -> str:
    return raw[start:end].decode("ascii", "surrogateescape")
