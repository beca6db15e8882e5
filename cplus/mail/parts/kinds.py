"""What a file is, by what it holds: senders say wrong types by mistake and on purpose.

The signatures are those of puremagic, which is kept up, pure Python and without dependencies.
"""

from __future__ import annotations

import re
from typing import Final

OCTETS: Final = "application/octet-stream"
PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""What every browser shows and nothing can run in."""

_BEGINNING: Final = 4_096  # bytes that are looked at
_LEAST: Final = 3  # bytes of a signature that is believed: "BM" begins many a text
_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}")
_MARKUP: Final = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<!--.{0,1000}?-->\s*|<\?xml[^>]{0,200}\?>\s*)*"
    rb"(?:(<!doctype svg|<svg)|(<!doctype html|<(?:html|head|body|script|iframe)\b)|<[a-z!?])",
    re.IGNORECASE | re.DOTALL,
)
_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_IN_ZIP: Final = re.compile(
    r"application/(?:vnd\.openxmlformats-officedocument\..+|vnd\.oasis\.opendocument\..+"
    r"|vnd\.ms-.+|epub\+zip|java-archive|x-zip-compressed|zip|vnd\.apple\..+)"
)
_IN_OLE: Final = re.compile(r"application/(?:msword|vnd\.ms-.+|x-msi)")
_BY_ENDING: Final = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "epub": "application/epub+zip",
}
_SIGNED_BY_CONTENT: Final = ("image/", "audio/", "video/", "application/pdf", "application/zip")
"""Types whose files begin with a signature: without it they are something else."""


def kind_of(data: bytes, declared: str, name: str = "") -> str:
    """The type of a file with these bytes, of which its sender says that it is `declared`."""
    declared = declared.lower() if _TYPE.fullmatch(declared.lower()) else OCTETS
    head = bytes(data[:_BEGINNING])
    if head.startswith(_ZIP):
        by_name = _BY_ENDING.get(name.lower().rpartition(".")[2], "application/zip")
        return declared if _IN_ZIP.fullmatch(declared) else by_name
    if head.startswith(_OLE):
        return declared if _IN_OLE.fullmatch(declared) else "application/x-ole-storage"
    if (markup := _MARKUP.match(head)) is not None:
        return _of_markup(markup, declared)
    if (found := _by_signature(head)) is not None:
        return found
    if declared.startswith(_SIGNED_BY_CONTENT):
        return OCTETS
    if declared.startswith("text/") and b"\0" in head:
        return OCTETS
    return declared


def _of_markup(markup: re.Match[bytes], declared: str) -> str:
    if markup[1]:
        return "image/svg+xml"
    if markup[2] or declared in ("text/html", "application/xhtml+xml"):
        return "text/html"
    if declared in PICTURES or declared.startswith(("audio/", "video/")):
        return "application/xml"
    return declared


def _by_signature(head: bytes) -> str | None:
    from puremagic import PureError, magic_string  # it reads a table of signatures

    try:
        found = magic_string(head)
    except (PureError, ValueError, IndexError):
        return None
    for one in found:  # the surest first
        if one.mime_type and len(one.byte_match) >= _LEAST and _TYPE.fullmatch(one.mime_type):
            return str(one.mime_type)
    return None
