"""Messages that were received before come one by one: one of them may have ended the process.

What ends the process that works on it (a mail that takes more memory than there is) takes its batch
along: Lambda learns nothing of the others, all of them come back together, and after five receives
all are dead letters. SQS tells how often a message was received, and not why it came back. So what
was received before is worked on one after the other. Each is hidden for longer before its turn, so
that the others come back without it if it ends the process, and is deleted once it is done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Final

import structlog

from cplus.aws import Aws, QueueUnanswered, Received
from cplus.consumers.batches.messages import Consume, start_by
from cplus.consumers.batches.sqs import SqsRecord
from cplus.deadline import Deadline

log = structlog.get_logger()

LONGER: Final = 4
"""Times a queue's visibility timeout. Before that ends, the others come back three times more, and
are dead letters after the last of these: so three of a batch may each end a process."""


def one_by_one(consume: Consume, aws: Aws) -> Consume:
    """`consume`, which is given each message of a batch alone that was received before.

    Those that were not are worked on last, together: what ends the process for the first time must
    not take along, again, who came back from another. A batch of one message, and one in which none
    was received before, costs nothing.
    """
    received = Received(aws)

    async def careful(records: Sequence[SqsRecord], limit: Deadline) -> Sequence[str]:
        suspects = [record for record in records if record.receives > 1]
        if not suspects or len(records) == 1:
            return await consume(records, limit)
        begin_by = start_by(limit)
        fresh = [record for record in records if record.receives <= 1]
        failed: list[str] = []
        for record in suspects:
            if begin_by.passed():
                failed += _put_back([record])
                continue
            await _even_if_unanswered(received.hide(record.queue, record.receipt, LONGER))
            told = await consume([record], limit)
            failed += told
            if not told:
                await _even_if_unanswered(received.delete(record.queue, record.receipt))
            elif not begin_by.passed():  # it failed by itself, and took nobody's time
                await _even_if_unanswered(received.hide(record.queue, record.receipt, 1))
        if fresh:
            late = begin_by.passed()
            failed += _put_back(fresh) if late else await consume(fresh, limit)
        return failed

    return careful


def _put_back(records: Sequence[SqsRecord]) -> list[str]:
    for record in records:
        log.warning("message_put_back", queue=record.queue, message_id=record.message_id)
    return [record.message_id for record in records]


async def _even_if_unanswered(call: Awaitable[None]) -> None:
    """The message is worked on even if its queue does not answer."""
    try:
        await call
    except QueueUnanswered as error:
        log.warning("queue_unanswered", **error.values)
