"""Tells how long something takes, so that nobody takes a busy machine for one that hangs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

LONG: Final = 10.0
"""Seconds after which it is told that something is still being waited for."""


async def timed(
    work: Awaitable[None], waits: Callable[[float], None], every: float = LONG
) -> float:
    """Does the work and answers the seconds that it took; tells `waits` after each `every` seconds
    how many it has taken so far. Who cancels it, cancels the work."""
    started = time.perf_counter()
    task = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait([task], timeout=every))[0]:
            waits(time.perf_counter() - started)
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
    await task
    return time.perf_counter() - started
