"""Tells push services which application it is that asks (RFC 8292)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from cplus.keys import derived_key
from cplus.webpush.base64url import encoded
from cplus.webpush.encryption import CURVE, point

_LASTS: Final = timedelta(hours=12)  # at most 24 (RFC 8292, section 2)
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the curve (SP 800-186, section 3.2.1.3): private keys are from 1 to one less."""


class Vapid:
    """The application's key pair, which follows from its secret: browsers subscribe to it."""

    def __init__(self, application_secret: str, app_url: str) -> None:
        number = int.from_bytes(derived_key(application_secret, "web-push"), "big")
        self._key = ec.derive_private_key(number % (_ORDER - 1) + 1, CURVE)
        self._contact = app_url
        self.public = encoded(point(self._key.public_key()))
        """The public key, as a page gives it to the browser."""

    def authorization(self, endpoint: str, now: datetime) -> str:
        """The value of the header `Authorization` for a push to that endpoint."""
        parts = urlsplit(endpoint)
        claims: dict[str, object] = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int((now + _LASTS).timestamp()),
        }
        # Whom a push service can ask; it takes https and mailto only.
        if self._contact.startswith("https://"):
            claims["sub"] = self._contact
        token = jwt.encode(claims, self._key, algorithm="ES256")
        return f"vapid t={token}, k={self.public}"
