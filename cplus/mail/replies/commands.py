"""Commands that a merchant writes in the first line of an answer: `#close`, `#note …`."""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

_CLOSE: Final = re.compile(r"#close", re.IGNORECASE)
_NOTE: Final = re.compile(r"#note(?:[ \t]+(.*))?", re.IGNORECASE)


class Asked(NamedTuple):
    """What an answer asks for."""

    command: Literal["close", "note"] | None
    text: str
    """What is left: the reply, or the note, of which nothing is ever sent."""


def command_of(text: str) -> Asked:
    """The command that stands alone in the first line that is not empty, in any case; anything
    else with `#` is text. A note goes to the end of the mail, so that no word of it is sent by
    mistake."""
    first, _, rest = text.strip().partition("\n")
    line = first.strip()
    if _CLOSE.fullmatch(line):
        return Asked("close", rest.strip())
    if found := _NOTE.fullmatch(line):
        return Asked("note", "\n".join([found.group(1) or "", rest]).strip())
    return Asked(None, text.strip())
