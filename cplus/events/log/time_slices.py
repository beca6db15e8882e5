"""Sharing the time to write to one hot shop among the processes that do, slice by slice."""

from __future__ import annotations

import asyncio
import random
import time

SLICE = 0.045
"""Seconds that a process keeps a busy shop."""

REMEMBERED = 1.0
"""Seconds after a lost race for which other writers are assumed to be active."""


class TimeSlices:
    """One process's slices of the time on one shop.

    A process that lost twice in a row waits for about a slice. A process that has met others leaves
    the shop alone for about a slice after it has had one. So one process at a time writes
    undisturbed, which is much faster than colliding at each commit.
    """

    def __init__(self) -> None:
        self._losses = 0  # in a row
        self._lost_at = -REMEMBERED
        self._since: float | None = None  # when the slice began

    async def lost(self) -> None:
        """Waits after another process took the position."""
        self._losses += 1
        self._since = None
        self._lost_at = time.monotonic()
        longest = 0.02 if self._losses == 1 else 2 * SLICE
        await asyncio.sleep(random.uniform(0, longest))

    def won(self) -> None:
        """Records a successful write."""
        self._losses = 0
        if self._since is None:
            self._since = time.monotonic()

    async def begin(self) -> bool:
        """Waits if it is the others' turn; returns whether it did, because the head is old then."""
        now = time.monotonic()
        alone = now - self._lost_at > REMEMBERED
        if alone or self._since is None or now - self._since < SLICE:
            return False
        self._since = None
        await asyncio.sleep(random.uniform(0.5 * SLICE, 1.5 * SLICE))
        return True
