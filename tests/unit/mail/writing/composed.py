"""A mail that goes out, for tests, and how Python's own parser reads it."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from cplus.mail import compose_reply, reply_address

SHOP = "birch-bloom.myshopify.com"
ADDRESS = reply_address(SHOP, "c0nversat10n0001", "secret", "mail.cplus.example")


def compose(**values: Any) -> bytes:
    given_values: dict[str, Any] = {
        "shop_name": "Birch & Bloom",
        "from_address": "birch-bloom@mail.cplus.example",
        "to": "ines.okafor@example.com",
        "subject": "Re: Your jug",
        "text": "The jug is back.",
        "reply_to": ADDRESS,
        "in_reply_to": "form-1@shopify.com",
        "references": ["first@example.com"],
        "own_message_id": "m1@mail.cplus.example",
    }
    return compose_reply(**{**given_values, **values})


def as_read(raw: bytes) -> EmailMessage:
    """The mail as Python's own parser reads it, which tells what is wrong with it."""
    message = message_from_bytes(raw, policy=default)
    for part in message.walk():
        assert part.defects == []
        for header in part.values():
            assert header.defects == ()
    return message


def is_file(part: EmailMessage) -> bool:
    return part.get_filename() is not None


def body(raw: bytes, kind: str) -> str:
    """The text of the mail that is `plain` or `html`, lines ended by a line feed."""
    found = as_read(raw).get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")
