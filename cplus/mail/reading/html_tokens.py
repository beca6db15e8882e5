"""HTML of strangers before a browser's parser gets it: what makes that parser slow is taken out.

One pass, linear in the text, over the tokens that the HTML standard's tokenizer sees ("13.2.5
Tokenization"): a quote counts only where a value begins, and what stands in comments and scripts
is none. Elements in which that tokenizer would read on by other rules get a name that it does not
know, so that both see the same tags, and so that the words in them are kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from cplus.mail.reading.quote_marks import MARKED, mark

LONGEST_TAG: Final = 4_096
"""Characters of attributes that a tag keeps: the parser compares each name with all others."""

_KNOWN: Final = 500
"""Different tags that are kept as they became, of so many characters: nearly all come often."""

_WS: Final = r"\t\n\f\r "
_ATTRIBUTE: Final = rf"""
    (?:=[^{_WS}/>=]*+|[^{_WS}/>=]++)
    (?:[{_WS}]*+=[{_WS}]*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^{_WS}>]*+))?+
"""
_TOKEN: Final = re.compile(
    rf"""
    (?P<unseen><!--(?:-?>|.*?(?:--!?>|\Z))|<[!?][^>]*+>?|</(?![a-z])[^>]*+>?)
    |<(?P<raw>script|style)(?=[{_WS}/>]).*?(?:</(?P=raw)(?=[{_WS}/>])[^>]*+>?|\Z)
    |<title(?=[{_WS}/>])[^>]*+>(?P<title>[^<]*+)</title(?=[{_WS}/>])[^>]*+>
    |<(?P<end>/?)(?P<name>[a-z][^{_WS}/>]*+)(?P<rest>(?:[{_WS}/]++|{_ATTRIBUTE})*+)(?:>|\Z)
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_PICTURE: Final = re.compile(r"""(["'])data:[^"']*+\1""", re.IGNORECASE)

# What the parser opens again in every paragraph until it is closed: each different one, but only
# three of those that look the same (the standard's "Noah's Ark clause"). So without their
# attributes, of which none is kept anyway, there are never more than a few.
_FORMATTING: Final = frozenset(
    {
        *("b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong"),
        *("tt", "u"),
    }
)
_READ_OTHERWISE: Final = frozenset(
    {
        *("iframe", "math", "noembed", "noframes", "noscript", "plaintext", "select", "svg"),
        *("template", "textarea", "title", "xmp"),
    }
)
_SHALLOW: Final = frozenset(
    {
        *("area", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta"),
        *("p", "source", "td", "th", "tr", "wbr"),
    }
)
"""Tags that let nothing lie deeper: void ones, and those that the next of them closes."""
_HEAD: Final = frozenset(
    {
        *("base", "head", "html", "link", "meta"),
    }
)


@dataclass(slots=True)
class Tamed:
    """HTML that a browser's parser reads in no time if its tags are few and lie flat."""

    html: str
    tags: int
    unclosed: int
    """Tags that let others lie deeper, less those that close them."""


def tame(html: str) -> Tamed:
    """Takes out comments, scripts, styles, the title of the head, pictures that stand in the text,
    the attributes of formatting, and of tags that are longer than LONGEST_TAG. What a mail program
    wraps its quote in gets a class of ours."""
    in_head = True
    known: dict[str, tuple[str, int]] = {}  # of a tag, what it becomes and whether it goes deeper
    tags = unclosed = 0

    def written(match: re.Match[str]) -> str:
        nonlocal in_head, tags, unclosed
        if not in_head and (before := known.get(match[0])):
            tags += 1
            unclosed += before[1]
            return before[0]
        name = (match["name"] or "").lower()
        if not name:
            if match["title"] is not None and not in_head:
                return f"<p>{match['title']}</p>"
            return ""
        in_head = in_head and name in _HEAD
        deeper = 0 if name in _SHALLOW else -1 if match["end"] else 1
        tags += 1
        unclosed += deeper
        called = f"x-{name}" if name in _READ_OTHERWISE else name
        rest = match["rest"]
        if match["end"] or name in _FORMATTING:
            rest = ""
        elif ":" in rest and "data:" in rest.lower():
            rest = _PICTURE.sub('""', rest)
        if len(rest) > LONGEST_TAG:
            rest = ""
        quotes = mark(name, rest) if rest and name in MARKED else ""
        tag = f"<{match['end']}{called}{quotes}{rest}>"
        if len(known) < _KNOWN and len(tag) < _KNOWN:
            known[match[0]] = tag, deeper
        return tag

    return Tamed(_TOKEN.sub(written, html), tags, unclosed)


def without_pictures(html: str) -> str:
    """The HTML without the pictures that stand in its tags: one may be larger than all words."""

    def written(match: re.Match[str]) -> str:
        return _PICTURE.sub('""', match[0]) if match["name"] else match[0]

    return _TOKEN.sub(written, html) if "data:" in html.lower() else html


def words(html: str) -> list[str]:
    """The runs of text between the tags of tamed HTML, with its references as they are written."""
    return [run for run in (run.strip() for run in _TOKEN.sub("\0", html).split("\0")) if run]
