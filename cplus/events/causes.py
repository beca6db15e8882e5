"""Stores the bytes of a cause: in the commit, or in a bucket if they are too large."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from cplus.envelopes import Stored
from cplus.events.base import Cause

INLINE: Final = 256 * 1024
"""Maximum size of a cause in the commit, in bytes; larger ones go to the bucket."""


class LargeBodies(Protocol):
    """Stores large bodies."""

    async def put(self, shop: str, clear: bytes) -> Stored:
        """Stores the body, encrypted under a key of its own; answers where, and the key."""


async def cause_of(
    kind: str,
    shop: str,
    body: bytes,
    bodies: LargeBodies,
    *,
    headers: Mapping[str, str] | None = None,
    stored: Stored | None = None,
    inline: int = INLINE,
) -> Cause:
    """What came, as a commit holds it; `stored` is where the bytes are already, if anywhere. Up to
    `inline` bytes rest in the commit itself."""
    if len(body) <= inline:
        return Cause(kind, body=body, headers=headers)
    stored = stored or await bodies.put(shop, body)
    return Cause(kind, ref=stored.ref, opens=stored.opens, headers=headers)
