"""Facts about a mail (stream `mail/<id>`): the wish to send one that is no merchant's reply; what
became of one that we sent, as SES tells it; and one that came in and is in no conversation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal

from cplus.events.base import Event, Instant, Personal
from cplus.events.files import StoredFile

REPLY: Final = "reply"
"""The purpose of a mail that is a merchant's reply, whose wish is `conversation.reply_written`."""

AUTO_REPLY: Final = "auto_reply"
"""The purpose of what a shop answers by itself, which stands in the thread too
(`conversation.auto_replied`)."""

AsideReason = Literal["report", "autoreply", "noreply", "spam", "unsigned_form", "virus", "blocked"]
"""Why a mail was set aside: it is a report of the mail system; an answer of a program; its sender
takes no replies; SES called it spam; it claims to be Shopify's contact form and is not signed; SES
found a virus in it; the merchant blocked its sender."""
QUARANTINE: Final[tuple[AsideReason, ...]] = ("spam", "virus", "blocked")
"""Why a mail is held back that a person may have written."""


class MailRequested(Event):
    """A mail of ours that is no merchant's reply is to go out; recorded before anything is sent."""

    TYPE: ClassVar[str] = "mail.requested"
    message_id: str
    purpose: str
    """Which kind of mail it is: the name of a purpose (`cplus/consumers/sending/purposes/`)."""
    about: Mapping[str, str] = {}
    """What it is about: ids by what they name, for example {"conversation": "7d2k"}. Each is a ref,
    `<what>/<id>`."""
    person: str | None = None
    """Whom it goes to, if that is a person of the log."""
    concerns: tuple[str, ...] = ()
    """Whom it names besides, for example the customer of whose message a merchant is told: what SES
    tells of it, which holds its headers, is erased with them."""
    to_address: Personal[str | None] = None
    """None if the address is looked up when it is sent."""
    send_at: Instant | None = None
    """It goes no earlier."""


class MailSent(Event):
    """SES took the mail."""

    TYPE: ClassVar[str] = "mail.sent"
    VERSION: ClassVar[int] = 3
    message_id: str
    conversation_id: str | None = None
    """The conversation that it is about, if it is about one."""
    purpose: str = REPLY
    about: Mapping[str, str] = {}
    """As in MailRequested; nothing of a reply."""
    ses_message_id: str
    fallback: str | None = None
    """The merchant's own domain, if it was to leave from there and left from ours, because that
    one failed."""


class MailDelivered(Event):
    """The recipient's mailbox accepted the mail."""

    TYPE: ClassVar[str] = "mail.delivered"
    VERSION: ClassVar[int] = 2
    message_id: str
    conversation_id: str | None = None
    purpose: str = REPLY
    about: Mapping[str, str] = {}


class MailBounced(Event):
    """The recipient's mailbox rejected the mail."""

    TYPE: ClassVar[str] = "mail.bounced"
    VERSION: ClassVar[int] = 2
    message_id: str
    conversation_id: str | None = None
    purpose: str = REPLY
    about: Mapping[str, str] = {}
    permanent: bool
    reason: str
    """SES's bounce type and subtype, for example `Permanent/General`."""


class MailComplained(Event):
    """The recipient marked the mail as spam."""

    TYPE: ClassVar[str] = "mail.complained"
    VERSION: ClassVar[int] = 2
    message_id: str
    conversation_id: str | None = None
    purpose: str = REPLY
    about: Mapping[str, str] = {}


class MailRejected(Event):
    """SES refused to send the mail, before or after accepting it."""

    TYPE: ClassVar[str] = "mail.rejected"
    VERSION: ClassVar[int] = 2
    message_id: str
    conversation_id: str | None = None
    purpose: str = REPLY
    about: Mapping[str, str] = {}
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
    shortened: bool | None = None
    """Whether the mail says more than `text`: quotes, a signature. None if that was not recorded,
    as for the next."""
    formatted_lines: int | None = None
    """About how many lines its HTML takes; 0 if it has none."""
    files: Personal[tuple[StoredFile, ...] | None] = None
    """Its files. None for mail from before they were kept apart: its raw mail has them."""
    objects: tuple[Mapping[str, str], ...] = ()
    """Where the files are, each {"bucket", "key"}: what erasing the person deletes."""
    answers: str | None = None
    """The conversation that it answers, if it was held back although it answers one."""
    cc: Personal[tuple[str, ...] | None] = None
    """Who else got the mail by its `Cc:`."""


class MailTakenUp(Event):
    """The merchant made a conversation of a mail that was set aside."""

    TYPE: ClassVar[str] = "mail.taken_up"
    message_id: str
    conversation_id: str


def _unchanged(data: dict[str, Any]) -> dict[str, Any]:
    """The fields that are new have defaults: version 1 told of no mail of ours but replies."""
    return data


UPCASTS = {
    (kind.TYPE, 1): _unchanged
    for kind in (
        MailSent,
        MailDelivered,
        MailBounced,
        MailComplained,
        MailRejected,
        MailSetAside,
    )
}
UPCASTS[MailSent.TYPE, 2] = _unchanged
