"""Encrypts what a browser is told, so that the push service between cannot read it (RFC 8291)."""

from __future__ import annotations

import os
import struct
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cplus.webpush.subscription import Subscription

CURVE: Final = ec.SECP256R1()
RECORD: Final = 4096
"""Bytes of the one record, and what each push service takes (RFC 8030, section 7.2)."""
_HEAD: Final = struct.Struct("!16sIB")
_LAST: Final = b"\x02"  # after the text of the last record (RFC 8188, section 2)
_TAG: Final = 16
MOST: Final = RECORD - _HEAD.size - 65 - _TAG - len(_LAST)
"""Bytes of a text at most."""


def encrypt(
    text: bytes,
    to: Subscription,
    *,
    salt: bytes | None = None,
    own: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """The body of a push, in the encoding `aes128gcm` (RFC 8188). The salt and the key of our own
    are new ones, unless a test has to know them. Raises ValueError for too long a text."""
    if len(text) > MOST:
        raise ValueError("the text of a push is too long")
    salt = salt or os.urandom(16)
    own = own or ec.generate_private_key(CURVE)
    public = point(own.public_key())
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, to.key)
    key, nonce = content_keys(own.exchange(ec.ECDH(), theirs), to.auth, to.key, public, salt)
    body = AESGCM(key).encrypt(nonce, text + _LAST, None)
    return _HEAD.pack(salt, RECORD, len(public)) + public + body


def content_keys(
    shared: bytes, auth: bytes, theirs: bytes, ours: bytes, salt: bytes
) -> tuple[bytes, bytes]:
    """The key and the nonce of the text (RFC 8291, section 3.4): `theirs` is the browser's public
    key, `ours` that of whoever sends."""
    keyed = _derived(shared, auth, b"WebPush: info\0" + theirs + ours, 32)
    return (
        _derived(keyed, salt, b"Content-Encoding: aes128gcm\0", 16),
        _derived(keyed, salt, b"Content-Encoding: nonce\0", 12),
    )


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    """A public key as web push writes it."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _derived(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt=salt, info=info).derive(key)
