"""What a rebuild that is fanned out promises: each shop is folded once, however messages behave."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import pytest

from cplus.aws import Aws, Depth, Queue, QueueUnanswered
from cplus.consumers.batches.sqs import SqsRecord
from cplus.consumers.folding.fanning_out import ShopsLeft, fan_out
from cplus.consumers.folding.projecting import handle_nudges
from cplus.consumers.folding.rebuilding import Task, handle
from cplus.deadline import Deadline
from cplus.events.catalogue.shops import AppUninstalled
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Mongo
from cplus.projections.base import Projection
from cplus.projections.checks.verify import verify_shop
from cplus.projections.generations.drop import drop
from cplus.projections.generations.lineage import LiveCollections
from cplus.projections.generations.lineage_changes import begin, begin_run
from cplus.projections.generations.switch import switch_over
from cplus.projections.running.runner import Runner
from cplus.subscriptions.checkpoints import CHECKPOINTS, read_checkpoint
from tests.integration.fold_world import (
    COUNTER,
    HURRIED,
    SHOP,
    Killed,
    nudge,
    on_lambda,
    soon,
    write,
)
from tests.integration.intake import record

SHOPS = (SHOP, "birch.myshopify.com", "cedar.myshopify.com")
EVENTS = 150
TASK = Task("counter", 1, 2, SHOP, "r1")


class Counting(Queue):
    """Counts what is sent, and sends it so many times."""

    times, sent = 1, 0

    async def send(self, message: Mapping[str, Any], *, group: str, delay: int = 0) -> None:
        self.sent += 1
        for _ in range(self.times):
            await super().send(message, group=group, delay=delay)


def small(mongo: Mongo, store: EventStore, at_step: Callable[[str], None] | None = None) -> Runner:
    return Runner(
        mongo, store, EventReader(), [COUNTER], batch=7, at_step=at_step or (lambda _step: None)
    )


async def filled(mongo: Mongo, store: EventStore, events: int = EVENTS) -> Runner:
    """Shops with a log that is folded."""
    runner = small(mongo, store)
    for shop in SHOPS:
        await write(store, *[AppUninstalled() for _ in range(events)], shop=shop)
        await runner.catch_up(COUNTER, shop)
    return runner


async def empty(queue: Queue) -> Depth:
    async with asyncio.timeout(20):
        while (depth := await queue.depth()).waiting:  # noqa: ASYNC110  no one tells
            await asyncio.sleep(0.02)
    return depth


async def test_a_rebuild_that_is_fanned_out_loses_and_doubles_nothing_whatever_dies_or_doubles(
    mongo: Mongo, store: EventStore, aws: Aws, url: str
) -> None:
    live, queue = await filled(mongo, store), Counting(aws, url)
    doubling = Counting(aws, url)
    doubling.times = 2
    target = await begin(mongo.database, COUNTER)
    ended, commits = asyncio.Event(), itertools.count()

    async def live_traffic() -> int:
        written = 0
        while not ended.is_set():
            for shop in SHOPS:
                await write(store, AppUninstalled(), shop=shop)
                head = await store.head(shop)
                assert await handle_nudges([nudge(head.position, shop)], live, soon()) == []
            written += 1
        return written

    def dies(step: str) -> None:
        if step == "commit" and next(commits) in (3, 8):  # fewer than make a dead letter
            raise Killed

    mortal = small(mongo, store, dies)
    traffic = asyncio.create_task(live_traffic())
    async with on_lambda(aws, url, mortal, queue, HURRIED):
        await fan_out(mongo, store, target, SHOPS, doubling, asyncio.Event(), look=0.05)
        await switch_over(small(mongo, store), target)
        ended.set()
        written = await traffic
        assert await empty(queue) == Depth(waiting=0, dead=0)
    assert doubling.sent == len(SHOPS)
    assert queue.sent >= len(SHOPS)  # every other message was handed on
    assert next(commits) > 8  # two have died
    assert await LiveCollections(mongo.database).collection(COUNTER) == target.collection
    for shop in SHOPS:
        found = await verify_shop(mongo, store, EventReader(), target, shop)
        assert (found.position, found.differences) == (EVENTS + written, [])
        assert (await read_checkpoint(mongo.database, target, shop)).position == found.position


async def test_what_is_left_at_the_deadline_is_handed_on_and_goes_on_where_it_was(
    mongo: Mongo, store: EventStore
) -> None:
    await filled(mongo, store, 30)
    target = await begin(mongo.database, COUNTER)
    await begin_run(mongo.database, target, "r1")
    batches, sent = 0, list[Any]()

    def folded(step: str) -> None:
        nonlocal batches
        batches += step == "commit"

    async def send(message: Mapping[str, Any], *, group: str, delay: int = 0) -> None:
        sent.append((message, group))

    runner = small(mongo, store, folded)
    for minutes, position in ((2, 14), (2, 28), (9, 30)):
        assert (await read_checkpoint(mongo.database, target, SHOP)).position < 30
        # A batch takes a minute, and what is kept for the end is less than one.
        limit = Deadline.within(60 * minutes + 10, lambda: 60.0 * batches)
        assert await handle([record(asdict(TASK))], runner, send, limit) == []
        assert (await read_checkpoint(mongo.database, target, SHOP)).position == position
    assert sent == [(asdict(TASK), SHOP)] * 2


@pytest.mark.parametrize(
    "change",
    [
        {"generation": 3},
        {"version": 2},
        {"projection": "guests"},
        {"run": "of-yesterday"},
    ],
)
async def test_a_message_that_nobody_waits_for_is_done_and_folds_nothing(
    mongo: Mongo, store: EventStore, change: dict[str, Any]
) -> None:
    runner = await filled(mongo, store, 3)
    target = await begin(mongo.database, COUNTER)
    await begin_run(mongo.database, target, "r1")
    before = await mongo.database[CHECKPOINTS].count_documents({})
    assert await handle([record(asdict(replace(TASK, **change)))], runner, never, soon()) == []
    assert await mongo.database[CHECKPOINTS].count_documents({}) == before
    assert await handle([record(asdict(TASK))], runner, never, soon()) == []
    assert (await read_checkpoint(mongo.database, target, SHOP)).position == 3


async def test_a_generation_that_this_code_does_not_have_is_left_alone(
    mongo: Mongo, store: EventStore
) -> None:
    await filled(mongo, store, 3)
    newer = await begin(mongo.database, replace(COUNTER, version=2))
    await begin_run(mongo.database, newer, "r1")
    message = record(asdict(replace(TASK, version=2)))
    assert await handle([message], small(mongo, store), never, soon()) == []
    assert not (await read_checkpoint(mongo.database, newer, SHOP)).stored


@pytest.mark.parametrize(
    "change", [{"shop": "nobody"}, {"version": "1"}, {"generation": True}, {"run": None}]
)
async def test_a_message_that_names_no_task_comes_back(
    mongo: Mongo, store: EventStore, change: dict[str, Any]
) -> None:
    message = record(asdict(TASK) | change, "m7")
    assert await handle([message], small(mongo, store), never, soon()) == ["m7"]


async def never(message: Mapping[str, Any], *, group: str, delay: int = 0) -> None:
    raise AssertionError(f"a message for {group} was sent")


async def test_a_generation_that_is_dropped_under_a_run_ends_it_and_stays_dropped(
    mongo: Mongo, store: EventStore
) -> None:
    await filled(mongo, store)
    target = await begin(mongo.database, COUNTER)
    await begin_run(mongo.database, target, "r1")
    dropping: list[asyncio.Task[list[str]]] = []
    batches = 0

    def drops(step: str) -> None:
        nonlocal batches
        batches += step == "load_rows"
        if batches == 2 and not dropping:
            mongo.database[CHECKPOINTS]
            work = drop(mongo.database, "counter", timedelta(0))
            dropping.append(asyncio.create_task(work))

    runner = small(mongo, store, drops)
    assert await handle([record(asdict(TASK))], runner, never, soon()) == []
    assert await dropping[0] == [target.collection]
    assert await handle([record(asdict(TASK))], runner, never, soon()) == []
    assert not (await read_checkpoint(mongo.database, target, SHOP)).stored


async def test_what_is_stopped_is_void_and_the_next_call_sends_what_is_left(
    mongo: Mongo, store: EventStore, aws: Aws, url: str
) -> None:
    runner, queue = await filled(mongo, store, 30), Queue(aws, url)
    target = await begin(mongo.database, COUNTER)
    await begin_run(mongo.database, target, "r1")
    assert await handle([record(asdict(TASK))], runner, never, soon()) == []
    stopped = asyncio.Event()
    waiting = asyncio.create_task(fan_out(mongo, store, target, SHOPS, queue, stopped))
    async with asyncio.timeout(20):
        while (await queue.depth()).waiting < 2:  # noqa: ASYNC110  no one tells
            await asyncio.sleep(0.02)
    stopped.set()
    assert await waiting == 0
    async with on_lambda(aws, url, runner, queue):
        assert await empty(queue) == Depth(0, 0)  # one for each shop that is not done
        assert await positions(mongo, target) == [30, 0, 0]
        await fan_out(mongo, store, target, SHOPS, queue, asyncio.Event(), look=0.05)
        assert await positions(mongo, target) == [30, 30, 30]


async def positions(mongo: Mongo, target: Projection) -> list[int]:
    return [(await read_checkpoint(mongo.database, target, shop)).position for shop in SHOPS]


async def test_shops_whose_messages_died_are_named_and_the_wait_ends(
    mongo: Mongo, store: EventStore, aws: Aws, url: str
) -> None:
    await filled(mongo, store, 3)
    queue, target = Queue(aws, url), await begin(mongo.database, COUNTER)

    def fails(_step: str) -> None:
        raise OSError

    stopped = asyncio.Event()
    times = {"look": 0.05, "quiet": 0.5}
    async with on_lambda(aws, url, small(mongo, store, fails), queue):
        with pytest.raises(ShopsLeft) as raised:
            await fan_out(mongo, store, target, SHOPS, queue, stopped, **times)
    assert raised.value.values["dead"] == raised.value.values["count"] == len(SHOPS)
    assert all(shop in str(raised.value) for shop in SHOPS)
    # Mended, the same call goes on.
    async with on_lambda(aws, url, small(mongo, store), queue):
        assert await fan_out(mongo, store, target, SHOPS, queue, stopped, **times) == 0
    assert await positions(mongo, target) == [3, 3, 3]


async def test_a_queue_that_is_not_there_is_said_in_one_line(
    mongo: Mongo, store: EventStore, aws: Aws, url: str
) -> None:
    await filled(mongo, store, 3)
    target = await begin(mongo.database, COUNTER)
    queue = Queue(aws, f"{url}-none")
    with pytest.raises(QueueUnanswered, match="gave no usable answer"):
        await fan_out(mongo, store, target, SHOPS, queue, asyncio.Event())


def test_a_message_says_the_whole_task() -> None:
    assert Task.of(SqsRecord("m", json.dumps(asdict(TASK)), "", {}).json()) == TASK
