"""Objects in buckets, each encrypted under a key of its own.

Such an object is `MAGIC`, one byte for the scheme, a nonce of 12 random bytes, and what AES-256-GCM
makes of the clear bytes. Authenticated with it is where it belongs: the shop, the role of its
bucket and its id. So an object that takes the place of another does not open.

Its key is random and encrypts nothing else. It stands nowhere but beside the object's name, in the
commit whose cause the object is (and before, in the message on a queue), sealed there under the
keys of the persons whom that commit names: once one of these is destroyed, nobody can open the
object. It is encrypted at once: one of 40 MB needs 120 MB of memory meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final, NamedTuple

from cplus.errors import ObjectBroken

MAGIC: Final = b"CPLUSOBJ"
_AES_256_GCM: Final = b"\x01"
_HEAD: Final = len(MAGIC) + len(_AES_256_GCM)
_NONCE: Final = 12
_KEY: Final = 32


class Stored(NamedTuple):
    """An object, and what opens it."""

    ref: Mapping[str, str]
    """{"bucket", "key"}."""
    opens: bytes | None
    """Its key; None for an object that is in clear, as all were before December 2026."""

    def __repr__(self) -> str:
        """Without the key, which must not get into a log line."""
        return f"Stored({dict(self.ref)!r}{', sealed' if self.opens else ''})"


def seal(shop: str, role: str, id_: str, clear: bytes) -> tuple[bytes, bytes]:
    """A new key, and the object of that id as it is stored in the shop's bucket of that role."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # not for small webhooks

    key, nonce = os.urandom(_KEY), os.urandom(_NONCE)
    sealed = AESGCM(key).encrypt(nonce, clear, _place(shop, role, id_))
    return key, b"".join((MAGIC, _AES_256_GCM, nonce, sealed))


def unseal(shop: str, role: str, id_: str, key: bytes, stored: bytes) -> bytes:
    """The clear bytes of an object; raises ObjectBroken."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        if stored[:_HEAD] != MAGIC + _AES_256_GCM:
            raise ValueError("no object of this format")
        rest = memoryview(stored)[_HEAD:]
        return AESGCM(key).decrypt(bytes(rest[:_NONCE]), rest[_NONCE:], _place(shop, role, id_))
    except (InvalidTag, ValueError):
        raise ObjectBroken(id=id_) from None


def _place(shop: str, role: str, id_: str) -> bytes:
    # No host, role or id holds a NUL, so two places never have the same bytes.
    return f"a256gcm\0{shop}\0{role}\0{id_}".encode()
