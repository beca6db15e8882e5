"""The text of sanitised HTML, with the marks of what mail programs quote in it."""

from __future__ import annotations

import re
from html import unescape
from typing import Final, NamedTuple

from cplus.mail.reading.quote_marks import QUOTED, QUOTED_ON, RULE
from cplus.mail.text import storable

_BLOCKS: Final = {
    *("address", "article", "blockquote", "center", "dd", "div", "dl", "dt", "footer", "h1"),
    *("h2", "h3", "h4", "h5", "h6", "header", "li", "ol", "section", "table", "tr", "ul"),
}
_VOID: Final = {"br", "col", "hr", "wbr"}
# What the sanitiser writes: names in small letters, values in double quotes, no comments. Python's
# own parser, which reads all that people write, takes four times as long.
_TOKEN: Final = re.compile(r"""<(/?)([a-z][a-z0-9]*+)([^>"]*+(?:"[^"]*+"[^>"]*+)*+)>|([^<]++|<)""")
_CLASS: Final = re.compile(r'\bclass="([^"]*)"')
_LINK: Final = re.compile(r'\bhref="(https?://[^"]*)"')


class Read(NamedTuple):
    """The text of HTML, by lines."""

    lines: list[str]
    marks: list[str]
    """How a mail program marked all of the words of each: QUOTED, RULE or nothing."""


def to_lines(html: str) -> Read:
    """The lines of sanitised HTML, without empty ones around them."""
    reader = _Reader()
    enter, leave, say = reader.enter, reader.leave, reader.words
    for end, tag, attributes, words in _TOKEN.findall(html):
        if words:
            say(words)
        elif end:
            leave(tag)
        else:
            enter(tag, attributes)
    reader.end_line()
    first, end = 0, len(reader.lines)
    while first < end and not reader.lines[first]:
        first += 1
    while first < end and not reader.lines[end - 1]:
        end -= 1
    return Read([storable(one) for one in reader.lines[first:end]], reader.marks[first:end])


def to_text(html: str) -> str:
    """The text of sanitised HTML, lines ended by a line feed."""
    return "\n".join(to_lines(html).lines)


class _Reader:
    """Writes the text of sanitised HTML as plain mail has it: quoted blocks get `> `, and a link
    whose text does not tell where it leads is followed by its address."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.marks: list[str] = []
        self.open: list[str] = []  # the marks of the elements around
        self.around = {QUOTED: 0, RULE: 0}  # how many of them have each
        self.to_the_end = False
        self.seen: set[str] = set()  # the marks that the words of the line have
        self.delimiter = False
        self.line: list[str] = []
        self.quotes = 0
        self.preformatted = 0
        self.link: str | None = None
        self.link_text: list[str] = []

    def enter(self, tag: str, attributes: str) -> None:
        """Goes into an element, which may hold what is quoted."""
        if tag not in _VOID or attributes:
            self._note(tag, attributes)
        if tag in _BLOCKS:
            if self.line:
                self.end_line()
            self.quotes += tag == "blockquote"
            if tag == "li":
                self.line.append("- ")
        elif tag == "br":
            self.end_line(even_if_empty=True)
        elif tag == "a":
            found = _LINK.search(attributes)
            self.link, self.link_text = unescape(found[1]) if found else None, []
        elif tag in ("p", "pre"):
            self.end_line()
            self.end_line(even_if_empty=bool(self.lines and self.lines[-1].strip("> ")))
            self.preformatted += tag == "pre"
        elif tag == "hr":
            self.end_line()
        elif tag in ("td", "th"):
            self.line.append(" ")

    def _note(self, tag: str, attributes: str) -> None:
        mark = ""
        if "class=" in attributes and (found := _CLASS.search(attributes)):
            self.to_the_end = self.to_the_end or found[1] == QUOTED_ON
            mark = found[1] if found[1] in self.around else ""
        if tag not in _VOID:
            self.open.append(mark)
            if mark:
                self.around[mark] += 1

    def leave(self, tag: str) -> None:
        """Goes out of an element."""
        if tag in _BLOCKS:
            if self.line:
                self.end_line()
            self.quotes -= tag == "blockquote"
        elif tag == "a":
            self._end_link()
        elif tag in ("p", "pre"):
            self.end_line()
            self.preformatted -= tag == "pre"
            self.end_line(even_if_empty=True)
        if self.open and tag not in _VOID and (mark := self.open.pop()):
            self.around[mark] -= 1

    def _end_link(self) -> None:
        link, self.link = self.link, None
        if link is None:
            return
        said = "".join(self.link_text).strip()
        plain = link.split("://", 1)[-1].removeprefix("www.").rstrip("/")
        if said and plain not in said:
            self.line.append(f" <{link}>")

    def end_line(self, *, even_if_empty: bool = False) -> None:
        """Ends the line, if it has words or even if it has none."""
        if not self.line and not even_if_empty:
            return
        written = "".join(self.line)
        # The mark of a signature is one only with its space.
        kept = self.preformatted or (self.delimiter and written == "-- ")
        text = written if kept else written.strip()
        self.line = []
        self.delimiter = False
        if text or even_if_empty:
            self.lines.append("> " * min(self.quotes, 8) + text)
            self.marks.append(next(iter(self.seen)) if len(self.seen) == 1 else "")
        self.seen = set()

    def words(self, written: str) -> None:
        """Adds words as HTML has them."""
        data = unescape(written) if "&" in written else written
        words = data.split()  # also at a no-break space
        if words:
            quoted = self.to_the_end or self.around[QUOTED]
            self.seen.add(QUOTED if quoted else RULE if self.around[RULE] else "")
            self.delimiter = len(data) == 3 and data.replace("\xa0", " ") == "-- "
        if self.link is not None:
            self.link_text.append(data)
        if self.preformatted:
            first, *rest = data.split("\n")
            self.line.append(first)
            for line in rest:
                self.end_line(even_if_empty=True)
                self.line.append(line)
            return
        text = " ".join(words)
        if self.line and data[:1].isspace():
            text = " " + text
        if words and data[-1:].isspace():
            text += " "
        if text:
            self.line.append(text)
