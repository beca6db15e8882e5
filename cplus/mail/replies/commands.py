"""Commands that a merchant writes in the first line of an answer: `#close`, `#note …`."""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

_UNSEEN: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
)
"""Characters that take no room: programs put some of them where nobody typed any."""
_AROUND: Final = rf"[\s*_~`{_UNSEEN}]*+"
"""What may stand around a command: spaces of every kind, emphasis (`*#note*`), what is not seen."""
_HASH: Final = rf"{_AROUND}[#\uff03]{_AROUND}"
_CLOSE: Final = re.compile(rf"{_HASH}close{_AROUND}[:;,.!]?{_AROUND}", re.IGNORECASE)
_NOTE: Final = re.compile(
    rf"{_HASH}note(?![^\W_]){_AROUND}[:;,.!\u2013\u2014-]?\s*(.*)", re.IGNORECASE
)
_ALMOST: Final = re.compile(rf"{_HASH}(?:n[ot]|close(?![^\W_]))", re.IGNORECASE)


class Asked(NamedTuple):
    """What an answer asks for."""

    command: Literal["close", "note", "unclear"] | None
    text: str
    """What is left: the reply, or the note, of which nothing is ever sent; nor of what is almost
    a command."""


def command_of(text: str) -> Asked:
    """The command in the first line that is not empty, in any case, whatever a mail program put
    around it; anything else with `#` is text. A note goes to the end of the mail, and what is
    almost a command is none and no reply, so that no word of it is sent by mistake."""
    shown = re.sub(rf"^[\s{_UNSEEN}]+", "", text)
    first, _, rest = shown.partition("\n")
    line = first.strip()
    if _CLOSE.fullmatch(line):
        return Asked("close", rest.strip())
    if found := _NOTE.fullmatch(line):
        return Asked("note", "\n".join([found.group(1), rest]).strip())
    return Asked("unclear" if _ALMOST.match(line) else None, text.strip())
