"""Text of strangers, as it may be printed to a terminal."""

from __future__ import annotations

import json
import re
from typing import Any, Final

_CONTROLS: Final = re.compile(
    # Control characters but tab and line feed, what turns the direction of writing or breaks a line
    # unseen, and halves of characters, which cannot be printed.
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def plain(text: str) -> str:
    """The text without characters that a terminal obeys; � stands for each of them."""
    return _CONTROLS.sub("�", text)


def value_line(value: Any, as_text: Any = None) -> str:
    """A value as JSON in one line, for people; `as_text` says values that JSON does not know."""
    return plain(json.dumps(value, default=as_text, ensure_ascii=False))
