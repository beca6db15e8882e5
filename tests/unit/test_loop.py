"""What works side by side promise."""

from __future__ import annotations

import asyncio

import pytest

from cplus.loop import together


async def test_the_first_error_ends_the_others_and_is_raised_as_it_is() -> None:
    ended: list[str] = []
    never = asyncio.Event()

    async def waits() -> None:
        try:
            await never.wait()
        finally:
            ended.append("waits")

    async def fails() -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        await together(waits(), together(waits(), fails()))
    assert ended == ["waits", "waits"]


async def test_works_that_end_well_raise_nothing() -> None:
    done: list[int] = []

    async def work(number: int) -> None:
        done.append(number)

    await together(work(1), work(2))
    assert sorted(done) == [1, 2]
