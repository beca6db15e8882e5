"""Sharing the time to write to one hot shop among the processes that do, slice by slice."""

from __future__ import annotations

import asyncio
import random
import time

SLICE = 0.045
"""Seconds that a process keeps a hot shop."""

REMEMBERED = 1.0
"""Seconds after a lost race that others are thought to be there."""


class TimeSlices:
    """One process's slices of the time on one shop.

    Who lost twice in a row waits about a slice, and who knows of others by having lost leaves
    the shop alone for about a slice after having had it for one. In between one process writes
    undisturbed, which is far quicker than when all collide at each commit.
    """

    def __init__(self) -> None:
        self._losses = 0  # in a row
        self._lost_at = -REMEMBERED
        self._since: float | None = None  # when the slice began

    async def lost(self) -> None:
        """Waits after a position that others took."""
        self._losses += 1
        self._since = None
        self._lost_at = time.monotonic()
        longest = 0.02 if self._losses == 1 else 2 * SLICE
        await asyncio.sleep(random.uniform(0, longest))

    def won(self) -> None:
        """Notes a write that went through."""
        self._losses = 0
        if self._since is None:
            self._since = time.monotonic()

    async def begin(self) -> bool:
        """Waits where it is the others' turn; whether it did, so that the head is old."""
        now = time.monotonic()
        alone = now - self._lost_at > REMEMBERED
        if alone or self._since is None or now - self._since < SLICE:
            return False
        self._since = None
        await asyncio.sleep(random.uniform(0.5 * SLICE, 1.5 * SLICE))
        return True
