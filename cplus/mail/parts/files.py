"""The files of a mail with their bytes, one after the other: attachments, pictures in its HTML,
attached mails, and what is within a `winmail.dat`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from itertools import islice
from typing import Any, Final
from urllib.parse import unquote

from cplus.mail.model import Attachment
from cplus.mail.parts.kinds import OCTETS, kind_of
from cplus.mail.parts.names import safe_name
from cplus.mail.parts.tnef import read_tnef
from cplus.mail.reading.bodies import content
from cplus.mail.reading.parse import parse_with_parts
from cplus.mail.text import decode_words, raw_header

MOST: Final = 200
"""Files of a mail that are kept apart; the raw mail has all."""

_BROKEN: Final = (RecursionError, ValueError, LookupError, TypeError, AttributeError)
_CID: Final = re.compile(rb"cid:([^\s\"'<>()\\]{1,500})", re.IGNORECASE)
_CIDS: Final = 1_000
_HTML_READ: Final = 4 * 1024 * 1024  # bytes of HTML in which names of pictures are looked for


@dataclass(frozen=True, slots=True)
class MailFile:
    """A file of a mail; docs of the fields: StoredFile."""

    id: str
    name: str
    content_type: str
    data: bytes
    cid: str | None = None
    inline: bool = False


def files_of(raw: bytes) -> Iterator[MailFile]:
    """The files of a mail, each decoded only when it is asked for, at most MOST. What cannot be
    decoded is left out; the raw mail has it."""
    mail, parts = parse_with_parts(raw)
    return files_in(parts, mail.attachments)


def files_in(
    parts: Sequence[Message[Any, Any]], attachments: Sequence[Attachment]
) -> Iterator[MailFile]:
    """The same, of a mail that `parse_with_parts` read."""
    return islice(_files(parts, attachments), MOST)


def normal_cid(said: str) -> str:
    """A Content-ID as it is compared: HTML writes it percent-encoded and without brackets."""
    return unquote(said).strip().strip("<>").strip()


def _files(
    parts: Sequence[Message[Any, Any]], attachments: Sequence[Attachment]
) -> Iterator[MailFile]:
    shown = _shown_by_html(parts) if attachments else set()
    for one in attachments:
        if one.part >= len(parts) or (data := _data(parts[one.part])) is None:
            continue
        file = _file(one, parts[one.part], data, shown)
        yield file
        if _is_tnef(file):
            yield from _within(file, shown)


def _file(
    one: Attachment, part: Message[Any, Any], data: bytes, shown: Collection[str]
) -> MailFile:
    cid = _cid(part)
    kind, name = kind_of(data, one.content_type, one.name), one.name
    if part.get_content_type() == "message/rfc822":
        kind, name = "message/rfc822", _name_of_mail(part, name)
    return MailFile(str(one.part), name, kind, data, cid, cid is not None and cid in shown)


def _name_of_mail(part: Message[Any, Any], name: str) -> str:
    """An attached mail that has no name is called by its subject."""
    if not name.startswith("attachment-") or not part.is_multipart():
        return name
    inner = part.get_payload(0)
    said = str(inner.get("subject", "")) if isinstance(inner, Message) else ""
    subject = safe_name(decode_words(raw_header(said)[0])[:150])
    return f"{subject}.eml" if subject else name


def _cid(part: Message[Any, Any]) -> str | None:
    said = raw_header(str(part.get("content-id", "")))[0]
    return normal_cid(said)[:500] or None


def _data(part: Message[Any, Any]) -> bytes | None:
    try:
        return content(part)
    except _BROKEN:
        return None


def _shown_by_html(parts: Sequence[Message[Any, Any]]) -> set[str]:
    """The Content-IDs that the HTML of the mail names."""
    found: set[str] = set()
    room = _HTML_READ
    for part in parts:
        if room <= 0 or len(found) >= _CIDS:
            break
        if part.get_content_type() != "text/html" or (data := _data(part)) is None:
            continue
        named = islice(_CID.finditer(data, 0, room), _CIDS)
        found |= {normal_cid(one[1].decode("utf-8", "replace")) for one in named}
        room -= len(data)
    return found


def _is_tnef(file: MailFile) -> bool:
    return file.content_type in ("application/ms-tnef", "application/vnd.ms-tnef") or (
        file.name.lower() == "winmail.dat"
    )


def _within(file: MailFile, shown: Collection[str]) -> Iterator[MailFile]:
    """The files in a `winmail.dat`, and its words, if it has some."""
    inside = read_tnef(file.data)
    for number, one in enumerate(inside.files):
        name = safe_name(one.name) or f"attachment-{number}"
        cid = normal_cid(one.cid) or None
        kind = kind_of(one.data, one.content_type or OCTETS, name)
        is_shown = cid is not None and cid in shown
        yield MailFile(f"{file.id}.{number}", name, kind, one.data, cid, is_shown)
    if inside.html:
        yield MailFile(f"{file.id}.html", "message.html", "text/html", inside.html)
    elif inside.text.strip():
        text = inside.text.encode("utf-8", "replace")
        yield MailFile(f"{file.id}.text", "message.txt", "text/plain", text)
