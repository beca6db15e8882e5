"""What a browser gives that wants to be told, and whether it can be used."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec

from cplus.errors import InvalidInput
from cplus.webpush.base64url import decoded
from cplus.wording import worded

_LONGEST: Final = 1_000
"""Characters of an endpoint; those of browsers have about 200."""
_LONGEST_NAME: Final = 253
_LONGEST_LABEL: Final = 63  # characters (RFC 1035, section 2.3.4)
_AUTH: Final = 16  # bytes (RFC 8291, section 3.2)
_POINT: Final = 65  # bytes of a point on the curve, uncompressed


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where a browser is told, and its keys. Whoever knows the endpoint can find the browser, so
    none of it enters a log line."""

    endpoint: str = field(repr=False)
    key: bytes = field(repr=False)
    """The browser's public key."""
    auth: bytes = field(repr=False)


def checked(endpoint: str, key: str, auth: str, *, local: str = "") -> Subscription:
    """The subscription, of what a form says. Raises InvalidInput for an address at which no push
    service can be, and for keys that are none. `local` is the origin of the push service of this
    machine, if there is one."""
    public, secret = decoded(key), decoded(auth)
    if not _may_be_asked(endpoint, local):
        raise InvalidInput(reason=worded("this browser’s push service can’t be used"))
    if public is None or not _is_point(public) or secret is None or len(secret) != _AUTH:
        raise InvalidInput(reason=worded("this browser gave keys that can’t be used"))
    return Subscription(endpoint, public, secret)


def is_local(endpoint: str, local: str) -> bool:
    """Whether the endpoint is one of the push service of this machine."""
    return bool(local) and endpoint.startswith(f"{local}/")


def _may_be_asked(endpoint: str, local: str) -> bool:
    if len(endpoint) > _LONGEST or not endpoint.isascii() or not endpoint.isprintable():
        return False
    if is_local(endpoint, local):
        return True
    try:
        parts = urlsplit(endpoint)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme != "https" or port not in (None, 443) or "@" in parts.netloc:
        return False
    return " " not in endpoint and "\\" not in endpoint and _is_public_name(host)


def _is_public_name(host: str) -> bool:
    """Whether a push service can have that name; where it leads, is looked at with each push."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        labels = host.split(".")
        # A last label of digits is an address in another spelling (WHATWG URL, "ends in a number").
        last = labels[-1]
        if len(host) > _LONGEST_NAME or not all(0 < len(one) <= _LONGEST_LABEL for one in labels):
            return False
        return len(labels) > 1 and not last[:1].isdigit() and last != "localhost"
    return False


def _is_point(key: bytes) -> bool:
    if len(key) != _POINT:
        return False
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)
    except ValueError:
        return False
    return True
