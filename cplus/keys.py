"""Derives one key per purpose from the application secret."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, TypeAlias

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

Purpose: TypeAlias = Literal[
    "install-state",  # proves that the browser returning from Shopify is the one that started
    "keyring",  # wraps the application key where there is no KMS
    "mailbox-answers",  # tokens by which a merchant's answer to a notification is known
    "mailbox-codes",  # codes that prove that a merchant reads a mailbox
    "message-ids",  # refs of the log to Message-IDs
    "persons",  # addresses in the directory of persons
    "push-endpoints",  # ids of browsers that are told of news
    "push-subscriptions",  # where browsers are told of news, at rest
    "received-mails",  # claims of the log on what a mail says
    "reply-addresses",  # tokens of conversations, in addresses and in mails
    "shopify-credentials",  # access tokens at rest
    "uploads",  # what a browser holds of a file that it sends in pieces
    "web-forms",  # tokens of forms
    "web-push",  # the key pair by which push services know the app
    "web-sessions",  # cookies and sign-in links
]
"""The purposes. Stored and sent values depend on these names: they never change."""


@lru_cache(maxsize=64)
def derived_key(secret: str, purpose: Purpose) -> bytes:
    """32 bytes by HKDF-SHA256 (RFC 5869): the key of one purpose reveals nothing about the key of
    another."""
    info = f"conversations-plus/{purpose}/1".encode()
    return HKDF(SHA256(), 32, salt=None, info=info).derive(secret.encode())
