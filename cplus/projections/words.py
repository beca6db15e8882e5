"""The words of a text, as the index of search has them and as a search asks for them. Pure.

A text is a sequence of units: a word, or a single character of a script that is written without
spaces between words. Units are folded: without case, accents and forms of one and the same letter.
The index holds a word as it is, and of characters each pair that stands side by side, with the last
one alone, so a text of such a script is found by any part of it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

LONGEST: Final = 40
"""Characters of a word that count: what follows makes no difference."""
LOOKED_AT: Final = 20_000
"""Characters of a text that are looked at: anybody can send a long one, and each takes 5 µs."""

# Han, Kana and Hangul; Thai, Lao, Burmese and Khmer.
_NO_SPACES: Final = (
    "\u0e01-\u0e4e\u0e81-\u0ecd\u1000-\u109f\u1100-\u11ff\u1780-\u17d3\u3005-\u3007\u3041-\u309a"
    "\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u3131-\u318e\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff"
)
# Signs that belong to the letter before them: accents, points of Hebrew and Arabic, vowels of Indic
# scripts. To `\w` they are no letters.
_ON_LETTERS: Final = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a"
    "\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u0900-\u0903\u093a-\u094f"
    "\u0951-\u0957\u0962\u0963\u0981-\u0983\u09bc-\u09d7\u0a01-\u0a03\u0a3c-\u0a51\u0a81-\u0a83"
    "\u0abc-\u0acd\u0b01-\u0b03\u0b3c-\u0b57\u0b82\u0bbe-\u0bd7\u0c00-\u0c04\u0c3e-\u0c56"
    "\u0c81-\u0c83\u0cbc-\u0cd6\u0d00-\u0d03\u0d3b-\u0d57\u0f71-\u0f84\u1dc0-\u1dff\u3099\u309a"
)
_UNIT: Final = re.compile(f"[{_NO_SPACES}]|(?:(?![{_NO_SPACES}])[^\\W_][{_ON_LETTERS}]*)+")
_SINGLE: Final = re.compile(f"[{_NO_SPACES}]")
_ASCII_UNIT: Final = re.compile("[A-Za-z0-9]+")  # the same of most texts, five times as fast
# Without these it is the same word, as people write it: accents, and the points of Hebrew and
# Arabic. The vowels of other scripts make another word, and so does the mark of a Kana.
_LEFT_OUT: Final = re.compile(
    "[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a"
    "\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u1dc0-\u1dff\u0640]"
)
_LETTERS: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}
)


@dataclass(frozen=True, slots=True)
class Unit:
    """A word, or a character of a script without spaces, in its place in a text."""

    folded: str
    start: int
    end: int
    single: bool
    """Whether it is such a character."""


def units(text: str) -> Iterator[Unit]:
    """The units of the text in their order."""
    if text.isascii():
        for found in _ASCII_UNIT.finditer(text):
            yield Unit(fold(found[0]), *found.span(), False)
        return
    for found in _UNIT.finditer(text):
        if folded := fold(found[0]):
            single = _SINGLE.fullmatch(found[0]) is not None
            yield Unit(folded, *found.span(), single)


def fold(word: str) -> str:
    """The word without case, accents and forms of the same letter, and no longer than counts."""
    if word.isascii():
        return word.lower()[:LONGEST]
    return _folded(word[: 4 * LONGEST])


@lru_cache(maxsize=20_000)
def _folded(word: str) -> str:
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", word).casefold())
    left = unicodedata.normalize("NFC", _LEFT_OUT.sub("", apart))
    return left.translate(_LETTERS)[:LONGEST]


def index_words(texts: Iterable[str], most: int) -> list[str]:
    """The different words under which the texts are found, sorted; the first `most` of them, and of
    each text those among the characters that are looked at. Half a character, which a mail may
    hold and no database takes, is in no word."""
    found: dict[str, None] = {}
    for text in texts:
        # One character may be eighteen of the usual form.
        plain = unicodedata.normalize("NFKC", text[:LOOKED_AT])[:LOOKED_AT]
        for word in _indexed(units(plain)):
            found[word] = None
            if len(found) == most:
                return sorted(found)
    return sorted(found)


def _indexed(some: Iterator[Unit]) -> Iterator[str]:
    one = next(some, None)
    while one is not None:
        following = next(some, None)
        pair = following is not None and _beside(one, following)
        yield one.folded + following.folded if following and pair else one.folded
        one = following


@dataclass(frozen=True, slots=True)
class Phrase:
    """Units that a text must have one right after the other."""

    units: tuple[Unit, ...]
    begins: bool = False
    """Whether a word that only begins as the last unit does will do."""

    @property
    def exact(self) -> list[str]:
        """The words of the index that a text with the phrase is under."""
        words = []
        for number, one in enumerate(self.units):
            last = number == len(self.units) - 1
            following = None if last else self.units[number + 1]
            if not one.single:
                if not (last and self.begins):
                    words.append(one.folded)
            elif following is not None and following.single and following.start == one.end:
                words.append(one.folded + following.folded)
        return words

    @property
    def beginnings(self) -> list[str]:
        """How words of the index begin that a text with the phrase is under: of the last word, if
        it may go on, and of characters that stand alone."""
        found = []
        for number, one in enumerate(self.units):
            before = self.units[number - 1] if number else None
            after = self.units[number + 1] if number + 1 < len(self.units) else None
            if not one.single:
                if after is None and self.begins:
                    found.append(one.folded)
            elif not (_beside(before, one) or _beside(one, after)):
                found.append(one.folded)
        return found

    def spans(self, some: Sequence[Unit]) -> Iterator[tuple[int, int]]:
        """Where the phrase stands among the units of a text: from where to where."""
        wanted = [one.folded for one in self.units]
        first, length = wanted[0], len(wanted)
        for place in range(len(some) - length + 1):
            last = some[place + length - 1]
            if length > 1 and some[place].folded != first:
                continue
            if any(some[place + n].folded != wanted[n] for n in range(1, length - 1)):
                continue
            if last.folded == wanted[-1] or (
                self.begins and not last.single and last.folded.startswith(wanted[-1])
            ):
                yield some[place].start, last.end


def _beside(one: Unit | None, other: Unit | None) -> bool:
    """Whether both are characters of a script without spaces, side by side."""
    return bool(one and other and one.single and other.single and one.end == other.start)


def _phrases(query: str) -> Iterator[Phrase]:
    """What stands in quotes, and what stands between spaces."""
    parts = query.replace("\u201c", '"').replace("\u201d", '"').replace("\u201e", '"').split('"')
    for number, part in enumerate(parts):
        # A quote that nobody closed is no quote.
        quoted = number % 2 == 1 and number < len(parts) - 1
        for piece in [part] if quoted else part.split():
            if some := tuple(units(unicodedata.normalize("NFKC", piece))):
                yield Phrase(some)


def phrases_of(query: str, most: int) -> tuple[Sequence[Phrase], int]:
    """What a text must have to be found by the query, at most `most` phrases, each once; and how
    many more the query has. Its last word may go on, unless a space or a quote follows it."""
    said = list(_phrases(query))
    if said and _ends_in_word(query):
        said[-1] = Phrase(said[-1].units, begins=True)
    # Said twice, it is to go on if it may do so once.
    found = {tuple(one.folded for one in phrase.units): phrase for phrase in said}
    return list(found.values())[:most], max(0, len(found) - most)


def _ends_in_word(query: str) -> bool:
    """Whether the query ends with a word of two letters or more."""
    last = None
    for one in units(query):
        last = one
    return last is not None and last.end == len(query) and not last.single and len(last.folded) > 1
