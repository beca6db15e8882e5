"""Combines requests that wait at the same time into one query."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")

_GROUPS: Final = 2  # in flight at once: while one is coming back, the next is already being sent


class Combiner(Generic[Item, Answer]):
    """Sends many single requests as one query.

    An item is sent at once while fewer than `groups` queries are in flight; otherwise it waits
    and goes with all others that wait when one of them ends. `work` answers one query: one result
    per item, in order. A result that is an exception is raised only to its caller; an exception
    raised by `work` is raised to every caller of that query. Cancelling one caller does not affect
    the others; a query without any callers left is cancelled.
    """

    def __init__(
        self,
        work: Callable[[list[Item]], Awaitable[Sequence[Answer | BaseException]]],
        *,
        groups: int = _GROUPS,
        room: int,
        size: Callable[[Item], int] = lambda _: 1,
    ) -> None:
        self._work = work
        self._groups = groups
        self._room = room  # limit for the sum of the sizes of one query's items
        self._size = size
        self._waiting: deque[tuple[Item, asyncio.Future[Answer]]] = deque()
        self._asking: dict[asyncio.Future[Any], list[asyncio.Future[Answer]]] = {}
        self._called = False

    async def ask(self, item: Item) -> Answer:
        """The result for one item."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._call()
        try:
            return await future
        except asyncio.CancelledError:
            if not future.cancelled():
                future.exception()  # its result came at the same moment: nobody will read it
            for task, futures in self._asking.items():
                if all(one.cancelled() for one in futures):
                    task.cancel()
            raise

    def _call(self) -> None:
        # Not at once: other requests in this turn of the loop join in.
        if not self._called and len(self._asking) < self._groups:
            self._called = True
            asyncio.get_running_loop().call_soon(self._start)

    def _start(self) -> None:
        self._called = False
        while len(self._asking) < self._groups and (group := self._take()):
            items, futures = [item for item, _ in group], [future for _, future in group]
            task = asyncio.ensure_future(self._work(items))
            task.add_done_callback(self._end)
            self._asking[task] = futures

    def _take(self) -> list[tuple[Item, asyncio.Future[Answer]]]:
        group: list[tuple[Item, asyncio.Future[Answer]]] = []
        size = 0
        while self._waiting:
            item, future = self._waiting[0]
            if not future.cancelled():
                size += self._size(item)
                if group and size > self._room:
                    break
                group.append((item, future))
            self._waiting.popleft()
        return group

    def _end(self, task: asyncio.Future[Any]) -> None:
        futures = self._asking.pop(task)
        if task.cancelled():  # no caller waits any more, or the loop itself ends
            for future in futures:
                future.cancel()
        else:
            error = task.exception()
            answers = task.result() if error is None else [error] * len(futures)
            for future, answer in zip(futures, answers, strict=True):
                if future.cancelled():
                    continue
                if isinstance(answer, BaseException):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)
        if self._waiting:
            self._call()
