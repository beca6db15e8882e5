"""A reaction that cannot hand out tries again after growing pauses, parks at last, and holds up
nobody else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from cplus.clock import utc_now
from cplus.consumers.reactions.following import PAUSES, due, follow, handle
from cplus.consumers.reactions.reaction import Reaction, Reactor
from cplus.consumers.reactions.registry import REACTIONS
from cplus.consumers.reactions.replies import REPLIES
from cplus.consumers.scheduled.sweep import sweep
from cplus.events.base import Event, Recorded
from cplus.events.catalogue.orders import OrderDeleted
from cplus.events.catalogue.shops import AppUninstalled
from cplus.events.log.commit import Commit
from cplus.events.reader import EventReader
from cplus.projections.lag.lag import lag
from cplus.projections.running.runner import Runner
from cplus.subscriptions.checkpoints import (
    CHECKPOINTS,
    Checkpoint,
    Fenced,
    move_checkpoint,
    read_checkpoint,
)
from tests.integration.consumers.reactions.reactions_world import (
    INSTALLED,
    NOW,
    OTHER,
    SHOP,
    nudge,
    reply,
    started,
    unseen,
    write,
)
from tests.integration.intake import Intake, emptied, soon

SECOND = timedelta(seconds=1)


@dataclass
class Broken:
    """Reactions that raise while they are told to, and a clock that is moved by hand."""

    use: Intake
    failing: bool = True
    now: datetime = NOW
    handed_out: list[str] = field(default_factory=list)

    @property
    def reactor(self) -> Reactor:
        return replace(
            self.use.parts.reactor,
            send=self._send,
            forget_tokens=self._void,
            end_sessions=self._void,
            forget_staff=self._void,
            count=self._count,
            clock=lambda: self.now,
        )

    async def _send(
        self, queue: str, message: Mapping[str, Any], *, group: str, delay: int = 0
    ) -> None:
        named = (message.get(name) for name in ("message_id", "erasure"))
        self._done("import" if "import_id" in message else next(filter(None, named)))

    async def _void(self, shop: str, _moment: datetime) -> None:
        self._done("void")

    async def _count(self, *_asked: Any) -> None:
        self._done("counted")

    def _done(self, what: str) -> None:
        if self.failing and what in self.faulty:
            raise LookupError("it says who it was about")
        self.handed_out.append(what)

    faulty: frozenset[str] = frozenset({"m2"})

    async def nudged(
        self, position: int, shop: str = SHOP, reactions: Sequence[Reaction] = REACTIONS
    ) -> None:
        """A nudge comes; it never fails."""
        assert await handle([nudge(position, shop)], reactions, self.reactor, soon()) == []

    async def at(self, reaction: Reaction = REPLIES, shop: str = SHOP) -> Checkpoint:
        return await read_checkpoint(self.use.parts.mongo.database, reaction, shop)


@pytest.fixture
async def broken(shared: Intake) -> Broken:
    return Broken(await emptied(shared))


async def test_what_fails_is_tried_again_after_growing_pauses_and_parks_after_the_last(
    broken: Broken,
) -> None:
    await write(broken.use, reply(1), reply(2), reply(3))
    pauses = []
    for tries in range(1, len(PAUSES) + 1):
        await broken.nudged(3)
        at = await broken.at()
        assert (at.position, at.seq, at.parked) == (1, 1, None)
        assert at.retry is not None
        assert (at.retry.position, at.retry.type) == (2, "conversation.reply_written")
        assert (at.retry.reason, at.retry.tries, at.retry.since) == ("LookupError", tries, NOW)
        pauses.append(at.retry.next_at - broken.now)
        broken.now = at.retry.next_at - SECOND
        await broken.nudged(3)
        assert await broken.at() == at, "before its moment nobody tries it"
        broken.now = at.retry.next_at
    assert tuple(pauses) == PAUSES == tuple(sorted(PAUSES))
    assert timedelta(hours=3) < sum(PAUSES, timedelta()) < timedelta(hours=12)
    await broken.nudged(3)
    at = await broken.at()
    assert at.parked is not None
    assert at.retry is None
    assert (at.position, at.parked.position, at.parked.reason) == (1, 2, "LookupError")
    assert (at.parked.type, at.parked.since) == ("conversation.reply_written", broken.now)
    broken.now += timedelta(days=1)
    broken.failing = False
    await broken.nudged(3)
    assert await broken.at() == at, "it waits for somebody to let it go on"
    # Nothing in front of it was handed out again, and what is behind it at most once, side by side.
    assert broken.handed_out.count("m1") == 1
    assert broken.handed_out.count("m3") <= 1


async def test_a_queue_that_is_down_for_minutes_parks_nobody_and_loses_nothing(
    broken: Broken,
) -> None:
    broken.faulty = frozenset({"m1", "m2", "m3"})
    await write(broken.use, reply(1), reply(2), reply(3))
    while broken.now < NOW + timedelta(minutes=20):
        await broken.nudged(3)
        broken.now += timedelta(minutes=1)
    broken.failing = False
    retry = (await broken.at()).retry
    assert retry is not None
    broken.now = retry.next_at
    await broken.nudged(3)
    assert await broken.at() == Checkpoint(3, 3, stored=True)
    assert sorted(broken.handed_out) == ["m1", "m2", "m3"]


KNOWN: tuple[Event, ...] = (INSTALLED, reply(2), AppUninstalled(), started(1))


def asking(reaction: Reaction) -> Event:
    """An event that asks the reaction for something."""
    known = [event for event in KNOWN if type(event) in reaction.handles]
    return [*known, *unseen(reaction, KNOWN)][0]


async def _fails(_commit: Commit, _recorded: Recorded, _use: Reactor) -> None:
    raise LookupError("it says who it was about")


@pytest.mark.parametrize("faulty", REACTIONS, ids=lambda one: one.name)
async def test_one_that_raises_for_ever_holds_up_no_other_reaction_and_no_other_shop(
    broken: Broken, faulty: Reaction
) -> None:
    broken.failing = False
    reactions = [replace(one, hand_out=_fails) if one == faulty else one for one in REACTIONS]
    log = [asking(faulty)]
    for other in REACTIONS:
        if (event := asking(other)) not in log:
            log.append(event)
    await write(broken.use, *log)
    await write(broken.use, OrderDeleted(shopify_order_id=1), shop=OTHER)
    while (at := await broken.at(faulty)).parked is None:
        await broken.nudged(len(log), reactions=reactions)
        await broken.nudged(1, OTHER, reactions)
        retry = (await broken.at(faulty)).retry
        broken.now = retry.next_at if retry else broken.now
    assert (at.position, at.parked.position, at.parked.reason) == (0, 1, "LookupError")
    for other in REACTIONS:
        assert await broken.at(other, OTHER) == Checkpoint(1, 1, stored=True)
        if other != faulty:
            assert await broken.at(other) == Checkpoint(len(log), len(log), stored=True)
    parts = broken.use.parts
    lags = await lag(parts.mongo, parts.store, [], reactions=REACTIONS, shops=[SHOP])
    parked = {one.projection: one.parked and one.parked.reason for one in lags}
    assert parked == {one.name: "LookupError" if one == faulty else None for one in REACTIONS}


async def test_let_go_of_it_goes_on_if_the_fault_is_mended_and_stays_parked_if_not(
    broken: Broken,
) -> None:
    await write(broken.use, reply(1), reply(2), reply(3))
    while (await broken.at()).parked is None:
        await broken.nudged(3)
        retry = (await broken.at()).retry
        broken.now = retry.next_at if retry else broken.now
    before = await broken.at()
    broken.now += timedelta(days=1)
    still = await follow(REPLIES, SHOP, broken.reactor, now=True)
    assert (still.position, still.parked, still.done) == (1, before.parked, True)
    assert await broken.at() == before
    broken.failing = False
    gone = await follow(REPLIES, SHOP, broken.reactor, now=True)
    assert (gone.position, gone.parked, gone.done) == (3, None, True)
    assert await broken.at() == Checkpoint(3, 3, stored=True)
    assert {"m2", "m3"} <= set(broken.handed_out)


async def test_the_next_commit_that_fails_begins_with_the_first_pause_again(
    broken: Broken,
) -> None:
    broken.faulty = frozenset({"m2", "m3"})
    await write(broken.use, reply(1), reply(2), reply(3))
    await broken.nudged(3)
    broken.now += PAUSES[0]
    await broken.nudged(3)
    broken.faulty = frozenset({"m3"})
    broken.now += PAUSES[1]
    await broken.nudged(3)
    at = await broken.at()
    assert at.retry is not None
    assert (at.position, at.retry.position, at.retry.tries) == (2, 3, 1)
    assert at.retry.since == broken.now
    assert at.retry.next_at == broken.now + PAUSES[0]


async def test_who_read_the_checkpoint_before_a_try_was_counted_writes_no_older_count(
    broken: Broken,
) -> None:
    await write(broken.use, reply(2))
    await broken.nudged(1)
    first = await broken.at()
    broken.now += PAUSES[0]
    await broken.nudged(1)
    second = await broken.at()
    assert (first.retry and first.retry.tries, second.retry and second.retry.tries) == (1, 2)
    assert first.position == second.position
    with pytest.raises(Fenced):
        await move_checkpoint(
            broken.use.parts.mongo.database, REPLIES, SHOP, first, second, broken.now
        )
    assert await broken.at() == second


@pytest.mark.parametrize("ahead", [timedelta(days=3650), 3 * max(PAUSES)])
async def test_a_clock_that_was_wrong_once_keeps_nothing_waiting(
    broken: Broken, ahead: timedelta
) -> None:
    await write(broken.use, reply(2))
    broken.now = NOW + ahead
    await broken.nudged(1)
    broken.now, broken.failing = NOW, False
    database = broken.use.parts.mongo.database
    assert await due(database, REACTIONS, NOW) == {SHOP: {REPLIES.name}}
    await broken.nudged(1)
    assert await broken.at() == Checkpoint(1, 1, stored=True)
    assert broken.handed_out == ["m2"]


async def test_the_sweep_finds_what_is_to_be_tried_again_also_in_shops_with_no_news(
    broken: Broken,
) -> None:
    """The log is of now, and the reactions' clock is a day ahead: no commit is recent to it."""
    await write(broken.use, reply(2))
    await write(broken.use, reply(2), shop=OTHER)
    parts, names = broken.use.parts, {REPLIES.name}
    broken.now = utc_now() + timedelta(days=1)
    await broken.nudged(1)
    again = broken.now + PAUSES[0]
    runner = Runner(parts.mongo, parts.store, EventReader(), [])

    async def swept() -> tuple[int, int]:
        found = await sweep(
            "recent", runner, REACTIONS, broken.reactor, deadline=soon(), clock=lambda: broken.now
        )
        return found.shops, found.failed

    broken.failing = False
    broken.now = again - SECOND
    assert await due(parts.mongo.database, REACTIONS, broken.now) == {}
    assert await swept() == (0, 0)
    assert broken.handed_out == []
    broken.now = again
    assert await due(parts.mongo.database, REACTIONS, broken.now) == {SHOP: names}
    assert await swept() == (1, 0)
    assert broken.handed_out == ["m2"]
    assert await due(parts.mongo.database, REACTIONS, broken.now + timedelta(days=9)) == {}
    [plan] = await parts.mongo.aggregate(
        parts.mongo.database[CHECKPOINTS],
        [{"$indexStats": {}}, {"$match": {"name": "retries"}}],
    )
    assert plan["accesses"]["ops"] > 0, "nobody looks through all checkpoints for them"
