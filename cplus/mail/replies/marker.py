"""The line that asks people to write above it. It contains the signed token of the conversation.

If a reply keeps neither the address nor the Message-IDs, the quoted line still shows where it
belongs.
"""

from __future__ import annotations

import re

# Other ticket systems begin theirs the same way. Quoting may have broken the line.
_MARKER = re.compile(r"^[>\s|*]{0,20}##-[^#]{1,200}?-##[^\n]*$", re.MULTILINE)
_TOKEN = re.compile(r"\[([a-z0-9]{8,40})\]\s*+(?:>\s*+){0,8}-##", re.IGNORECASE)


def marker_line(token: str | None) -> str:
    """The line for an outgoing mail, at most 75 characters."""
    return f"##- Reply above this line [{token}] -##" if token else "##- Reply above this line -##"


def marker_tokens(text: str) -> list[str]:
    """The tokens of marker lines, in the order of the text, at most 20."""
    found = [
        match.group(1).lower()
        for line in _MARKER.finditer(text)
        if (match := _TOKEN.search(line.group(0)))
    ]
    return list(dict.fromkeys(found))[:20]


def marker_lines(text: str) -> list[tuple[int, int]]:
    """Where markers stand: of each the number of its first line and of the line after it."""
    found: list[tuple[int, int]] = []
    line = read = 0
    for match in _MARKER.finditer(text):
        begins = text.index("##-", match.start())
        line += text.count("\n", read, begins)
        read = begins
        found.append((line, line + text.count("\n", begins, match.end()) + 1))
    return found
