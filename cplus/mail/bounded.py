"""Python's parser of mail, kept from work that grows faster than the mail.

It asks each line of each part around it whether it is that part's end, and reads the parameters
of a header in time quadratic in their number. A mail of 1 MB can so take a minute.
"""

from __future__ import annotations

import re
from email.message import Message
from email.parser import BytesParser
from email.policy import Policy, compat32
from itertools import islice
from typing import Any, cast

LINES_LIMIT = 1_000_000
"""Lines that are read of a mail."""

_DEPTH_LIMIT = 30  # forwarded mails in forwarded mails; people's have six levels or so
_STEPS_LIMIT = 5_000_000  # lines times depth: some two seconds
_PARTS_LIMIT = 5_000
_HEADERS_LIMIT = 1_000  # of one part
_CONTENT_HEADER = 4_096  # characters of one Content-… header
_CONTENT_HEADERS = 384 * 1024  # characters of all of them
_PARAMETERS = 64
_LINE_END = re.compile(rb"\r\n|\r|\n")


class TooMuchWork(Exception):
    """The mail is built to be slow, or by accident as if it were; says how."""


class Part(Message):
    """A part that counts what it costs to read."""

    def __init__(self, work: _Work, policy: Policy[Any] = compat32) -> None:
        super().__init__(policy)
        self.work = work
        self.depth = self.headers = 0
        work.part()

    def attach(self, payload: Any) -> None:
        """Takes a part in; raises TooMuchWork where it would lie too deep."""
        payload.depth = self.depth + 1
        self.work.deeper(payload.depth)
        super().attach(payload)

    def set_raw(self, name: str, value: Any) -> None:
        """Takes a header in, cut to what can be read in no time; passes over the thousandth."""
        self.headers += 1
        if self.headers > _HEADERS_LIMIT:
            return
        if name[:8].lower() == "content-":
            value = _few_parameters(str(value)[:_CONTENT_HEADER])
            self.work.content_header(len(value))
        super().set_raw(name, value)

    @property
    def lost_headers(self) -> bool:
        """Whether it has more headers than are kept."""
        return self.headers > _HEADERS_LIMIT


class _Work:
    """What reading one mail has cost so far."""

    def __init__(self, lines: int) -> None:
        self.lines = lines
        self.parts = self.characters = 0

    def part(self) -> None:
        self.parts += 1
        if self.parts > _PARTS_LIMIT:
            raise TooMuchWork("more than 5,000 parts")

    def deeper(self, depth: int) -> None:
        if depth > _DEPTH_LIMIT or depth * self.lines > _STEPS_LIMIT:
            raise TooMuchWork("parts nested too deeply")

    def content_header(self, length: int) -> None:
        self.characters += length
        if self.characters > _CONTENT_HEADERS:
            raise TooMuchWork("headers of parts too long")


def _few_parameters(value: str) -> str:
    if value.count(";") <= _PARAMETERS:
        return value
    return ";".join(value.split(";", _PARAMETERS + 1)[: _PARAMETERS + 1])


def few_lines(raw: bytes) -> tuple[bytes, int]:
    """The mail up to its millionth line's end, its bytes as they came; and its number of lines."""
    lines = raw.count(b"\n") + raw.count(b"\r") - raw.count(b"\r\n") + 1
    if lines <= LINES_LIMIT:
        return raw, lines
    [last] = islice(_LINE_END.finditer(raw), LINES_LIMIT - 1, LINES_LIMIT)
    return raw[: last.end()], LINES_LIMIT


_HEAD = 64 * 1024  # bytes in which the headers are looked for
_HEADER = re.compile(rb"[!-9;-~]{1,100}[ \t]{0,8}:")
_AUTHOR = re.compile(rb"^(?:from|subject|message-id)[ \t]*:", re.IGNORECASE | re.MULTILINE)


def whole_head(raw: bytes) -> bytes:
    """The mail with each line among its headers that is no header made part of the one before.

    A relay that adds "(no details)" without indenting it ends the headers for Python's parser, and
    the author and the subject stand in the text.
    """
    head, blank, body = raw[:_HEAD].partition(b"\r\n\r\n" if b"\r\n" in raw[:_HEAD] else b"\n\n")
    lines = head.split(b"\n")
    if not blank or not lines or not _HEADER.match(lines[0]):
        return raw
    mended, changed = [lines[0]], False
    for number, line in enumerate(lines[1:], 1):
        odd = not line.startswith((b" ", b"\t")) and not _HEADER.match(line)
        odd = odd and _AUTHOR.search(b"\n".join(lines[number:])) is not None
        mended.append(b" " + line if odd else line)
        changed = changed or odd
    return b"".join((b"\n".join(mended), blank, body, raw[_HEAD:])) if changed else raw


def read(raw: bytes, lines: int, *, headers_only: bool = False) -> Part:
    """The mail's parts, in time linear in its size; raises TooMuchWork where they have no such.

    `raw` and `lines` as `few_lines` answers them.
    """
    work = _Work(lines)

    def part(policy: Policy[Any] = compat32) -> Part:
        return Part(work, policy)

    parser: Any = BytesParser(part, policy=compat32)
    return cast(Part, parser.parsebytes(raw, headersonly=headers_only))
