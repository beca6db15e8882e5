"""The words of all parts of a mail; none are lost if its alternatives say different things."""

from __future__ import annotations

import re
from html import unescape
from itertools import groupby
from operator import itemgetter
from typing import Final

from cplus.mail.reading.html import sanitise
from cplus.mail.reading.html_text import to_lines, to_text
from cplus.mail.reading.html_tokens import without_pictures
from cplus.mail.reading.said import Said, join, letters, marked, plain
from cplus.mail.replies.marker import marker_tokens, may_have_token
from cplus.mail.text import TEXT_LIMIT, cut

HTML_LIMIT: Final = 2 * 1024 * 1024
"""Characters of all HTML that are read."""
_PLAIN_LIMIT: Final = 4 * TEXT_LIMIT  # bytes of all plain texts; of each TEXT_LIMIT
_CUT: Final = "text cut at 256 KB"
_WORD: Final = re.compile(r"[^\W_]+")
_STAND_IN: Final = re.compile(
    r"\b(?:this|dies|diese|ce|cet|este|esta|questo|questa)\b.{0,60}\bhtml\b"
    r"|\bhtml[ -]?(?:capable|compatible|enabled|fähig)"
    r"|\b(?:view|support|supports|display|show|read) html\b",
    re.IGNORECASE,
)
_STAND_IN_LENGTH: Final = 300  # characters
_CODE: Final = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style)\b[^>]*>?(.*?)(</\1[^>]*>?|\Z)", re.IGNORECASE | re.DOTALL
)
_TAG: Final = re.compile(r"<[/!?]?[a-z][^>]*>?", re.IGNORECASE)


class Words:
    """The words of a mail, in the order of its parts. Starts with none."""

    def __init__(self) -> None:
        self.htmls: list[str] = []
        self.defects: list[str] = []
        self._html_room = HTML_LIMIT
        self._plain_room = _PLAIN_LIMIT
        self._tokens: list[str] = []
        self._written: list[tuple[int, bool, str]] = []  # choice, whether it is HTML, text
        self._cleaned: dict[str, tuple[str, list[str]]] = {}

    def add_plain(self, choice: int, text: str) -> None:
        """Adds a plain text; `choice` is the multipart/alternative that it stands in, or 0."""
        self._tokens += marker_tokens(text)
        # Cut before it is compared: to compare 36 MB takes half a minute and 1 GB.
        text, was_cut = cut(text, min(TEXT_LIMIT, self._plain_room))
        self._plain_room -= len(text)
        if was_cut:
            self.defects.append(_CUT)
        self._written.append((choice, False, text))

    def add_html(self, choice: int, html: str) -> None:
        """Adds HTML as its sender wrote it; `choice` as for `add_plain`."""
        # To read HTML takes far longer than to read text, and a mail may have many parts.
        html = without_pictures(html)[: self._html_room]
        self._html_room -= len(html)
        self.htmls.append(html)
        self._written.append((choice, True, html))

    def __bool__(self) -> bool:
        return any(text.strip() for _, _, text in self._written)

    def tokens(self, html: str | None) -> list[str]:
        """The tokens of markers in each text, and in the HTML, once it is sanitised."""
        found = list(self._tokens)
        if html and any(map(may_have_token, self.htmls)):
            found += marker_tokens(to_text(html))
        return list(dict.fromkeys(found))[:20]

    def said(self) -> Said:
        """All of it, at most 256 KB; of two alternatives that say the same, the plain one."""
        said: list[Said] = []
        for choice, group in groupby(self._written, key=itemgetter(0)):
            parts = [(is_html, text) for _, is_html, text in group]
            if choice:
                said += self._chosen(parts)
            else:
                said += [self._read([text]) if is_html else plain(text) for is_html, text in parts]
        # Mail programs of phones cut a text in two where a picture stands.
        whole = join([one for one in said if one.text.strip()])
        text, was_cut = cut(whole.text)
        if was_cut:
            self.defects.append(_CUT)
        return Said(text, whole.marks)

    def clean(self) -> tuple[str, list[str]]:
        """All of the HTML, sanitised, and what was wrong with it."""
        return self._sanitised("\n".join(self.htmls))

    def _sanitised(self, html: str) -> tuple[str, list[str]]:
        if html not in self._cleaned:
            self._cleaned[html] = sanitise(html)
        return self._cleaned[html]

    def _chosen(self, parts: list[tuple[bool, str]]) -> list[Said]:
        written = "\n".join(text for is_html, text in parts if not is_html)
        htmls = [text for is_html, text in parts if is_html]
        if not htmls:
            return [plain(written)]
        read = self._read(htmls, even_if_broken=not written.strip() or _says_html(written))
        return _both(written, read)

    def _read(self, htmls: list[str], *, even_if_broken: bool = True) -> Said:
        """The text of HTML. What a browser would not show is read if there is nothing else."""
        lines = [to_lines(self._sanitised(html)[0]) for html in htmls]
        read = join([Said("\n".join(one.lines), one.marks) for one in lines])
        if read.text.strip() or not even_if_broken:
            return read
        words = "\n".join(filter(None, map(_unparsed, htmls)))
        if words:
            self.defects.append("words of broken html")
        return plain(words)


def _both(written: str, read: Said) -> list[Said]:
    """What two alternatives say: one of them if it says what the other does, else the plain one and
    what only the HTML says."""
    spoken, wanted = _words(written), _words(read.text)
    only_plain, only_read = spoken - wanted, wanted - spoken
    if not only_read or letters(read.text) in letters(written):
        return [marked(written, read)]
    if not only_plain or letters(written) in letters(read.text):
        return [read]
    if _is_stand_in(written, read.text, only_plain):
        return [read]
    if len(only_read) * 4 > len(wanted):
        return [plain(written), read]
    # Two programs' ways to write the same: all of it twice would bury what was said.
    lines = [line for line in read.text.split("\n") if _words(line) & only_read]
    return [plain(written), plain("\n".join(lines))]


def _is_stand_in(plain: str, read: str, only_plain: set[str]) -> bool:
    """Whether a plain text only points at the HTML. A number that it alone has is worth keeping."""
    if any(char.isdigit() for word in only_plain for char in word):
        return False
    few = len(only_plain) * 10 <= len(_words(plain)) and len(plain) < len(read)
    return few or _says_html(plain)


def _says_html(plain: str) -> bool:
    if len(plain) > _STAND_IN_LENGTH or "html" not in plain.lower():
        return False
    return _STAND_IN.search(plain) is not None


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))


def _unparsed(html: str) -> str:
    """The words between the tags, also those of a title and of a style that has no end."""
    html = _CODE.sub(lambda found: " " if found[3] or not found[1] else f" {found[2]} ", html)
    return "\n".join(filter(None, (unescape(run).strip() for run in _TAG.split(html))))
