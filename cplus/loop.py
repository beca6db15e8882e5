"""One event loop that lives as long as the process."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_loop: asyncio.AbstractEventLoop | None = None


def event_loop() -> asyncio.AbstractEventLoop:
    """The one event loop that lives as long as the process; also what the thread that asks for
    its current loop is given.

    Lambda calls a handler again and again in one process; connections belong to a loop, so a
    loop for each call would open them anew each time.
    """
    global _loop  # noqa: PLW0603
    if _loop is None:
        _loop = asyncio.new_event_loop()
        asyncio.set_event_loop(_loop)
    return _loop


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs `work` on the one event loop that lives as long as the process."""
    return event_loop().run_until_complete(work)


async def together(*works: Coroutine[Any, Any, None]) -> None:
    """Runs the works side by side. When one fails the others are cancelled, and once all have
    ended its error is raised as it is: who asks for one kind of error finds it."""
    try:
        async with asyncio.TaskGroup() as tasks:
            for work in works:
                tasks.create_task(work)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
