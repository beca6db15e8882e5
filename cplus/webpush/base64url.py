"""Base64 as web push writes it: URL-safe, without padding (RFC 7515, section 2)."""

from __future__ import annotations

import base64
import binascii


def encoded(data: bytes) -> str:
    """The bytes as text."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes | None:
    """The bytes; None for what is none of it. Some browsers' libraries add the padding."""
    bare = text.rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
