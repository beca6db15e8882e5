"""Shoppers who write to a shop of a running stack through its contact form."""

from __future__ import annotations

from email.message import EmailMessage

from cplus.local.aws.email.inbound import Receipt, deliver
from cplus.local.stack import MAIL_DOMAIN, Stack


def address_of(name: str) -> str:
    """The shopper's own address."""
    first = name.split(" ", maxsplit=1)[0].lower().replace("á", "a")
    return f"{first}@shopper.example"


def contact_form(shop: str, name: str, text: str, number: int) -> bytes:
    """The mail that Shopify sends for a contact form of the shop with that handle."""
    mail = EmailMessage()
    mail["From"] = f"{shop} (Shopify) <mailer@shopify.com>"
    mail["To"] = f"{shop}@{MAIL_DOMAIN}"
    mail["Reply-To"] = address_of(name)
    mail["Subject"] = f"New customer message on November 23, 2026 at 10:0{number} am"
    mail["Message-ID"] = f"<form-{shop}-{number}@shopify.com>"
    mail.set_content(
        "You received a new message from your online store's contact form.\n\n"
        f"Country Code:\nUS\n\nName:\n{name}\n\nEmail:\n{address_of(name)}\n\nBody:\n{text}\n"
    )
    return mail.as_bytes()


def write_as_a_shopper(stack: Stack, shop: str, name: str, text: str, number: int = 0) -> None:
    """Sends the contact form of the shop with that handle."""
    exports = stack.application.exports
    receipt = Receipt(
        endpoint=stack.aws.endpoint,
        bucket=str(exports["cplus-local-mail-bucket"]),
        topic=str(exports["cplus-local-mail-topic"]),
    )
    raw = contact_form(shop, name, text, number)
    deliver(receipt, raw, [f"{shop}@{MAIL_DOMAIN}"], "mailer@shopify.com")
