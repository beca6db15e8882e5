"""What one message does to the others of its batch."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
import structlog
from botocore.exceptions import EndpointConnectionError

from cplus.aws import Aws
from cplus.consumers.batches.hand_on import HandOn, HeldElsewhere, work_on
from cplus.consumers.batches.handler import Consumer, queue_handler
from cplus.consumers.batches.messages import Batch, each_message, start_by
from cplus.consumers.batches.nudges import each_shop
from cplus.consumers.batches.sqs import SqsRecord
from cplus.deadline import Deadline
from cplus.errors import InvalidInput


def messages(*bodies: object) -> list[SqsRecord]:
    return [
        SqsRecord(f"m{number}", one if isinstance(one, str) else json.dumps(one), "queue", {})
        for number, one in enumerate(bodies)
    ]


def soon() -> Deadline:
    return Deadline.within(60)


async def test_a_message_that_fails_fails_alone_and_tells_no_words_but_ours() -> None:
    async def work(record: SqsRecord) -> None:
        if record.body == "ours":
            raise InvalidInput(reason="the message names no shop")
        if record.body == "theirs":
            raise ValueError("ann@example.com")

    with structlog.testing.capture_logs() as lines:
        failed = await each_message(messages("good", "ours", "theirs"), work, soon())
    assert failed == ["m1", "m2"]
    said = {"event": "message_failed", "log_level": "warning", "queue": "queue"}
    assert lines == [
        {
            **said,
            "message_id": "m1",
            "reason": str(InvalidInput(reason="the message names no shop")),
        },
        {**said, "message_id": "m2", "reason": "ValueError"},
    ]


async def test_no_more_are_worked_on_at_once_than_asked_for() -> None:
    running, most = 0, 0

    async def work(_record: SqsRecord) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    assert await each_message(messages(*"abcdefg"), work, soon(), side_by_side=3) == []
    assert most == 3


async def test_what_is_not_done_before_the_limit_is_ended_and_the_others_are_done_with() -> None:
    cleaned = False

    async def work(record: SqsRecord) -> None:
        nonlocal cleaned
        try:
            if record.body == "stuck":
                await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned = cleaned or record.body == "stuck"

    limit = Deadline.within(0.1)
    with structlog.testing.capture_logs() as lines:
        failed = await each_message(messages("stuck", "quick", "stuck"), work, limit)
    assert failed == ["m0", "m2"]
    assert [line["reason"] for line in lines] == ["TimeoutError"] * 2
    assert cleaned


async def test_a_work_that_cancels_itself_fails_its_message_alone() -> None:
    async def work(record: SqsRecord) -> None:
        if record.body == "cancels":
            raise asyncio.CancelledError

    with structlog.testing.capture_logs() as lines:
        failed = await each_message(messages("a", "cancels", "b"), work, soon())
    assert failed == ["m1"]
    assert [line["reason"] for line in lines] == ["CancelledError"]


async def test_a_work_that_does_not_end_when_it_is_cancelled_holds_up_no_answer() -> None:
    released, ended = asyncio.Event(), asyncio.Event()

    async def work(record: SqsRecord) -> None:
        while record.body == "deaf" and not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue
        if record.body == "deaf":
            ended.set()
            raise LookupError

    limit = Deadline.within(0.2)
    with structlog.testing.capture_logs() as lines:
        async with asyncio.timeout(20):
            failed = await each_message(messages("deaf", "quick"), work, limit)
    assert not ended.is_set()
    assert failed == ["m0"]
    assert [(line["event"], line.get("reason")) for line in lines] == [
        ("work_left_behind", None),
        ("message_failed", "TimeoutError"),
    ]
    released.set()
    await ended.wait()


async def test_an_error_that_no_consumer_may_keep_is_raised_once_all_have_ended() -> None:
    class Killed(BaseException):
        pass

    done = []

    async def work(record: SqsRecord) -> None:
        if record.body == "killed":
            raise Killed
        await asyncio.sleep(0)
        done.append(record.body)

    with pytest.raises(Killed):
        await each_message(messages("killed", "a", "b"), work, soon())
    assert done == ["a", "b"]


async def test_whoever_ends_the_batch_ends_the_work_of_every_message() -> None:
    begun, ended = asyncio.Event(), []

    async def work(record: SqsRecord) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(record.body)

    batch = asyncio.create_task(each_message(messages("a", "b"), work, soon()))
    await begun.wait()
    batch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await batch
    await asyncio.sleep(0)
    assert ended == ["a", "b"]


async def test_what_failed_in_one_step_has_no_part_in_the_next() -> None:
    batch = Batch(messages({"n": 1}, "no json", {"n": 3}, {"n": 4}), soon())

    async def halve(told: dict[str, Any]) -> int:
        if told["n"] % 2:
            return int(told["n"])
        raise LookupError

    read = batch.read(SqsRecord.json)
    odd = await batch.each(read, halve)
    assert [item.value for item in odd] == [1, 3]
    assert batch.failed == ["m1", "m3"]


async def test_each_shop_is_looked_at_once_and_up_to_what_its_nudges_tell_of() -> None:
    looked: list[tuple[str, int]] = []

    async def look(shop: str, position: int) -> int:
        looked.append((shop, position))
        if shop.startswith("bad"):
            raise ConnectionError
        return 5

    def nudge(shop: str, position: int) -> dict[str, Any]:
        return {"shop": f"{shop}.myshopify.com", "position": position}

    batch = messages(
        nudge("blue", 3), nudge("bad", 1), nudge("blue", 7), {}, nudge("red", 5), nudge("bad", 2)
    )
    with structlog.testing.capture_logs() as lines:
        failed = await each_shop(batch, look, soon())
    assert sorted(looked) == [
        ("bad.myshopify.com", 2), ("blue.myshopify.com", 7), ("red.myshopify.com", 5)
    ]  # fmt: skip
    assert sorted(failed) == ["m1", "m2", "m3", "m5"]
    reasons = {line["message_id"]: (line["reason"], line.get("shop")) for line in lines}
    assert reasons["m1"] == reasons["m5"] == ("ConnectionError", "bad.myshopify.com")
    assert reasons["m2"] == ("NotReached", "blue.myshopify.com")


async def test_what_is_left_of_a_work_is_handed_on_and_what_another_holds_comes_back() -> None:
    sent: list[Any] = []

    async def send(message: Any, *, group: str, delay: int) -> None:
        if group == "unreachable":
            raise ConnectionError
        sent.append((message, group, delay))

    async def work(message: dict[str, Any]) -> HandOn | None:
        if message["do"] == "held":
            raise HeldElsewhere
        return None if message["do"] == "done" else HandOn({"rest": 1}, message["do"], 30)

    batch = messages({"do": "done"}, {"do": "held"}, {"do": "blue"}, {"do": "unreachable"})
    assert await work_on(batch, work, send, soon()) == ["m1", "m3"]
    assert sent == [({"rest": 1}, "blue", 30)]


def test_nothing_new_begins_in_the_last_fifth_of_the_time_or_the_last_ten_seconds() -> None:
    def clock() -> float:
        return 1000.0

    assert start_by(Deadline.within(5, clock)).remaining() == 4
    assert start_by(Deadline.within(120, clock)).remaining() == 110


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 30_000


def test_a_handler_is_made_once_and_answers_with_what_failed() -> None:
    made, limits = [], []

    def make() -> Consumer:
        made.append(1)

        async def consume(batch: Any, limit: Deadline) -> list[str]:
            limits.append(limit.remaining())
            return [one.message_id for one in batch if one.body == "bad"]

        return consume, Aws()

    handler = queue_handler(make)
    event = {
        "Records": [{"messageId": f"m{n}", "body": body} for n, body in enumerate(("a", "bad"))]
    }
    for _ in range(2):
        assert handler(event, Context()) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert made == [1]
    assert all(29 < limit <= 30 for limit in limits)


class Unreachable(Aws):
    """No queue answers; the messages are worked on all the same."""

    async def client(self, service: str, *, tries: int = 3) -> Any:
        raise EndpointConnectionError(endpoint_url=service)


def test_every_handler_takes_messages_that_were_received_before_one_by_one() -> None:
    batches: list[list[str]] = []

    async def consume(batch: Sequence[SqsRecord], _limit: Deadline) -> list[str]:
        batches.append([one.message_id for one in batch])
        return []

    receives = {"a": 1, "b": 2, "c": 3, "d": 1}
    records = [
        {"messageId": one, "body": "", "attributes": {"ApproximateReceiveCount": str(times)}}
        for one, times in receives.items()
    ]
    handler = queue_handler(lambda: (consume, Unreachable()))
    assert handler({"Records": records}, Context()) == {"batchItemFailures": []}
    assert sorted(batches) == [["a", "d"], ["b"], ["c"]]
