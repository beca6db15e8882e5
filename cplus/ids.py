"""Names that are unique, and safe in mail addresses and URLs."""

from __future__ import annotations

import secrets
from typing import Final

_LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"  # none that is taken for another


def spelled(data: bytes) -> str:
    """A lower-case letter or digit for each byte, which keeps 5 of its bits."""
    return "".join(_LETTERS[byte & 31] for byte in data)


def random_id(length: int = 16) -> str:
    """A random name of lower-case letters and digits, 5 bits each."""
    return spelled(secrets.token_bytes(length))
