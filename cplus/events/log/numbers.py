"""The numbers of streams and sequences, as the log has claimed them."""

from __future__ import annotations

from collections.abc import Sequence

from cplus.events.log.commits import Commits, Document
from cplus.events.names import version_claim

_SHORT = 16  # numbers of a sequence that one query finds
_LONGEST = 34  # powers of two that cover every number that fits into a claim


async def last_number(log: Commits, shop: str, name: str) -> tuple[int, Document | None]:
    """The last number claimed of a stream or sequence, 0 for none, and the row of its commit.

    Numbers have no gaps, so a few probes find the last one: one query for short streams, five for
    a stream of millions.
    """
    low, above, row = 0, 2**_LONGEST, None
    probes = [*range(1, _SHORT), *(2**power for power in range(4, _LONGEST))]
    while probes:
        found = await log.newest(shop, [version_claim(name, number) for number in probes])
        if found is None:
            above = probes[0]
        else:
            low, row = highest(found["claims"], name), found
            above = next((number for number in probes if number > low), above)
        gap = above - low - 1
        step = max(1, gap // 32)
        probes = list(range(low + 1, above, step)) if gap > 0 else []
    return low, row


def highest(claims: Sequence[str], name: str) -> int:
    """The largest number of the stream or sequence `name` among the claims; 0 for none."""
    prefix = f"{name}@"
    return max((int(c[len(prefix) :]) for c in claims if c.startswith(prefix)), default=0)
