"""What takes long is told while it does."""

from __future__ import annotations

import asyncio

import pytest

from cplus.local.waiting import timed


async def test_what_takes_long_is_told_until_it_is_done_and_what_does_not_is_not() -> None:
    told: list[float] = []
    enough = asyncio.Event()

    def waits(seconds: float) -> None:
        told.append(seconds)
        if len(told) == 3:
            enough.set()

    async def long() -> None:
        await enough.wait()

    assert await timed(long(), waits, every=0.001) >= told[-1]
    assert told == sorted(told)
    told.clear()
    await timed(asyncio.sleep(0), waits)
    assert told == []


async def test_what_fails_or_is_cancelled_ends_the_work() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def fails() -> None:
        raise ValueError

    task = asyncio.create_task(timed(work(), lambda _seconds: None))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()
    with pytest.raises(ValueError):  # noqa: PT011
        await timed(fails(), lambda _seconds: None)
