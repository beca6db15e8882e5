"""The parts of a mail: text, HTML and files."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.message import Message
from email.utils import collapse_rfc2231_value
from mimetypes import guess_extension
from typing import Any

from cplus.mail import html as html_of
from cplus.mail.model import Attachment
from cplus.mail.text import cut, decode, decode_words, raw_header

_PARTS_LIMIT = 1_000
_ATTACHMENTS_LIMIT = 200
_NAME_LIMIT = 200
_PATHS = re.compile(r'[/\\:*?"<>|]+')


@dataclass
class Body:
    """The content of the parts."""

    text: str = ""
    html: str | None = None
    attachments: list[Attachment] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)


@dataclass
class _Found:
    texts: list[str] = field(default_factory=list)
    htmls: list[str] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)


def leaves(message: Message[Any, Any]) -> list[Message[Any, Any]]:
    """The parts without subparts, in order, at most 1,000; an attached mail is one part.

    Uses a list instead of recursion: a hostile mail nests deeper than Python's stack.
    """
    found: list[Message[Any, Any]] = []
    waiting = [message]
    while waiting and len(found) < _PARTS_LIMIT:
        part = waiting.pop()
        if part.is_multipart() and part.get_content_maintype() == "multipart":
            children = [child for child in part.get_payload() if isinstance(child, Message)]
            waiting.extend(reversed(children))
        else:
            found.append(part)
    return found


def content(part: Message[Any, Any]) -> bytes:
    """The decoded bytes of a part; unchanged if they cannot be decoded."""
    if part.is_multipart():
        children = [child for child in part.get_payload() if isinstance(child, Message)]
        return b"".join(child.as_bytes() for child in children)
    try:
        decoded = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError):
        decoded = str(part.get_payload()).encode("utf-8", "surrogateescape")
    return decoded if isinstance(decoded, bytes) else b""


def _size(part: Message[Any, Any]) -> int:
    """The number of decoded bytes of a part, counted without decoding if that is easy."""
    if part.is_multipart():
        return _size_of_parts(part)
    payload = str(part.get_payload())
    encoding = str(part.get("content-transfer-encoding", "")).strip().lower()
    if encoding == "base64":
        return (len(payload) - sum(map(payload.count, "\r\n\t ="))) * 3 // 4
    if encoding in ("", "7bit", "8bit", "binary"):
        return len(payload)  # the parser keeps one character per byte
    return len(content(part))


def _size_of_parts(part: Message[Any, Any]) -> int:
    """Approximate size of an attached mail: reassembling it would copy it many times."""
    size = 0
    waiting = [child for child in part.get_payload() if isinstance(child, Message)]
    while waiting:
        child = waiting.pop()
        size += sum(len(name) + len(str(value)) + 3 for name, value in child.raw_items())
        if child.is_multipart():
            waiting.extend(one for one in child.get_payload() if isinstance(one, Message))
        else:
            size += len(str(child.get_payload())) + 1
    return size


def file_name(part: Message[Any, Any]) -> str:
    """The file name of a part, decoded and without path; empty if it has none."""
    try:
        value = part.get_param("filename", None, "content-disposition")
        if value is None:
            value = part.get_param("name", None)
        name = "" if value is None else collapse_rfc2231_value(value)
    except (ValueError, LookupError, TypeError, AttributeError, IndexError):
        name = "unreadable-name"
    return _PATHS.sub("_", decode_words(raw_header(name)[0])).strip(". ")[:_NAME_LIMIT]


def _attachment(number: int, part: Message[Any, Any]) -> Attachment:
    kind = raw_header(part.get_content_type())[0]
    name = file_name(part)
    if not name:
        ending = ".eml" if kind == "message/rfc822" else guess_extension(kind) or ""
        name = f"attachment-{number}{ending}"
    return Attachment(part=number, name=name, content_type=kind, size=_size(part))


def _text(part: Message[Any, Any], found: _Found) -> str:
    try:
        charset = part.get_content_charset()
    except (ValueError, LookupError, TypeError, AttributeError):
        charset = "unknown"
    text, right = decode(content(part), charset)
    if not right:
        found.defects.append("bad charset")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _is_file(part: Message[Any, Any]) -> bool:
    disposition = str(part.get("content-disposition", "")).strip().lower()
    return disposition.startswith("attachment") or bool(file_name(part))


def _take(number: int, part: Message[Any, Any], found: _Found) -> None:
    kind = part.get_content_type()
    if kind == "text/plain" and not _is_file(part):
        found.texts.append(_text(part, found))
    elif kind == "text/html" and not _is_file(part):
        found.htmls.append(_text(part, found))
    elif len(found.attachments) < _ATTACHMENTS_LIMIT:
        found.attachments.append(_attachment(number, part))
        if kind == "application/ms-tnef" or found.attachments[-1].name.lower() == "winmail.dat":
            found.defects.append("content in winmail.dat")
    else:
        found.defects.append("more than 200 attachments")


def read_body(message: Message[Any, Any]) -> Body:
    """Reads all parts. The text comes from plain text, or from HTML if there is none."""
    found = _Found()
    parts = leaves(message)
    if len(parts) >= _PARTS_LIMIT:
        found.defects.append("more than 1,000 parts")
    for number, part in enumerate(parts):
        try:
            _take(number, part, found)
        except Exception as error:  # noqa: BLE001 - the other parts are still worth reading
            found.defects.append(f"unreadable part: {type(error).__name__}")
        found.defects += [_words(defect) for defect in part.defects]
    # Mail programs on phones split a text in two around a picture.
    text, was_cut = cut("\n".join(found.texts))
    if was_cut:
        found.defects.append("text cut at 256 KB")
    html = None
    if found.htmls:
        html, defects = html_of.sanitise("\n".join(found.htmls))
        found.defects += defects
        if not text.strip():
            text, was_cut = cut(html_of.to_text(html))
    return Body(text, html, found.attachments, found.defects)


def _words(defect: object) -> str:
    """The parser's name for a defect as words: `StartBoundaryNotFoundDefect` and its like."""
    name = type(defect).__name__.removesuffix("Defect")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()
