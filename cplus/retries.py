"""Trying again what another writer spoiled: a bounded number of times, with growing pauses."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import structlog

log = structlog.get_logger()

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Retries:
    """How often something is tried, and the pauses in between.

    Ours and not a library's: stamina logs an error's own words, which may tell of a person, and
    is quickened in tests by a switch for the whole process; tenacity would need as many lines
    around it as there are here.
    """

    tries: int
    pause: float
    """Seconds by which the longest pause grows with each try; each pause is a random part of
    that, so that two who spoil each other's work part."""
    longest: float
    """Seconds that a pause lasts at most."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def of(
        self,
        work: Callable[[], Awaitable[T]],
        on: type[Exception] | tuple[type[Exception], ...],
        **said: object,
    ) -> T:
        """What `work` answers in the first try that does not raise an error of the kinds `on`.

        Each try after the first is logged, with what `said` tells and the name of the error.
        Raises the error of the last try, and any other error at once.
        """
        for number in range(1, self.tries):
            try:
                return await work()
            except on as error:
                pause = random.uniform(0, min(self.pause * number, self.longest))
                log.info("trying_again", **said, error=type(error).__name__, failed=number)
                await self.sleep(pause)
        return await work()
