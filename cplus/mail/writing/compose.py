"""Composes outgoing mail: always valid, with everything needed to match the replies."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Sequence
from email.message import Message
from typing import Any

from cplus.mail.writing.headers import address, headed, own_id, references, valid_id
from cplus.mail.writing.mime import Pieces, file_part, is_shown, multipart, raw, text_part
from cplus.mail.writing.model import OutgoingFile, Quoted
from cplus.mail.writing.words import (
    clean,
    clean_signature,
    document,
    html_text,
    kept_history,
    paragraphs,
    plain_text,
)

_TOKEN = re.compile(r"[^+@]+\+([a-z0-9]{1,40})@", re.IGNORECASE)
_SMALL = "font-size:12px;opacity:.75"  # of the reader's colour, light or dark


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
    cc: Sequence[str] = (),
    files: Sequence[OutgoingFile] = (),
    signature: str = "",
    history: Sequence[Quoted] = (),
    automatic: bool = False,
    token: str | None = None,
    date: float | None = None,
) -> bytes:
    """The raw mail, in lines that end with CRLF: text and the same as HTML, and the files.

    SES replaces the Message-ID with one of its own, so ours is also at the end of References,
    where the recipient's mail program keeps it. Of many references the first and the newest 20 are
    kept: headers must not grow with each reply. Bcc is for the envelope alone.

    Args:
        shop_name: the name that the reader sees; any characters.
        from_address: the shop's address.
        to: the recipient.
        subject: the final subject, see `reply_subject`.
        text: what the merchant wrote.
        reply_to: the address for replies; see `reply_address`.
        in_reply_to: Message-ID of the mail that it replies to, with or without angle brackets.
        references: its References, oldest first.
        own_message_id: our own Message-ID for this mail.
        cc: who else gets it, and is seen to.
        files: pictures with a Content-ID are shown below the words, all others attached.
        signature: stands below the words, after `-- `.
        history: earlier messages in any order; the newest are quoted, up to 30 KB.
        automatic: it is automated: tell other programs not to reply (RFC 3834, Microsoft's
            X-Auto-Response-Suppress, and the Precedence that older ones know).
        token: of the conversation, for the end of the text; taken from `reply_to` if that has one.
        date: seconds since 1970 UTC; now if None.

    Raises:
        InvalidInput: an address, or our own Message-ID, is not valid; there are more than 50
            recipients; or the mail would be larger than 40 MB, which is known before it is built.
            Message-IDs of others that are not valid are left out.
    """
    own = own_id(own_message_id)
    if token is None and (match := _TOKEN.match(reply_to)):
        token = match.group(1).lower()
    message = headed(
        sender_name=shop_name,
        from_address=from_address,
        to=to,
        cc=cc,
        subject=subject,
        date=date,
        own=own,
    )
    _threaded(message, reply_to, in_reply_to, references, own)
    if automatic:
        message["Auto-Submitted"] = "auto-replied"
        message["X-Auto-Response-Suppress"] = "All"
        message["Precedence"] = "auto_reply"
    words, below, earlier = clean(text), clean_signature(signature), kept_history(history)
    shown, attached = parted(files)
    plain = plain_text(words, below, earlier, token)
    page = html_text(words, below, earlier, token, shown)
    return built(message, own, plain, page, shown, attached)


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
    same as HTML. It tells other programs not to reply (RFC 3834, Microsoft's
    X-Auto-Response-Suppress).

    Args:
        sender_name: the name that the reader sees; any characters.
        from_address: an address of ours; see `no_reply_address`.
        to: the only recipient.
        subject: the subject.
        text: what it says, in paragraphs with an empty line between them.
        link: the address of a page, below the text.
        label: what leads there.
        closing: the small print below the link, as `text`.
        own_message_id: our own Message-ID for this mail.
        date: seconds since 1970 UTC; now if None.

    Raises:
        InvalidInput: an address, or our own Message-ID, is not valid.
    """
    own = own_id(own_message_id)
    message = headed(
        sender_name=sender_name,
        from_address=from_address,
        to=to,
        cc=(),
        subject=subject,
        date=date,
        own=own,
    )
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    words, below = clean(text), clean(closing)
    leads = f'<p><a href="{html.escape(link)}">{html.escape(label)}</a></p>\n'
    page = f'{paragraphs(words)}{leads}<div style="{_SMALL}">\n{paragraphs(below)}</div>\n'
    return built(message, own, f"{words}\n\n{label}: {link}\n\n{below}", document(page), (), ())


def _threaded(
    message: Message[Any, Any],
    reply_to: str,
    in_reply_to: str | None,
    earlier: Sequence[str],
    own: str,
) -> None:
    message["Reply-To"] = address(reply_to, "reply-to")
    answered = valid_id(in_reply_to or "")
    if answered:
        message["In-Reply-To"] = f"<{answered}>"
    message["References"] = references(earlier, answered, own)


def parted(files: Sequence[OutgoingFile]) -> tuple[list[OutgoingFile], list[OutgoingFile]]:
    """The pictures that are shown, one for each Content-ID, and the files that are attached."""
    shown: dict[str | None, OutgoingFile] = {}
    attached: list[OutgoingFile] = []
    for file in files:
        if is_shown(file) and file.cid not in shown:
            shown[file.cid] = file
        else:
            attached.append(file)
    return list(shown.values()), attached


def built(
    message: Message[Any, Any],
    own: str,
    plain: str,
    page: str,
    shown: Sequence[OutgoingFile],
    attached: Sequence[OutgoingFile],
) -> bytes:
    """The headers and multipart/mixed > related > alternative, each only if it is needed."""
    mark = hashlib.sha256(own.encode("ascii")).hexdigest()[:16]
    both = multipart("alternative", mark, [text_part("plain", plain), text_part("html", page)])
    pictures = [file_part(file, shown=True) for file in shown]
    related = multipart("related", mark, [both, *pictures])
    head: Pieces = [message.as_bytes().removesuffix(b"\r\n")]
    return raw(head + multipart("mixed", mark, [related, *map(file_part, attached)]))
