"""What is due is done in its minute, at least once, whoever crashes or fails beside it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from cplus.bootstrap import Parts
from cplus.consumers.reactions.snoozes import SNOOZE, SNOOZES
from cplus.consumers.scheduled.due import DUE, PAUSES, Due
from cplus.consumers.scheduled.registry import HANDLERS
from cplus.consumers.scheduled.taking import STEPS, DueWork, take_due
from cplus.deadline import Deadline
from cplus.events.aggregates.conversation import handling
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.catalogue.handling import ConversationSnoozed
from cplus.events.log.commit import Commit
from cplus.ids import random_id
from tests.integration.crashing import Died, dies_at
from tests.integration.intake import Intake, emptied, soon

START = datetime(2026, 12, 1, 12, tzinfo=UTC)
SHOP, OTHER = "acorn.myshopify.com", "birch.myshopify.com"


class World:
    """Rows of what is due, by a clock that only moves when it is told to."""

    def __init__(self, use: Intake) -> None:
        self.now = START
        given = use.parts
        self.parts = Parts(given.settings, lambda: self.now, mongo=given.mongo, aws=given.aws)
        self.work = self.parts.due_work
        self.handled = Counter[str]()
        self.failing = set[str]()
        self.again: dict[str, datetime] = {}

    async def handle(self, due: Due, _use: DueWork) -> datetime | None:
        """Counts the row, fails if it is to fail, and says when it is due again."""
        self.handled[due.ref] += 1
        if due.ref in self.failing:
            raise LookupError
        return self.again.get(due.ref)

    async def put(self, *refs: str, shop: str = SHOP, at: datetime = START) -> None:
        await self.parts.due_rows.put([Due(shop, "test", ref, at) for ref in refs])

    async def take(self, work: DueWork | None = None, deadline: Deadline | None = None) -> int:
        handlers = {"test": self.handle}
        return await take_due(handlers, work or self.work, deadline=deadline or soon())

    async def left(self) -> set[str]:
        return {row["_id"] async for row in self.parts.mongo.database[DUE].find({})}


@pytest.fixture
async def world(shared: Intake) -> AsyncIterator[World]:
    made = World(await emptied(shared))
    yield made
    await made.parts.close()


async def test_each_is_taken_once_when_its_time_comes_and_of_two_times_at_the_earlier(
    world: World,
) -> None:
    await world.put("a", at=START + timedelta(minutes=2))
    await world.put("a", "b", at=START + timedelta(minutes=1))
    await world.put("a", at=START + timedelta(minutes=3))
    await world.put("a", shop=OTHER, at=START + timedelta(minutes=1, milliseconds=1))
    assert await world.take() == 0
    world.now += timedelta(minutes=1)
    assert await world.take() == 2
    assert world.handled == {"a": 1, "b": 1}
    assert await world.left() == {f"{OTHER}/test/a"}
    world.now += timedelta(hours=1)
    assert (await world.take(), await world.take()) == (1, 0)
    assert await world.left() == set()


async def test_one_that_fails_holds_up_no_other_and_is_tried_after_growing_pauses(
    world: World,
) -> None:
    broken = [f"x{number}" for number in range(30)]
    world.failing.update(broken)
    await world.put(*broken, at=START - timedelta(hours=1))
    await world.put("a", "b")
    assert await world.take() == 2
    assert world.handled["a"] == 1
    for tries, pause in enumerate([*PAUSES, PAUSES[-1]], start=1):
        world.now += pause - timedelta(seconds=1)
        assert await world.take() == 0
        assert world.handled["x0"] == tries, "its pause is not over"
        world.now += timedelta(seconds=1)
        await world.take()
        assert world.handled["x0"] == tries + 1
    world.failing.clear()
    world.now += PAUSES[-1]
    assert await world.take() == 30
    assert await world.left() == set()


async def test_one_that_hangs_has_failed_and_the_others_go_on(world: World) -> None:
    async def hang(due: Due, use: DueWork) -> datetime | None:
        if due.ref == "x":
            await asyncio.Event().wait()
        return await world.handle(due, use)

    await world.put("x", "a", "b")
    work = replace(world.work, seconds=0.05)
    assert await take_due({"test": hang}, work, deadline=soon(), side_by_side=1) == 2
    assert await world.left() == {f"{SHOP}/test/x"}
    world.now += timedelta(minutes=1)
    assert await world.take() == 1


async def test_nothing_begins_after_the_deadline_and_what_it_cuts_off_comes_in_the_next_minute(
    world: World,
) -> None:
    async def hang(due: Due, use: DueWork) -> datetime | None:
        await asyncio.Event().wait()
        return await world.handle(due, use)

    await world.put("a", "b")
    assert await world.take(deadline=Deadline.within(-1)) == 0
    assert world.handled == {}
    short = Deadline.within(0.05)
    assert await take_due({"test": hang}, world.work, deadline=short, side_by_side=1) == 0
    assert await world.take() == 2, "it did not fail, so there is no pause"


@pytest.mark.parametrize("step", STEPS)
async def test_whoever_dies_at_a_step_loses_nothing(world: World, step: str) -> None:
    await world.put("a")
    with pytest.raises(Died):
        await world.take(replace(world.work, at_step=dies_at(step, 1)))
    assert await world.left() == {f"{SHOP}/test/a"}
    assert await world.take() == 1
    assert world.handled["a"] == (2 if step == "end" else 1)
    assert await world.left() == set()


async def test_one_that_is_put_again_while_it_is_handled_is_not_lost(world: World) -> None:
    async def puts(due: Due, use: DueWork) -> datetime | None:
        if not world.handled[due.ref]:
            await use.rows.put([due])
        return await world.handle(due, use)

    await world.put("a")
    assert await take_due({"test": puts}, world.work, deadline=soon()) == 1
    assert await world.left() == {f"{SHOP}/test/a"}
    assert await take_due({"test": puts}, world.work, deadline=soon()) == 1
    assert await world.left() == set()


async def test_a_handler_may_say_when_it_is_due_again(world: World) -> None:
    world.again["a"] = START + timedelta(days=1)
    await world.put("a")
    assert (await world.take(), await world.take()) == (1, 0)
    world.now += timedelta(days=1)
    world.again.clear()
    assert await world.take() == 1
    assert await world.left() == set()


async def test_what_newer_code_has_put_waits_for_it(world: World) -> None:
    await world.parts.due_rows.put([Due(SHOP, "unheard-of", "a", START)])
    await world.put("b")
    assert await world.take() == 1
    assert await world.left() == {f"{SHOP}/unheard-of/a"}


async def test_two_sweeps_at_once_leave_nothing_and_lose_nothing(world: World) -> None:
    refs = [f"r{number}" for number in range(50)]
    await world.put(*refs)
    await asyncio.gather(world.take(), world.take())
    assert set(world.handled) == set(refs)
    assert await world.left() == set()


class Snoozed:
    """A conversation that is put off, and the rows that the reaction notes for it."""

    def __init__(self, world: World) -> None:
        self.world, self.parts = world, world.parts

    async def decide(self, decision: Callable[[Conversation], None]) -> Commit:
        claim, stream = f"test/{random_id()}", "conversation/c1"
        told: dict[str, Any] = {"claim": claim, "source": "t", "actor": "t"}
        await self.parts.recorder.decide(Conversation, SHOP, stream, decision, **told)
        commit = await self.parts.store.by_claim(SHOP, claim)
        assert commit is not None
        return commit

    async def snooze(self, minutes: int) -> None:
        until = self.world.now + timedelta(minutes=minutes)
        commit = await self.decide(partial(handling.snooze, until=until, now=self.world.now))
        [told] = await self.parts.reader.of(commit, ConversationSnoozed)
        for _ in range(2):  # it is handed out at least once
            await SNOOZES.hand_out(commit, told, self.parts.reactor)

    async def is_snoozed_after(self, minutes: int) -> bool:
        self.world.now += timedelta(minutes=minutes)
        await take_due({SNOOZE: HANDLERS[SNOOZE]}, self.parts.due_work, deadline=soon())
        loaded = await self.parts.recorder.load(Conversation, SHOP, "conversation/c1")
        return bool(loaded.handling.snoozed)


async def test_a_snoozed_conversation_wakes_at_the_moment_that_was_said_last(world: World) -> None:
    talk = Snoozed(world)
    begun: dict[str, Any] = {
        "person": "person/ada",
        "channel": "email",
        "subject": "Jam",
        "now": world.now,
    }
    await talk.decide(lambda one: one.start(**begun))
    await talk.snooze(10)
    await talk.snooze(30)
    assert await talk.is_snoozed_after(10), "the first moment counts no more"
    assert not await talk.is_snoozed_after(20)
    assert await world.left() == set()
    await talk.snooze(10)
    await talk.decide(partial(handling.wake, now=world.now))
    at = (await world.parts.store.head(SHOP)).position
    assert not await talk.is_snoozed_after(10)
    assert (await world.parts.store.head(SHOP)).position == at, "it was awake"
