"""How much of what a process handles is in its memory at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Room:
    """Bytes of mail that are in memory at once; a mail that is larger has it to itself."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken = 0
        self._left = asyncio.Condition()

    @asynccontextmanager
    async def of(self, size: int) -> AsyncIterator[None]:
        """Waits until so many bytes find room, and holds it."""
        async with self._left:
            await self._left.wait_for(lambda: not self._taken or self._taken + size <= self._limit)
            self._taken += size
        try:
            yield
        finally:
            self._taken -= size
            async with self._left:
                self._left.notify_all()
