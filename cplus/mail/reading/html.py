"""Untrusted HTML: sanitised, and converted to text."""

from __future__ import annotations

from html import unescape
from html.parser import HTMLParser
from typing import NamedTuple

import nh3

from cplus.mail.reading.html_tokens import tame, words
from cplus.mail.reading.quote_marks import QUOTED, QUOTED_ON, RULE
from cplus.mail.text import TEXT_LIMIT, cut, storable

_TAGS = nh3.ALLOWED_TAGS - {"img", "map", "area"}
_ATTRIBUTES = {
    tag: names - {"style", "class", "id"} for tag, names in nh3.ALLOWED_ATTRIBUTES.items()
}
_BLOCKS = {
    *("address", "article", "blockquote", "center", "dd", "div", "dl", "dt", "footer", "h1"),
    *("h2", "h3", "h4", "h5", "h6", "header", "li", "ol", "section", "table", "tr", "ul"),
}
_VOID = {"br", "col", "hr", "wbr"}
_MARKS = {QUOTED, QUOTED_ON, RULE}
_CLASSES = {
    **dict.fromkeys(("blockquote", "p", "hr"), _MARKS),
    "div": _MARKS | {"form-section", "primary-message"},
}
_RAW_LIMIT = 2 * 1024 * 1024
"""Bytes of HTML that are read, without the pictures in it."""
_UNCLOSED_LIMIT = 5_000  # the parser's time is quadratic in the depth
_TAGS_LIMIT = 20_000


def sanitise(html: str) -> tuple[str, list[str]]:
    """Harmless HTML of at most 512 KB, and what was wrong with what came.

    HTML that would take a browser's parser very long, or very much memory, becomes its words alone.
    Images go: they tell their sender who read the mail, when and where. Of the classes those stay
    by which Shopify marks the parts of its contact form, and ours of what is quoted.
    """
    defects = []
    tamed = tame(storable(html))
    html, was_cut = cut(tamed.html, _RAW_LIMIT)
    if was_cut:
        defects.append("html cut at 2 MB")
    if tamed.unclosed > _UNCLOSED_LIMIT:
        return _paragraphs(html), [*defects, "html nested too deeply"]
    if tamed.tags > _TAGS_LIMIT:
        return _paragraphs(html), [*defects, "html with more than 20,000 tags"]
    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        clean_content_tags={"script", "style", "title"},
        allowed_classes=_CLASSES,
        url_schemes={"http", "https", "mailto", "tel"},
    )
    # Closing and escaping make some texts longer.
    clean, was_cut = cut(clean, 2 * TEXT_LIMIT)
    if was_cut:
        defects.append("html cut after cleaning")
        clean = clean.rpartition("<")[0]
    return clean, defects


def _paragraphs(html: str) -> str:
    """The words of HTML that is not parsed, a paragraph for each run between two tags."""
    clean, _ = cut("".join(f"<p>{nh3.clean_text(unescape(run))}</p>" for run in words(html)))
    return clean.rpartition("<p>")[0] if not clean.endswith("</p>") else clean


class _Reader(HTMLParser):
    """Writes the text of sanitised HTML as plain mail has it: quoted blocks get `> `, and a link
    whose text does not tell where it leads is followed by its address."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self.marks: list[str] = []
        self.open: list[str] = []  # the marks of the elements around
        self.around = {"": 0, QUOTED: 0, RULE: 0}  # how many of them have each
        self.to_the_end = False
        self.seen: set[str] = set()  # the marks that the words of the line have
        self.delimiter = False
        self.line: list[str] = []
        self.quotes = 0
        self.preformatted = 0
        self.link: str | None = None
        self.link_text: list[str] = []

    def end_link(self) -> None:
        link, self.link = self.link, None
        if link is None:
            return
        said = "".join(self.link_text).strip()
        plain = link.split("://", 1)[-1].removeprefix("www.").rstrip("/")
        if said and plain not in said:
            self.line.append(f" <{link}>")

    def end_line(self, *, even_if_empty: bool = False) -> None:
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

    def enter(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Goes into an element, which may hold what is quoted."""
        called = next((value or "" for name, value in attrs if name == "class"), "")
        if called == QUOTED_ON:
            self.to_the_end = True
        if tag not in _VOID:
            self.open.append(called if called in self.around else "")
            self.around[self.open[-1]] += 1

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.enter(tag, attrs)
        if tag == "a":
            address = dict(attrs).get("href") or ""
            self.link = address if address.startswith(("http://", "https://")) else None
            self.link_text = []
        elif tag in ("br", "hr"):
            self.end_line(even_if_empty=tag == "br")
        elif tag in ("p", "pre"):
            self.end_line()
            self.end_line(even_if_empty=bool(self.lines and self.lines[-1].strip("> ")))
            self.preformatted += tag == "pre"
        elif tag in _BLOCKS:
            self.end_line()
            self.quotes += tag == "blockquote"
        elif tag in ("td", "th"):
            self.line.append(" ")
        if tag == "li":
            self.line.append("- ")

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self.end_link()
        elif tag in ("p", "pre"):
            self.end_line()
            self.preformatted -= tag == "pre"
            self.end_line(even_if_empty=True)
        elif tag in _BLOCKS:
            self.end_line()
            self.quotes -= tag == "blockquote"
        if self.open and tag not in _VOID:
            self.around[self.open.pop()] -= 1

    def handle_data(self, data: str) -> None:
        if not data.isspace():
            quoted = self.to_the_end or self.around[QUOTED]
            self.seen.add(QUOTED if quoted else RULE if self.around[RULE] else "")
            self.delimiter = data.replace("\xa0", " ") == "-- "
        if self.link is not None:
            self.link_text.append(data)
        if not self.preformatted:
            words = data.replace("\xa0", " ").split()
            text = " ".join(words)
            if data[:1].isspace() and self.line:
                text = " " + text
            if words and data[-1:].isspace():
                text += " "
            self.line.append(text)
            return
        first, *rest = data.split("\n")
        self.line.append(first)
        for line in rest:
            self.end_line(even_if_empty=True)
            self.line.append(line)


class Read(NamedTuple):
    """The text of HTML, by lines."""

    lines: list[str]
    marks: list[str]
    """How a mail program marked all of the words of each: QUOTED, RULE or nothing."""


def to_lines(html: str) -> Read:
    """The lines of sanitised HTML, without empty ones around them."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
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
