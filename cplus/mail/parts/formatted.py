"""The HTML of a mail as it may be shown in a frame of its own: nothing in it runs, and nothing is
loaded but what the caller allows, picture by picture."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape, unescape
from typing import Final
from urllib.parse import urlsplit

import nh3

from cplus.mail.mime.bounded import TooMuchWork, few_lines, read, whole_head
from cplus.mail.parts.files import normal_cid
from cplus.mail.reading.bodies import html_of_parts
from cplus.mail.reading.html import sanitise
from cplus.mail.reading.html_tokens import tame
from cplus.mail.text import cut, storable

_TAGS: Final = (nh3.ALLOWED_TAGS | {"font"}) - {"map", "area"}
_EVERYWHERE: Final = {"align", "bgcolor", "dir", "height", "style", "valign", "width"}
_ATTRIBUTES: Final = {
    "*": _EVERYWHERE,
    "a": {"href"},
    "img": {"src", "alt"},
    "table": {"border", "cellpadding", "cellspacing"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "ol": {"start", "type"},
}
_STYLES: Final = {
    *("background-color", "border", "border-bottom", "border-collapse", "border-color"),
    *("border-left", "border-radius", "border-right", "border-spacing", "border-style"),
    *("border-top", "border-width", "color", "direction", "display", "font", "font-family"),
    *("font-size", "font-style", "font-weight", "height", "letter-spacing", "line-height"),
    *("list-style-type", "margin", "margin-bottom", "margin-left", "margin-right", "margin-top"),
    *("max-width", "min-width", "padding", "padding-bottom", "padding-left", "padding-right"),
    *("padding-top", "text-align", "text-decoration", "text-transform", "vertical-align"),
    *("white-space", "width"),
}
"""What cannot load anything, nor lay one thing over another."""
_LINK: Final = re.compile(r'<a((?: [a-z-]+="[^"]*")*)>')
"""As the sanitiser writes it, with its attributes in any order."""
_HREF: Final = re.compile(r' href="([^"]*)"')
_IMAGE: Final = re.compile(r"<img [^<>]*>")
_OF_MAIL: Final = re.compile(r'src="cid:([^"]*)"', re.IGNORECASE)
_TAGS_LIMIT: Final = 20_000
_UNCLOSED_LIMIT: Final = 5_000
_LIMIT: Final = 1024 * 1024  # bytes that are shown
_BROKEN: Final = (RecursionError, ValueError, LookupError, TypeError, AttributeError)

_BLOCK: Final = re.compile(r"<(?:p|br|tr|li|div|h[1-6]|blockquote|pre)\b", re.IGNORECASE)
_TAG: Final = re.compile(r"<[^>]*>")
_LINE: Final = 80  # characters


@dataclass(frozen=True, slots=True)
class Formatted:
    """HTML for a frame."""

    html: str
    remote: int
    """How many pictures it would load from elsewhere."""


def formatted(
    raw: bytes, *, picture: Callable[[str], str | None], remote: bool
) -> Formatted | None:
    """The HTML of the mail; None if it has none. `picture` answers the address of the file with a
    Content-ID, or None; pictures from elsewhere are only left in if `remote`."""
    try:
        html = html_of_parts(read(*few_lines(whole_head(raw))))
    except (TooMuchWork, *_BROKEN):
        return None
    return cleaned(html, picture=picture, remote=remote) if html.strip() else None


def cleaned(html: str, *, picture: Callable[[str], str | None], remote: bool) -> Formatted:
    """As `formatted`, of HTML."""
    tamed = tame(storable(html))
    if tamed.tags > _TAGS_LIMIT or tamed.unclosed > _UNCLOSED_LIMIT:
        return Formatted(sanitise(html)[0], 0)  # its words alone
    elsewhere = 0

    def attribute(tag: str, name: str, value: str) -> str | None:
        nonlocal elsewhere
        if tag == "a" and name == "href":
            return None if value.lower().startswith("cid:") else value
        if tag == "img" and name == "src":
            if value.lower().startswith("cid:"):
                return value  # a path would be taken for a relative address, and left out
            if not value.lower().startswith(("http://", "https://")):
                return None
            elsewhere += 1
            return value if remote else None
        return value

    clean = nh3.clean(
        cut(tamed.html, 2 * _LIMIT)[0],
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=attribute,
        clean_content_tags={"script", "style", "title"},
        filter_style_properties=_STYLES,
        set_tag_attribute_values={
            "a": {"target": "_blank"},
            "img": {"referrerpolicy": "no-referrer", "loading": "lazy"},
        },
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
    )
    clean, was_cut = cut(clean, _LIMIT)
    if was_cut:
        clean = clean.rpartition("<")[0]

    def shown(tag: re.Match[str]) -> str:
        return _OF_MAIL.sub(source, tag[0])

    def source(said: re.Match[str]) -> str:
        address = picture(normal_cid(unescape(said[1])))
        return "" if address is None else f'src="{escape(address)}"'

    return Formatted(_IMAGE.sub(shown, _LINK.sub(_leading, clean)), elsewhere)


def _leading(link: re.Match[str]) -> str:
    """Says where the link leads: a style shows it beside the words of the link."""
    href = _HREF.search(link[1])
    if href is None:
        return link[0]
    address = unescape(href[1])
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    where = host or address[:100]
    shown = where.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return f'<a data-leads="{shown}" title="{href[1]}"{link[1]}>'


def lines_of(html: str | None, pictures: int = 0) -> int:
    """About how many lines the HTML takes, with so many pictures in it; 0 if there is none."""
    if not html or not html.strip():
        return 0
    return len(_BLOCK.findall(html)) + len(_TAG.sub("", html)) // _LINE + 1 + 12 * pictures
