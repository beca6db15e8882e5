"""Untrusted HTML: sanitised, and converted to text."""

from __future__ import annotations

from html.parser import HTMLParser

import nh3

from cplus.mail.text import TEXT_LIMIT, cut, storable

_TAGS = nh3.ALLOWED_TAGS - {"img", "map", "area"}
_ATTRIBUTES = {
    tag: names - {"style", "class", "id"} for tag, names in nh3.ALLOWED_ATTRIBUTES.items()
}
_BLOCKS = {
    *("address", "article", "blockquote", "center", "dd", "div", "dl", "dt", "footer", "h1"),
    *("h2", "h3", "h4", "h5", "h6", "header", "li", "ol", "section", "table", "tr", "ul"),
}
# A browser's parser takes quadratic time in the depth.
_UNCLOSED_LIMIT = 5_000


def sanitise(html: str) -> tuple[str, list[str]]:
    """Sanitised HTML of at most 256 KB, and the defects of the original.

    Images are removed: they tell their sender who read the mail, when and where. Only the two
    classes with which Shopify marks the parts of its contact form are kept.
    """
    defects = []
    html, was_cut = cut(storable(html))
    if was_cut:
        defects.append("html cut at 256 KB")
    if html.count("<") - 2 * html.count("</") > _UNCLOSED_LIMIT:
        return "", [*defects, "html nested too deeply"]
    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        clean_content_tags={"script", "style", "title"},
        allowed_classes={"div": {"form-section", "primary-message"}},
        url_schemes={"http", "https", "mailto", "tel"},
    )
    # Closing and escaping make some texts longer.
    clean, was_cut = cut(clean, 2 * TEXT_LIMIT)
    if was_cut:
        defects.append("html cut after cleaning")
        clean = clean.rpartition("<")[0]
    return clean, defects


class _Reader(HTMLParser):
    """Writes the text of sanitised HTML; quoted blocks get `> ` as in plain mail."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self.line: list[str] = []
        self.quotes = 0
        self.preformatted = 0

    def end_line(self, *, even_if_empty: bool = False) -> None:
        text = "".join(self.line).strip() if not self.preformatted else "".join(self.line)
        self.line = []
        if text or even_if_empty:
            self.lines.append("> " * min(self.quotes, 8) + text)

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("br", "hr"):
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
        if tag in ("p", "pre"):
            self.end_line()
            self.preformatted -= tag == "pre"
            self.end_line(even_if_empty=True)
        elif tag in _BLOCKS:
            self.end_line()
            self.quotes -= tag == "blockquote"

    def handle_data(self, data: str) -> None:
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


def to_text(html: str) -> str:
    """The text of sanitised HTML, lines ended by a line feed."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    reader.end_line()
    return storable("\n".join(reader.lines)).strip("\n")
