"""Dead-letter queues: how many messages they hold, which, their way back, and their end.

Each queue `cplus-<stage>-<name>` has one, `cplus-<stage>-<name>-dead`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from cplus.aws.clients import Aws
from cplus.aws.queues import QueueUnanswered, held
from cplus.counts import counted
from cplus.errors import CplusError

MOST: Final = 1_000
"""Dead letters of a queue that are looked through at most."""

_SUFFIX: Final = "-dead"
_BATCH: Final = 10  # messages of one call
_ROUNDS: Final = 3  # times that all are asked for, while others look at some of them
_HIDDEN: Final = 60  # seconds in which nobody else sees what is looked at, unless it is given back


class UnknownQueue(CplusError):
    """There is no dead-letter queue of {queue!r} in the stage {stage}; choose one of: {known}."""


class NoDeadLetter(CplusError):
    """No dead letter of {queue} has the id {id!r}: it was redriven or deleted, or it is not among
    the {most} that were looked at."""


class HiddenLetter(CplusError):
    """The dead letter {id!r} of {queue} could not be seen: {hidden} of that queue may be hidden by
    another look at them, or by a redrive. Try again in a minute."""


class RedriveRefused(CplusError):
    """The dead letters of {queue} could not be redriven: {reason}."""


class RedriveEnded(RedriveRefused):
    """{moved} went back to {queue}, then the redrive failed: {reason}."""


class PutThere(RedriveRefused):
    """{moved} went back to {queue}. At least one of those that stay was sent straight into the
    dead-letter queue, so SQS does not know where it belongs ({reason}). Look at what is left; then
    delete it, or move it with "Redrive to a custom destination" in the console of SQS."""


_PUT_THERE: Final = "CouldNotDetermineMessageSource"
"""What SQS says of a message that no redrive policy moved, and of a redrive without a destination.
Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/troubleshooting-dlq-redrive.html
"""


@dataclass(frozen=True, slots=True)
class DeadQueue:
    """A dead-letter queue."""

    queue: str
    """Name of the queue whose messages it holds, for example `webhooks`."""
    messages: int
    """Approximate number: SQS is exact a minute after the last change."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that failed too often."""

    id: str
    sent_at: datetime
    """When it was sent to its queue, by a redrive too: that makes a new message of it."""
    receives: int
    """Approximate number of times that it was received since, by looks at it too."""
    size: int
    """Bytes of the body."""
    body: str = field(repr=False)
    """May hold personal data."""


@dataclass(frozen=True, slots=True)
class Redrive:
    """Messages on their way back to their queue."""

    queue: str
    status: str
    """As SQS says it: `RUNNING`, `COMPLETED`, `FAILED`, …"""
    moved: int
    messages: int
    """Approximate number of messages to move in all."""


