"""Where the bytes of a cause rest: in the commit, or in a bucket where they are many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from cplus.events.base import Cause

INLINE: Final = 256 * 1024
"""Bytes of a cause that rest in the commit; larger ones rest in the bucket."""


class LargeBodies(Protocol):
    """Where large bodies rest."""

    async def put(self, shop: str, body: bytes) -> dict[str, str]:
        """Stores the body; answers where, as {"bucket", "key"}."""


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
