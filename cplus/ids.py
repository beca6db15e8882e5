"""Names that are unique, and safe in mail addresses and URLs."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

_LETTERS: Final = b"abcdefghijkmnpqrstuvwxyz23456789"  # without letters that look alike
_LETTER_OF: Final = bytes(_LETTERS[byte & 31] for byte in range(256))


def spelled(data: bytes) -> str:
    """One lower-case letter or digit per byte, keeping 5 of its bits."""
    return data.translate(_LETTER_OF).decode("ascii")


def random_id(length: int = 16) -> str:
    """A random name of lower-case letters and digits, 5 bits each."""
    return spelled(secrets.token_bytes(length))


def derived(name: str, *parts: str) -> str:
    """The name that follows from another and these parts: the same each time, and none that follows
    from others."""
    words = "\n".join((name, *parts))
    return spelled(hashlib.sha256(words.encode()).digest()[:26])
