"""Combining: what waits at the same time is asked in one question."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

from cplus.events.log.commit import Head
from cplus.events.log.commits import Commits

Item = TypeVar("Item")
Answer = TypeVar("Answer")

_GROUPS = 2  # under way at once: while one is on its way back the next is on its way there
_INSERT_BYTES = 1024 * 1024
_HEADS = 100  # asked for in one question


class Combiner(Generic[Item, Answer]):
    """Asks for many at once what each would ask alone.

    An item goes at once while fewer than `groups` questions are under way, and otherwise with
    all others that wait when one of them ends. `work` answers one question: an answer for each
    item, in their order. An answer that is an exception is raised to its asker only, and one
    that `work` raises to every asker of that question. Who is cancelled takes nothing from the
    others; a question that nobody waits for any more is cancelled.
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
        self._room = room  # the sizes of one question's items sum up to this at most
        self._size = size
        self._waiting: deque[tuple[Item, asyncio.Future[Answer]]] = deque()
        self._asking: dict[asyncio.Future[Any], list[asyncio.Future[Answer]]] = {}
        self._called = False

    async def ask(self, item: Item) -> Answer:
        """The answer for one item."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._call()
        try:
            return await future
        except asyncio.CancelledError:
            if not future.cancelled():
                future.exception()  # its answer came at the same moment: nobody will take it
            for task, futures in self._asking.items():
                if all(one.cancelled() for one in futures):
                    task.cancel()
            raise

    def _call(self) -> None:
        # Not at once: whoever is about to ask in this turn of the loop comes along.
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
        if task.cancelled():  # nobody waits any more, or the loop itself ends
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


class CombinedCommits:
    """What a shop's writer asks of the log, asked together with the writers of other shops."""

    def __init__(self, log: Commits) -> None:
        self.log = log
        self._inserts = Combiner(log.insert, room=_INSERT_BYTES, size=_bytes)
        self._heads = Combiner(self._ask_heads, room=_HEADS)

    async def insert(self, raws: Sequence[bytes]) -> bool:
        """Writes commits of one shop in their order; see Commits.insert."""
        return await self._inserts.ask(raws)

    async def head(self, shop: str) -> Head:
        """The head of a shop that a majority has."""
        return await self._heads.ask(shop)

    async def _ask_heads(self, shops: list[str]) -> list[Head]:
        heads = await self.log.heads(shops)
        return [heads[shop] for shop in shops]


def _bytes(raws: Sequence[bytes]) -> int:
    return sum(map(len, raws))
