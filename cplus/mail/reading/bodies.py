"""The parts of a mail: text, HTML and files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import Message
from email.utils import collapse_rfc2231_value
from mimetypes import guess_extension
from typing import Any, NamedTuple

from cplus.mail.model import Attachment
from cplus.mail.parts.names import safe_name
from cplus.mail.reading.html_tokens import without_pictures
from cplus.mail.reading.smime import signed_content
from cplus.mail.reading.words import HTML_LIMIT, Words
from cplus.mail.text import TEXT_LIMIT, decode, decode_words, raw_header

_PARTS_LIMIT = 1_000
_ATTACHMENTS_LIMIT = 200
_READ_LIMITS = {"text/plain": 4 * TEXT_LIMIT, "text/html": 4 * HTML_LIMIT}  # bytes of one part
_ENCODED = 4  # characters that one encoded byte takes, or fewer
_CUT_ENCODINGS = {"", "7bit", "8bit", "binary", "base64", "quoted-printable"}
_SIMPLE_TYPE = re.compile(
    r"""[a-z]+/[a-z]+; ?charset=(?P<quote>"?)(?P<name>[\w.:-]+)(?P=quote)""",
    re.ASCII | re.IGNORECASE,
)
"""Matches nearly every type of a text, and nothing that could be read in another way."""
_META = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?([\w.:-]{1,40})""", re.IGNORECASE)
_META_WITHIN = 4_096  # bytes


@dataclass
class Body:
    """The content of the parts."""

    text: str = ""
    marks: Sequence[str] = ()
    """Of each line of the text how its mail program marked it, as of `html_text.Read`."""
    html: str | None = None
    tokens: list[str] = field(default_factory=list)
    """Those of the markers in all texts and in the HTML, whether `text` has them or not."""
    attachments: list[Attachment] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)


def leaves(message: Message[Any, Any]) -> list[Message[Any, Any]]:
    """The parts that hold no parts, in order, at most 1,000; an attached mail is one part."""
    return [leaf.part for leaf in _leaves(message)]


class _Leaf(NamedTuple):
    part: Message[Any, Any]
    choice: int
    """Which multipart/alternative it stands in, the outermost; 0 for none."""


def _leaves(message: Message[Any, Any]) -> list[_Leaf]:
    # Walked with a list and not by recursion: a hostile mail nests deeper than Python does.
    found: list[_Leaf] = []
    waiting = [_Leaf(message, 0)]
    choices = 0
    while waiting and len(found) < _PARTS_LIMIT:
        part, choice = waiting.pop()
        if part.is_multipart() and part.get_content_maintype() == "multipart":
            if not choice and part.get_content_subtype() == "alternative":
                choices += 1
                choice = choices
            children = [one for one in part.get_payload() if isinstance(one, Message)]
            waiting.extend(_Leaf(child, choice) for child in reversed(children))
        else:
            found.append(_Leaf(part, choice))
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
    payload = _as_parsed(part)
    encoding = str(part.get("content-transfer-encoding", "")).strip().lower()
    if encoding == "base64":
        return (len(payload) - sum(map(payload.count, "\r\n\t ="))) * 3 // 4
    if encoding == "quoted-printable":
        return len(payload) - 2 * payload.count("=") - payload.count("=\r\n")
    if encoding in ("", "7bit", "8bit", "binary"):
        return len(payload)  # the parser keeps one character per byte
    return len(content(part))


def _as_parsed(part: Message[Any, Any]) -> str:
    """The text of a part as the parser left it: `get_payload` decodes all of it, several times
    over. Empty if it holds parts."""
    payload = vars(part).get("_payload")
    return payload if isinstance(payload, str) else ""


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
            size += len(_as_parsed(child)) + 1
    return size


def file_name(part: Message[Any, Any]) -> str:
    """The file name of a part, decoded and without path; empty if it has none."""
    if "name" not in f"{part.get('content-type', '')}{_disposition(part)}".lower():
        return ""
    try:
        value = part.get_param("filename", None, "content-disposition")
        if value is None:
            value = part.get_param("name", None)
        name = "" if value is None else collapse_rfc2231_value(value)
    except (ValueError, LookupError, TypeError, AttributeError, IndexError):
        name = "unreadable-name"
    return safe_name(decode_words(raw_header(name)[0]))


def _attachment(number: int, part: Message[Any, Any]) -> Attachment:
    kind = raw_header(part.get_content_type())[0]
    name = file_name(part)
    if not name:
        ending = ".eml" if kind == "message/rfc822" else guess_extension(kind) or ""
        name = f"attachment-{number}{ending}"
    return Attachment(part=number, name=name, content_type=kind, size=_size(part))


def _beginning(part: Message[Any, Any], limit: int) -> tuple[bytes, bool]:
    """The first decoded bytes of a part, at most `limit`, and whether these are all."""
    payload = _as_parsed(part)
    encoding = str(part.get("content-transfer-encoding", "")).strip().lower()
    whole = len(payload) <= limit * _ENCODED
    if not whole and encoding in _CUT_ENCODINGS:
        payload = payload[: limit * _ENCODED]
        if encoding == "base64":
            payload = "".join(payload.split())
            payload = payload[: len(payload) // 4 * 4]  # an odd character makes all of it invalid
        part = Message()
        part["content-transfer-encoding"] = encoding
        part.set_payload(payload)
    data = content(part)
    return data[:limit], whole and len(data) <= limit


def _charset(part: Message[Any, Any]) -> str | None:
    """What the part names as its charset, in lower case; None if it names none."""
    if simple := _SIMPLE_TYPE.fullmatch(str(part.get("content-type", ""))):
        return simple["name"].lower()
    try:
        return part.get_content_charset()
    except (ValueError, LookupError, TypeError, AttributeError):
        return "unknown"


def _text(part: Message[Any, Any], kind: str, defects: list[str]) -> str:
    data, whole = _beginning(part, _READ_LIMITS[kind])
    charset = _charset(part)
    if charset is None and kind == "text/html" and (meta := _META.search(data[:_META_WITHIN])):
        charset = meta[1].decode("ascii")
    text, right = decode(data, charset, whole=whole)
    if not right:
        defects.append("bad charset")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _disposition(part: Message[Any, Any]) -> str:
    return str(part.get("content-disposition", "")).strip().lower()


def _is_file(part: Message[Any, Any]) -> bool:
    return _disposition(part).startswith("attachment") or bool(file_name(part))


def _kind(part: Message[Any, Any]) -> str:
    """What a part is; a multipart without a boundary is the text that stands in it."""
    kind = part.get_content_type()
    return "text/plain" if kind.startswith("multipart/") and not part.is_multipart() else kind


def _take(leaf: _Leaf, words: Words) -> bool:
    """Adds a part's words; False if it has none."""
    kind = _kind(leaf.part)
    if kind not in _READ_LIMITS:
        return False
    add = words.add_plain if kind == "text/plain" else words.add_html
    add(leaf.choice, _text(leaf.part, kind, words.defects))
    return True


