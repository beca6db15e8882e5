"""The frequent calls of SQS, handled directly on moto's queues.

moto answers them too, but by way of Flask and with work that grows with the depth of the queue
(60 to 300 messages a second). Here the six calls that move messages go to the queues directly;
everything else, and whatever is unusual (a queue that is not there, FIFO, an invalid argument), is
left to moto, so its answers and errors stay the documented ones.

Rules: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from cplus.local.aws import moto_adapter
from cplus.local.aws.moto_adapter import CAME_FROM, Message, Queue

_LIMIT = 1_048_576  # bytes in a message, and in all messages of one batch
_BATCH = 10
_IDLE = 20.0  # maximum seconds that a receive waits
_SOON = 0.01  # seconds before the end of a wait in which no caller is woken any more

Json: TypeAlias = dict[str, Any]


# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class NotOurs(Exception):
    """The call is unusual or invalid: moto must handle it."""


class Refused(Exception):
    """The message body contains a character that SQS does not allow."""


class Waiters:
    """The callers that wait for a message, by queue, on one event loop.

    `settle` is called before each wait, to save what the caller has changed so far.
    """

    def __init__(self, settle: Callable[[], None]) -> None:
        self._settle = settle
        self._events: dict[str, dict[asyncio.Event, float]] = {}  # each until when it waits

    def wake(self) -> None:
        """Wakes the callers waiting on a queue that has a message, or has one earlier."""
        now = time.monotonic()
        for name, events in self._events.items():
            if not events:
                continue
            queue = moto_adapter.queue(name)
            due = now if queue is None else now + _until_due(queue)
            for event, until in events.items():
                if due < until - _SOON:
                    event.set()

    async def wait(self, queue: Queue, seconds: float) -> None:
        """Returns once a message may be there, after `seconds` at the latest."""
        self._settle()
        event = asyncio.Event()
        events = self._events.setdefault(queue.name, {})
        seconds = min(seconds, _until_due(queue))
        events[event] = time.monotonic() + seconds
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            pass
        finally:
            del events[event]


async def answer(action: str, request: Json, waiters: Waiters) -> Json:
    """Answers one call in the JSON protocol; raises NotOurs for calls that moto must handle."""
    queue = _queue(request)
    if action == "ReceiveMessage":
        return await _receive(queue, request, waiters)
    call = _CALLS.get(action)
    if call is None:
        raise NotOurs
    return call(queue, request)


def check_body(body: Any) -> None:
    """Raises Refused for a body that SQS refuses and moto accepts, NotOurs if moto refuses it."""
    if not isinstance(body, str) or not 0 < len(body.encode("utf-8", "surrogatepass")) <= _LIMIT:
        raise NotOurs
    if _FORBIDDEN.search(body):
        raise Refused


def _queue(request: Json) -> Queue:
    name = str(request.get("QueueUrl", "")).rsplit("/", 1)[-1]
    queue = moto_adapter.queue(name)
    if queue is None:
        raise NotOurs
    return queue


def _check_sendable(entry: Mapping[str, Any]) -> None:
    check_body(entry.get("MessageBody"))
    delay = entry.get("DelaySeconds") or 0
    if (
        not isinstance(delay, int)
        or not 0 <= delay <= 900
        or entry.get("MessageDeduplicationId")
        or entry.get("MessageAttributes")
    ):
        raise NotOurs


def _sent(queue: Queue, entry: Mapping[str, Any]) -> Json:
    body = entry["MessageBody"]
    message = queue.put(
        body,
        delay=entry.get("DelaySeconds"),
        group=entry.get("MessageGroupId"),
        system_attributes=entry.get("MessageSystemAttributes"),
    )
    return {"MessageId": message.id, "MD5OfMessageBody": _md5(body)}


def _send(queue: Queue, request: Json) -> Json:
    _check_sendable(request)
    return _sent(queue, request)


def _entries(request: Json) -> list[Json]:
    entries = request.get("Entries")
    if not isinstance(entries, list) or not 0 < len(entries) <= _BATCH:
        raise NotOurs
    if len({entry.get("Id") for entry in entries}) != len(entries):
        raise NotOurs
    return entries


def _send_batch(queue: Queue, request: Json) -> Json:
    entries = _entries(request)
    for entry in entries:
        _check_sendable(entry)
    if sum(len(entry["MessageBody"].encode()) for entry in entries) > _LIMIT:
        raise NotOurs
    return {"Successful": [{"Id": entry["Id"], **_sent(queue, entry)} for entry in entries]}


async def _receive(queue: Queue, request: Json, waiters: Waiters) -> Json:
    count = request.get("MaxNumberOfMessages", 1)
    wait = request.get("WaitTimeSeconds", queue.wait_seconds)
    if not 1 <= count <= _BATCH or not 0 <= wait <= _IDLE:
        raise NotOurs
    visibility = request.get("VisibilityTimeout", queue.visibility_seconds)
    deadline = time.monotonic() + wait
    while True:
        messages = queue.take(count, visibility)
        left = deadline - time.monotonic()
        if messages or left <= 0:
            break
        await waiters.wait(queue, left)
        if moto_adapter.queue(queue.name) != queue:  # deleted meanwhile
            raise NotOurs
    return {"Messages": [_shown(message, request) for message in messages]} if messages else {}


def _shown(message: Message, request: Json) -> Json:
    shown: Json = {
        "MessageId": message.id,
        "ReceiptHandle": message.receipt_handle,
        "MD5OfBody": _md5(message.body),
        "Body": message.body,
    }
    wanted = [*request.get("AttributeNames", []), *request.get("MessageSystemAttributeNames", [])]
    attributes = {
        "SenderId": message.sender_id,
        "SentTimestamp": str(message.sent_timestamp),
        "ApproximateReceiveCount": str(message.approximate_receive_count),
        "ApproximateFirstReceiveTimestamp": str(message.approximate_first_receive_timestamp),
        **({"MessageGroupId": message.group_id} if message.group_id else {}),
        **{k: v for k, v in message.system_attributes.items() if k == CAME_FROM},
    }
    kept = {key: value for key, value in attributes.items() if "All" in wanted or key in wanted}
    if kept:
        shown["Attributes"] = kept
    named = _message_attributes(message, request.get("MessageAttributeNames", []))
    if named:
        shown["MessageAttributes"] = named
    return shown


def _message_attributes(message: Message, wanted: Sequence[str]) -> Json:
    prefixes = tuple(name[:-2] for name in wanted if name.endswith(".*"))
    return {
        name: value
        for name, value in message.message_attributes.items()
        if "All" in wanted or name in wanted or (prefixes and name.startswith(prefixes))
    }


def _delete(queue: Queue, request: Json) -> Json:
    if not queue.delete(request.get("ReceiptHandle")):
        raise NotOurs
    return {}


def _delete_batch(queue: Queue, request: Json) -> Json:
    return _each(request, lambda entry: queue.delete(entry.get("ReceiptHandle")))


def _hide(queue: Queue, entry: Mapping[str, Any]) -> bool:
    seconds = entry.get("VisibilityTimeout")
    if not isinstance(seconds, int) or not 0 <= seconds <= 43_200:
        return False
    return queue.hide(entry.get("ReceiptHandle"), seconds)


def _change(queue: Queue, request: Json) -> Json:
    if not _hide(queue, request):
        raise NotOurs
    return {}


def _change_batch(queue: Queue, request: Json) -> Json:
    return _each(request, lambda entry: _hide(queue, entry))


def _each(request: Json, call: Callable[[Json], bool]) -> Json:
    answered: Json = {"Successful": [], "Failed": []}
    for entry in _entries(request):
        if call(entry):
            answered["Successful"].append({"Id": entry["Id"]})
        else:
            answered["Failed"].append(
                {
                    "Id": entry["Id"],
                    "SenderFault": True,
                    "Code": "ReceiptHandleIsInvalid",
                    "Message": "The input receipt handle is invalid.",
                }
            )
    return answered


def _count(queue: Queue, request: Json) -> Json:
    """Only the approximate numbers, because callers that wait for an empty queue ask often."""
    wanted = request.get("AttributeNames")
    delayed, hidden = queue.not_yet()
    numbers = {
        "ApproximateNumberOfMessages": len(queue.messages()) - delayed - hidden,
        "ApproximateNumberOfMessagesDelayed": delayed,
        "ApproximateNumberOfMessagesNotVisible": hidden,
    }
    if not wanted or not set(wanted) <= set(numbers):
        raise NotOurs
    return {"Attributes": {name: str(numbers[name]) for name in wanted}}


_CALLS: dict[str, Callable[[Queue, Json], Json]] = {
    "SendMessage": _send,
    "SendMessageBatch": _send_batch,
    "DeleteMessage": _delete,
    "DeleteMessageBatch": _delete_batch,
    "ChangeMessageVisibility": _change,
    "ChangeMessageVisibilityBatch": _change_batch,
    "GetQueueAttributes": _count,
}


def _until_due(queue: Queue) -> float:
    due = queue.next_in()
    return _IDLE if due is None else max(due, 0.001)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
