"""What a switch promises: no reader sees time run backwards, and nobody is held up, whoever stalls
or dies at whichever step."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from cplus.events.catalogue.shops import AppUninstalled, ShopChanged
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Mongo, connect
from cplus.projections.base import Projection
from cplus.projections.generations.drop import drop
from cplus.projections.generations.leader import STEPS as LEADING_STEPS
from cplus.projections.generations.lineage import GENERATIONS, lineage_of
from cplus.projections.generations.lineage_changes import begin, lead
from cplus.projections.generations.switch import STEPS, CannotSwitch, switch_back, switch_over
from cplus.projections.running.runner import STEPS as RUNNER_STEPS
from cplus.projections.running.runner import Runner
from cplus.settings import Settings
from cplus.subscriptions.checkpoints import CHECKPOINTS
from cplus.subscriptions.progress import Progress
from tests.integration.crashing import IN_A_TRANSACTION, Died, Elsewhere, Written, dies_at, once
from tests.integration.fold_world import COUNTER, SHOP, WITH_GIFTS, GiftWrapped, write
from tests.integration.projections.generations.switching_world import (
    BIRCH,
    BOTH,
    CEDAR,
    NEWER,
    SHOPS,
    code,
    holds,
    nudged,
    read,
    to_be_switched,
    told,
)

KNOWS = replace(COUNTER, handles=COUNTER.handles | {GiftWrapped})
WAY = tuple(step for step in STEPS if step != "give_back")
"""The steps of a switch that can be made."""


def knowing(
    mongo: Mongo, store: EventStore, at_step: Callable[[str], None] = lambda _step: None
) -> Runner:
    """A release in which the rows that are read can take an event that the new ones cannot."""
    return Runner(mongo, store, WITH_GIFTS, [KNOWS, NEWER], at_step=at_step)


@pytest.fixture
def elsewhere(settings: Settings) -> Elsewhere:
    return Elsewhere(settings)


@pytest.mark.parametrize(
    ("step", "shop"),
    [(step, shop) for step in RUNNER_STEPS for shop in (SHOP, CEDAR)
     if step != "begin_checkpoint" or shop == CEDAR],
)  # fmt: skip
async def test_a_runner_that_stalls_at_any_step_during_a_switch_gets_past_nothing_that_is_read(
    mongo: Mongo, store: EventStore, elsewhere: Elsewhere, step: str, shop: str
) -> None:
    target = await to_be_switched(mongo, store)
    # What changes no row moves the checkpoint alone.
    event = ShopChanged(shop_name="Acorn") if step == "move_checkpoint" else AppUninstalled()
    await write(store, event, event, event, shop=shop)
    before = await read(mongo, shop)
    stalled: list[str] = []
    marking = threading.Event()

    def stall() -> None:
        stalled.append(step)
        elsewhere.begins(partial(switches_and_dies, elsewhere, target, shop, marking))
        if step in IN_A_TRANSACTION:  # the switch waits for its end
            assert marking.wait(60)
        else:
            elsewhere.ends()

    stale = Runner(mongo, store, EventReader(), BOTH, at_step=once(step, stall))
    await stale.driven()  # it knows who leads, as it was before the switch
    await stale.catch_up(COUNTER, shop)
    elsewhere.ends()
    assert stalled == [step]
    assert (await lineage_of(mongo.database, COUNTER)).live == target.generation
    await holds(mongo, store)
    assert await nudged(code(mongo, store)) == []
    assert await read(mongo, shop) == before + (2 if step == "move_checkpoint" else 5)
    await holds(mongo, store)


@pytest.mark.parametrize("shop", [SHOP, CEDAR])
@pytest.mark.parametrize("step", WAY[:-1])
async def test_a_runner_that_knows_of_no_switch_gets_past_nothing_that_is_read(
    mongo: Mongo, store: EventStore, elsewhere: Elsewhere, step: str, shop: str
) -> None:
    target = await to_be_switched(mongo, store)
    reached, go_on = threading.Event(), threading.Event()

    def pauses(name: str) -> None:
        if name == step:
            reached.set()
            assert go_on.wait(60)
        if name == "fill_after":
            raise Died

    async def switches(mongo: Mongo, store: EventStore) -> None:
        with contextlib.suppress(Died):
            await switch_over(code(mongo, store), target, at_step=pauses)

    stale = code(mongo, store)
    await stale.driven()
    elsewhere.begins(switches)
    assert await asyncio.to_thread(reached.wait, 60)
    await told(store, 3, shop)
    await stale.catch_up(COUNTER, shop)
    go_on.set()
    await asyncio.to_thread(elsewhere.ends)
    assert (await lineage_of(mongo.database, COUNTER)).live == target.generation
    await holds(mongo, store)
    assert await read(mongo, shop) == (23 if shop == SHOP else 3)


async def switches_and_dies(
    elsewhere: Elsewhere,
    target: Projection,
    shop: str,
    marking: threading.Event,
    mongo: Mongo,
    store: EventStore,
) -> None:
    """Two events come to the shop after the generations were compared and before the switch; right
    after it, who switches dies and brings nothing up to them."""

    def at_step(name: str) -> None:
        if name == "mark":
            marking.set()
        if name == "switch":
            elsewhere.another().runs(lambda _mongo, store: told(store, 2, shop))
        if name == "fill_after":
            raise Died

    with contextlib.suppress(Died):
        await switch_over(code(mongo, store), target, at_step=at_step)


@pytest.mark.parametrize("step", WAY)
async def test_a_switch_that_dies_at_any_step_holds_nobody_up_and_is_made_by_the_next(
    mongo: Mongo, store: EventStore, step: str
) -> None:
    target = await to_be_switched(mongo, store)
    with pytest.raises(Died):
        await switch_over(code(mongo, store), target, at_step=dies_at(step, 1))
    await told(store, 5, *SHOPS, CEDAR)
    assert await nudged(code(mongo, store)) == []
    assert [await read(mongo, shop) for shop in (*SHOPS, CEDAR)] == [25, 25, 5]
    await holds(mongo, store)
    lineage = await switch_over(code(mongo, store), target)
    assert (lineage.live, lineage.next) == (target.generation, None)
    assert [await read(mongo, shop) for shop in (*SHOPS, CEDAR)] == [25, 25, 5]
    await holds(mongo, store)
    back = await switch_back(mongo, store, EventReader(), BOTH, "counter")
    assert (back.live, [await read(mongo, shop) for shop in SHOPS]) == (1, [25, 25])
    await holds(mongo, store)


@pytest.mark.parametrize("step", WAY[:-1])
async def test_a_switch_that_dies_does_not_hold_up_a_release_that_lacks_the_new_version(
    mongo: Mongo, store: EventStore, step: str
) -> None:
    target = await to_be_switched(mongo, store)
    with pytest.raises(Died):
        await switch_over(code(mongo, store), target, at_step=dies_at(step, 1))
    await told(store, 5, *SHOPS, CEDAR)
    assert await nudged(code(mongo, store, COUNTER)) == []
    assert [await read(mongo, shop) for shop in (*SHOPS, CEDAR)] == [25, 25, 5]
    await switch_over(code(mongo, store), target)
    assert [await read(mongo, shop) for shop in (*SHOPS, CEDAR)] == [25, 25, 5]
    await holds(mongo, store)


@pytest.mark.parametrize("step", WAY)
async def test_what_is_written_at_any_step_of_a_switch_is_read_at_once_and_counted_once(
    mongo: Mongo, store: EventStore, elsewhere: Elsewhere, step: str
) -> None:
    target = await to_be_switched(mongo, store)

    async def traffic(mongo: Mongo, store: EventStore) -> None:
        await told(store, 5, *SHOPS, CEDAR)
        assert await nudged(code(mongo, store)) == []
        assert [await read(mongo, shop) for shop in (*SHOPS, CEDAR)] == [25, 25, 5]

    at_step = once(step, lambda: elsewhere.runs(traffic))
    await switch_over(code(mongo, store), target, at_step=at_step)
    assert (await lineage_of(mongo.database, COUNTER)).live == target.generation
    assert [await read(mongo, shop) for shop in (*SHOPS, CEDAR)] == [25, 25, 5]
    await holds(mongo, store)


async def led_by_a_parked_one(mongo: Mongo, store: EventStore) -> Projection:
    """A generation that stands still while it leads, in front of what the one that is read can
    fold."""
    target = await to_be_switched(mongo, store)
    await lead(mongo.database, await lineage_of(mongo.database, COUNTER), target.generation)
    await write(store, GiftWrapped())
    return target


async def test_a_generation_that_parks_while_it_leads_holds_nobody_up(
    mongo: Mongo, store: EventStore
) -> None:
    target = await led_by_a_parked_one(mongo, store)
    runner = knowing(mongo, store)
    assert await nudged(runner) == []
    assert await read(mongo) == 21
    lineage = await lineage_of(mongo.database, COUNTER)
    assert (lineage.live, lineage.next, lineage.term) == (1, None, 2)
    with pytest.raises(CannotSwitch, match="acorn"):
        await switch_over(runner, target)
    # Where neither can go on, the new one may be read: it is not behind.
    await told(store, 1, BIRCH)
    await write(store, GiftWrapped(), shop=BIRCH)
    await code(mongo, store).catch_up(COUNTER, BIRCH)
    mended = replace(NEWER, handles=KNOWS.handles)
    newer = Runner(mongo, store, WITH_GIFTS, [COUNTER, mended])
    await newer.catch_up(replace(mended, generation=target.generation), SHOP)
    await switch_over(newer, target)
    assert [await read(mongo, shop) for shop in SHOPS] == [21, 21]


class Faulty(Runner):
    """A release in which folding the new version fails, and not by its rows."""

    async def _catch_up(self, projection: Projection, shop: str, *how: Any) -> Progress:
        if projection.version == NEWER.version:
            raise OSError
        return await super()._catch_up(projection, shop, *how)


async def test_a_leader_that_fails_holds_up_nothing_that_is_read(
    mongo: Mongo, store: EventStore
) -> None:
    target = await to_be_switched(mongo, store)
    await lead(mongo.database, await lineage_of(mongo.database, COUNTER), target.generation)
    await told(store, 5, SHOP)
    progress = await Faulty(mongo, store, EventReader(), BOTH).catch_up(COUNTER, SHOP, until=25)
    assert (progress.position, progress.done, await read(mongo)) == (25, True, 25)
    assert (await lineage_of(mongo.database, COUNTER)).next is None


async def test_what_is_mended_goes_on_where_the_new_rows_stand_still_too(
    mongo: Mongo, store: EventStore
) -> None:
    target = await to_be_switched(mongo, store)
    await write(store, GiftWrapped())
    for of in (COUNTER, target):  # neither knows it yet
        assert (await code(mongo, store).catch_up(of, SHOP)).parked is not None
    with pytest.raises(Died):
        await switch_over(code(mongo, store), target, at_step=dies_at("switch", 1))
    assert await nudged(knowing(mongo, store), SHOP) == []
    assert await read(mongo) == 21


async def test_a_leader_that_an_older_release_dropped_leads_nobody(
    mongo: Mongo, store: EventStore
) -> None:
    target = await to_be_switched(mongo, store)
    await lead(mongo.database, await lineage_of(mongo.database, COUNTER), target.generation)
    await mongo.database[GENERATIONS].update_one(  # as a release did that knew of no leader
        {"_id": "counter"}, {"$pull": {"generations": {"number": target.generation}}}
    )
    await told(store, 5, *SHOPS)
    assert await nudged(code(mongo, store)) == []
    assert await read(mongo) == 25
    await mongo.database.drop_collection(target.collection)
    again = await begin(mongo.database, NEWER)
    await switch_over(code(mongo, store), again)
    assert await read(mongo) == 25


async def test_a_runner_that_knows_a_leader_that_was_dropped_asks_again(
    mongo: Mongo, store: EventStore
) -> None:
    target = await to_be_switched(mongo, store)
    lineage = await lead(
        mongo.database, await lineage_of(mongo.database, COUNTER), target.generation
    )
    stale = code(mongo, store)
    await stale.driven()
    assert await drop(mongo.database, "counter", timedelta(0)) == [target.collection]
    await told(store, 5, SHOP)
    progress = await stale.catch_up(COUNTER, SHOP, until=25)
    assert (progress.position, progress.done, await read(mongo)) == (25, True, 25)
    after = await lineage_of(mongo.database, COUNTER)
    assert (after.next, after.term) == (None, lineage.term + 1)


@pytest.mark.parametrize("step", LEADING_STEPS)
async def test_a_runner_that_dies_while_it_follows_holds_nobody_up(
    mongo: Mongo, store: EventStore, step: str
) -> None:
    await led_by_a_parked_one(mongo, store)
    dying = knowing(mongo, store, at_step=dies_at(step, 1))
    with pytest.raises(Died):
        await dying.catch_up(KNOWS, SHOP)
    assert await read(mongo) == 20
    assert await nudged(knowing(mongo, store)) == []
    assert await read(mongo) == 21


async def test_what_a_runner_changes_to_lead_again_stands_behind_a_step(
    mongo: Mongo, store: EventStore, settings: Settings
) -> None:
    await led_by_a_parked_one(mongo, store)
    written = Written()
    heard = connect(settings, [written])
    try:
        await knowing(heard, EventStore(heard), at_step=written.step).catch_up(KNOWS, SHOP)
    finally:
        await heard.close()
    found = written.by_step()
    assert found["read_leader"] == {()}
    assert found["take_back"] == {(f"update {GENERATIONS}",)}
    assert found.keys() <= {*RUNNER_STEPS, *LEADING_STEPS}


@pytest.mark.parametrize("dies", [False, True])
async def test_a_switch_that_cannot_be_made_gives_the_lead_back_or_has_it_taken(
    mongo: Mongo, store: EventStore, elsewhere: Elsewhere, dies: bool
) -> None:
    target = await to_be_switched(mongo, store)

    async def traffic(mongo: Mongo, store: EventStore) -> None:
        await write(store, GiftWrapped())
        await knowing(mongo, store).catch_up(KNOWS, SHOP)

    parks = once("lead", lambda: elsewhere.runs(traffic))

    def at_step(name: str) -> None:
        parks(name)
        if dies and name == "give_back":
            raise Died

    with pytest.raises(Died if dies else CannotSwitch):
        await switch_over(code(mongo, store), target, at_step=at_step)
    lineage = await lineage_of(mongo.database, COUNTER)
    assert (lineage.live, lineage.next) == (1, target.generation if dies else None)
    await write(store, GiftWrapped())
    assert await nudged(knowing(mongo, store)) == []
    assert await read(mongo) == 22
    assert (await lineage_of(mongo.database, COUNTER)).next is None


async def test_every_command_of_a_switch_that_changes_what_is_stored_stands_behind_a_step(
    mongo: Mongo, store: EventStore, settings: Settings
) -> None:
    target = await to_be_switched(mongo, store)
    written = Written()
    heard = connect(settings, [written])
    try:
        runner = code(heard, EventStore(heard))
        await switch_over(runner, target, at_step=written.step)
    finally:
        await heard.close()
    assert written.by_step() == {
        **{step: {()} for step in WAY},
        "lead": {(f"findAndModify {GENERATIONS}",)},
        "mark": {(f"update {CHECKPOINTS}",)},
        "switch": {(f"update {GENERATIONS}",)},
    }
