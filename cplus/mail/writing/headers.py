"""The headers of mail that goes out: short ASCII lines whatever the input."""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.header import Header
from email.message import Message
from email.policy import compat32
from email.utils import formatdate, quote
from typing import Any

from cplus.errors import InvalidInput
from cplus.mail.reading.mailbox import normal_address
from cplus.mail.reading.parse import normal_message_id
from cplus.mail.replies.subjects import REPLY_PREFIX
from cplus.mail.text import one_line
from cplus.mail.writing.model import RECIPIENTS_LIMIT

_ID = re.compile(r"[!-;=?-~]{1,250}@[!-;=?-~]{1,250}")
_OWN_ID = re.compile(r"[a-z0-9._+=-]{1,64}@[a-z0-9.-]{1,253}", re.IGNORECASE)
_SUBJECT_LIMIT = 250
_NAME_LIMIT = 80
_PLAIN_WORD = 60  # characters of a word that stays as it is: a longer one breaks a line
_REFERENCES_KEPT = 20
POLICY = compat32.clone(linesep="\r\n", mangle_from_=False)


def reply_subject(subject: str) -> str:
    """The subject of a reply: a single `Re:`, whatever mail programs have put before it."""
    plain = REPLY_PREFIX.sub("", one_line(subject), count=1).strip()
    return f"Re: {plain or 'Your message'}"[:_SUBJECT_LIMIT]


def headed(
    *,
    sender_name: str,
    from_address: str,
    to: str,
    cc: Sequence[str],
    subject: str,
    date: float | None,
    own: str,
) -> Message[Any, Any]:
    """The headers that every mail has, without those of its content.

    Raises InvalidInput for an address that is not valid, and for too many of them.
    """
    recipient = address(to, "to")
    copies = [one for one in dict.fromkeys(address(one, "cc") for one in cc) if one != recipient]
    if 1 + len(copies) > RECIPIENTS_LIMIT:
        raise InvalidInput(reason=f"a mail has at most {RECIPIENTS_LIMIT} recipients")
    message: Message[Any, Any] = Message(policy=POLICY)
    message["From"] = _mailbox(sender_name, address(from_address, "from"))
    message["To"] = recipient
    if copies:
        message["Cc"] = ", ".join(copies)
    message["Subject"] = _words(one_line(subject, _SUBJECT_LIMIT), "Subject")
    message["Date"] = formatdate(date, usegmt=True)
    message["Message-ID"] = f"<{own}>"
    message["MIME-Version"] = "1.0"
    return message


def own_id(message_id: str) -> str:
    """Our own Message-ID without brackets; raises InvalidInput."""
    own = message_id.removeprefix("<").removesuffix(">")
    if not _OWN_ID.fullmatch(own):
        raise InvalidInput(reason="our own Message-ID is not valid")
    return own


def valid_id(message_id: str) -> str | None:
    """A Message-ID of somebody else's without brackets; None if it is not valid."""
    plain = normal_message_id(message_id)
    return plain if _ID.fullmatch(plain) else None


def address(given: str, field: str) -> str:
    """A valid address; raises InvalidInput with the name of the field."""
    normal = normal_address(given) if given == given.strip() else None
    if normal is None:
        raise InvalidInput(reason=f"the {field} address is not valid")
    return normal


def references(earlier: Sequence[str], answered: str | None, own: str) -> str:
    """The header of that name: our own id stands last, of many the first and the newest stay."""
    all_ids = [one for one in map(valid_id, earlier) if one]
    if answered:
        all_ids.append(answered)
    ids = [one for one in dict.fromkeys(all_ids) if one != own]
    if len(ids) > _REFERENCES_KEPT:
        ids = [ids[0], *ids[-_REFERENCES_KEPT:]]
    return " ".join(f"<{one}>" for one in [*ids, own])


def _is_plain(text: str) -> bool:
    longest = max(map(len, text.split()), default=0)
    return text.isascii() and "=?" not in text and longest < _PLAIN_WORD


def _words(text: str, header: str) -> Header | str:
    """A header's value; as encoded words if it has more than ASCII or looks like encoded words."""
    return text if _is_plain(text) else Header(text, "utf-8", header_name=header)


def _mailbox(name: str, of: str) -> Header | str:
    plain = one_line(name, _NAME_LIMIT)
    if not plain:
        return of
    if _is_plain(plain):
        return f'"{quote(plain)}" <{of}>'
    header = Header(plain, "utf-8", header_name="From")
    header.append(f"<{of}>", "us-ascii")
    return header
