"""A batch of messages: each is worked on by itself, and those that failed are named.

Every function that reads a queue works through this module, so what one message does to the others
is decided once: it may neither fail them nor keep them waiting beyond the function's time limit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeAlias, TypeVar

import structlog

from cplus.consumers.batches.sqs import SqsRecord
from cplus.deadline import Deadline
from cplus.errors import InvalidInput

log = structlog.get_logger()

Consume: TypeAlias = Callable[[Sequence[SqsRecord], Deadline], Awaitable[Sequence[str]]]
"""(messages, when Lambda ends the function) -> the ids of the messages that failed."""

SIDE_BY_SIDE: Final = 8
"""Messages that are worked on at once, unless a consumer says otherwise."""

T = TypeVar("T")
U = TypeVar("U")


def start_by(limit: Deadline) -> Deadline:
    """The moment from which a function that is ended at `limit` should begin nothing new: what
    already runs has a fifth of its time left, at most 10 seconds."""
    return limit.with_margin(10.0, 0.2)


class Item(NamedTuple, Generic[T]):
    """A piece of work, and the messages that it is for."""

    records: Sequence[SqsRecord]
    value: T


class Batch:
    """The messages of one call of a function, worked on in one step or in several."""

    def __init__(
        self, records: Sequence[SqsRecord], limit: Deadline, side_by_side: int = SIDE_BY_SIDE
    ) -> None:
        """`limit` is when Lambda ends the function."""
        self.messages = [Item([record], record) for record in records]
        self.failed: list[str] = []
        """The ids of the messages that failed so far."""
        # Time to tell the followers, to answer, and to let what is cancelled clean up.
        self._end = limit.with_margin(5.0, 0.1)
        self._cleaned_up = limit.with_margin(2.5, 0.05)
        self._side_by_side = side_by_side

    def read(self, read: Callable[[SqsRecord], T]) -> list[Item[T]]:
        """What each message says, in their order; without those of which `read` raises."""
        items = []
        for item in self.messages:
            try:
                items.append(Item(item.records, read(item.value)))
            except Exception as error:  # noqa: BLE001  each message fails alone
                self.fail(item, error)
        return items

    async def each(
        self,
        items: Sequence[Item[T]],
        work: Callable[[T], Coroutine[Any, Any, U]],
        said: Callable[[T], Mapping[str, object]] = lambda _value: {},
    ) -> list[Item[U]]:
        """What `work` answers for each item, in their order; without those that failed.

        An item fails alone, if its work raises (a CancelledError of its own too) or is not done
        shortly before the function's time limit; its work is then cancelled, and left behind if it
        does not end soon after. The messages of an item that failed are logged, with what `said`
        tells of it, and added to `failed`. Any other error that is no Exception is raised, once
        all works have ended.
        """
        places = asyncio.Semaphore(self._side_by_side)

        async def one(value: T) -> U:
            async with places:
                return await work(value)

        begin = one if len(items) > self._side_by_side else work
        tasks = [asyncio.ensure_future(begin(item.value)) for item in items]
        late = await self._wait(tasks)
        done = []
        for item, task in zip(items, tasks, strict=True):
            if not task.done():
                log.error("work_left_behind", **said(item.value))
            if task in late and (not task.done() or task.cancelled()):
                self.fail(item, TimeoutError(), **said(item.value))
            elif task.cancelled():
                self.fail(item, asyncio.CancelledError(), **said(item.value))
            elif isinstance(error := task.exception(), Exception):
                self.fail(item, error, **said(item.value))
            else:
                done.append(Item(item.records, task.result()))
        return done

    def fail(self, item: Item[Any], error: BaseException, **said: object) -> None:
        """Has the item's messages handed out again. Only an InvalidInput is logged in its own
        words: those of other errors may show what was handled."""
        reason = str(error) if isinstance(error, InvalidInput) else type(error).__name__
        for one in item.records:
            log.warning(
                "message_failed",
                queue=one.queue,
                message_id=one.message_id,
                **{"reason": reason, **said},
            )
            self.failed.append(one.message_id)

    async def _wait(self, tasks: Sequence[asyncio.Task[Any]]) -> set[asyncio.Task[Any]]:
        """Waits until the tasks are done or the time is up, and then a little for those that it
        cancelled, which it answers. One that ends even later is not heard of again."""
        if not tasks:
            return set()
        try:
            _, late = await asyncio.wait(tasks, timeout=self._end.remaining())
        except BaseException:
            for task in tasks:
                task.cancel()
            raise
        for task in late:
            task.cancel()
            task.add_done_callback(_heard)
        if late:
            await asyncio.wait(late, timeout=self._cleaned_up.remaining())
        return late


def _heard(task: asyncio.Task[Any]) -> None:
    """Or else asyncio complains of an error that nobody asked for."""
    if not task.cancelled():
        task.exception()


async def each_message(
    records: Sequence[SqsRecord],
    work: Callable[[SqsRecord], Coroutine[Any, Any, object]],
    limit: Deadline,
    side_by_side: int = SIDE_BY_SIDE,
) -> list[str]:
    """Does the work of each message, `side_by_side` at once; answers the ids of those that failed.

    `limit` is when Lambda ends the function: what is not done shortly before it fails. A message
    that fails is logged, fails alone and comes back.
    """
    batch = Batch(records, limit, side_by_side)
    await batch.each(batch.messages, work)
    return batch.failed
