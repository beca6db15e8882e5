"""Work that may take longer than one run: what is left goes on in a fresh run, by a message."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from cplus.consumers.batches.messages import each_message
from cplus.consumers.batches.sqs import SqsRecord
from cplus.deadline import Deadline

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class HandOn:
    """What a fresh run is to go on with."""

    message: Mapping[str, Any]
    group: str
    """The shop."""
    delay: int = 0
    """Seconds from now, 900 at most."""


class HeldElsewhere(Exception):
    """Somebody else is at this work; its message is to come back."""


class Send(Protocol):
    """Puts a message on the queue that the work came from."""

    async def __call__(self, message: Mapping[str, Any], *, group: str, delay: int) -> None:
        """`delay` in seconds, 900 at most. Raises whatever the queue raises."""


async def work_on(
    records: Sequence[SqsRecord],
    work: Callable[[dict[str, Any]], Awaitable[HandOn | None]],
    send: Send,
    limit: Deadline,
) -> list[str]:
    """Does the work of each message, one after the other; answers the ids of those that failed.

    `work` answers what is left of it, None if nothing is. Whatever it holds must be free again by
    then: the fresh run may begin at once. A message that fails comes back as it was, so where the
    work stands must be kept elsewhere. `limit` is when Lambda ends the function.
    """

    async def one(record: SqsRecord) -> None:
        rest = await work(record.json())
        if rest is not None:
            await send(rest.message, group=rest.group, delay=rest.delay)
            log.info(
                "work_handed_on",
                queue=record.queue,
                message_id=record.message_id,
                shop=rest.group,
                delay=rest.delay,
            )

    return await each_message(records, one, limit, side_by_side=1)
