"""Real parts for tests of the consumers: a database, queues, a topic and a bucket of their own."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from pydantic import SecretStr

from cplus.aws import Aws
from cplus.bootstrap import Parts, ensure_indexes
from cplus.consumers.batches.messages import Consume
from cplus.consumers.batches.sqs import SqsRecord, records
from cplus.deadline import Deadline
from cplus.settings import Settings
from tests.databases import emptied as without_documents
from tests.plain_http import plain_http

SECRET = "shpss_0123456789abcdef0123456789abcdef"
_QUEUES = [name for name in Settings.model_fields if name.endswith("_queue")]
"""The settings that name one: a test has each of them for itself."""
_AT_ONCE = 10  # messages that SQS gives and deletes at most
_DRIVERS = ("aiobotocore", "aiohttp", "motor", "pymongo")


@dataclass
class Intake:
    """The parts, and what lies on their queues."""

    parts: Parts
    nudges_queue: str

    async def drain(self, queue: str) -> list[SqsRecord]:
        """Every message of the queue, as Lambda would hand it over."""
        sqs = await self.parts.aws.client("sqs")
        taken: list[dict[str, Any]] = []
        while True:
            answer = await sqs.receive_message(
                QueueUrl=queue, MaxNumberOfMessages=_AT_ONCE, AttributeNames=["All"]
            )
            messages = answer.get("Messages", [])
            if messages:
                done = [
                    {"Id": str(at), "ReceiptHandle": message["ReceiptHandle"]}
                    for at, message in enumerate(messages)
                ]
                await sqs.delete_message_batch(QueueUrl=queue, Entries=done)
            taken += (
                {
                    "messageId": message["MessageId"],
                    "body": message["Body"],
                    "attributes": message.get("Attributes", {}),
                }
                for message in messages
            )
            if len(messages) < _AT_ONCE:  # this machine's queues give all that there are
                return records({"Records": taken})

    async def nudges(self) -> list[dict[str, Any]]:
        """The nudges that were told since the last call, ordered by shop."""
        told = [json.loads(record.body) for record in await self.drain(self.nudges_queue)]
        return sorted(told, key=lambda nudge: (nudge["shop"], nudge["position"]))


def record(body: Mapping[str, Any] | str, message_id: str = "m") -> SqsRecord:
    """A message of a queue."""
    text = body if isinstance(body, str) else json.dumps(body)
    return SqsRecord(message_id, text, "queue", {})


def soon() -> Deadline:
    """A time limit that no test comes to."""
    return Deadline.within(60)


async def failures(
    consume: Consume, *messages: SqsRecord, limit: Deadline | None = None
) -> dict[str, str]:
    """The ids of the messages that failed, each with the reason that the log gives."""
    with structlog.testing.capture_logs() as lines:
        failed = await consume(messages, limit or soon())
    told = {one["message_id"]: one["reason"] for one in lines if one["event"] == "message_failed"}
    assert sorted(told) == sorted(set(failed))
    return told


def tasks() -> set[asyncio.Task[Any]]:
    """The tasks that run now, but for those of drivers."""
    return {
        task
        for task in asyncio.all_tasks()
        if not str(getattr(task.get_coro(), "__qualname__", "")).startswith(_DRIVERS)
        and not _module(task).startswith(_DRIVERS)
    }


def _module(task: asyncio.Task[Any]) -> str:
    frame = getattr(task.get_coro(), "cr_frame", None)
    return str(frame.f_globals.get("__name__", "")) if frame else ""


@asynccontextmanager
async def intake(
    mongo_uri: str, aws: Aws, *, origin: str = "https://{shop}", **others: Any
) -> AsyncIterator[Intake]:
    """A database, queues, topic and bucket that many tests may use, one after the other; `others`
    are further settings."""
    name = f"test_{secrets.token_hex(6)}"
    queues: dict[str, Any] = {one: await _queue(aws, f"{name}-{one}") for one in _QUEUES}
    nudges_queue = await _queue(aws, f"{name}-nudges")
    settings = Settings(
        mongo_uri=SecretStr(mongo_uri),
        mongo_database=name,
        mongo_keyring_database=f"{name}_keyring",
        application_secret=SecretStr("application-secret"),
        shopify_client_id="client-id",
        shopify_client_secret=SecretStr(SECRET),
        shopify_origin=origin,
        bodies_bucket=await new_bucket(aws, "bodies"),
        roots_bucket=await new_bucket(aws, "roots"),
        nudges_topic=await _topic(aws, f"{name}-nudges", nudges_queue),
        **queues,
        **others,
    )
    await ensure_indexes(settings)
    parts = Parts(settings, aws=aws)
    try:
        yield Intake(parts, nudges_queue)
    finally:
        for database in (parts.mongo.database, parts.mongo.keyring):
            await parts.mongo.client.drop_database(database.name)
        await parts.close()


async def emptied(used: Intake) -> Intake:
    """The same connections with nothing in the database and on the queues, for the next test."""
    before = used.parts
    for database in (before.mongo.database, before.mongo.keyring):
        await without_documents(database)
    settings = before.settings
    queues = [*map(settings.needed, _QUEUES), used.nudges_queue]
    depths = await _depths()
    for queue in queues:
        if depths[queue.rpartition("/")[2]]:
            await used.drain(queue)
    # The log's writers remember heads: all but the connections is made anew.
    parts = Parts(settings, mongo=before.mongo, aws=before.aws, http=before.http)
    return Intake(parts, used.nudges_queue)


async def _depths() -> Mapping[str, int]:
    """How many messages are in each queue of the AWS endpoint: one question in place of one for
    each queue."""
    async with plain_http() as http:
        answer = await http.get(f"{os.environ['AWS_ENDPOINT_URL']}/_local/state")
    depths: Mapping[str, int] = answer.json()["queues"]
    return depths


async def new_bucket(aws: Aws, name: str) -> str:
    """The whole name of a new bucket: nobody else's objects are in it."""
    bucket = f"test-{secrets.token_hex(6)}-{name}"
    await (await aws.client("s3")).create_bucket(Bucket=bucket)
    return bucket


async def versioned(aws: Aws, bucket: str) -> None:
    """Lets the bucket keep versions from now on, as the real ones do."""
    s3 = await aws.client("s3")
    await s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


async def _queue(aws: Aws, name: str) -> str:
    sqs = await aws.client("sqs")
    return str((await sqs.create_queue(QueueName=name))["QueueUrl"])


async def _topic(aws: Aws, name: str, queue: str) -> str:
    sns, sqs = await aws.client("sns"), await aws.client("sqs")
    topic = str((await sns.create_topic(Name=name))["TopicArn"])
    attributes = await sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    await sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=attributes["Attributes"]["QueueArn"],
        Attributes={"RawMessageDelivery": "true"},
    )
    return topic
