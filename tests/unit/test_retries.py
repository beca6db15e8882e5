"""Trying again, with a sleep that a test gives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import structlog

from cplus.retries import Retries


class Pauses:
    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def failing(times: int, error: Exception) -> Callable[[], Awaitable[int]]:
    """Work that raises so often and then answers how often it was tried."""
    tried = 0

    async def work() -> int:
        nonlocal tried
        tried += 1
        if tried <= times:
            raise error
        return tried

    return work


async def test_what_another_spoiled_is_tried_again_after_pauses_that_grow_to_the_longest() -> None:
    most = [0.0] * 9
    for _ in range(50):
        pauses = Pauses()
        retries = Retries(tries=10, pause=1.0, longest=4.0, sleep=pauses)
        assert await retries.of(failing(9, KeyError()), KeyError) == 10
        assert all(p <= min(n, 4) for n, p in enumerate(pauses.seconds, start=1))
        most = list(map(max, most, pauses.seconds))
    assert most[0] < 1 < most[2] < 3 < most[8]


async def test_the_error_of_the_last_try_is_raised_with_no_pause_after_it() -> None:
    pauses = Pauses()
    with pytest.raises(KeyError):
        await Retries(tries=3, pause=1.0, longest=1.0, sleep=pauses).of(
            failing(3, KeyError()), (KeyError, ValueError)
        )
    assert len(pauses.seconds) == 2


async def test_another_error_is_raised_at_once() -> None:
    pauses = Pauses()
    with pytest.raises(ValueError, match="no"):
        await Retries(tries=3, pause=1.0, longest=1.0, sleep=pauses).of(
            failing(1, ValueError("no")), KeyError
        )
    assert pauses.seconds == []


async def test_each_further_try_is_logged_without_the_errors_own_words() -> None:
    retries = Retries(tries=3, pause=1.0, longest=1.0, sleep=Pauses())
    with structlog.testing.capture_logs() as lines:
        await retries.of(failing(2, KeyError("ann@example.com")), KeyError, shop="blue")
    said = {"event": "trying_again", "log_level": "info", "shop": "blue", "error": "KeyError"}
    assert lines == [{**said, "failed": 1}, {**said, "failed": 2}]
