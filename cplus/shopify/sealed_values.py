"""Values that are kept encrypted in the row of a shop, each for one purpose."""

from __future__ import annotations

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cplus.errors import CredentialsUnreadable
from cplus.keys import derived_key

SCHEME: Final = b"\x01"
"""First byte of the stored value: AES-256-GCM, 12 bytes of nonce, key by HKDF-SHA256."""

_NONCE: Final = 12


class SealedValues:
    """Seals and opens what belongs to a shop, under the key of one purpose."""

    def __init__(self, application_secret: str, purpose: str) -> None:
        self._key = AESGCM(derived_key(application_secret, purpose))

    def seal(self, shop: str, value: bytes) -> bytes:
        """The value as it is stored; it opens for this shop alone."""
        nonce = os.urandom(_NONCE)
        return SCHEME + nonce + self._key.encrypt(nonce, value, SCHEME + shop.encode())

    def open(self, shop: str, sealed: bytes) -> bytes:
        """The value; raises CredentialsUnreadable if it was altered or sealed with another
        secret."""
        nonce, text = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        try:
            return self._key.decrypt(nonce, text, sealed[:1] + shop.encode())
        except (InvalidTag, ValueError):
            raise CredentialsUnreadable(shop=shop) from None
