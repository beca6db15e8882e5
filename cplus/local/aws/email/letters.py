"""Raw mail as bytes: reads its headers and changes them like SES, without parsing all of it."""

from __future__ import annotations

import email.parser
import email.policy
import re
from email.message import EmailMessage
from email.utils import format_datetime, getaddresses, localtime
from typing import Any

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_FIELD = re.compile(rb"^([^\s:]+)[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*\n?", re.MULTILINE)
_REPLACED = {b"message-id", b"bcc", b"return-path"}


def parsed(raw: bytes) -> EmailMessage:
    """The mail, parsed by the standard library; errors in it raise nothing."""
    return email.parser.BytesParser(policy=email.policy.default).parsebytes(raw)


def fields(raw: bytes) -> list[tuple[str, str]]:
    """Names and values of the headers, unfolded, encoded words decoded."""
    head, _ = _split(raw)
    found = []
    message: Any = email.parser.BytesHeaderParser(policy=email.policy.default).parsebytes(head)
    for name, value in message.raw_items():
        try:
            text = str(message.policy.header_fetch_parse(name, value))
        except (ValueError, IndexError, TypeError, AttributeError):  # bugs of that parser
            text = str(value)
        found.append((name, _clean(" ".join(text.splitlines()))))
    return found


def header_values(raw: bytes, name: str) -> list[str]:
    """All values of the header `name` (lower case)."""
    return [value for known, value in fields(raw) if known.lower() == name]


def common_headers(raw: bytes) -> dict[str, Any]:
    """SES's `commonHeaders` without its message id: from, date, to, cc, replyTo, subject."""
    common: dict[str, Any] = {}
    for name, key in (("from", "from"), ("to", "to"), ("cc", "cc"), ("reply-to", "replyTo")):
        values = header_values(raw, name)
        if values:
            pairs = getaddresses(values)
            common[key] = [f"{who} <{address}>" if who else address for who, address in pairs]
    for name in ("date", "subject"):
        values = header_values(raw, name)
        if values:
            common[name] = values[0]
    return common


def leaving(raw: bytes, header_id: str) -> bytes:
    """The mail as SES sends it: another Message-ID, no Bcc, no X-SES headers, a Date."""
    head, body = _split(raw)
    newline = b"\r\n" if b"\r\n" in head else b"\n"

    def keep(match: re.Match[bytes]) -> bytes:
        name = match[1].lower()
        return b"" if name in _REPLACED or name.startswith(b"x-ses-") else match[0]

    kept = _FIELD.sub(keep, head + newline).rstrip(b"\r\n") + newline
    added = [f"Message-ID: {header_id}"]
    if not header_values(raw, "date"):
        added.append(f"Date: {format_datetime(localtime())}")
    return kept + b"".join(line.encode() + newline for line in added) + newline + body


def text_of(message: EmailMessage) -> tuple[str, str]:
    """The text and the HTML of a mail; empty if they are missing or unreadable."""
    found = {}
    for kind in ("plain", "html"):
        try:
            part = message.get_body((kind,))
            found[kind] = _clean(str(part.get_content())) if part else ""
        except (LookupError, ValueError, AttributeError, KeyError):  # an unknown charset, no part
            found[kind] = ""
    return found["plain"], found["html"]


def _split(raw: bytes) -> tuple[bytes, bytes]:
    end = _HEAD_END.search(raw)
    return (raw[: end.start()], raw[end.end() :]) if end else (raw, b"")


def _clean(text: str) -> str:
    """Text that can be encoded: undecodable bytes become replacement characters."""
    return text.encode("utf-8", "replace").decode("utf-8")
