"""The handler of a function that reads a queue: what Lambda calls, from what works on a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Protocol, TypeAlias

from cplus.aws import Aws
from cplus.consumers.batches import sqs
from cplus.consumers.batches.messages import Consume
from cplus.consumers.batches.one_by_one import one_by_one
from cplus.deadline import Deadline
from cplus.loop import run


class Context(Protocol):
    """What Lambda tells of the run; source: AWS Lambda's guide, "Context object in Python"."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends it."""


Consumer: TypeAlias = tuple[Consume, Aws]
"""What works on a batch, and the AWS whose queues its messages come from."""

Handler: TypeAlias = Callable[[Mapping[str, Any], Context], dict[str, Any]]


def limit_of(context: Context) -> Deadline:
    """When Lambda ends the function."""
    return Deadline.within(context.get_remaining_time_in_millis() / 1000)


def queue_handler(make: Callable[[], Consumer]) -> Handler:
    """Answers a batch of SQS messages with those that failed, by what `make` makes at the first
    call: it is kept, with its connections, for as long as the process lives. Messages that were
    received before are worked on one by one."""

    @cache
    def consume() -> Consume:
        return one_by_one(*make())

    async def handle(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
        return sqs.answer(await consume()(sqs.records(event), limit_of(context)))

    def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
        return run(handle(event, context))

    return handler
