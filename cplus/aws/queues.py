"""Queues of SQS, for callers that need to know whether they answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cplus.aws.clients import Aws
from cplus.errors import CplusError


class QueueUnanswered(CplusError):
    """The queue {queue} gave no usable answer ({error}): check that it exists, and that these
    credentials may use it."""


@dataclass(frozen=True, slots=True)
class Depth:
    """Approximate number of messages: SQS is exact a minute after the last change."""

    waiting: int
    """On the queue, including those in flight and delayed."""
    dead: int
    """On its dead-letter queue."""


class Queue:
    """One queue by its URL, for callers that need to know whether it answers."""

    def __init__(self, aws: Aws, url: str) -> None:
        self._aws = aws
        self._url = url

    async def send(self, message: Mapping[str, Any], *, group: str, delay: int = 0) -> None:
        """Puts one JSON message on it; raises QueueUnanswered."""
        try:
            await self._aws.send(self._url, message, group=group, delay=delay)
        except (BotoCoreError, ClientError) as error:
            raise self._unanswered(error) from error

    async def depth(self) -> Depth:
        """Number of messages on it and on its dead-letter queue; raises QueueUnanswered."""
        try:
            attributes = await self._attributes(self._url)
            arn = json.loads(attributes.get("RedrivePolicy", "{}")).get("deadLetterTargetArn")
            dead = 0
            if arn is not None:
                sqs = await self._aws.client("sqs")
                answer = await sqs.get_queue_url(QueueName=arn.rpartition(":")[2])
                dead = held(await self._attributes(answer["QueueUrl"]))
            return Depth(held(attributes), dead)
        except (BotoCoreError, ClientError) as error:
            raise self._unanswered(error) from error

    async def _attributes(self, url: str) -> dict[str, str]:
        sqs = await self._aws.client("sqs")
        answer = await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        return dict(answer["Attributes"])

    def _unanswered(self, error: Exception) -> QueueUnanswered:
        return QueueUnanswered(queue=self._url.rpartition("/")[2], error=type(error).__name__)


class Received:
    """Messages that were received, by the name of their queue and the receipt of the message."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._queues: dict[str, tuple[str, int]] = {}  # URL and visibility timeout, by name

    async def hide(self, queue: str, receipt: str, times: int) -> None:
        """Hides a message for so many times its queue's visibility timeout from now; raises
        QueueUnanswered."""
        try:
            sqs, (url, seconds) = await self._aws.client("sqs"), await self._queue(queue)
            await sqs.change_message_visibility(
                QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=times * seconds
            )
        except (BotoCoreError, ClientError) as error:
            raise QueueUnanswered(queue=queue, error=type(error).__name__) from error

    async def delete(self, queue: str, receipt: str) -> None:
        """Deletes a message, which may be deleted already; raises QueueUnanswered."""
        try:
            sqs, (url, _) = await self._aws.client("sqs"), await self._queue(queue)
            await sqs.delete_message(QueueUrl=url, ReceiptHandle=receipt)
        except (BotoCoreError, ClientError) as error:
            raise QueueUnanswered(queue=queue, error=type(error).__name__) from error

    async def _queue(self, name: str) -> tuple[str, int]:
        """The URL of a queue, and its visibility timeout in seconds."""
        if name not in self._queues:
            sqs = await self._aws.client("sqs")
            url = (await sqs.get_queue_url(QueueName=name))["QueueUrl"]
            asked = {"QueueUrl": url, "AttributeNames": ["VisibilityTimeout"]}
            answer = await sqs.get_queue_attributes(**asked)
            self._queues[name] = url, int(answer["Attributes"]["VisibilityTimeout"])
        return self._queues[name]


def held(attributes: Mapping[str, str]) -> int:
    """Approximate number of messages on the queue with these attributes, visible or not."""
    counts = ("", "NotVisible", "Delayed")
    return sum(int(attributes[f"ApproximateNumberOfMessages{count}"]) for count in counts)
