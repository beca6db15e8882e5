"""Names that are unique, and safe in mail addresses and URLs."""

from __future__ import annotations

import secrets
from typing import Final

_LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"  # without letters that look alike


def spelled(data: bytes) -> str:
    """One lower-case letter or digit per byte, keeping 5 of its bits."""
    return "".join(_LETTERS[byte & 31] for byte in data)


def random_id(length: int = 16) -> str:
    """A random name of lower-case letters and digits, 5 bits each."""
    return spelled(secrets.token_bytes(length))
