"""Whom of the team a note mentions: `@` and what a member is called. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping


def mentioned_in(text: str, names: Mapping[str, str]) -> list[str]:
    """The ids of the members whom the text mentions by `@` and their name or their id, in the order
    of the text, each once. `names` are those of the members, by their ids; upper case makes no
    difference. Two of one name are both mentioned; of a name that begins with another's, the longer
    one counts. What stands within an address or a word is no mention."""
    by_word: dict[str, list[str]] = {}
    for member, name in names.items():
        for word in {_folded(name), _folded(member)} - {""}:
            by_word.setdefault(word, []).append(member)
    if not by_word:
        return []
    longest_first = sorted(by_word, key=len, reverse=True)
    words = "|".join(map(re.escape, longest_first))
    found = re.finditer(rf"(?<![\w@.+-])@({words})(?![\w@]|[.-]\w)", _folded(text))
    return list(dict.fromkeys(member for one in found for member in by_word[one[1]]))


def _folded(text: str) -> str:
    return text.casefold().strip()
