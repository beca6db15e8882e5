"""Raw mail like that of customers, Shopify's mailer and mail systems."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import formataddr, formatdate
from html import escape
from typing import Any

MAILER = "mailer@shopify.com"


@dataclass(frozen=True)
class Letter:
    """An incoming mail: the bytes and the envelope."""

    raw: bytes
    sender: str
    """The envelope's; empty for a report of the mail system."""
    recipient: str


@dataclass(frozen=True)
class Answered:
    """What a customer's mail program knows of the mail that it replies to."""

    reply_to: str
    header_id: str
    references: str
    subject: str
    text: str

    @classmethod
    def of(cls, entry: dict[str, Any], reply_to: str) -> Answered:
        """From an entry of the mailbox, and the Reply-To of its raw mail."""
        return cls(
            reply_to, entry["header_id"], entry["references"], entry["subject"], entry["text"]
        )


def contact_form(to: str, shop: str, name: str, address: str, text: str, ident: str) -> Letter:
    """Shopify's mail for a shop's contact form: HTML, or text for some."""
    now = datetime.now(UTC)
    # To the minute, so those of different shoppers are often the same.
    minute = now.strftime("%I:%M %p").lstrip("0").lower()
    subject = f"New customer message on {now:%B} {now.day}, {now.year} at {minute}"
    message = _message(
        formataddr((f"{shop} (Shopify)", MAILER)), to, subject, f"{ident}@shopify.com"
    )
    message["Reply-To"] = address
    fields = {"Country Code": "US", "Name": name, "Email": address, "Phone": "", "Body": text}
    if int(ident[0], 16) % 4 == 0:
        intro = "You received a new message from your online store's contact form."
        body = "\n\n".join(f"{label}:\n{value}" for label, value in fields.items())
        message.set_content(f"{intro}\n\n{body}\n")
    else:
        sections = "\n".join(
            f'<div class="form-section"><b>{label}:</b> <pre>{escape(value)}</pre></div>'
            for label, value in fields.items()
        )
        message.set_content(
            '<html><body><div class="primary-message">You received a new message from your '
            f"online store's contact form.</div>\n{sections}\n</body></html>\n",
            subtype="html",
        )
    return Letter(message.as_bytes(), MAILER, to)


def plain(to: str, name: str, address: str, subject: str, text: str, ident: str) -> Letter:
    """A mail written to the shop's address."""
    message = _message(formataddr((name, address)), to, subject, f"{ident}@mail.example.net")
    message.set_content(f"{text}\n\n{name}\n")
    return Letter(message.as_bytes(), address, to)


def reply(mail: Answered, name: str, address: str, text: str, ident: str) -> Letter:
    """A reply with the quote below; every mail program leaves out something else."""
    subject = mail.subject if mail.subject.startswith("Re:") else f"Re: {mail.subject}"
    message = _message(
        formataddr((name, address)), mail.reply_to, subject, f"{ident}@mail.example.net"
    )
    program = int(ident[0], 16) % 4
    if program != 1:
        message["In-Reply-To"] = mail.header_id
    if program != 2:
        message["References"] = f"{mail.references} {mail.header_id}".strip()
    now = datetime.now(UTC)
    quoted = "\n".join(f"> {line}" for line in mail.text.splitlines())
    message.set_content(
        f"{text}\n\nOn {now:%a, %b} {now.day}, {now:%Y at %H:%M}, the shop wrote:\n{quoted}\n"
    )
    return Letter(message.as_bytes(), address, mail.reply_to)


def away(to: str, name: str, address: str, text: str, ident: str) -> Letter:
    """An automated out-of-office reply."""
    message = _message(
        formataddr((name, address)), to, "Automatic reply: I am away", f"{ident}@mail.example.net"
    )
    message["Auto-Submitted"] = "auto-replied"
    message.set_content(f"{text}\n")
    return Letter(message.as_bytes(), "", to)


def report(to: str, address: str, ident: str) -> Letter:
    """A bounce report of a mail system."""
    bounced = (
        f"From: Mail Delivery Subsystem <MAILER-DAEMON@mx.example.com>\r\nTo: {to}\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\n"
        f"Date: {formatdate(usegmt=True)}\r\nMessage-ID: <{ident}@mx.example.com>\r\n"
        "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nThe mail could not be delivered.\r\n\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.com"
        f"\r\n\r\nFinal-Recipient: rfc822; {address}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        "--b--\r\n"
    )
    return Letter(bounced.encode(), "", to)


def _message(sender: str, to: str, subject: str, ident: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = f"<{ident}>"
    return message
