"""The one file that knows moto from the inside; the rest of `cplus.local.aws` imports it from here.

moto promises an AWS over HTTP and nothing else. What we add (hot calls answered directly, objects
and dead letters on disk, redrive, mail with events) needs the queues, topics and objects behind
it, which any minor version may change: so `pyproject.toml` caps moto. After raising the cap, run
tests/integration/local/test_local_*.py, which cover everything used here.

moto keeps its state in plain lists and dicts with few locks (two threads can lose a message
between them): call this file from one thread only.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, TypeAlias, cast

from moto.kms.models import kms_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import FakeKey, s3_backends
from moto.ses.models import ses_backends
from moto.sns.models import sns_backends
from moto.sqs.models import Message as MotoMessage
from moto.sqs.models import sqs_backends

from cplus.local.aws.endpoint import ACCOUNT, REGION

Message: TypeAlias = MotoMessage
"""A message in a queue. Times are milliseconds since 1970, attributes are as in SQS's JSON."""
Object: TypeAlias = FakeKey
"""One version of an object, to be compared by identity; `content` tells what is in it."""
_SCOPE: Final = "MessageAttributes"  # of a filter that names none
CAME_FROM: Final = "DeadLetterQueueSourceArn"
"""The system attribute of a dead letter that names the queue it came from."""


def application() -> Callable[..., Iterable[bytes]]:
    """Moto's WSGI application, which dispatches to all services."""
    dispatcher: Any = DomainDispatcherApplication(create_backend_app)
    # The service of a host never changes, but moto looks it up in its package's files for each
    # request, which takes longer than most calls.
    dispatcher.get_backend_for_host = lru_cache(dispatcher.get_backend_for_host)
    return cast("Callable[..., Iterable[bytes]]", dispatcher)


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue of moto's. Two are equal if they are the same queue, not one made anew."""

    # moto sets most attributes of its queues by name, invisible to type checkers.
    _moto: Any

    @property
    def name(self) -> str:
        """The last part of its address."""
        return str(self._moto.name)

    @property
    def arn(self) -> str:
        """Its name within AWS."""
        return str(self._moto.queue_arn)

    @property
    def wait_seconds(self) -> int:
        """How long a receive waits for a message if it does not say."""
        return int(self._moto.receive_message_wait_time_seconds)

    @property
    def visibility_seconds(self) -> int:
        """How long a received message is hidden if the receive does not say."""
        return int(self._moto.visibility_timeout)

    def messages(self) -> Sequence[Message]:
        """All messages, visible or not."""
        return cast("Sequence[Message]", self._moto._messages)

    def visible(self) -> Iterator[Message]:
        """The messages that can be received now."""
        now = _now()
        return (message for message in self._moto._messages if _ready(message, now))

    def put(
        self,
        body: str,
        *,
        delay: int | None = None,
        group: str | None = None,
        attributes: Mapping[str, Any] | None = None,
        system_attributes: Mapping[str, Any] | None = None,
    ) -> Message:
        """Adds a message. `delay` is in seconds; without it the queue's own counts."""
        message = MotoMessage(str(uuid.uuid4()), body, dict(system_attributes or {}))
        message.message_attributes = dict(attributes or {})
        message.group_id = group
        message.mark_sent(delay_seconds=self._moto.delay_seconds if delay is None else delay)
        self._moto._messages.append(message)
        return message

    def put_back(self, stored: Iterable[Mapping[str, Any]]) -> None:
        """Adds messages as `stored_fields` gave them."""
        for fields in stored:
            message = MotoMessage(fields["id"], fields["body"])
            for name in _STORED:
                setattr(message, name, fields[name])
            self._moto._messages.append(message)

    def take(self, count: int, hidden_seconds: int) -> list[Message]:
        """Receives at most `count` messages and hides them for so long. Drops those that are
        older than the queue keeps them; moves those that were received too often."""
        moto, now = self._moto, _now()
        most = moto.redrive_policy["maxReceiveCount"] if moto.redrive_policy else None
        oldest = now - 1000 * int(moto.message_retention_period)
        taken: list[Message] = []
        gone: list[Message] = []
        for message in moto._messages:
            if not _ready(message, now):
                continue
            if message.sent_timestamp < oldest:
                gone.append(message)
            elif most is not None and message.approximate_receive_count >= most:
                gone.append(message)
                message.system_attributes[CAME_FROM] = moto.queue_arn
                moto.dead_letter_queue._messages.append(message)
            else:
                message.mark_received(visibility_timeout=hidden_seconds)
                taken.append(message)
                if len(taken) == count:
                    break
        if gone:
            self.remove(gone)
        return taken

    def delete(self, handle: object) -> bool:
        """Deletes the message of a receipt handle; answers whether the handle is known. One that
        is stale (the message was received again since) succeeds and deletes nothing, as
        documented."""
        message, stale = self._find(handle)
        if message is None:
            return handle in self._moto.deleted_messages
        if not stale:
            self._moto._messages.remove(message)
            self._moto.deleted_messages.update([handle, *message._old_receipt_handles])
        return True

    def hide(self, handle: object, seconds: int) -> bool:
        """Hides the message of a receipt handle from now on; answers whether there is one."""
        message, stale = self._find(handle)
        if message is None or stale:
            return False
        message.change_visibility(seconds)
        return True

    def remove(self, messages: Iterable[Message]) -> None:
        """Takes the messages out, wherever in the queue they are."""
        gone = {id(message) for message in messages}
        self._moto._messages = [one for one in self._moto._messages if id(one) not in gone]

    def not_yet(self) -> tuple[int, int]:
        """How many messages cannot be received yet: those delayed, and those received."""
        now, messages = _now(), self._moto._messages
        delayed = sum(message.delayed_until > now for message in messages)
        return delayed, sum(message.visible_at > now for message in messages)

    def next_in(self) -> float | None:
        """Seconds until a message may be received, negative if one is there; None if empty."""
        now, messages = _now(), self._moto._messages
        due = (max(message.visible_at, message.delayed_until) - now for message in messages)
        first = min(due, default=None)
        return None if first is None else first / 1000

    def _find(self, handle: object) -> tuple[Message | None, bool]:
        """The message of a receipt handle, and whether it has been received again since."""
        for message in self._moto._messages if isinstance(handle, str) else []:
            if message.receipt_handle == handle:
                return message, False
            if handle in message._old_receipt_handles:
                return message, True
        return None, False


