"""Parses raw mail. No input may make this fail."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any, Final

from cplus.mail.mime.bounded import (
    Part,
    TooMuchWork,
    few_lines,
    has_one_author,
    read,
    whole_head,
)
from cplus.mail.model import InboundMail
from cplus.mail.reading.automatic import asks_for_no_answer, automatic_reason, is_bounce
from cplus.mail.reading.bodies import Body, content, leaves, read_body
from cplus.mail.reading.mailbox import Mailbox, mailboxes
from cplus.mail.replies.marker import marker_tokens
from cplus.mail.replies.reply import reply_text
from cplus.mail.replies.subjects import is_forward, is_reply
from cplus.mail.text import HEADER_LIMIT, cut, decode_words, guess, raw_header, storable

NO_MAIL: Final = "no MIME"
"""The defect of input without any mail headers."""

_COPIED_LIMIT = 50
_REFERENCES_LIMIT = 1_000
_REFERENCES_CHARACTERS = 256 * 1024
_MESSAGE_ID_LIMIT = 998
_DEFECTS_LIMIT = 30
_NAME_LIMIT = 200
_AUTHORS_LIMIT = 5  # headers `From:` that are read
_ID = re.compile(r"<([^<>]{1,998})>")
_SIGNER = re.compile(r"(?:^|;)\s*+d\s*+=\s*+([^;]{0,500})")
_KNOWN_HEADERS = {
    *("from", "to", "date", "subject", "message-id", "received", "mime-version", "content-type"),
    *("return-path", "reply-to"),
}


def parse(raw: bytes) -> InboundMail:
    """Reads a mail; never raises, whatever the bytes.

    Unreadable parts are left out and named in `defects`; as much text as possible is guessed, so
    that the caller can record the mail and refer to its raw bytes.
    """
    return parse_with_parts(raw)[0]


def parse_with_parts(raw: bytes) -> tuple[InboundMail, Sequence[Message[Any, Any]]]:
    """The same, and its parts, as `Attachment.part` counts them: whoever wants the files need not
    parse a large mail twice."""
    whole = whole_head(raw)
    one_author = whole is raw and has_one_author(raw)
    head, lines = few_lines(whole)
    defects = [] if len(head) >= len(raw) else ["only the first million lines read"]
    # Parts that nobody could read in time still leave the headers readable.
    for headers_only in (False, True):
        try:
            message = read(head, lines, headers_only=headers_only)
            mail = _understand(message, head, defects, headers_only=headers_only)
            if not one_author:
                mail = mail.model_copy(update={"from_is_plain": False})
            return mail, leaves(message) if mail.attachments else []
        except TooMuchWork as error:
            defects.append(str(error))
        except Exception as error:  # noqa: BLE001 - what breaks the parser is kept too
            defects.append(f"unreadable: {type(error).__name__}")
    text, _ = cut(_best_guess(raw))
    mail = InboundMail(
        text=text, reply_text=text.strip(), marker_tokens=marker_tokens(text), defects=defects
    )
    return mail, []


def attachment_bytes(raw: bytes, part: int) -> bytes | None:
    """The bytes of the attachment at `part`; None if the mail has no such part."""
    try:
        parts = leaves(read(*few_lines(whole_head(raw))))
        return content(parts[part]) if 0 <= part < len(parts) else None
    except (TooMuchWork, RecursionError, ValueError, LookupError, TypeError, AttributeError):
        return None


def normal_message_id(message_id: str) -> str:
    """A Message-ID normalised for comparison: no angle brackets, no white space, the domain
    lower-case."""
    plain = "".join(message_id.replace("<", "").replace(">", "").split())[:_MESSAGE_ID_LIMIT]
    local, at, domain = plain.rpartition("@")
    return f"{local}{at}{domain.lower()}"


def _best_guess(raw: bytes) -> str:
    """The bytes as text if they look like text, otherwise empty."""
    head = raw[:65_536]
    control = sum(byte < 9 or 13 < byte < 32 for byte in head)
    return "" if control * 20 > len(head) else guess(raw[: 1024 * 1024])


def _message_ids(value: str) -> list[str]:
    """The ids of a header in order.

    Some programs leave the angle brackets out, and Python's own writes a long id as encoded words.
    """
    if "=?" in value:
        value = decode_words(value)
    found = _ID.findall(value) or value.split()
    ids = [normal_message_id(one) for one in found]
    return list(dict.fromkeys(one for one in ids if one))


def _date(value: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(value)
        if date.tzinfo is None:
            date = date.replace(tzinfo=UTC)
        return date.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError, AttributeError):
        return None


class _Headers:
    """The first header of each name, decoded, and the defects found."""

    def __init__(self, message: Message[Any, Any]) -> None:
        self.defects: list[str] = []
        self.values: dict[str, str] = {}
        self.authors: list[str] = []
        """Every `From:`, of which there should be one."""
        self.signers: list[str] = []
        self._references = ""
        for name, value in message.raw_items():
            key = str(name).lower()
            if key == "from" and len(self.authors) < _AUTHORS_LIMIT:
                self.authors.append(raw_header(str(value))[0])
            if key == "dkim-signature":
                domains = _SIGNER.findall(str(value)[:HEADER_LIMIT])
                self.signers.append(domains[0].strip().lower() if len(domains) == 1 else "")
            if key not in self.values:
                said = str(value)
                if said.isascii() and "\0" not in said:
                    text, broken = said[:HEADER_LIMIT], False  # as nearly every one is
                else:
                    text, broken = raw_header(said)
                self.values[key] = text
                if broken and key in _KNOWN_HEADERS:
                    self.defects.append("bad charset in a header")
                if key == "references":
                    self._references = str(value)[-_REFERENCES_CHARACTERS:]
        if not _KNOWN_HEADERS & self.values.keys():
            self.defects.append(NO_MAIL)

    def get(self, name: str) -> str:
        return self.values.get(name, "")

    def mailbox(self, name: str) -> Mailbox | None:
        found = mailboxes(self.get(name))
        if found.refused:
            self.defects.append(f"illegal address in {name}")
        return found.mailboxes[0] if found.mailboxes else None

    def named_in(self, header: str) -> list[str]:
        """Who is named there, each once."""
        named = (one.address for one in mailboxes(self.get(header)).mailboxes)
        return list(dict.fromkeys(named))[:_COPIED_LIMIT]

    def author(self) -> tuple[Mailbox | None, bool]:
        """Who wrote it, and whether nobody can read another author in it."""
        read = [mailboxes(value) for value in self.authors]
        refused = any(one.refused for one in read)
        if refused:
            self.defects.append("illegal address in from")
        found = next((one.mailboxes[0] for one in read if one.mailboxes), None)
        return found, len(read) == 1 and read[0].plain

    def name_of_unknown(self) -> str:
        """What `From:` says of an author whose address cannot be used."""
        said = decode_words(self.get("from")).partition("<")
        return (said[0] or said[2]).strip("\"'<> ")[:_NAME_LIMIT]

    def message_id(self, name: str) -> str | None:
        found = _message_ids(self.get(name))
        return found[0] if found else None

    def references(self) -> list[str]:
        """The ids of the mails that came before, at most 1,000: the newest."""
        text = self._references.encode("utf-8", "replace").decode("utf-8")
        return _message_ids(text.replace("\x00", ""))[-_REFERENCES_LIMIT:]

    def return_path(self) -> str | None:
        value = self.values.get("return-path")
        if value is None:
            return None
        mailbox = self.mailbox("return-path") if value.strip(" <>\t\r\n") else None
        return mailbox.address if mailbox else ""


def _body(message: Message[Any, Any], raw: bytes, *, guessed: bool) -> Body:
    """The parts, or a guess at the text if the parts cannot be separated."""
    body = Body() if guessed else read_body(message)
    if guessed:
        body.text, was_cut = cut(_best_guess(raw))
        body.tokens = marker_tokens(body.text)
        body.defects = ["text cut at 256 KB"] if was_cut else []
    return body


def _understand(
    message: Part, raw: bytes, known_defects: list[str], *, headers_only: bool
) -> InboundMail:
    headers = _Headers(message)
    defects = headers.defects
    if message.lost_headers:
        defects.append("more than 1,000 headers")
    body = _body(message, raw, guessed=headers_only or NO_MAIL in defects)
    (sender, is_plain), reply_to = headers.author(), headers.mailbox("reply-to")
    envelope, real_sender = headers.return_path(), headers.mailbox("sender")
    if sender is None:
        defects.append("no sender")
    subject = decode_words(headers.get("subject"))
    date = _date(headers.get("date"))
    if date is None and headers.get("date"):
        defects.append("bad date")
    address, kind = sender.address if sender else None, message.get_content_type()
    in_reply_to, references = headers.message_id("in-reply-to"), headers.references()
    reason = automatic_reason(
        headers.values,
        subject,
        address,
        kind,
        answers=bool(in_reply_to or references),
        can_be_answered=reply_to is not None and reply_to.address != address,
    )
    return InboundMail(
        message_id=headers.message_id("message-id"),
        in_reply_to=in_reply_to,
        references=references,
        from_address=address,
        from_original=sender.original if sender else None,
        from_name=sender.name if sender else headers.name_of_unknown(),
        from_is_plain=is_plain and not message.lost_headers,
        signers=[storable(one) for one in headers.signers],
        sender=real_sender.address if real_sender else None,
        reply_to=reply_to.address if reply_to else None,
        reply_to_name=reply_to.name if reply_to else "",
        addressed=headers.named_in("to"),
        copied=headers.named_in("cc"),
        return_path=envelope,
        subject=subject,
        date=date,
        text=body.text,
        reply_text=reply_text(
            body.text,
            answers=bool(in_reply_to or references or body.tokens) or is_reply(subject),
            forwards=is_forward(subject),
            marks=body.marks,
        ),
        marker_tokens=body.tokens,
        html=body.html,
        attachments=body.attachments,
        automatic=reason is not None,
        automatic_reason=reason,
        asks_for_no_answer=asks_for_no_answer(headers.values),
        bounce=is_bounce(headers.values, subject, address, kind, body.text),
        defects=list(dict.fromkeys(known_defects + defects + body.defects))[:_DEFECTS_LIMIT],
    )
