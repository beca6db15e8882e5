"""One event loop for the whole process."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_loop: asyncio.AbstractEventLoop | None = None


def event_loop() -> asyncio.AbstractEventLoop:
    """The event loop that lives as long as the process; it is also the thread's current loop.

    Lambda calls a handler many times in one process. Connections belong to a loop, so a loop per
    call would open new connections each time.
    """
    global _loop  # noqa: PLW0603
    if _loop is None:
        _loop = asyncio.new_event_loop()
        asyncio.set_event_loop(_loop)
    return _loop


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs `work` on the process's event loop."""
    return event_loop().run_until_complete(work)


async def together(*works: Coroutine[Any, Any, None]) -> None:
    """Runs the works concurrently. If one fails, the others are cancelled, and once all have ended
    its error is raised unchanged, so that callers can catch its type."""
    try:
        async with asyncio.TaskGroup() as tasks:
            for work in works:
                tasks.create_task(work)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
