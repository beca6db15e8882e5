"""Queues are read as by event source mappings: no message is lost, whatever dies."""

from __future__ import annotations

from dataclasses import replace

import aiohttp
import pytest

from cplus.errors import StillBusy
from cplus.local.application import Route
from tests.integration.lambda_runner.bench import REGION, Aws, Bench, eventually, function, reads


async def test_a_message_is_handed_over_as_a_record_and_deleted(bench: Bench, aws: Aws) -> None:
    queue, _ = aws.queue()
    runner = await bench.run(reads(queue), queues=(queue,))
    aws.sqs.send_message(
        QueueUrl=queue.url,
        MessageBody="ok ü",
        MessageAttributes={
            "text": {"DataType": "String", "StringValue": "words"},
            "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\x01"},
        },
    )
    await eventually(lambda: len(bench.handled()) == 1)
    await runner.idle(60)
    record = bench.notes()[0]["record"]
    assert record["body"] == "ok ü"
    assert record["messageAttributes"]["text"]["stringValue"] == "words"
    assert record["messageAttributes"]["text"]["dataType"] == "String"
    assert record["messageAttributes"]["bytes"]["binaryValue"] == "AAE="
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert {"SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp"} <= set(
        record["attributes"]
    )
    assert (record["eventSource"], record["awsRegion"]) == ("aws:sqs", REGION)
    assert record["eventSourceARN"] == queue.arn
    assert record["messageId"]
    assert record["receiptHandle"]
    assert len(record["md5OfBody"]) == 32


async def test_messages_are_gathered_to_batches_within_the_window(bench: Bench, aws: Aws) -> None:
    queue, _ = aws.queue(visibility=20)
    aws.send(queue, *(f"ok {i}" for i in range(23)))
    spec = reads(queue, batch_size=20, batching_window=1.0)
    runner = await bench.run(spec, queues=(queue,))
    await eventually(lambda: len(bench.handled()) == 23)
    await runner.idle(60)
    assert sorted(note["batch"] for note in bench.notes()) == [3] * 3 + [20] * 20


async def test_a_batch_stays_under_lambdas_limit(bench: Bench, aws: Aws) -> None:
    queue, _ = aws.queue(visibility=20)
    for i in range(8):
        aws.send(queue, f"ok {i} " + "x" * 900_000)
    spec = reads(queue, batch_size=10)
    runner = await bench.run(spec, queues=(queue,))
    await eventually(lambda: len(bench.handled()) == 8)
    await runner.idle(60)
    assert {count for _, count in bench.handled()} == {1}
    assert max(note["batch"] for note in bench.notes()) <= 6 * 1024 * 1024 // 900_000


async def test_only_failed_messages_come_back_but_all_for_a_wrong_identifier(
    bench: Bench, aws: Aws
) -> None:
    # Longer than the calls take on a busy machine: else all would come back.
    queue, _ = aws.queue(visibility=8)
    other, _ = aws.queue(visibility=8)
    aws.send(queue, "ok a", "fail-once b", "ok c")
    aws.send(other, "ok d", "wrong-id-once e")
    strange = replace(reads(other), name="strange")
    runner = await bench.run(reads(queue), strange, queues=(queue, other))
    await eventually(lambda: len(bench.handled()) >= 8)
    await runner.idle(60)
    assert sorted(bench.handled()) == [
        ("fail-once b", 1),
        ("fail-once b", 2),
        ("ok a", 1),
        ("ok c", 1),
        ("ok d", 1),
        ("ok d", 2),
        ("wrong-id-once e", 1),
        ("wrong-id-once e", 2),
    ]


async def test_a_queue_that_was_away_is_read_again(bench: Bench, aws: Aws) -> None:
    queue, _ = aws.queue(visibility=20)
    aws.sqs.delete_queue(QueueUrl=queue.url)
    runner = await bench.run(reads(queue), queues=(queue,))
    log = bench.root / "data" / "logs" / "runner.log"
    await eventually(lambda: "queue_unreachable" in log.read_text())
    with pytest.raises(StillBusy, match="unreachable"):
        await runner.idle(0)
    aws.sqs.create_queue(QueueName=queue.name)
    aws.send(queue, "ok a")
    await eventually(lambda: len(bench.handled()) == 1)


async def test_what_keeps_failing_goes_to_the_dead_letter_queue(bench: Bench, aws: Aws) -> None:
    queue, dead = aws.queue(most=1)
    aws.send(queue, "raise a")
    await bench.run(reads(queue), queues=(queue,))
    names = ["ApproximateNumberOfMessages"]

    def buried() -> bool:
        answer = aws.sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=names)
        return bool(answer["Attributes"][names[0]] == "1")

    await eventually(buried)
    assert bench.handled() == [("raise a", 1)]


