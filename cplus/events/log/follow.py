"""Follows the log live: woken by a change stream, with polling as a fallback.

A wake-up is only a hint. Commits are read from the log, from the follower's own position on, so a
lost wake-up delays a commit by at most one poll and loses none.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

import structlog

from cplus.events.log.commit import Commit
from cplus.events.log.store import BATCH, ROOM, EventStore

log = structlog.get_logger()


class Follower:
    """One listener for all shops that this process follows. Use it with `async with`.

    `poll` is the maximum delay of a commit, in seconds, if its wake-up is lost.
    """

    def __init__(self, store: EventStore, *, poll: float = 5.0) -> None:
        self._store = store
        self._poll = poll
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._listening = asyncio.create_task(self._listen(), name="follow-log")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._listening:
            self._listening.cancel()
            await asyncio.wait([self._listening])
            self._listening = None

    async def follow(
        self, shop: str, after: int = 0, *, batch: int = BATCH
    ) -> AsyncIterator[Commit]:
        """Every commit of the shop after position `after`, in order, once, endlessly."""
        woken = asyncio.Event()
        self._waiting.setdefault(shop, set()).add(woken)
        try:
            while True:
                woken.clear()  # before the read, so that a commit during it wakes us again
                commits = await self._store.read(shop, after, batch, room=ROOM)
                for commit in commits:
                    after = commit.position
                    yield commit
                if not commits:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(self._poll):
                            await woken.wait()
        finally:
            self._waiting[shop].discard(woken)
            if not self._waiting[shop]:
                del self._waiting[shop]

    async def _listen(self) -> None:
        while True:
            try:
                async for shop in self._store.log.changes():
                    # When it starts, it may have missed commits from just before.
                    self._wake([shop] if shop else list(self._waiting))
            except Exception as error:  # noqa: BLE001  polling goes on whatever happens here
                log.warning("follow_interrupted", error=type(error).__name__)
            await asyncio.sleep(self._poll)

    def _wake(self, shops: list[str]) -> None:
        for shop in shops:
            for woken in self._waiting.get(shop, ()):
                woken.set()
