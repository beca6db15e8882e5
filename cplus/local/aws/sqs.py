"""The hot calls of SQS, answered on moto's own queues.

moto answers them too, but by way of Flask and with work that grows with the depth of the queue
(60 to 300 messages a second). Here the six calls that move messages touch moto's queues directly;
everything else, and whatever is unusual (a queue that is not there, FIFO, an invalid argument), is
left to moto, so its answers and errors stay the documented ones.

Rules: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from moto.sqs.models import Message, sqs_backends

ACCOUNT = "123456789012"
REGION = "us-east-1"
_LIMIT = 1_048_576  # bytes in a message, and in all messages of one batch
_BATCH = 10
_IDLE = 20.0  # seconds that a receive waits at most
CAME_FROM = "DeadLetterQueueSourceArn"
"""The system attribute of a dead letter that names the queue it came from."""

Json: TypeAlias = dict[str, Any]
# moto sets most attributes of its queues by name, where no type checker sees them.
Queue: TypeAlias = Any


# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class NotOurs(Exception):
    """The call is unusual, or wrong: moto shall answer it."""


class Refused(Exception):
    """The message body holds a character outside the set that SQS takes."""


def queues() -> dict[str, Queue]:
    """Moto's queues by name."""
    found: dict[str, Queue] = sqs_backends[ACCOUNT][REGION].queues
    return found


def depths() -> dict[str, int]:
    """How many messages each queue holds, visible or not."""
    return {name: len(queue._messages) for name, queue in queues().items()}  # noqa: SLF001


def dead_letter_queues() -> set[str]:
    """The names of the queues that another one names for its dead letters."""
    return {one.dead_letter_queue.name for one in queues().values() if one.dead_letter_queue}


def visible(queue: Queue) -> list[Message]:
    """The messages that may be received now."""
    now = time.time() * 1000
    return [message for message in queue._messages if _ready(message, now)]  # noqa: SLF001


class Waiters:
    """Who waits for a message, by queue. All of it lives on one event loop.

    `settle` is called before each wait: what the caller has changed so far is written down.
    """

    def __init__(self, settle: Callable[[], None]) -> None:
        self._settle = settle
        self._events: dict[str, set[asyncio.Event]] = {}

    def wake(self) -> None:
        """Wakes whoever waits on a queue that has a message to give."""
        now = time.time() * 1000
        for name, events in self._events.items():
            queue = queues().get(name)
            if events and (queue is None or any(_ready(m, now) for m in queue._messages)):  # noqa: SLF001
                for event in events:
                    event.set()

    async def wait(self, queue: Queue, seconds: float) -> None:
        """Returns when a message may be there, after `seconds` at the latest."""
        self._settle()
        event = asyncio.Event()
        events = self._events.setdefault(queue.name, set())
        events.add(event)
        try:
            async with asyncio.timeout(min(seconds, _until_due(queue))):
                await event.wait()
        except TimeoutError:
            pass
        finally:
            events.discard(event)


async def answer(action: str, request: Json, waiters: Waiters) -> Json:
    """Answers one call in the JSON protocol; raises NotOurs for what moto shall answer."""
    queue = _queue(request)
    if action == "ReceiveMessage":
        return await _receive(queue, request, waiters)
    call = _CALLS.get(action)
    if call is None:
        raise NotOurs
    return call(queue, request)


def put(queue: Queue, body: str, entry: Mapping[str, Any]) -> Message:
    """Adds a message; `entry` may hold DelaySeconds, MessageAttributes, MessageGroupId."""
    message = Message(str(uuid.uuid4()), body, entry.get("MessageSystemAttributes"))
    message.message_attributes = entry.get("MessageAttributes") or {}
    message.group_id = entry.get("MessageGroupId")
    delay = entry.get("DelaySeconds")
    message.mark_sent(delay_seconds=queue.delay_seconds if delay is None else delay)
    queue._messages.append(message)  # noqa: SLF001
    return message


def check_body(body: Any) -> None:
    """Raises Refused for a body that SQS refuses and moto takes, NotOurs for one moto refuses."""
    if not isinstance(body, str) or not 0 < len(body.encode("utf-8", "surrogatepass")) <= _LIMIT:
        raise NotOurs
    if _FORBIDDEN.search(body):
        raise Refused


