"""Which parts of a text a search is shown to have found. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from cplus.projections.words import Phrase, units

_LENGTH: Final = 200
_BEFORE: Final = 60
_FIRST_LOOK: Final = 20_000


class Marked(NamedTuple):
    """A piece of a text."""

    text: str
    found: bool


def says(text: str | None, phrase: Phrase) -> bool:
    """Whether the phrase stands in the text."""
    return bool(text) and any(True for _ in phrase.spans(list(units(text or ""))))


def marked(text: str, phrases: Sequence[Phrase]) -> list[Marked]:
    """The text in pieces, those apart that were found."""
    return _pieces(text, _spans(text, phrases), 0, len(text))


def beginning_at_match(text: str, phrases: Sequence[Phrase]) -> list[Marked]:
    """The part of the text around the first match, on one line, in pieces; its beginning, if
    nothing in it matches."""
    spans = _spans(text[:_FIRST_LOOK], phrases)
    if not spans and len(text) > _FIRST_LOOK:
        spans = _spans(text, phrases)
    start = 0
    if spans and spans[0][0] > _BEFORE:
        start = spans[0][0] - _BEFORE
        space = text.find(" ", start, spans[0][0])  # not in the middle of a word
        start = start if space < 0 else space + 1
    end = min(len(text), start + _LENGTH)
    if end < len(text):
        space = text.rfind(" ", start, end)
        end = max(space, spans[0][1]) if spans else space if space > start else end
    pieces = [Marked(_line(one.text), one.found) for one in _pieces(text, spans, start, end)]
    if start:
        pieces.insert(0, Marked("… ", False))
    if end < len(text):
        pieces.append(Marked(" …", False))
    return pieces


def _line(text: str) -> str:
    """The text on one line, with the blanks at its ends as one each."""
    if text.isspace():
        return " "
    inner = " ".join(text.split())
    before = " " if text[:1].isspace() else ""
    after = " " if text[-1:].isspace() else ""
    return f"{before}{inner}{after}"


def _spans(text: str, phrases: Sequence[Phrase]) -> list[tuple[int, int]]:
    """Where something was found, in order and apart from each other."""
    some = list(units(text))
    found = sorted(span for phrase in phrases for span in phrase.spans(some))
    apart: list[tuple[int, int]] = []
    for start, end in found:
        if apart and start <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


def _pieces(text: str, spans: Sequence[tuple[int, int]], start: int, end: int) -> list[Marked]:
    pieces, at = [], start
    for first, last in spans:
        if first >= end:
            break
        pieces += [Marked(text[at:first], False), Marked(text[first : min(last, end)], True)]
        at = min(last, end)
    pieces.append(Marked(text[at:end], False))
    return [one for one in pieces if one.text]
