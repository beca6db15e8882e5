"""Composes outgoing mail: always valid, with everything needed to match the replies."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from email.charset import QP, Charset
from email.header import Header
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.policy import compat32
from email.utils import formatdate, quote
from typing import Any

from cplus.errors import InvalidInput
from cplus.mail.reading.mailbox import normal_address
from cplus.mail.reading.parse import normal_message_id
from cplus.mail.replies.marker import marker_line
from cplus.mail.replies.subjects import REPLY_PREFIX
from cplus.mail.text import one_line, storable

_ID = re.compile(r"[!-;=?-~]{1,250}@[!-;=?-~]{1,250}")
_OWN_ID = re.compile(r"[a-z0-9._+=-]{1,64}@[a-z0-9.-]{1,253}", re.IGNORECASE)
_SUBJECT_LIMIT = 250
_REFERENCES_KEPT = 20
_TOKEN = re.compile(r"[^+@]+\+([a-z0-9]{1,40})@", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def reply_subject(subject: str) -> str:
    """The subject of a reply: a single `Re:`, whatever mail programs have put before it."""
    plain = REPLY_PREFIX.sub("", one_line(subject), count=1).strip()
    return f"Re: {plain or 'Your message'}"[:_SUBJECT_LIMIT]


def compose_reply(
    *,
    shop_name: str,
    from_address: str,
    to: str,
    subject: str,
    text: str,
    reply_to: str,
    in_reply_to: str | None,
    references: Sequence[str],
    own_message_id: str,
    automatic: bool = False,
    token: str | None = None,
    date: float | None = None,
) -> bytes:
    """The raw mail, in lines that end with CRLF, of text and the same as simple HTML.

    SES replaces the Message-ID with one of its own, so ours is also at the end of References,
    where the recipient's mail program keeps it. Of many references the first and the newest 20 are
    kept: headers must not grow with each reply.

    Args:
        shop_name: the name that the reader sees; any characters.
        from_address: the shop's address.
        to: the only recipient.
        subject: the final subject, see `reply_subject`.
        text: what the merchant wrote.
        reply_to: the address for replies; see `reply_address`.
        in_reply_to: Message-ID of the mail that it replies to, with or without angle brackets.
        references: its References, oldest first.
        own_message_id: our own Message-ID for this mail.
        automatic: it is automated: tell other programs not to reply (RFC 3834, Microsoft's
            X-Auto-Response-Suppress).
        token: for the marker; taken from `reply_to` if that has one.
        date: seconds since 1970 UTC; now if None.

    Raises:
        InvalidInput: an address, or our own Message-ID, is not valid. Message-IDs of others that
            are not valid are left out.
    """
    own = _own_id(own_message_id)
    if token is None and (match := _TOKEN.match(reply_to)):
        token = match.group(1).lower()
    marker = marker_line(token)
    words = _clean(text)
    message = _headed(_mailbox(shop_name, _address(from_address, "from")), to, subject, date, own)
    message["Reply-To"] = _address(reply_to, "reply-to")
    answered = _valid_id(in_reply_to or "")
    if answered:
        message["In-Reply-To"] = f"<{answered}>"
    message["References"] = _references(references, answered, own)
    if automatic:
        message["Auto-Submitted"] = "auto-replied"
        message["X-Auto-Response-Suppress"] = "All"
    return _raw(message, f"{marker}\n\n{words}\n", _html(marker, words))


def compose_notice(
    *,
    sender_name: str,
    from_address: str,
    to: str,
    subject: str,
    text: str,
    link: str,
    label: str,
    closing: str,
    own_message_id: str,
    date: float | None = None,
) -> bytes:
    """The raw mail of a program that wants no answer, in lines that end with CRLF, of text and the
    same as simple HTML. It tells other programs not to reply (RFC 3834, Microsoft's
    X-Auto-Response-Suppress).

    Args:
        sender_name: the name that the reader sees; any characters.
        from_address: an address of ours; see `no_reply_address`.
        to: the only recipient.
        subject: the subject.
        text: what it says, in paragraphs with an empty line between them.
        link: the address of a page, below the text.
        label: what leads there in the HTML.
        closing: the small print below the link, as `text`.
        own_message_id: our own Message-ID for this mail.
        date: seconds since 1970 UTC; now if None.

    Raises:
        InvalidInput: an address, or our own Message-ID, is not valid.
    """
    own = _own_id(own_message_id)
    sender = _mailbox(sender_name, _address(from_address, "from"))
    message = _headed(sender, to, subject, date, own)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    words, below = _clean(text), _clean(closing)
    leads = f'<p><a href="{html.escape(link)}">{html.escape(label)}</a></p>\n'
    small = f'<div style="color:#6d7175;font-size:12px">\n{_paragraphs(below)}</div>\n'
    document = _document(f"{_paragraphs(words)}{leads}{small}")
    return _raw(message, f"{words}\n\n{link}\n\n{below}\n", document)


def _own_id(message_id: str) -> str:
    own = message_id.removeprefix("<").removesuffix(">")
    if not _OWN_ID.fullmatch(own):
        raise InvalidInput(reason="our own Message-ID is not valid")
    return own


def _clean(text: str) -> str:
    return _CONTROL.sub("", storable(text).replace("\r\n", "\n").replace("\r", "\n")).strip("\n")


def _headed(
    sender: Header | str, to: str, subject: str, date: float | None, own: str
) -> Message[Any, Any]:
    message: Message[Any, Any] = MIMEMultipart("alternative", policy=compat32)
    message["From"] = sender
    message["To"] = _address(to, "to")
    message["Subject"] = _words(one_line(subject, _SUBJECT_LIMIT), "Subject")
    message["Date"] = formatdate(date, usegmt=True)
    message["Message-ID"] = f"<{own}>"
    return message


def _raw(message: Message[Any, Any], plain: str, document: str) -> bytes:
    message.attach(_part("plain", plain))
    message.attach(_part("html", document))
    return message.as_bytes(policy=compat32.clone(linesep="\r\n", mangle_from_=False))


def _part(kind: str, text: str) -> MIMENonMultipart:
    """A text in quoted-printable: ASCII in short lines, whatever the text."""
    charset = Charset("utf-8")
    charset.body_encoding = QP
    part = MIMENonMultipart("text", kind, policy=compat32)
    part.set_payload(text, charset)
    return part


def _valid_id(message_id: str) -> str | None:
    plain = normal_message_id(message_id)
    return plain if _ID.fullmatch(plain) else None


def _address(address: str, field: str) -> str:
    normal = normal_address(address) if address == address.strip() else None
    if normal is None:
        raise InvalidInput(reason=f"the {field} address is not valid")
    return normal


def _words(text: str, header: str) -> Header | str:
    """A header's value; as encoded words if it has more than ASCII or looks like encoded words."""
    if text.isascii() and "=?" not in text and max(map(len, text.split()), default=0) < 60:
        return text
    return Header(text, "utf-8", header_name=header)