_STORED: Final = (
    "id",
    "body",
    "message_attributes",
    "system_attributes",
    "group_id",
    "sent_timestamp",
    "approximate_receive_count",
    "approximate_first_receive_timestamp",
)


def stored_fields(message: Message) -> dict[str, Any]:
    """What is kept of a message that is not received now; `Queue.put_back` takes it."""
    return {name: getattr(message, name) for name in _STORED}


def queue(name: str) -> Queue | None:
    """The standard queue of that name."""
    found = sqs_backends[ACCOUNT][REGION].queues.get(name)
    return None if found is None or found.fifo_queue else Queue(found)


def queues() -> dict[str, Queue]:
    """All queues by name."""
    return {name: Queue(one) for name, one in sqs_backends[ACCOUNT][REGION].queues.items()}


def dead_letter_queues() -> set[str]:
    """The names of the queues that are another one's dead-letter queue."""
    every = sqs_backends[ACCOUNT][REGION].queues.values()
    return {one.dead_letter_queue.name for one in every if one.dead_letter_queue}


def _now() -> float:
    return time.time() * 1000


def _ready(message: Message, now: float) -> bool:
    return bool(message.visible_at <= now and message.delayed_until <= now)


@dataclass(frozen=True)
class RawQueue:
    """A queue that gets messages to a topic as they are."""

    queue: Queue
    policy: Mapping[str, Sequence[Any]]
    """Its filter on message attributes: the values that are asked for of each."""


def raw_queues(topic: str) -> list[RawQueue] | None:
    """The queues that get the messages to the topic (an ARN) as they are; None if it is not a
    standard topic, or if anything but a standard queue with raw delivery, and no filter or one on
    message attributes, subscribes to it."""
    backend = sns_backends[ACCOUNT][REGION]
    found = backend.topics.get(topic)
    if found is None or found.fifo_topic:
        return None
    targets: list[RawQueue] = []
    for subscription in backend.subscriptions.values():
        if subscription.topic != found:
            continue
        attributes = subscription.attributes
        target = queue(str(subscription.endpoint).rsplit(":", 1)[-1])
        raw = str(attributes.get("RawMessageDelivery")).lower() == "true"
        policy = json.loads(attributes.get("FilterPolicy") or "{}")
        on_body = policy and attributes.get("FilterPolicyScope", _SCOPE) != _SCOPE
        direct = subscription.protocol == "sqs" and raw and not on_body
        if target is None or not direct:
            return None
        targets.append(RawQueue(target, policy))
    return targets


def publish(topic: str, message: str) -> None:
    """Has moto publish `message` to the topic with the ARN `topic`."""
    sns_backends[ACCOUNT][REGION].publish(message=message, arn=topic)


def has_configuration_set(name: str) -> bool:
    """Whether SES knows a configuration set of that name."""
    return name in ses_backends[ACCOUNT][REGION].config_sets


def verified_identities() -> list[str]:
    """The addresses and domains that mail may be sent from."""
    return list(ses_backends[ACCOUNT][REGION].email_identities)


def put_kms_key(key_id: str, material: bytes) -> None:
    """Puts a symmetric key into KMS, by its id and what it encrypts with."""
    backend = kms_backends[ACCOUNT][REGION]
    made = backend.create_key(None, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "kept", None)
    del backend.keys[made.id]
    made.id, made.key_material = key_id, material
    made.arn = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{key_id}"
    backend.keys[key_id] = made


@dataclass(frozen=True)
class Content:
    """What an object holds."""

    key: str
    metadata: dict[str, str]
    last_modified: datetime
    body: bytes


def objects(bucket: str) -> Mapping[str, object] | None:
    """What each key of a bucket holds now: an Object, or a delete marker that covers it; None if
    there is no such bucket."""
    found = s3_backends[ACCOUNT]["aws"].buckets.get(bucket)
    return None if found is None else cast("Mapping[str, object]", found.keys)


def create_bucket(bucket: str) -> None:
    """Makes an empty bucket."""
    s3_backends[ACCOUNT]["aws"].create_bucket(bucket, REGION)


def content(stored: Object) -> Content:
    """What is in an object."""
    return Content(stored.name, dict(stored.metadata), stored.last_modified, stored.value)


def put_object(bucket: str, given: Content) -> Object:
    """Puts an object into a bucket as it once was, and tells nobody of it."""
    made = s3_backends[ACCOUNT]["aws"].put_object(
        bucket, given.key, given.body, disable_notification=True
    )
    made.set_metadata(given.metadata)
    made.last_modified = given.last_modified
    return made
