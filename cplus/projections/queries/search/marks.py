"""Which parts of a text a search is shown to have found. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from cplus.projections.words import LOOKED_AT, Phrase, Unit, units

_LENGTH: Final = 200
_BEFORE: Final = 60
_FIRST_LOOK: Final = 1_250  # characters; each further look goes twice as far


class Marked(NamedTuple):
    """A piece of a text."""

    text: str
    found: bool


def never() -> bool:
    """No limit of time."""
    return False


def say_all(texts: Iterable[str | None], phrases: Sequence[Phrase]) -> bool:
    """Whether each phrase stands in one of the texts, as far as they are looked at."""
    left = list(phrases)
    for text in texts if left else ():
        some = list(units((text or "")[:LOOKED_AT]))
        left = [one for one in left if not any(True for _ in one.spans(some))]
        if not left:
            break
    return not left


def marked(text: str, phrases: Sequence[Phrase]) -> list[Marked]:
    """The text in pieces, those apart that were found near its beginning."""
    return _pieces(text, _spans(text, phrases, _FIRST_LOOK), 0, len(text))


def beginning_at_match(
    text: str, phrases: Sequence[Phrase], over: Callable[[], bool] = never
) -> list[Marked]:
    """The part of the text around the first match, on one line, in pieces; its beginning, if
    nothing in it matches, or nothing did when the time was `over`."""
    spans = _first_spans(text, phrases, over)
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


def _first_spans(
    text: str, phrases: Sequence[Phrase], over: Callable[[], bool]
) -> list[tuple[int, int]]:
    """Where something was found, up to behind the first place."""
    for length in _looks(text):
        if over():
            return _spans(text, phrases, _LENGTH)
        if spans := _spans(text, phrases, length):
            shown = spans[0][0] + _LENGTH
            return spans if shown <= length else _spans(text, phrases, shown)
    return []


def _looks(text: str) -> Iterator[int]:
    """How far is looked, until something is found."""
    length, whole = _FIRST_LOOK, min(len(text), LOOKED_AT)
    while length < whole:
        yield length
        length *= 2
    yield whole


def _spans(text: str, phrases: Sequence[Phrase], most: int) -> list[tuple[int, int]]:
    """Where something was found in the first `most` characters, in order and apart from each
    other."""
    some = _whole_units(text, most)
    found = sorted(span for phrase in phrases for span in phrase.spans(some))
    apart: list[tuple[int, int]] = []
    for start, end in found:
        if apart and start <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


def _whole_units(text: str, most: int) -> list[Unit]:
    """The units of the first characters without one that may go on behind them."""
    some = list(units(text[:most]))
    if some and len(text) > most and some[-1].end == most:
        some.pop()
    return some


def _pieces(text: str, spans: Sequence[tuple[int, int]], start: int, end: int) -> list[Marked]:
    pieces, at = [], start
    for first, last in spans:
        if first >= end:
            break
        pieces += [Marked(text[at:first], False), Marked(text[first : min(last, end)], True)]
        at = min(last, end)
    pieces.append(Marked(text[at:end], False))
    return [one for one in pieces if one.text]
