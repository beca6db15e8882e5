"""Work that may take longer than one run: what is left goes on in a fresh run, by a message."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import structlog

from cplus.consumers.batches.sqs import SqsRecord
from cplus.errors import InvalidInput

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class HandOn:
    """What a fresh run is to go on with."""

    message: Mapping[str, Any]
    group: str
    """The shop."""
    delay: int = 0
    """Seconds from now, 900 at most."""


WorkOutcome: TypeAlias = HandOn | bool
"""True: it is done. False: its message is to come back."""


class Send(Protocol):
    """Puts a message on the queue that the work came from."""

    async def __call__(self, message: Mapping[str, Any], *, group: str, delay: int) -> None:
        """`delay` in seconds, 900 at most. Raises whatever the queue raises."""


async def work_on(
    records: Sequence[SqsRecord],
    work: Callable[[dict[str, Any]], Awaitable[WorkOutcome]],
    send: Send,
) -> list[str]:
    """Does the work of each message, one after the other; answers the ids of those that failed.

    Whatever `work` holds must be free again when it answers a HandOn: the fresh run may begin at
    once. A message that fails comes back as it was, so where the work stands must be kept
    elsewhere. Only an InvalidInput is logged in its own words.
    """
    failed = []
    for record in records:
        try:
            outcome = await work(record.json())
            if isinstance(outcome, HandOn):
                await send(outcome.message, group=outcome.group, delay=outcome.delay)
                log.info(
                    "work_handed_on",
                    queue=record.queue,
                    message_id=record.message_id,
                    shop=outcome.group,
                    delay=outcome.delay,
                )
        except Exception as error:  # noqa: BLE001  it is said here, and the message comes back
            reason = str(error) if isinstance(error, InvalidInput) else type(error).__name__
            log.warning(
                "message_failed", queue=record.queue, message_id=record.message_id, reason=reason
            )
            outcome = False
        if outcome is False:
            failed.append(record.message_id)
    return failed
