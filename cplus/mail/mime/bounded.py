"""Limits the work of Python's mail parser, which can grow faster than the mail.

The parser checks each line against the boundary of every enclosing part, and reads the parameters
of a header in quadratic time. So a mail of 1 MB can take a minute.
"""

from __future__ import annotations

import re
from email.parser import BytesParser
from email.policy import Policy, compat32
from itertools import islice
from typing import Any, cast

from cplus.mail.mime.part import Part, TooMuchWork, Work
from cplus.mail.mime.well_formed import well_formed

__all__ = ["Part", "TooMuchWork", "few_lines", "has_one_author", "read", "whole_head"]

LINES_LIMIT = 1_000_000
"""Maximum number of lines that are read of a mail."""

_LINE_END = re.compile(rb"\r\n|\r|\n")


def few_lines(raw: bytes) -> tuple[bytes, int]:
    """The mail up to the end of its millionth line, unchanged, and its number of lines."""
    lines = raw.count(b"\n") + 1
    if b"\r" in raw:
        lines += raw.count(b"\r") - raw.count(b"\r\n")
    if lines <= LINES_LIMIT:
        return raw, lines
    [last] = islice(_LINE_END.finditer(raw), LINES_LIMIT - 1, LINES_LIMIT)
    return raw[: last.end()], LINES_LIMIT


_HEADERS = 1024 * 1024  # bytes of headers at most in which one author is proved
_HEAD = 64 * 1024  # bytes in which the headers are looked for
_BLANK = re.compile(rb"\n\r?\n")
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
    end = _BLANK.search(raw, 0, _HEADERS)
    if end is None and len(raw) > _HEADERS:
        return False
    head = raw[: end.start() + 1 if end else len(raw)].replace(b"\r\n", b"\n")
    head = b"\n" + head.lower()
    if b"\r" in head:
        return False  # some take a lone \r for the end of a line
    return b"\nfrom:" in head and len(_FROM.findall(head)) == 1


def read(raw: bytes, lines: int, *, headers_only: bool = False) -> Part:
    """The mail's parts, in time linear in its size; raises TooMuchWork if that is impossible.

    `raw` and `lines` are the result of `few_lines`.
    """
    found = None if headers_only else well_formed(raw, lines)
    if found is not None:
        return found
    work = Work(lines)

    def part(policy: Policy[Any] = compat32) -> Part:
        return Part(work, policy)

    parser: Any = BytesParser(part, policy=compat32)
    return cast(Part, parser.parsebytes(raw, headersonly=headers_only))