class DeadLetters:
    """The dead-letter queues of a stage. Each method raises QueueUnanswered, and those that name
    a queue UnknownQueue."""

    def __init__(self, aws: Aws, stage: str) -> None:
        self._aws = aws
        self._stage = stage
        self._prefix = f"cplus-{stage}-"

    async def queues(self) -> list[DeadQueue]:
        """All of them, by name."""
        async with _answering("of dead letters"):
            urls = await self._urls()
            counts = await asyncio.gather(*map(self._attributes, urls.values()))
        return [DeadQueue(name, held(one)) for name, one in zip(urls, counts, strict=True)]

    async def letters(self, queue: str, most: int) -> AsyncGenerator[DeadLetter, None]:
        """Up to `most` of a queue, MOST at most, in any order: those of one call are in memory at
        once. They are hidden for as long as this takes, from a redrive too."""
        async with _answering(queue):
            url = await self._url(queue)
            count = min(held(await self._attributes(url)), most, MOST)
            async with aclosing(self._seen(url, count)) as messages:
                async for message in messages:
                    yield _letter(message)

    async def letter(self, queue: str, id_: str) -> DeadLetter:
        """The one with this id, with no other in memory than those of one call; raises NoDeadLetter
        and HiddenLetter."""
        async with self._message(queue, id_) as (_, message):
            return _letter(message)

    async def delete(self, queue: str, id_: str) -> None:
        """Deletes the one with this id for good; raises NoDeadLetter and HiddenLetter."""
        async with self._message(queue, id_) as (url, message):
            sqs = await self._aws.client("sqs")
            await sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    @asynccontextmanager
    async def _message(
        self, queue: str, id_: str
    ) -> AsyncGenerator[tuple[str, Mapping[str, Any]], None]:
        """The URL of the dead-letter queue and its message with this id, which is hidden from
        others within the block, from a redrive too."""
        async with _answering(queue):
            url, seen = await self._url(queue), 0
            count = min(held(await self._attributes(url)), MOST)
            async with aclosing(self._seen(url, count)) as messages:
                async for message in messages:
                    if message["MessageId"] == id_:
                        yield url, message
                        return
                    seen += 1
        if seen < count:
            raise HiddenLetter(queue=queue, id=id_, hidden=counted(count - seen, "dead letter"))
        raise NoDeadLetter(queue=queue, id=id_, most=MOST)

    async def redrive(self, queue: str, *, per_second: int | None = None) -> Redrive:
        """Begins to send all of a queue back to it, `per_second` at most (1 to 500); raises
        RedriveRefused, also while an earlier redrive goes on, and PutThere and RedriveEnded for one
        that has failed by the time of the answer."""
        async with _answering(queue):
            arn = (await self._attributes(await self._url(queue)))["QueueArn"]
            sqs = await self._aws.client("sqs")
            limit = {"MaxNumberOfMessagesPerSecond": per_second} if per_second else {}
            try:
                await sqs.start_message_move_task(SourceArn=arn, **limit)
            except ClientError as error:
                reason = error.response["Error"]["Code"]
                raise RedriveRefused(queue=queue, reason=reason) from error
            tasks = await sqs.list_message_move_tasks(SourceArn=arn, MaxResults=1)
        [task] = tasks["Results"]
        moved = int(task["ApproximateNumberOfMessagesMoved"])
        if task["Status"] == "FAILED":
            reason = task.get("FailureReason", "FAILED")
            kind = PutThere if reason == _PUT_THERE else RedriveEnded
            raise kind(queue=queue, reason=reason, moved=counted(moved, "dead letter"))
        return Redrive(
            queue, task["Status"], moved, int(task.get("ApproximateNumberOfMessagesToMove", moved))
        )

    async def _seen(self, url: str, count: int) -> AsyncGenerator[Mapping[str, Any], None]:
        """So many messages, each once, as they were received. All are given back at the end, and
        before it asks again for those that somebody else who looks at them has received."""
        seen: set[str] = set()
        for _ in range(_ROUNDS):
            if len(seen) == count:
                return
            async with aclosing(self._visible(url)) as messages:
                async for message in messages:
                    if message["MessageId"] not in seen:
                        seen.add(message["MessageId"])
                        yield message
                    if len(seen) == count:
                        return

    async def _visible(self, url: str) -> AsyncGenerator[Mapping[str, Any], None]:
        """Every message that nobody else has received; given back at the end."""
        sqs, receipts = await self._aws.client("sqs"), list[str]()
        try:
            while messages := (
                await sqs.receive_message(
                    QueueUrl=url,
                    MaxNumberOfMessages=_BATCH,
                    VisibilityTimeout=_HIDDEN,
                    # So that SQS asks all of its servers; 0 would ask some of them.
                    WaitTimeSeconds=1,
                    MessageSystemAttributeNames=["All"],
                )
            ).get("Messages"):
                receipts += [message["ReceiptHandle"] for message in messages]
                for message in messages:
                    yield message
        finally:
            await _give_back(sqs, url, receipts)

    async def _url(self, queue: str) -> str:
        urls = await self._urls()
        if queue not in urls:
            known = ", ".join(urls) or "none"
            raise UnknownQueue(queue=queue, stage=self._stage, known=known)
        return urls[queue]

    async def _urls(self) -> dict[str, str]:
        """The URL of each dead-letter queue, by the name of the queue whose messages it holds."""
        sqs, found = await self._aws.client("sqs"), dict[str, str]()
        async for page in sqs.get_paginator("list_queues").paginate(QueueNamePrefix=self._prefix):
            for url in page.get("QueueUrls", []):
                name = url.rpartition("/")[2].removeprefix(self._prefix)
                if name.endswith(_SUFFIX):
                    found[name.removesuffix(_SUFFIX)] = url
        return dict(sorted(found.items()))

    async def _attributes(self, url: str) -> dict[str, str]:
        sqs = await self._aws.client("sqs")
        answer = await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        return dict(answer["Attributes"])


@asynccontextmanager
async def _answering(queue: str) -> AsyncIterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise QueueUnanswered(queue=queue, error=type(error).__name__) from error


async def _give_back(sqs: Any, url: str, receipts: Sequence[str]) -> None:
    for start in range(0, len(receipts), _BATCH):
        part = receipts[start : start + _BATCH]
        entries = [
            {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
            for number, receipt in enumerate(part)
        ]
        await sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)


def _letter(message: Mapping[str, Any]) -> DeadLetter:
    attributes, body = message["Attributes"], message["Body"]
    return DeadLetter(
        message["MessageId"],
        datetime.fromtimestamp(int(attributes["SentTimestamp"]) / 1000, UTC),
        int(attributes["ApproximateReceiveCount"]),
        len(body.encode()),
        body,
    )
