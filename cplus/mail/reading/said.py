"""A text with the marks that mail programs put into its HTML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from cplus.mail.reading.quote_marks import QUOTED
from cplus.mail.replies.attributions import is_quote, is_rule

_WORD: Final = re.compile(r"[^\W_]+")


class Said(NamedTuple):
    """Words of a mail."""

    text: str
    marks: Sequence[str]
    """Of each line how its mail program marked it, as of `html_text.Read`."""


def plain(text: str) -> Said:
    """A text of which no line is marked."""
    return Said(text, [""] * (text.count("\n") + 1))


def join(parts: Sequence[Said]) -> Said:
    """One below the other."""
    return Said("\n".join(one.text for one in parts), [mark for one in parts for mark in one.marks])


def letters(text: str) -> str:
    """The text without spaces and signs: some languages write no spaces, and lines are wrapped."""
    return "".join(_WORD.findall(text.lower()))


def marked(text: str, read: Said) -> Said:
    """A plain text with the marks of its HTML alternative, if the two agree letter for letter on
    what stands before what is quoted, and behind it; otherwise without any."""
    quoted = [at for at, mark in enumerate(read.marks) if mark == QUOTED]
    if not quoted:
        return plain(text)
    of_html = read.text.split("\n")
    lines = text.split("\n")
    before = letters("\n".join(of_html[: quoted[0]]))
    behind = letters("\n".join(of_html[quoted[-1] + 1 :]))
    first, end = _after(lines, before), len(lines) - (_after(lines[::-1], behind, back=True) or 0)
    if first is None or (behind and end == len(lines)) or first >= end:
        return plain(text)
    # A line of signs alone (an emoji, "?") is the sender's where the HTML has words of theirs.
    if any(line.strip() for line in of_html[: quoted[0]]):
        while first < end and not letters(lines[first]) and not is_rule(lines[first]):
            first += 1
    if any(line.strip() for line in of_html[quoted[-1] + 1 :]):
        while first < end and not letters(lines[end - 1]) and not is_quote(lines[end - 1]):
            end -= 1
    inside = set(quoted)
    if any(letters(of_html[at]) for at in range(quoted[0], quoted[-1]) if at not in inside):
        return plain(text)  # answers stand between: the lines themselves tell better
    marks = [""] * len(lines)
    marks[first:end] = [QUOTED] * (end - first)
    return Said(text, marks)


def _after(lines: Sequence[str], wanted: str, *, back: bool = False) -> int | None:
    """How many lines say all that is wanted and nothing else; None if no number of them does.

    `back` reads the last line first, and takes no line without letters that it need not take.
    """
    said = ""
    for at in range(len(lines) + 1):
        if said == wanted:
            return at
        if at == len(lines) or len(said) > len(wanted):
            break
        more = letters(lines[at])
        at_place = wanted.endswith(more + said) if back else wanted.startswith(said + more)
        if not at_place:
            break
        said = more + said if back else said + more
    return None
