"""Dead letters of the AWS endpoint, a real process: they stay until somebody deals with them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cplus.local.aws import ACCOUNT, REGION, AwsEndpoint, client

QUEUE, DEAD = "cplus-local-send", "cplus-local-send-dead"


@pytest.fixture(scope="module")
async def endpoint(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AwsEndpoint]:
    one = AwsEndpoint(tmp_path_factory.mktemp("aws"))
    await one.start()
    yield one
    await one.stop()


@pytest.fixture
def aws(endpoint: AwsEndpoint) -> AwsEndpoint:
    """The endpoint with no queue."""
    sqs = client("sqs", endpoint.endpoint)
    for url in sqs.list_queues().get("QueueUrls", []):
        sqs.delete_queue(QueueUrl=url)
    return endpoint


def _arn(name: str) -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def _make(sqs: Any) -> tuple[str, str]:
    """A queue whose messages are dead after one receive, and where they go."""
    dead = sqs.create_queue(QueueName=DEAD)["QueueUrl"]
    policy = json.dumps({"deadLetterTargetArn": _arn(DEAD), "maxReceiveCount": 1})
    made = sqs.create_queue(QueueName=QUEUE, Attributes={"RedrivePolicy": policy})
    return made["QueueUrl"], dead


def _die(sqs: Any, queue: str, bodies: list[str]) -> None:
    for body in bodies:
        sqs.send_message(QueueUrl=queue, MessageBody=body, MessageGroupId="acorn")
    for _ in bodies:
        sqs.receive_message(QueueUrl=queue, VisibilityTimeout=0)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)


def _look(sqs: Any, url: str, seconds: int = 0) -> list[dict[str, Any]]:
    """All that is visible there; hidden for so long."""
    found: list[dict[str, Any]] = sqs.receive_message(
        QueueUrl=url,
        VisibilityTimeout=seconds,
        MaxNumberOfMessages=10,
        MessageSystemAttributeNames=["All"],
    ).get("Messages", [])
    return found


def _same(message: dict[str, Any]) -> tuple[Any, ...]:
    kept = ("SentTimestamp", "MessageGroupId", "DeadLetterQueueSourceArn")
    return message["MessageId"], message["Body"], *(message["Attributes"][name] for name in kept)


async def test_dead_letters_survive_a_kill_and_a_clean_stop(tmp_path: Path) -> None:
    aws = AwsEndpoint(tmp_path)
    await aws.start()
    try:
        sqs = client("sqs", aws.endpoint)
        queue, dead = await asyncio.to_thread(_make, sqs)
        await asyncio.to_thread(_die, sqs, queue, ["é\n", "two", "three"])
        first, *others = map(_same, _look(sqs, dead))
        assert first[-1] == _arn(QUEUE)
        handle = _look(sqs, dead)[0]["ReceiptHandle"]
        sqs.delete_message(QueueUrl=dead, ReceiptHandle=handle)

        aws.kill()
        await asyncio.wait_for(aws.child.restarted(1), 20)
        await asyncio.to_thread(_make, sqs)
        assert list(map(_same, _look(sqs, dead))) == others
        assert await aws.lost() == {}
    finally:
        await aws.stop()

    again = AwsEndpoint(tmp_path)
    await again.start()
    try:
        sqs = client("sqs", again.endpoint)
        _, dead = await asyncio.to_thread(_make, sqs)
        assert await again.lost() == {}
        assert await again.dead_letters() == {DEAD: 2}
        assert list(map(_same, _look(sqs, dead))) == others
        sqs.purge_queue(QueueUrl=dead)
        assert await again.dead_letters() == {}
        assert not list((tmp_path / "dead-letters" / DEAD).iterdir())
    finally:
        await again.stop()


async def test_a_message_that_dies_while_its_reader_waits_is_on_disk_before_the_answer(
    aws: AwsEndpoint,
) -> None:
    sqs = client("sqs", aws.endpoint)
    queue, _ = await asyncio.to_thread(_make, sqs)
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    sqs.receive_message(QueueUrl=queue, VisibilityTimeout=0)
    waiting = asyncio.create_task(
        asyncio.to_thread(sqs.receive_message, QueueUrl=queue, WaitTimeSeconds=5)
    )
    async with asyncio.timeout(4):
        while await aws.dead_letters() != {DEAD: 1}:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)
    assert not waiting.done()
    sqs.send_message(QueueUrl=queue, MessageBody="next")
    assert [one["Body"] for one in (await waiting)["Messages"]] == ["next"]


async def test_a_redrive_brings_dead_letters_back_to_their_queue(
    aws: AwsEndpoint,
) -> None:
    sqs = client("sqs", aws.endpoint)
    queue, dead = await asyncio.to_thread(_make, sqs)
    await asyncio.to_thread(_die, sqs, queue, ["one", "two"])
    # A look that hides nothing from the redrive, as the runbook tells.
    were = sqs.receive_message(QueueUrl=dead, VisibilityTimeout=0, MaxNumberOfMessages=10)
    ids = {one["MessageId"] for one in were["Messages"]}
    assert len(ids) == 2

    assert sqs.start_message_move_task(SourceArn=_arn(DEAD))["TaskHandle"]
    [task] = sqs.list_message_move_tasks(SourceArn=_arn(DEAD))["Results"]

    assert task["Status"] == "COMPLETED"
    assert task["ApproximateNumberOfMessagesMoved"] == 2
    assert task["SourceArn"] == _arn(DEAD)
    assert await aws.dead_letters() == {}
    back = _look(sqs, queue, 30)
    assert [one["Body"] for one in back] == ["one", "two"]
    for one in back:  # they are new messages, and have all their receives before them
        assert one["Attributes"]["ApproximateReceiveCount"] == "1"
        assert one["Attributes"]["MessageGroupId"] == "acorn"
        assert "DeadLetterQueueSourceArn" not in one["Attributes"]
    assert not {one["MessageId"] for one in back} & ids


async def test_a_redrive_leaves_what_it_cannot_place_and_refuses_what_is_wrong(
    aws: AwsEndpoint,
) -> None:
    sqs = client("sqs", aws.endpoint)
    _, dead = await asyncio.to_thread(_make, sqs)
    sqs.send_message(QueueUrl=dead, MessageBody="sent here")
    sqs.start_message_move_task(SourceArn=_arn(DEAD))
    [task] = sqs.list_message_move_tasks(SourceArn=_arn(DEAD))["Results"]
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")
    assert await aws.dead_letters() == {DEAD: 1}

    sqs.start_message_move_task(SourceArn=_arn(DEAD), DestinationArn=_arn(QUEUE))
    newest, older = sqs.list_message_move_tasks(SourceArn=_arn(DEAD), MaxResults=2)["Results"]
    assert (newest["Status"], older["Status"]) == ("COMPLETED", "FAILED")
    assert await aws.dead_letters() == {}

    wrong: list[tuple[dict[str, Any], str]] = [
        ({"SourceArn": _arn("nobody")}, "ResourceNotFoundException"),
        ({"SourceArn": _arn(DEAD), "DestinationArn": _arn("no")}, "ResourceNotFoundException"),
        ({"SourceArn": _arn(QUEUE)}, "InvalidParameterValue"),
        ({"SourceArn": _arn(DEAD), "DestinationArn": _arn(DEAD)}, "InvalidParameterValue"),
        ({"SourceArn": _arn(DEAD), "MaxNumberOfMessagesPerSecond": 501}, "InvalidParameterValue"),
    ]
    for arguments, code in wrong:
        with pytest.raises(ClientError) as refused:
            sqs.start_message_move_task(**arguments)
        assert refused.value.response["Error"]["Code"] == code
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
