"""The addresses that customers write to, and the signed tokens in them.

A shop's address is `NAME@DOMAIN`, where the name is its host without `.myshopify.com`; replies in a
conversation go to `NAME+TOKEN@DOMAIN`. A local part has at most 64 octets (RFC 5321, 4.5.3.1.1)
and a token has 32 characters, so names of up to 31 characters can have one. A longer name has no
room for it: its reply address is its plain address, and the conversation is found by References,
In-Reply-To and the marker in the body, which contains the same token.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cplus.errors import InvalidInput, InvalidShop
from cplus.keys import derived_key

_HOST = ".myshopify.com"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_ID = re.compile(r"[a-z0-9]{1,24}")
_SIGNATURE = 16
"""Characters of base32: 80 bits of the HMAC."""
_LOCAL_LIMIT = 64
_NO_REPLY = "no_reply"
"""No shop's name has an underscore: mail to it is for no shop."""


class Route(NamedTuple):
    """The shop and token that an envelope recipient names."""

    shop: str
    """The shop's host."""
    token: str | None
    """The part after the plus, in lower case, unchecked: see `open_token`."""


def shop_name(shop: str) -> str:
    """The shop's host without `.myshopify.com`; raises InvalidShop if that is not a name."""
    name = shop.strip().lower().removesuffix(_HOST)
    if not _NAME.fullmatch(name):
        raise InvalidShop(shop=shop)
    return name


def shop_address(shop: str, domain: str) -> str:
    """The address of a shop, given by host or name. Raises InvalidShop."""
    return f"{shop_name(shop)}@{domain.lower()}"


def no_reply_address(domain: str) -> str:
    """The address of mail of which nobody reads the replies: what comes back starts nothing."""
    return f"{_NO_REPLY}@{domain.lower()}"


def conversation_token(shop: str, conversation_id: str, secret: str) -> str:
    """The token of a conversation: its id, then 80 bits of an HMAC-SHA256 over shop and id.

    32 characters of `[a-z0-9]` for an id of 16, so lower-casing in transit is harmless.

    Raises:
        InvalidInput: the id is not 1 to 24 characters of `[a-z0-9]`.
        InvalidShop: the shop has no valid name.
    """
    if not _ID.fullmatch(conversation_id):
        raise InvalidInput(reason="a conversation id is 1 to 24 characters of a-z and 0-9")
    return conversation_id + _signature(shop_name(shop), conversation_id, secret)


def reply_address(shop: str, conversation_id: str, secret: str, domain: str) -> str:
    """The address for replies in a conversation; the shop's own address if a token does not fit.

    Raises InvalidInput and InvalidShop like `conversation_token`.
    """
    local = f"{shop_name(shop)}+{conversation_token(shop, conversation_id, secret)}"
    return f"{local}@{domain.lower()}" if len(local) <= _LOCAL_LIMIT else shop_address(shop, domain)


def route(recipients: Iterable[str], domain: str) -> list[Route]:
    """The shops among the envelope's recipients, each address once, in order.

    Recipients at other domains, and names that no shop can have, are left out.
    """
    found: dict[Route, None] = {}
    for recipient in recipients:
        local, _, host = recipient.strip().strip("<>").lower().rpartition("@")
        name, _, token = local.partition("+")
        if host.rstrip(".") == domain.lower() and _NAME.fullmatch(name):
            found[Route(name + _HOST, token or None)] = None
    return list(found)


def open_token(token: str | None, shop: str, secret: str | Sequence[str]) -> str | None:
    """The conversation of a token, or None if the token was not signed for this shop.

    `secret` is one secret or several: the new one and old ones that are still accepted. Tokens are
    compared in constant time.
    """
    lower = (token or "").strip().lower()
    conversation_id, signature = lower[:-_SIGNATURE], lower[-_SIGNATURE:]
    if not _ID.fullmatch(conversation_id) or not signature.isascii():
        return None
    secrets = [secret] if isinstance(secret, str) else secret
    name = shop_name(shop)
    fits = [
        hmac.compare_digest(_signature(name, conversation_id, one), signature) for one in secrets
    ]
    return conversation_id if any(fits) else None


def _signature(name: str, conversation_id: str, secret: str) -> str:
    said = f"{name}\n{conversation_id}".encode()
    digest = hmac.new(derived_key(secret, "reply-addresses"), said, hashlib.sha256).digest()
    return base64.b32encode(digest[:10]).decode("ascii").lower()
