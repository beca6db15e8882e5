"""Names of files that are safe to show and to save under."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LONGEST: Final = 200
"""Characters of a name."""

_PATHS: Final = re.compile(r'[/\\:*?"<>|]+')
_ENDING: Final = re.compile(r"\.[^.\s]{1,10}\Z")
_DEVICES: Final = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?=\.|\Z)", re.IGNORECASE)
_UNSEEN: Final = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
"""What is not seen, among it what turns the direction of writing: `photo<RLO>gpj.exe` would show as
`photoexe.jpg`."""


def safe_name(said: str) -> str:
    """The name without path, control characters and what turns the direction of writing; empty if
    nothing is left. A name that is too long keeps its ending."""
    seen = "".join(char for char in said if unicodedata.category(char) not in _UNSEEN)
    name = " ".join(_PATHS.sub("_", seen).split()).strip(". ")
    if len(name) > LONGEST:
        ending = _ENDING.search(name)
        kept = ending[0] if ending else ""
        name = name[: LONGEST - len(kept)].rstrip(". ") + kept
    # Windows takes these for devices, whatever follows the dot.
    return f"_{name}" if _DEVICES.match(name) else name