def _queue(request: Json) -> Queue:
    name = str(request.get("QueueUrl", "")).rsplit("/", 1)[-1]
    queue = queues().get(name)
    if queue is None or queue.fifo_queue:
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
    message = put(queue, body, entry)
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
    wait = request.get("WaitTimeSeconds", queue.receive_message_wait_time_seconds)
    if not 1 <= count <= _BATCH or not 0 <= wait <= _IDLE:
        raise NotOurs
    visibility = request.get("VisibilityTimeout", queue.visibility_timeout)
    deadline = time.monotonic() + wait
    while True:
        messages = _take(queue, count, visibility)
        left = deadline - time.monotonic()
        if messages or left <= 0:
            break
        await waiters.wait(queue, left)
        if queues().get(queue.name) is not queue:  # deleted meanwhile
            raise NotOurs
    return {"Messages": [_shown(message, request) for message in messages]} if messages else {}


def _take(queue: Queue, count: int, visibility: int) -> list[Message]:
    now = time.time() * 1000
    limit = queue.redrive_policy["maxReceiveCount"] if queue.redrive_policy else None
    oldest = now - 1000 * int(queue.message_retention_period)
    taken: list[Message] = []
    gone: list[Message] = []
    for message in queue._messages:  # noqa: SLF001
        if not _ready(message, now):
            continue
        if message.sent_timestamp < oldest:
            gone.append(message)
        elif limit is not None and message.approximate_receive_count >= limit:
            gone.append(message)
            message.system_attributes[CAME_FROM] = queue.queue_arn
            queue.dead_letter_queue._messages.append(message)  # noqa: SLF001
        else:
            message.mark_received(visibility_timeout=visibility)
            taken.append(message)
            if len(taken) == count:
                break
    if gone:
        queue._messages = [m for m in queue._messages if m not in gone]  # noqa: SLF001
    return taken


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


def _find(queue: Queue, handle: Any) -> tuple[Message | None, bool]:
    """The message of a receipt handle, and whether it was received again since."""
    for message in queue._messages if isinstance(handle, str) else []:  # noqa: SLF001
        if message.receipt_handle == handle:
            return message, False
        if handle in message._old_receipt_handles:  # noqa: SLF001
            return message, True
    return None, False


def _forget(queue: Queue, handle: Any) -> bool:
    message, stale = _find(queue, handle)
    if message is None:
        return handle in queue.deleted_messages
    if stale:  # documented: the call succeeds, and deletes nothing
        return True
    queue._messages.remove(message)  # noqa: SLF001
    queue.deleted_messages.update([handle, *message._old_receipt_handles])  # noqa: SLF001
    return True


def _delete(queue: Queue, request: Json) -> Json:
    if not _forget(queue, request.get("ReceiptHandle")):
        raise NotOurs
    return {}


def _delete_batch(queue: Queue, request: Json) -> Json:
    return _each(request, lambda entry: _forget(queue, entry.get("ReceiptHandle")))


def _hide(queue: Queue, entry: Mapping[str, Any]) -> bool:
    seconds = entry.get("VisibilityTimeout")
    message, stale = _find(queue, entry.get("ReceiptHandle"))
    if message is None or stale or not isinstance(seconds, int) or not 0 <= seconds <= 43_200:
        return False
    message.change_visibility(seconds)
    return True


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
    """The approximate numbers alone: who waits for a queue to run empty asks often."""
    wanted = request.get("AttributeNames")
    now = time.time() * 1000
    delayed = sum(m.delayed_until > now for m in queue._messages)  # noqa: SLF001
    hidden = sum(m.visible_at > now for m in queue._messages)  # noqa: SLF001
    numbers = {
        "ApproximateNumberOfMessages": len(queue._messages) - delayed - hidden,  # noqa: SLF001
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


def _ready(message: Message, now: float) -> bool:
    return bool(message.visible_at <= now and message.delayed_until <= now)


def _until_due(queue: Queue) -> float:
    now = time.time() * 1000
    due = [max(m.visible_at, m.delayed_until) - now for m in queue._messages]  # noqa: SLF001
    return max(min(due, default=_IDLE * 1000) / 1000, 0.001)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