def _mailbox(name: str, address: str) -> Header | str:
    plain = one_line(name, 80)
    if not plain:
        return address
    if plain.isascii() and "=?" not in plain and max(map(len, plain.split()), default=0) < 60:
        return f'"{quote(plain)}" <{address}>'
    header = Header(plain, "utf-8", header_name="From")
    header.append(f"<{address}>", "us-ascii")
    return header


def _references(references: Sequence[str], answered: str | None, own: str) -> str:
    all_ids = [one for one in map(_valid_id, references) if one]
    if answered:
        all_ids.append(answered)
    ids = [one for one in dict.fromkeys(all_ids) if one != own]
    if len(ids) > _REFERENCES_KEPT:
        ids = [ids[0], *ids[-_REFERENCES_KEPT:]]
    return " ".join(f"<{one}>" for one in [*ids, own])


def _html(marker: str, words: str) -> str:
    small = f'<div style="color:#b5b5b5;font-size:12px">{html.escape(marker)}</div>\n'
    return _document(f"{small}{_paragraphs(words)}")


def _paragraphs(words: str) -> str:
    return "".join(
        f"<p>{html.escape(part).replace(chr(10), '<br>' + chr(10))}</p>\n"
        for part in re.split(r"\n{2,}", words)
    )


def _document(body: str) -> str:
    return (
        f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"></head><body>\n{body}</body></html>\n'
    )
