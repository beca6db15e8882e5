"""Keys wrapped by other keys: AES-256-GCM, a nonce of 12 random bytes first. Authenticated with it
are the ids of both, so a wrapped key cannot pass for another one."""

from __future__ import annotations

import os
from typing import Final

from cryptography.exceptions import InvalidTag

from cplus.errors import KeysUnavailable
from cplus.events.log.sealing import Key

_NONCE: Final = 12


def wrap(by: Key, name: str, material: bytes) -> bytes:
    """The key `name`, wrapped."""
    if (cipher := by.cipher) is None:
        raise KeysUnavailable(reason=f"{by.id} is destroyed")
    nonce = os.urandom(_NONCE)
    return nonce + cipher.encrypt(nonce, material, _ids(by, name))


def unwrap(by: Key, name: str, wrapped: bytes) -> bytes:
    """The key `name` again; raises KeysUnavailable if `by` did not wrap it."""
    try:
        if (cipher := by.cipher) is None:
            raise ValueError("a destroyed key unwraps nothing")
        return cipher.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], _ids(by, name))
    except (InvalidTag, ValueError):
        reason = f"{name} does not open with {by.id}; was the keyring altered, or is it another's?"
        raise KeysUnavailable(reason=reason) from None


def _ids(by: Key, name: str) -> bytes:
    return f"{by.id}\0{name}".encode()
