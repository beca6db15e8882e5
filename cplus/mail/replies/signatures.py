"""Finds a signature at the end of what somebody wrote, if it is one for certain."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cplus.mail.replies.phone_footers import is_phone_footer
from cplus.mail.replies.quote_words import is_closing

_SIGNATURE_LINES = 20  # below `-- `
_NAMES = 2  # lines below a closing: more may be an address
_NAME_LENGTH = 40
_NAME_WORDS = 4
_TITLE_WORDS = 3  # in the line below a name
_PARTICLES = {"von", "van", "de", "der", "den", "da", "dos", "di", "la", "le", "zu", "und", "and"}
_FOOTERS = 3
_NO_NAME = re.compile(r"[\d@#?:/]")


def without_signature(lines: Sequence[str]) -> int:
    """How many of the lines stand before the signature; all of them if there is none.

    A signature begins with the line `-- `, or with a closing below which nothing but a name and
    perhaps a trade or a firm stands: anything else is a fact that the reader needs. A mail
    program's footer is one only if it is the last thing.
    """
    kept = _without_blanks(lines, len(lines))
    kept = _before_delimiter(lines, kept)
    for _ in range(_FOOTERS):
        if not kept or not is_phone_footer(lines[kept - 1]):
            break
        kept = _without_blanks(lines, kept - 1)
    return _before_closing(lines, kept)


def _without_blanks(lines: Sequence[str], end: int) -> int:
    while end and not lines[end - 1].strip():
        end -= 1
    return end


def _before_delimiter(lines: Sequence[str], end: int) -> int:
    for at in range(end - 1, max(-1, end - 1 - _SIGNATURE_LINES), -1):
        # Without its space, which HTML loses, people also part what they write with it.
        if lines[at] == "-- ":
            return _without_blanks(lines, at)
    return end


def _before_closing(lines: Sequence[str], end: int) -> int:
    """The number of lines before a closing that only names follow, at least one and at most two."""
    first = at = end
    names = 0
    last = ""
    while at:
        at -= 1
        line = lines[at]
        if is_closing(line):
            if names:
                first = at
        elif line.strip():
            names += 1
            last = last or line
            if names > _NAMES or not _is_name(line) or (names > 1 and not _is_title(last)):
                break
    return _without_blanks(lines, first)


def _is_title(line: str) -> bool:
    return len(line.split()) <= _TITLE_WORDS


def _is_name(line: str) -> bool:
    """Whether the line looks like a name, a trade or a firm, and tells nothing else."""
    words = line.strip(" ,\t").split()
    return (
        len(line.strip()) <= _NAME_LENGTH
        and len(words) <= _NAME_WORDS
        and not line.rstrip().endswith((".", "!", "?", ":"))
        and not _NO_NAME.search(line)
        and all(word[0].isupper() or word in _PARTICLES or word in "&|+-" for word in words)
    )
