"""Untrusted HTML, sanitised."""

from __future__ import annotations

from html import unescape

import nh3

from cplus.mail.reading.html_tokens import tame, words
from cplus.mail.reading.quote_marks import QUOTED, QUOTED_ON, RULE
from cplus.mail.text import TEXT_LIMIT, cut, storable

_TAGS = nh3.ALLOWED_TAGS - {"img", "map", "area"}
_ATTRIBUTES = {
    tag: names - {"style", "class", "id"} for tag, names in nh3.ALLOWED_ATTRIBUTES.items()
}
_MARKS = {QUOTED, QUOTED_ON, RULE}
_CLASSES = {
    **dict.fromkeys(("blockquote", "p", "hr"), _MARKS),
    "div": _MARKS | {"form-section", "primary-message"},
}
_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    attributes=_ATTRIBUTES,
    clean_content_tags={"script", "style", "title"},
    allowed_classes=_CLASSES,
    url_schemes={"http", "https", "mailto", "tel"},
)
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
    # Closing and escaping make some texts longer.
    clean, was_cut = cut(_CLEANER.clean(html), 2 * TEXT_LIMIT)
    if was_cut:
        defects.append("html cut after cleaning")
        clean = clean.rpartition("<")[0]
    return clean, defects


def _paragraphs(html: str) -> str:
    """The words of HTML that is not parsed, a paragraph for each run between two tags."""
    clean, _ = cut("".join(f"<p>{nh3.clean_text(unescape(run))}</p>" for run in words(html)))
    return clean.rpartition("<p>")[0] if not clean.endswith("</p>") else clean
