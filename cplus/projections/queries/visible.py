"""Texts of strangers that show nothing: blanks, characters of no width, fillers. Pure."""

from __future__ import annotations

import unicodedata
from typing import Final

# Letters and symbols to Unicode, blank to everybody: the Hangul fillers and the empty Braille cell.
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def visible(text: str | None) -> str | None:
    """The text, or None if there is nothing in it to see: then something else must stand there.

    Separators, controls, formats and what is not assigned are blank, and so is a mark that
    combines with nothing else.
    """
    # Nearly every text begins with a letter of ASCII, and a page asks for hundreds.
    if text and ("!" <= text[0] <= "~" or any(_is_visible(one) for one in text)):
        return text
    return None


def _is_visible(character: str) -> bool:
    return character not in _BLANK and unicodedata.category(character)[0] not in "CMZ"
