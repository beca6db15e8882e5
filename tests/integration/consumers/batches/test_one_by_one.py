"""A message that ends the process that works on it, and the others of its batch."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

from cplus.aws import Aws, Queue
from cplus.consumers.batches.one_by_one import one_by_one
from cplus.consumers.batches.sqs import SqsRecord, records
from cplus.deadline import Deadline

RECEIVES = 5  # after as many a message is a dead letter
DEADLY = "deadly"


class Died(BaseException):
    """The process ended; nobody learns what became of its batch."""


class Lambda:
    """Receives a queue's messages in batches as Lambda does, until the honest ones are deleted."""

    def __init__(self, aws: Aws, name: str, url: str) -> None:
        self.aws, self.name, self.url = aws, name, url
        self.receives: Counter[str] = Counter()
        self.done: set[str] = set()

    async def consume(self, batch: Sequence[SqsRecord], _limit: Deadline) -> list[str]:
        if any(record.body.startswith(DEADLY) for record in batch):
            raise Died
        self.done.update(record.body for record in batch)
        return []

    async def run(self, honest: set[str]) -> None:
        sqs = await self.aws.client("sqs")
        async with asyncio.timeout(20):
            while not honest <= self.done:
                answer = await sqs.receive_message(
                    QueueUrl=self.url,
                    MaxNumberOfMessages=10,
                    WaitTimeSeconds=5,
                    AttributeNames=["All"],
                )
                await self.batch(answer.get("Messages", []))

    async def batch(self, messages: Sequence[dict[str, object]]) -> None:
        given = records({"Records": [self.record(message) for message in messages]})
        self.receives.update(record.body for record in given)
        try:
            failed = await one_by_one(self.consume, self.aws)(given, Deadline.within(60))
        except Died:
            return
        sqs = await self.aws.client("sqs")
        for record in given:
            if record.message_id not in failed:
                await sqs.delete_message(QueueUrl=self.url, ReceiptHandle=record.receipt)

    async def left(self) -> int:
        """How many messages are still on the queue."""
        return (await Queue(self.aws, self.url).depth()).waiting

    def record(self, message: dict[str, object]) -> dict[str, object]:
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
            "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{self.name}",
        }


async def test_what_ends_its_process_takes_no_other_to_the_dead_letters(aws: Aws) -> None:
    sqs, name = await aws.client("sqs"), f"test-{secrets.token_hex(6)}"
    made = await sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "2"})
    honest = {f"honest {number}" for number in range(6)}
    for body in (f"{DEADLY} 1", *sorted(honest), f"{DEADLY} 2"):
        await sqs.send_message(QueueUrl=made["QueueUrl"], MessageBody=body)
    world = Lambda(aws, name, made["QueueUrl"])
    await world.run(honest)
    assert world.done == honest
    assert await world.left() == 2
    assert max(world.receives[body] for body in honest) < RECEIVES


async def test_who_came_back_from_one_death_does_not_die_with_the_next_killer(aws: Aws) -> None:
    left, done = [f"honest {number}" for number in range(4)], set[str]()
    receives = Counter[str]()

    async def consume(batch: Sequence[SqsRecord], _limit: Deadline) -> list[str]:
        if any(record.body.startswith(DEADLY) for record in batch):
            raise Died
        done.update(record.body for record in batch)
        return []

    # Each batch holds a killer that nobody has met yet.
    for killer in range(RECEIVES):
        batch = [*(one for one in left if one not in done), f"{DEADLY} {killer}"]
        receives.update(batch)
        given = [
            SqsRecord(body, body, "", {"ApproximateReceiveCount": str(receives[body])})
            for body in batch
        ]
        with suppress(Died):
            await one_by_one(consume, aws)(given, Deadline.within(60))
    assert done == set(left)
    assert max(receives[body] for body in left) == 2


async def test_what_fails_by_itself_is_not_hidden_for_longer(aws: Aws) -> None:
    sqs, name = await aws.client("sqs"), f"test-{secrets.token_hex(6)}"
    made = await sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "2"})
    url = made["QueueUrl"]
    for body in ("one", "two"):
        await sqs.send_message(QueueUrl=url, MessageBody=body)
    world = Lambda(aws, name, url)
    asked = {"QueueUrl": url, "MaxNumberOfMessages": 10, "AttributeNames": ["All"]}
    fails: list[str] = []

    async def consume(batch: Sequence[SqsRecord], _limit: Deadline) -> list[str]:
        fails.extend(record.body for record in batch)
        return [record.message_id for record in batch]

    async with asyncio.timeout(9):  # hidden for longer, they would be back after ten seconds
        while len(fails) < 6:
            messages = (await sqs.receive_message(**asked, WaitTimeSeconds=2)).get("Messages", [])
            given = records({"Records": [world.record(message) for message in messages]})
            await one_by_one(consume, aws)(given, Deadline.within(60))
    assert sorted(fails[4:]) == ["one", "two"]


async def test_only_what_was_received_before_comes_alone(aws: Aws) -> None:
    batches: list[list[str]] = []

    async def consume(batch: Sequence[SqsRecord], _limit: Deadline) -> list[str]:
        batches.append([record.message_id for record in batch])
        return ["b"] if batch[0].message_id == "b" else []

    given = [
        SqsRecord(name, "", "", {"ApproximateReceiveCount": count})
        for name, count in (("a", "1"), ("b", "2"), ("c", "1"), ("d", "3"))
    ]
    # A queue that does not answer costs no message its turn.
    assert await one_by_one(consume, aws)(given, Deadline.within(60)) == ["b"]
    assert batches == [["b"], ["d"], ["a", "c"]]


async def test_what_comes_too_late_is_put_back(aws: Aws) -> None:
    now = 0.0

    async def consume(batch: Sequence[SqsRecord], _limit: Deadline) -> list[str]:
        nonlocal now
        now += 55
        return []

    given = [SqsRecord(name, "", "", {"ApproximateReceiveCount": "2"}) for name in "abc"]
    limit = Deadline.within(60, lambda: now)
    assert await one_by_one(consume, aws)(given, limit) == ["b", "c"]
