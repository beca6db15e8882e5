"""A reaction that hands out slowly, or not at all, still gets on, and ends in time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest

from cplus.consumers.reactions.following import PAUSES, follow, handle
from cplus.consumers.reactions.reaction import Reactor
from cplus.consumers.reactions.replies import REPLIES
from cplus.consumers.scheduled.sweep import sweep
from cplus.deadline import Deadline
from cplus.projections.running.runner import Runner
from cplus.subscriptions.checkpoints import Checkpoint, read_checkpoint
from tests.integration.consumers.reactions.reactions_world import (
    NOW,
    OTHER,
    SHOP,
    nudge,
    reply,
    write,
)
from tests.integration.intake import Intake, emptied, soon


@dataclass
class Slow:
    """A queue that takes a second for each message by a clock of its own, and hangs, jumps to the
    last moments of the minute or cancels at some."""

    use: Intake
    hangs: frozenset[str] = frozenset()
    cancels: frozenset[str] = frozenset()
    jumps: frozenset[str] = frozenset()
    handed_out: list[str] = field(default_factory=list)
    spent: float = 0.0
    now: datetime = NOW

    @property
    def reactor(self) -> Reactor:
        return replace(self.use.parts.reactor, send=self._send, clock=lambda: self.now)

    async def _send(
        self, queue: str, message: Mapping[str, Any], *, group: str, delay: int = 0
    ) -> None:
        what = message["message_id"]
        if what in self.hangs:
            await asyncio.Event().wait()
        if what in self.cancels:
            raise asyncio.CancelledError
        self.spent = 59.95 if what in self.jumps else self.spent + 1
        self.handed_out.append(what)

    def within(self, seconds: float) -> Deadline:
        return Deadline.within(seconds, lambda: self.spent)

    async def at(self, shop: str = SHOP) -> Checkpoint:
        return await read_checkpoint(self.use.parts.mongo.database, REPLIES, shop)


@pytest.fixture
async def slow(shared: Intake) -> Slow:
    return Slow(await emptied(shared))


async def test_when_time_runs_out_the_checkpoint_is_behind_what_was_handed_out(
    slow: Slow,
) -> None:
    await write(slow.use, *(reply(number) for number in range(1, 31)))
    for position in (12, 24):
        progress = await follow(REPLIES, SHOP, slow.reactor, deadline=slow.within(12))
        assert (progress.position, progress.done, progress.stopped) == (position, False, False)
        assert await slow.at() == Checkpoint(position, position, stored=True)
    progress = await follow(REPLIES, SHOP, slow.reactor, deadline=slow.within(12))
    assert (progress.position, progress.done) == (30, True)
    assert slow.handed_out == [f"m{number}" for number in range(1, 31)], "each of them once"


async def test_what_is_cut_off_by_the_deadline_is_no_failure(slow: Slow) -> None:
    slow.jumps, slow.hangs = frozenset({"m1"}), frozenset({"m2"})
    await write(slow.use, reply(1), reply(2), reply(3))
    progress = await follow(REPLIES, SHOP, slow.reactor, deadline=slow.within(60))
    assert (progress.position, progress.done) == (1, False)
    assert await slow.at() == Checkpoint(1, 1, stored=True)


async def test_a_try_that_is_cut_off_leaves_the_earlier_ones_as_they_were(slow: Slow) -> None:
    slow.hangs = frozenset({"m1"})
    await write(slow.use, reply(1))
    await follow(REPLIES, SHOP, replace(slow.reactor, seconds=0.01))
    before = await slow.at()
    assert before.retry is not None
    slow.now = before.retry.next_at

    def late(step: str) -> None:
        slow.spent = 59.95 if step == "read_log" else slow.spent

    reactor = replace(slow.reactor, at_step=late)
    progress = await follow(REPLIES, SHOP, reactor, deadline=slow.within(60))
    assert (progress.done, progress.retry) == (False, before.retry)
    assert await slow.at() == before


async def test_a_hand_out_that_hangs_is_counted_and_parks_in_the_end(slow: Slow) -> None:
    slow.hangs = frozenset({"m2"})
    await write(slow.use, reply(1), reply(2))
    reactor = replace(slow.reactor, seconds=0.01)
    for tries in range(1, len(PAUSES) + 1):
        assert await handle([nudge(2)], (REPLIES,), reactor, soon()) == []
        at = await slow.at()
        assert at.retry is not None
        assert (at.position, at.retry.tries, at.retry.reason) == (1, tries, "TimeoutError")
        slow.now = at.retry.next_at
    await handle([nudge(2)], (REPLIES,), reactor, soon())
    parked = (await slow.at()).parked
    assert parked is not None
    assert (parked.position, parked.reason) == (2, "TimeoutError")
    assert slow.handed_out == ["m1"]


async def test_one_that_hangs_longer_than_the_function_may_run_is_counted_too(slow: Slow) -> None:
    slow.hangs = frozenset({"m1"})
    await write(slow.use, reply(1))
    assert await handle([nudge(1)], (REPLIES,), slow.reactor, Deadline.within(1)) == []
    retry = (await slow.at()).retry
    assert retry is not None
    assert (retry.tries, retry.reason) == (1, "TimeoutError")


async def test_one_that_cancels_itself_has_failed_and_holds_up_no_other_shop(slow: Slow) -> None:
    slow.cancels = frozenset({"m1"})
    await write(slow.use, reply(1))
    await write(slow.use, reply(2), shop=OTHER)
    nudges = [nudge(1), nudge(1, OTHER, "n")]
    assert await handle(nudges, (REPLIES,), slow.reactor, soon()) == []
    retry = (await slow.at()).retry
    assert retry is not None
    assert (retry.tries, retry.reason) == (1, "CancelledError")
    assert slow.handed_out == ["m2"]


async def test_the_sweep_ends_though_one_hangs(slow: Slow) -> None:
    slow.hangs = frozenset({"m1"})
    await write(slow.use, reply(1))
    await write(slow.use, reply(2), shop=OTHER)
    runner = Runner(slow.use.parts.mongo, slow.use.parts.store, slow.use.parts.reactor.reader, ())
    async with asyncio.timeout(20):
        swept = await sweep(
            "all", runner, (REPLIES,), slow.reactor, deadline=Deadline.within(2), side_by_side=1
        )
    assert (swept.shops, swept.failed, swept.unfinished) == (2, 0, 0)
    assert slow.handed_out == ["m2"]
    assert (await slow.at()).retry is not None