async def test_no_receive_is_spent_while_a_process_starts(bench: Bench, aws: Aws) -> None:
    start = 3.5  # seconds, over three times the visibility: received again, it were a dead letter
    (bench.root / "slow.py").write_text(
        f"import time\ntime.sleep({start})\nfrom handlers import batch\n"
    )
    queue, dead = aws.queue(visibility=1, most=2)
    aws.send(queue, "ok a")
    runner = await bench.run(reads(queue, handler="slow.batch"), queues=(queue,))
    await eventually(lambda: len(bench.handled()) >= 1)
    await runner.idle(60)
    assert bench.handled() == [("ok a", 1)]
    assert "Messages" not in aws.sqs.receive_message(QueueUrl=dead)
    assert (bench.root / "data" / "logs" / "runner.log").read_text() == ""


async def test_what_failed_comes_back_sooner_where_the_source_says_so(
    bench: Bench, aws: Aws
) -> None:
    queue, _ = aws.queue(visibility=600)
    aws.send(queue, "ok a", "fail-once b")
    runner = await bench.run(reads(queue, retry_after=0), queues=(queue,))
    await eventually(lambda: len(bench.handled()) >= 3)
    await runner.idle(60)
    assert sorted(bench.handled()) == [("fail-once b", 1), ("fail-once b", 2), ("ok a", 1)]


async def test_the_messages_of_a_killed_process_come_back(bench: Bench, aws: Aws) -> None:
    queue, _ = aws.queue(visibility=4)
    runner = await bench.run(reads(queue), queues=(queue,))
    runner.kill_when_busy("batch", after=1.5)  # it has noted the messages by then, and hangs
    aws.send(queue, "hang-once a", "ok b")
    await eventually(lambda: len(bench.handled()) >= 4)
    await runner.idle(60)
    assert sorted(bench.handled()) == [
        *(("hang-once a", 1), ("hang-once a", 2)),
        *(("ok b", 1), ("ok b", 2)),
    ]
    (kill,) = runner.kills
    assert (kill.function, kill.held) == ("batch", 2)
    first, second = bench.notes()[0], bench.notes()[-1]
    assert second["at"] - first["at"] > 0.5  # not before their visibility ended
    assert first["pid"] != second["pid"]


async def test_the_messages_of_a_function_that_hangs_come_back(bench: Bench, aws: Aws) -> None:
    queue, _ = aws.queue(visibility=6)
    aws.send(queue, "hang-once a")
    runner = await bench.run(reads(queue, timeout=2.0), queues=(queue,))
    await eventually(lambda: len(bench.handled()) == 2)
    await runner.idle(60)
    assert runner.status()["batch"].failures == 1


async def test_batches_run_side_by_side_up_to_the_files_limit(bench: Bench, aws: Aws) -> None:
    many, _ = aws.queue(visibility=600)
    few, _ = aws.queue(visibility=600)
    gate = bench.root / "gate"
    aws.send(many, *(f"wait {gate} m{i}" for i in range(3)))
    aws.send(few, *(f"wait {gate} f{i}" for i in range(2)))
    wide = reads(many, batch_size=1, concurrency=10, timeout=60.0)
    narrow = reads(few, batch_size=1, concurrency=1, timeout=60.0)
    named = replace(narrow, name="narrow")
    runner = await bench.run(wide, named, queues=(many, few))

    def seen() -> list[str]:
        return sorted(note["body"].rpartition(" ")[2][0] for note in bench.notes())

    await eventually(lambda: len(seen()) == 3)
    assert seen() == ["f", "m", "m"]  # as many as may run, and all of them wait
    gate.touch()
    await eventually(lambda: len(bench.handled()) == 5)
    await runner.idle(60)
    assert seen() == ["f", "f", "m", "m", "m"]
    pids: dict[str, set[int]] = {"m": set(), "f": set()}
    for note in bench.notes():
        pids[note["body"].rpartition(" ")[2][0]].add(note["pid"])
    assert (len(pids["m"]), len(pids["f"])) == (2, 1)


async def test_idle_says_what_is_left(bench: Bench, aws: Aws) -> None:
    queue, _ = aws.queue(visibility=20)
    unread, _ = aws.queue()
    aws.send(unread, "nobody reads this")
    runner = await bench.run(reads(queue), function("echo"), queues=(queue, unread))
    await runner.idle(60)
    with pytest.raises(StillBusy, match=unread.name):
        await runner.idle(0.1, [unread.name])
    aws.send(queue, "raise a")
    await eventually(lambda: len(bench.handled()) == 1)
    with pytest.raises(StillBusy, match=queue.name):
        await runner.idle(0.1)


async def test_a_draining_runner_refuses_requests_and_empties_its_queues(
    bench: Bench, aws: Aws
) -> None:
    queue, _ = aws.queue(visibility=20)
    echo = function("echo", routes=(Route("$default"),))
    runner = await bench.run(reads(queue), echo, queues=(queue,))
    aws.send(queue, "slow a", "ok b")
    await runner.drain(60)
    assert len(bench.handled()) == 2
    async with aiohttp.ClientSession() as http, http.get(runner.gateway_url) as answer:
        assert answer.status == 503