def _take_signed(leaf: _Leaf, words: Words) -> bool:
    """Adds the words of what a signature of S/MIME wraps; False if the part is no such thing."""
    inner = signed_content(leaf.part)
    for one in [] if inner is None else _leaves(inner):
        if not _is_file(one.part):
            # The numbers of its own choices are not those of the mail around it.
            _take(_Leaf(one.part, leaf.choice or -one.choice), words)
    return inner is not None


def read_body(message: Message[Any, Any]) -> Body:
    """Reads all parts: the words in their order, and what is a file."""
    body, words = Body(), Words()
    parts = _leaves(message)
    if len(parts) >= _PARTS_LIMIT:
        body.defects.append("more than 1,000 parts")
    files: list[tuple[int, _Leaf]] = []
    signed = False
    for number, leaf in enumerate(parts):
        body.defects += [_named(defect) for defect in leaf.part.defects]
        try:
            is_file = _is_file(leaf.part) and not _leads(leaf, parts[0])
            if is_file or not _take(leaf, words):
                files.append((number, leaf))
                # Of the first alone: a mail may have many.
                signed = signed or _take_signed(leaf, words)
        except Exception as error:  # noqa: BLE001 - the other parts are still worth reading
            body.defects.append(f"unreadable part: {type(error).__name__}")
    if not words:
        files = _words_of_files(files, words)
    _attach(files, body)
    body.text, body.marks = words.said()
    if words.htmls:
        body.html, defects = words.clean()
        words.defects += defects
    body.tokens = words.tokens(body.html)
    body.defects = words.defects + body.defects
    return body


def html_of_parts(message: Message[Any, Any]) -> str:
    """The HTML among the words of a mail, as its sender wrote it."""
    parts, found = _leaves(message), list[str]()
    for leaf in parts:
        inner = signed_content(leaf.part)
        for one in _leaves(inner) if inner is not None else [leaf]:
            if _kind(one.part) != "text/html":
                continue
            if not _is_file(one.part) or (one is leaf and _leads(leaf, parts[0])):
                found.append(without_pictures(_text(one.part, "text/html", [])))
    return "\n".join(found)[: 2 * HTML_LIMIT]


def _leads(leaf: _Leaf, first: _Leaf) -> bool:
    """Whether a part is what a mail begins with, which is its words even if it has a file name,
    unless it is sent as an attachment."""
    is_first = leaf is first or (leaf.choice != 0 and leaf.choice == first.choice)
    return is_first and not _disposition(leaf.part).startswith("attachment")


def _words_of_files(files: list[tuple[int, _Leaf]], words: Words) -> list[tuple[int, _Leaf]]:
    """Takes the words of a mail that calls all of its parts files: of the first text and of its
    alternatives. Answers the files that are left."""
    left: list[tuple[int, _Leaf]] = []
    first: _Leaf | None = None
    for number, leaf in files:
        is_next = first is None or (leaf.choice and leaf.choice == first.choice)
        try:
            if is_next and _take(leaf, words):
                first = first or leaf
                continue
        except Exception as error:  # noqa: BLE001 - the other parts are still worth reading
            words.defects.append(f"unreadable part: {type(error).__name__}")
        left.append((number, leaf))
    return left


def _attach(files: list[tuple[int, _Leaf]], body: Body) -> None:
    for number, leaf in files:
        if len(body.attachments) >= _ATTACHMENTS_LIMIT:
            body.defects.append("more than 200 attachments")
            return
        try:
            body.attachments.append(_attachment(number, leaf.part))
        except Exception as error:  # noqa: BLE001 - the other parts are still worth reading
            body.defects.append(f"unreadable part: {type(error).__name__}")
            continue
        kind, name = leaf.part.get_content_type(), body.attachments[-1].name.lower()
        if kind == "application/ms-tnef" or name == "winmail.dat":
            body.defects.append("content in winmail.dat")


def _named(defect: object) -> str:
    """The parser's name for a defect as words: `StartBoundaryNotFoundDefect` and its like."""
    name = type(defect).__name__.removesuffix("Defect")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()
