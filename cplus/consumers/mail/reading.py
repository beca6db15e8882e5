"""What a mail says to a shop, read beside the event loop and within some memory."""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from email.message import Message
from itertools import islice
from typing import Any, Final, NamedTuple

from cplus.commands.files import objects_of
from cplus.events.catalogue.mail import AsideReason
from cplus.events.files import StoredFile
from cplus.mail import (
    NO_REPLIES,
    ContactForm,
    InboundMail,
    Receipt,
    answer_address,
    author_is_proved,
    contact_form,
    is_form_sender,
    is_own_address,
    is_own_mail,
    lines_of,
    parse_with_parts,
    takes_no_answers,
)

_HEADERS_END: Final = re.compile(rb"\r?\n\r?\n")
_MOST_REPORTED: Final = 10  # whoever wants to can write thousands; each is a question
_REPORTED: Final = re.compile(
    rb"^(?:(?:Final|Original)-Recipient:[ \t]*rfc822;|X-Failed-Recipients:)[ \t]*"
    rb"<?([^\s<>,;@]{1,64}@[^\s<>,;@]{1,255})",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Found:
    """What one mail says to one shop."""

    mail: InboundMail
    form: ContactForm | None
    address: str | None
    """Where an answer goes; None if the mail names no address that can be answered."""
    name: str | None
    subject: str
    text: str
    proved: bool | None = None
    """Whether `address` was proved to be the author's; None for a form, in which anybody can write
    any address."""
    sent_from: str | None = None
    """The author's address, if that is another one and no form's."""
    aside: AsideReason | None = None
    """Why it is set aside whatever it answers; see `aside_alone` for other mail."""
    reported: tuple[str, ...] = ()
    """The addresses that a report of the mail system names as recipients."""
    copied: tuple[str, ...] | None = None
    """Who else got it by its `Cc:`, without our own addresses; None if nobody did."""
    body: str = ""
    """A hash of the raw mail without its headers, to which each delivery adds some."""

    @property
    def aside_alone(self) -> AsideReason | None:
        """Why it is set aside if it belongs to no conversation: a program wrote it."""
        if self.form is not None or not self.mail.automatic:
            return None
        return "noreply" if self.mail.automatic_reason == NO_REPLIES else "autoreply"


Said = Found | str  # what the mail says; or why it means nothing


class Read(NamedTuple):
    """A mail that was read."""

    mail: InboundMail
    said: Said
    parts: Sequence[Message[Any, Any]]
    """For `files_in`; as large as the mail."""


def read(receipt: Receipt, raw: bytes, domain: str) -> Read:
    """The mail and what it says: all that takes its time, for a thread beside the loop."""
    mail, parts = parse_with_parts(raw)
    said = _meaning(receipt, mail, domain)
    if isinstance(said, str):
        return Read(mail, said, parts)
    reported = _reported(raw) if mail.bounce else ()
    return Read(mail, replace(said, body=_body_hash(raw), reported=reported), parts)


def _reported(raw: bytes) -> tuple[str, ...]:
    """The recipients that a report names, in the fields that RFC 3464 has for them."""
    named = (one[1].decode("utf-8", "replace").lower() for one in _REPORTED.finditer(raw))
    return tuple(dict.fromkeys(islice(named, _MOST_REPORTED)))


def _body_hash(raw: bytes) -> str:
    end = _HEADERS_END.search(raw)
    return hashlib.sha256(memoryview(raw)[end.end() if end else 0 :]).hexdigest()


def _meaning(receipt: Receipt, mail: InboundMail, domain: str) -> Said:
    if not mail.bounce and is_own_mail(mail, domain):
        return "our own mail came back"
    signed = author_is_proved(receipt, mail) or not is_form_sender(mail)
    aside = _aside(receipt, mail, signed=signed)
    form = contact_form(mail) if signed else None
    if form is not None:
        subject = _first_words(form.body) or mail.subject
        said = (form.email, form.name or None, subject, form.body)
        return Found(mail, form, *said, aside=aside)
    address = answer_address(mail, domain)
    if not (mail.from_address or mail.subject or mail.text.strip() or mail.attachments):
        return "neither an author nor words"
    name = mail.reply_to_name if address == mail.reply_to else mail.from_name
    return Found(
        mail,
        None,
        address,
        name or mail.from_name or None,
        mail.subject,
        mail.reply_text,
        proved=address == mail.from_address and author_is_proved(receipt, mail),
        sent_from=mail.from_address if address != mail.from_address else None,
        aside=aside,
        copied=_copied(mail, address, domain),
    )


def _copied(mail: InboundMail, address: str | None, domain: str) -> tuple[str, ...] | None:
    """Who else got the mail: not whom the answer goes to anyway, and none of our addresses."""
    own = {address, mail.from_address}
    return (
        tuple(one for one in mail.copied if one not in own and not is_own_address(one, domain))
        or None
    )


def _aside(receipt: Receipt, mail: InboundMail, *, signed: bool) -> AsideReason | None:
    if receipt.virus == "FAIL":
        return "virus"
    if receipt.spam == "FAIL":
        return "spam"
    if mail.bounce:
        return "report"
    return None if signed else "unsigned_form"


def _first_words(text: str) -> str:
    """What a form is about: the beginning of its first line.

    Shopify's own subject only tells the minute, and the shopper never saw it.
    """
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return textwrap.shorten(first[:400], 80, placeholder="…")


def may_be_answered(found: Found) -> bool:
    """Whether a program may answer the mail, by all that it says itself: a person wrote it, whose
    address is theirs, and nothing in it is against that. Whoever fills in a form may write any
    address, as on every page with one."""
    if not found.address or takes_no_answers(found.address):
        return False
    mail = found.mail
    return found.form is not None or not (
        mail.automatic or mail.bounce or mail.asks_for_no_answer or not found.proved
    )


def as_written(
    shop: str,
    receipt: Receipt,
    found: Found,
    raw: Mapping[str, str],
    files: tuple[StoredFile, ...],
) -> dict[str, Any]:
    """What is kept of a mail, be it in a conversation or set aside; `raw` is where it is kept
    whole."""
    return {
        "message_id": _message_id(shop, receipt.ses_message_id),
        "from_name": found.name,
        "from_address": found.address,
        "sent_from": found.sent_from,
        "proved": found.proved,
        "subject": found.subject,
        "text": found.text,
        "rfc_message_id": found.mail.message_id,
        "attachments": len(found.mail.attachments),
        "raw": raw,
        "shortened": found.mail.text.strip() != found.text.strip(),
        "formatted_lines": lines_of(found.mail.html, sum(one.inline for one in files)),
        "files": files,
        "objects": objects_of(files),
        "cc": found.copied,
    }


def _message_id(shop: str, ses_message_id: str) -> str:
    """The id of the message that a mail is: the same, however often it is read."""
    return hashlib.sha256(f"{shop}\n{ses_message_id}".encode()).hexdigest()[:16]


def verdicts(receipt: Receipt) -> dict[str, str]:
    """What the commit keeps beside the pointer to the raw mail: SES's id and its verdicts."""
    given = {name: getattr(receipt, name) for name in ("spam", "virus", "spf", "dkim", "dmarc")}
    told = {name: verdict for name, verdict in given.items() if verdict}
    return {"ses_message_id": receipt.ses_message_id, **told}
