"""By what the log finds mail again without holding its Message-ID, which may name people."""

from __future__ import annotations

import hashlib
import hmac
import json

from cplus.events import names
from cplus.keys import derived_key
from cplus.mail import message_id_key
from cplus.settings import Settings


def rfc_ref(settings: Settings, message_id: str) -> str:
    """The ref by which the log finds a Message-ID, which itself never enters the log's refs."""
    return names.rfc_ref(message_id_key(message_id, settings.secret("application_secret")))


def received_sequence(settings: Settings, message_id: str, *said: str | bool | None) -> str:
    """The sequence that holds one mail, by its Message-ID and what it says: another mail with the
    same Message-ID, which anybody can write, is another one.

    Keyed: who reads the log can't find out by guessing what a mail said, or who wrote it.
    """
    secret = settings.secret("application_secret")
    # As JSON: a line break in one field must not pass for the border to the next.
    words = json.dumps([message_id_key(message_id, secret), *said]).encode()
    keyed = hmac.new(derived_key(secret, "received-mails"), words, hashlib.sha256)
    return names.received_sequence(keyed.hexdigest()[:32])


def rfc_refs(settings: Settings, ses_message_id: str) -> list[str]:
    """The refs by which the log finds answers to a mail that SES took.

    SES replaces the Message-ID header by its own id, in a domain named for the region, and in
    the oldest region also seen in a domain of its own.
    """
    domains = [f"{settings.region}.amazonses.com", "email.amazonses.com"]
    return [rfc_ref(settings, f"{ses_message_id}@{domain}") for domain in domains]
