"""Makes links of the addresses in a text, as mail programs do.

A rule of our own: linkify-it-py (2.1), the port that is kept up, takes time quadratic in open
brackets and leaves a closing quotation mark in the address.
"""

from __future__ import annotations

import html
import re

# Characters that nobody writes unescaped within an address, and that often follow one.
_NEVER = (
    r"\s<>\"`“”„«»‹›「」『』【】《》（），。、！？；："
    "\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff"
)
_HOST = r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,10}(?:xn--[a-z0-9-]{1,59}|[^\W\d_]{2,63})"
_PORT = r"(?::\d{1,5})?"
_REST = rf"(?:[/?#][^{_NEVER}]{{0,2000}})?"
_LINK = re.compile(
    rf"(?<![\w.+%@/-])(?:"
    rf"(?P<web>(?:https?://|www\.){_HOST}{_PORT}(?![\w@-]){_REST})"
    rf"|(?P<mail>[^\W_][\w.+%-]{{0,63}}@{_HOST}(?![\w@-])))",
    re.IGNORECASE,
)
_BEHIND = "?!.,:;*_~'’…"
_PAIRS = {")": "(", "]": "[", "}": "{"}


def linked(text: str) -> str:
    """HTML of a text in which its web and mail addresses are links; all else is escaped.

    What only follows an address is no part of it: punctuation, and a closing bracket that none in
    the address opens. A web address begins with `http://`, `https://` or `www.` and has no user
    name in it. The text and where its link leads are the same.
    """
    said: list[str] = []
    at = 0
    for match in _LINK.finditer(text):
        address = _trimmed(match[0])
        said.append(_escaped(text[at : match.start()]))
        at = match.start() + len(address)
        said.append(f'<a href="{html.escape(_target(address, match))}">{html.escape(address)}</a>')
    return "".join([*said, _escaped(text[at:])])


def _target(address: str, match: re.Match[str]) -> str:
    if match["mail"]:
        return f"mailto:{address.replace('%', '%25')}"
    return address if "://" in address[:8] else f"http://{address}"


def _trimmed(address: str) -> str:
    surplus = {end: address.count(end) - address.count(start) for end, start in _PAIRS.items()}
    last = len(address)
    while (char := address[last - 1]) in _BEHIND or surplus.get(char, 0) > 0:
        surplus[char] = surplus.get(char, 0) - 1
        last -= 1
    return address[:last]


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)
