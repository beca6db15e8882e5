"""Shopify's signatures over webhooks and over the query of an OAuth redirect."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from cplus.errors import InvalidSignature, SignedForAnotherUse

MAX_SKEW: Final = 90
"""Seconds that the timestamp of a signed query may be off (Shopify's own libraries)."""

_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")
_SIGNED_TOKEN: Final = re.compile(rb"([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]*")
_OF_A_REDIRECT: Final = (b"shop=", b"host=", b"code=")
_STAMP: Final = re.compile(rb"timestamp=[0-9]{1,12}")
_LONGEST_QUERY: Final = 64 * 1024  # bytes; no redirect URL is longer

Query = Mapping[str, str] | Iterable[tuple[str, str]]


def sign_webhook(body: bytes, secret: str) -> str:
    """The value of X-Shopify-Hmac-Sha256: base64 of HMAC-SHA256 over the raw body."""
    return base64.b64encode(_mac(body, secret)).decode("ascii")


def verify_webhook(body: bytes, signature: str, secrets: Sequence[str]) -> None:
    """Checks a webhook's signature against each secret, in constant time.

    `body` is the unchanged bytes, before any parsing. `secrets` has the app's secret and, while
    Shopify moves to a new one (up to an hour), the old one; empty ones are ignored.
    Raises InvalidSignature, and SignedForAnotherUse: a session token and the query of an OAuth
    redirect are signed with the same secret by the same algorithm, so such a
    value, sent as a body, would pass for a webhook of any shop.
    """
    _require_match(signature, [sign_webhook(body, secret) for secret in secrets if secret])
    if _is_token(body):
        raise SignedForAnotherUse(what="a session token")
    if _is_query(body):
        raise SignedForAnotherUse(what="the query of a redirect")


def _is_token(body: bytes) -> bool:
    head = _SIGNED_TOKEN.fullmatch(body)
    if head is None:
        return False
    try:
        header = json.loads(base64.urlsafe_b64decode(head[1] + b"=" * (-len(head[1]) % 4)))
    except (ValueError, RecursionError):
        return False
    return isinstance(header, dict) and "alg" in header


def _is_query(body: bytes) -> bool:
    """Whether the bytes may be what Shopify signs of a redirect, whatever the names and values of
    its other parameters: sorted parts, one of them a time, one of a shop, a host or a code.

    Shopify's webhooks are never taken for one: their bodies begin with a brace, which sorts after
    every letter, so no part `shop=` or `timestamp=` of a sorted query comes after it.
    """
    parts = body.split(b"&") if len(body) <= _LONGEST_QUERY else []
    return (
        any(map(_STAMP.fullmatch, parts))
        and any(part.startswith(_OF_A_REDIRECT) for part in parts)
        and all(b"=" in part for part in parts)
        and parts == sorted(parts)
    )


def sign_query(params: Query, secret: str) -> str:
    """The `hmac` of an OAuth redirect: hex HMAC-SHA256 over the sorted query without `hmac`."""
    return _mac(_message(_pairs(params)), secret).hex()


def verify_query(params: Query, secrets: Sequence[str], now: float) -> None:
    """Checks the `hmac` and the `timestamp` of a query that Shopify sent.

    `now` is in seconds since 1970 (UTC). Raises InvalidSignature, also if a name occurs twice:
    two readers could use different values for it.
    """
    pairs = _pairs(params)
    given = dict(pairs)
    timestamp = given.get("timestamp", "")
    message = _message(pairs)
    _require_match(given.get("hmac", ""), [_mac(message, key).hex() for key in secrets if key])
    if len(given) != len(pairs) or _TIMESTAMP.fullmatch(timestamp) is None:
        raise InvalidSignature
    if abs(now - int(timestamp)) > MAX_SKEW:
        raise InvalidSignature


def _pairs(params: Query) -> list[tuple[str, str]]:
    return list(params.items() if isinstance(params, Mapping) else params)


def _message(pairs: list[tuple[str, str]]) -> bytes:
    # Escaped like in Shopify's libraries, so that one value can't pass for two parameters.
    signed = sorted(
        f"{_escaped(name).replace('=', '%3D')}={_escaped(value)}"
        for name, value in pairs
        if name != "hmac"
    )
    return "&".join(signed).encode("utf-8", "surrogatepass")


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("&", "%26")


def _mac(message: bytes, secret: str) -> bytes:
    return hmac.new(secret.encode("utf-8"), message, hashlib.sha256).digest()


def _require_match(signature: str, expected: list[str]) -> None:
    # As bytes: compare_digest raises on text that isn't ASCII. Every secret is tried, so that
    # the time doesn't reveal which one matches.
    given = signature.encode("utf-8", "replace")
    matches = [hmac.compare_digest(given, one.encode("ascii")) for one in expected]
    if not any(matches):
        raise InvalidSignature
