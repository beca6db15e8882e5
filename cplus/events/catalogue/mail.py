"""Facts about a mail that we sent (stream `mail/<id>`), as SES tells them."""

from __future__ import annotations

from typing import ClassVar

from cplus.events.base import Event


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
