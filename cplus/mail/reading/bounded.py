"""Limits the work of Python's mail parser, which can grow faster than the mail.

The parser checks each line against the boundary of every enclosing part, and reads the parameters
of a header in quadratic time. So a mail of 1 MB can take a minute.
"""

from __future__ import annotations

import re
from email.message import Message
from email.parser import BytesParser
from email.policy import Policy, compat32
from itertools import islice
from typing import Any, cast

LINES_LIMIT = 1_000_000
"""Maximum number of lines that are read of a mail."""

_DEPTH_LIMIT = 30  # forwarded mails in forwarded mails; real ones have about six levels
_STEPS_LIMIT = 5_000_000  # lines times depth: about two seconds
_PARTS_LIMIT = 5_000
_HEADERS_LIMIT = 1_000  # of one part
_CONTENT_HEADER = 4_096  # characters of one Content-… header
_CONTENT_HEADERS = 384 * 1024  # characters of all of them
_PARAMETERS = 64
_LINE_END = re.compile(rb"\r\n|\r|\n")


class TooMuchWork(Exception):
    """Reading the mail would take too long, on purpose or by accident; says why."""


class Part(Message):
    """A part that counts the cost of reading it."""

    def __init__(self, work: _Work, policy: Policy[Any] = compat32) -> None:
        super().__init__(policy)
        self.work = work
        self.depth = self.headers = 0
        self.first: dict[str, Any] = {}
        """The first header of each name, in lower case: to look through all takes long."""
        self.kind = ""
        work.part()

    def get_content_type(self) -> str:
        """As of a message, worked out once: from when the parser has read its headers on."""
        if not self.kind or "content-type" not in self.first:
            self.kind = super().get_content_type()
        return self.kind

    def attach(self, payload: Any) -> None:
        """Adds a part; raises TooMuchWork if it would be nested too deeply."""
        payload.depth = self.depth + 1
        self.work.deeper(payload.depth)
        super().attach(payload)

    def set_raw(self, name: str, value: Any) -> None:
        """Adds a header, cut to a length that can be read fast; ignores headers over the limit."""
        self.headers += 1
        if self.headers > _HEADERS_LIMIT:
            return
        if name[:8].lower() == "content-":
            value = _few_parameters(str(value)[:_CONTENT_HEADER])
            self.work.content_header(len(value))
        self.first.setdefault(name.lower(), (name, value))
        super().set_raw(name, value)

    def get(self, name: str, failobj: Any = None) -> Any:
        """As of a message: the first header of the name. The parser adds them by `set_raw` alone,
        and nobody changes a part that was read."""
        found = self.first.get(name.lower())
        return failobj if found is None else self.policy.header_fetch_parse(*found)

    @property
    def lost_headers(self) -> bool:
        """Whether it has more headers than the limit."""
        return self.headers > _HEADERS_LIMIT


class _Work:
    """The cost of reading one mail so far."""

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
    """The mail up to the end of its millionth line, unchanged, and its number of lines."""
    lines = raw.count(b"\n") + raw.count(b"\r") - raw.count(b"\r\n") + 1
    if lines <= LINES_LIMIT:
        return raw, lines
    [last] = islice(_LINE_END.finditer(raw), LINES_LIMIT - 1, LINES_LIMIT)
    return raw[: last.end()], LINES_LIMIT


_HEADERS = 1024 * 1024  # bytes of headers at most in which one author is proved
_HEAD = 64 * 1024  # bytes in which the headers are looked for
_HEADER = re.compile(rb"[!-9;-~]{1,100}[ \t]{0,8}:")
_NO_HEADER = re.compile(rb"\n(?![ \t]|[!-9;-~]{1,100}[ \t]{0,8}:)")
# Each line is tried at its own beginning: a run of blanks that crossed lines would cost its square.
_FROM = re.compile(rb"\n[ \t\v\f]*from\s*:")
_AUTHOR = re.compile(rb"^(?:from|subject|message-id)[ \t]*:", re.IGNORECASE | re.MULTILINE)


def whole_head(raw: bytes) -> bytes:
    """The mail with each line among its headers that is no header made part of the one before.

    A relay that adds "(no details)" without indenting it ends the headers for Python's parser, and
    the author and the subject stand in the text.
    """
    head, blank, body = raw[:_HEAD].partition(b"\r\n\r\n" if b"\r\n" in raw[:_HEAD] else b"\n\n")
    if not blank or _NO_HEADER.search(head) is None:
        return raw
    authors = [found.start() for found in _AUTHOR.finditer(head)]
    if not authors or not _HEADER.match(head):
        return raw
    lines = head.split(b"\n")
    mended, changed, at = [lines[0]], False, len(lines[0]) + 1
    for line in lines[1:]:
        odd = at < authors[-1] and not line.startswith((b" ", b"\t")) and not _HEADER.match(line)
        mended.append(b" " + line if odd else line)
        changed = changed or odd
        at += len(line) + 1
    return b"".join((b"\n".join(mended), blank, body, raw[_HEAD:])) if changed else raw


def has_one_author(raw: bytes) -> bool:
    """Whether nobody can find a second `From:` among the mail's headers: folded, indented, spelled
    with a space, or behind more headers than are kept."""
    lines = raw[:_HEADERS].replace(b"\r\n", b"\n")
    head, blank, _ = lines.partition(b"\n\n")
    if b"\r" in head or (not blank and len(raw) > _HEADERS):
        return False  # some take a lone \r for the end of a line
    head = b"\n" + head.lower()
    return b"\nfrom:" in head and len(_FROM.findall(head)) == 1


def read(raw: bytes, lines: int, *, headers_only: bool = False) -> Part:
    """The mail's parts, in time linear in its size; raises TooMuchWork if that is impossible.

    `raw` and `lines` are the result of `few_lines`.
    """
    work = _Work(lines)

    def part(policy: Policy[Any] = compat32) -> Part:
        return Part(work, policy)

    parser: Any = BytesParser(part, policy=compat32)
    return cast(Part, parser.parsebytes(raw, headersonly=headers_only))
