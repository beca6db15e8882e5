"""Facts about a mail (stream `mail/<id>`): what became of one that we sent, as SES tells it;
and one that came in and is in no conversation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from cplus.events.base import Event, Personal
from cplus.events.files import StoredFile

AsideReason = Literal["report", "autoreply", "noreply", "spam", "unsigned_form"]
"""Why a mail was set aside: it is a report of the mail system; an answer of a program; its sender
takes no replies; SES called it spam; it claims to be Shopify's contact form and is not signed."""


class MailSent(Event):
    """SES took the mail."""

    TYPE: ClassVar[str] = "mail.sent"
    message_id: str
    conversation_id: str
    ses_message_id: str


class MailDelivered(Event):
    """The recipient's mailbox accepted the mail."""

    TYPE: ClassVar[str] = "mail.delivered"
    message_id: str
    conversation_id: str


class MailBounced(Event):
    """The recipient's mailbox rejected the mail."""

    TYPE: ClassVar[str] = "mail.bounced"
    message_id: str
    conversation_id: str
    permanent: bool
    reason: str
    """SES's bounce type and subtype, for example `Permanent/General`."""


class MailComplained(Event):
    """The recipient marked the mail as spam."""

    TYPE: ClassVar[str] = "mail.complained"
    message_id: str
    conversation_id: str


class MailRejected(Event):
    """SES refused to send the mail, before or after accepting it."""

    TYPE: ClassVar[str] = "mail.rejected"
    message_id: str
    conversation_id: str
    reason: str


class MailSetAside(Event):
    """A mail came in that belongs to no conversation and starts none. The merchant can read it, and
    make a conversation of it."""

    TYPE: ClassVar[str] = "mail.set_aside"
    VERSION: ClassVar[int] = 2
    message_id: str
    person: str
    """Who wrote it, by the address that it gives. Of a report: whose mail it reports, if that is
    known."""
    reason: AsideReason
    channel: Literal["contact_form", "email"]
    from_name: Personal[str | None]
    from_address: Personal[str | None]
    """The address for replies to it; None if it names none that can be answered."""
    sent_from: Personal[str | None] = None
    """The address in `From:`, if that is another one and no form's."""
    proved: bool | None = None
    """Whether the sender was proved to be `from_address`; None for the contact form."""
    subject: Personal[str]
    text: Personal[str]
    """The newly written text, without quotes; at most 256 KB."""
    rfc_message_id: Personal[str | None]
    """The mail's own Message-ID header."""
    attachments: int = 0
    raw: Mapping[str, str]
    """Location of the raw mail: {"bucket", "key"}."""
    files: Personal[tuple[StoredFile, ...] | None] = None
    """Its files. None for mail from before they were kept apart: its raw mail has them."""
    objects: tuple[Mapping[str, str], ...] = ()
    """Where the files are, each {"bucket", "key"}: what erasing the person deletes."""


class MailTakenUp(Event):
    """The merchant made a conversation of a mail that was set aside."""

    TYPE: ClassVar[str] = "mail.taken_up"
    message_id: str
    conversation_id: str


def _unchanged(data: dict[str, Any]) -> dict[str, Any]:
    """The fields that are new have defaults."""
    return data


UPCASTS = {(MailSetAside.TYPE, 1): _unchanged}
