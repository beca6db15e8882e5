"""Stores the bytes of a cause: in the commit, or in a bucket if they are too large."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from cplus.events.base import Cause

INLINE: Final = 256 * 1024
"""Maximum size of a cause in the commit, in bytes; larger ones go to the bucket."""


class LargeBodies(Protocol):
    """Stores large bodies."""

    async def put(self, shop: str, body: bytes) -> dict[str, str]:
        """Stores the body and returns its location: {"bucket", "key"}."""


async def cause_of(
    kind: str,
    shop: str,
    body: bytes,
    bodies: LargeBodies,
    *,
    headers: Mapping[str, str] | None = None,
    ref: Mapping[str, str] | None = None,
    inline: int = INLINE,
) -> Cause:
    """What came, as a commit holds it; `ref` is where the bytes rest already, if anywhere. Up to
    `inline` bytes rest in the commit itself."""
    if len(body) <= inline:
        return Cause(kind, body=body, headers=headers)
    return Cause(kind, ref=ref or await bodies.put(shop, body), headers=headers)
