"""The lines in our mail that contain the signed token of its conversation.

If a reply keeps neither the address nor the Message-IDs, the quoted line still shows where it
belongs. It is the last line of a mail, hidden in HTML. Until December 2026 it was the first, a
marker that asked people to write above it; those are still out there, and are recognised for good.
"""

from __future__ import annotations

import re

# Other ticket systems begin theirs the same way. Quoting may have broken the line.
_MARKER = re.compile(r"^[>\s|*]{0,20}##-[^#]{1,200}?-##[^\n]*$", re.MULTILINE)
_REFERENCE = re.compile(r"\[ref:cplus:([a-z0-9]{17,40})\]", re.IGNORECASE)
_REFERENCE_LINE = re.compile(rf"[>\s|*]{{0,20}}{_REFERENCE.pattern}\s*", re.IGNORECASE)
_TOKEN = re.compile(r"\[([a-z0-9]{8,40})\]\s*+(?:>\s*+){0,8}-##", re.IGNORECASE)


def marker_line(token: str | None) -> str:
    """The line for an outgoing mail, at most 75 characters."""
    return f"##- Reply above this line [{token}] -##" if token else "##- Reply above this line -##"


def reference_line(token: str) -> str:
    """The line for the end of an outgoing mail, at most 53 characters."""
    return f"[ref:cplus:{token}]"


def is_reference(line: str) -> bool:
    """Whether the line is the end of one of our mails, quoted or not."""
    return "[" in line and _REFERENCE_LINE.fullmatch(line[:200]) is not None


def may_have_token(html: str) -> bool:
    """Whether it is worth the time to look for tokens in the text of this HTML."""
    return "##-" in html or "[ref:cplus:" in html


def marker_tokens(text: str) -> list[str]:
    """The tokens of all these lines, in the order of the text, at most 20."""
    found: list[tuple[int, str]] = []
    if "##-" in text:  # to look for it is many times as fast as to look for a line with it
        found += [
            (line.start(), match.group(1).lower())
            for line in _MARKER.finditer(text)
            if (match := _TOKEN.search(line.group(0)))
        ]
    if ":cplu" in text.lower():
        found += [(match.start(), match.group(1).lower()) for match in _REFERENCE.finditer(text)]
    return list(dict.fromkeys(token for _, token in sorted(found)))[:20]


def marker_lines(text: str) -> list[tuple[int, int]]:
    """Where markers stand: of each the number of its first line and of the line after it."""
    found: list[tuple[int, int]] = []
    if "##-" not in text:
        return found
    line = read = 0
    for match in _MARKER.finditer(text):
        begins = text.index("##-", match.start())
        line += text.count("\n", read, begins)
        read = begins
        found.append((line, line + text.count("\n", begins, match.end()) + 1))
    return found
