"""What a rebuild promises: nothing lost, nothing doubled, and no reader who sees half of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from cplus.clock import utc_now
from cplus.consumers.folding.projecting import handle_nudges
from cplus.errors import CheckpointContended
from cplus.events.catalogue.shops import AppUninstalled, ShopChanged
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Mongo
from cplus.projections.base import Projection
from cplus.projections.checks.repair import repair_shop
from cplus.projections.checks.verify import Difference, verify_shop
from cplus.projections.generations.drop import SwitchedJustNow, drop
from cplus.projections.generations.lineage import (
    GENERATIONS,
    LiveCollections,
    NothingBefore,
    read_lineages,
)
from cplus.projections.generations.lineage_changes import begin
from cplus.projections.generations.rebuild import (
    Compared,
    NotFolded,
    compare_generations,
    compare_with_live,
    fill,
    progress_of,
)
from cplus.projections.generations.switch import CannotSwitch, switch_back, switch_over
from cplus.projections.lag.lag import lag
from cplus.projections.running.runner import STEPS, Runner
from cplus.subscriptions.checkpoints import (
    CHECKPOINTS,
    begin_checkpoint,
    checkpoints_of,
    read_checkpoint,
)
from cplus.subscriptions.progress import Progress
from tests.integration.crashing import Died, dies_at
from tests.integration.fold_world import COUNTER, SHOP, WITH_GIFTS, GiftWrapped, nudge, soon, write

BIRCH = "birch.myshopify.com"
CEDAR = "cedar.myshopify.com"
SHOPS = (SHOP, BIRCH)


def small(mongo: Mongo, store: EventStore, projection: Projection = COUNTER) -> Runner:
    return Runner(mongo, store, EventReader(), [projection], batch=7)


async def read(mongo: Mongo, shop: str = SHOP) -> int:
    """What a reader sees who remembers nothing."""
    rows = await LiveCollections(mongo.database).rows(COUNTER)
    row = await rows.find_one({"_id": f"{shop}/all"})
    return row["events"] if row else 0


async def live(mongo: Mongo) -> str:
    return await LiveCollections(mongo.database).collection(COUNTER)


async def filled(mongo: Mongo, store: EventStore, events: int = 20) -> Runner:
    """Two shops with a log that is folded."""
    runner = small(mongo, store)
    for shop in SHOPS:
        await write(store, *[AppUninstalled() for _ in range(events)], shop=shop)
        await runner.catch_up(COUNTER, shop)
    return runner


async def rebuilt(mongo: Mongo, store: EventStore, projection: Projection = COUNTER) -> Projection:
    target = await begin(mongo.database, projection)
    runner = small(mongo, store, projection)
    await fill(runner, target, SHOPS)
    await switch_over(runner, target)
    return target


async def test_a_rebuild_under_writes_loses_and_doubles_nothing_and_no_reader_sees_less(
    mongo: Mongo, store: EventStore
) -> None:
    runner = await filled(mongo, store)
    seen: list[int] = []
    ended = asyncio.Event()

    async def live_traffic() -> int:
        written = 0
        while not ended.is_set():
            for shop in SHOPS:
                await write(store, AppUninstalled(), shop=shop)
                head = await store.head(shop)
                assert await handle_nudges([nudge(head.position, shop)], runner, soon()) == []
            written += 1
        return written

    async def watch() -> None:
        live = LiveCollections(mongo.database)  # as a page does, remembered for a second
        while not ended.is_set():
            rows = await live.rows(COUNTER)
            row = await rows.find_one({"_id": f"{SHOP}/all"})
            seen.append(row["events"] if row else 0)

    traffic, reader = asyncio.create_task(live_traffic()), asyncio.create_task(watch())
    targets = [await rebuilt(mongo, store) for _ in range(3)]
    ended.set()
    await reader
    written = await traffic
    assert await live(mongo) == targets[-1].collection
    assert seen[0] >= 20
    assert seen == sorted(seen)
    for shop in SHOPS:
        assert await read(mongo, shop) == 20 + written
        found = await verify_shop(mongo, store, EventReader(), targets[-1], shop)
        assert (found.position, found.differences) == (20 + written, [])


async def test_a_generation_is_read_only_when_every_shop_is_there(
    mongo: Mongo, store: EventStore
) -> None:
    await filled(mongo, store)
    target = await begin(mongo.database, COUNTER)
    assert await live(mongo) == "counter.v1"
    await fill(small(mongo, store), target, [SHOP])
    told = await progress_of(mongo, store, target)
    assert (told.events, told.of, told.shops, told.of_shops) == (20, 40, 1, 2)
    assert await read(mongo, BIRCH) == 20
    # A shop that came meanwhile, and what is left of the others, is folded before the switch.
    await write(store, AppUninstalled(), shop=CEDAR)
    await small(mongo, store).catch_up(COUNTER, CEDAR)
    await switch_over(small(mongo, store), target)
    assert await live(mongo) == "counter.v1.g2"
    assert [await read(mongo, shop) for shop in (SHOP, BIRCH, CEDAR)] == [20, 20, 1]


@pytest.mark.parametrize("step", STEPS)
async def test_a_rebuild_that_dies_at_any_step_goes_on_where_it_was(
    mongo: Mongo, store: EventStore, step: str
) -> None:
    await filled(mongo, store)
    await write(store, ShopChanged(shop_name="Cedar"), shop=CEDAR)
    target = await begin(mongo.database, COUNTER)
    second = 1 if step in {"read_checkpoint", "begin_checkpoint", "move_checkpoint"} else 2
    dying = Runner(mongo, store, EventReader(), [COUNTER], batch=7, at_step=dies_at(step, second))
    with pytest.raises(Died):
        await fill(dying, target, [*SHOPS, CEDAR], side_by_side=1)
    assert await begin(mongo.database, COUNTER) == target
    assert await rebuilt(mongo, store) == target
    assert [await read(mongo, shop) for shop in SHOPS] == [20, 20]
    for shop in SHOPS:
        assert (await verify_shop(mongo, store, EventReader(), target, shop)).differences == []


async def test_a_rebuild_that_is_stopped_ends_soon_and_goes_on(
    mongo: Mongo, store: EventStore
) -> None:
    await filled(mongo, store)
    target = await begin(mongo.database, COUNTER)
    await fill(small(mongo, store), target, SHOPS, stopped=lambda: True)
    assert (await progress_of(mongo, store, target)).events == 0
    assert await rebuilt(mongo, store) == target


async def test_two_who_rebuild_at_once_share_the_work(mongo: Mongo, store: EventStore) -> None:
    await filled(mongo, store, 60)
    target = await begin(mongo.database, COUNTER)
    written = [0, 0]

    def goes_on_when_the_other_has_written(number: int, step: str) -> None:
        if step == "read_log" and written[number] and not written[1 - number]:
            raise CheckpointContended(projection="counter", shop=SHOP)  # so it tries again
        written[number] += step == "written"

    runners = [
        Runner(
            mongo,
            EventStore(mongo),
            EventReader(),
            [COUNTER],
            batch=7,
            at_step=partial(goes_on_when_the_other_has_written, number),
        )
        for number in range(2)
    ]
    async with asyncio.timeout(60):
        await asyncio.gather(*(fill(runner, target, SHOPS) for runner in runners))
    assert all(written)
    await asyncio.gather(*(switch_over(runner, target) for runner in runners))
    assert await live(mongo) == target.collection
    assert [await read(mongo, shop) for shop in SHOPS] == [60, 60]


async def test_nudges_drive_what_is_read_and_the_way_back_and_leave_what_is_being_filled(
    mongo: Mongo, store: EventStore
) -> None:
    runner = await filled(mongo, store)
    target = await begin(mongo.database, COUNTER)
    await write(store, AppUninstalled())
    assert await handle_nudges([nudge(21)], runner, soon()) == []
    assert not (await read_checkpoint(mongo.database, target, SHOP)).stored
    await fill(small(mongo, store), target, [SHOP])
    await write(store, AppUninstalled())  # near its end it is driven like the others
    assert await handle_nudges([nudge(22)], runner, soon()) == []
    assert (await read_checkpoint(mongo.database, target, SHOP)).position == 22
    await switch_over(small(mongo, store), target)
    await write(store, AppUninstalled())
    assert await handle_nudges([nudge(23)], runner, soon()) == []
    assert await read(mongo) == 23
    assert {one.position for one in await lag(mongo, store, [COUNTER]) if one.shop == SHOP} == {23}
    await switch_back(mongo, store, EventReader(), [COUNTER], "counter")
    assert (await live(mongo), await read(mongo)) == ("counter.v1", 23)


async def test_a_runner_drives_only_versions_that_it_has(mongo: Mongo, store: EventStore) -> None:
    await filled(mongo, store)
    newer = replace(COUNTER, version=2)
    old_code, new_code = (
        small(mongo, store),
        Runner(mongo, store, EventReader(), [COUNTER, newer], batch=7),
    )
    target = await rebuilt(mongo, store, newer)
    assert target.collection == "counter.v2.g2"
    await write(store, AppUninstalled())
    assert await handle_nudges([nudge(21)], old_code, soon()) == []
    assert await read(mongo) == 20
    assert await handle_nudges([nudge(21)], new_code, soon()) == []
    assert await read(mongo) == 21
    assert (await read_checkpoint(mongo.database, COUNTER, SHOP)).position == 21


async def test_a_generation_that_is_parked_behind_the_old_one_is_not_read(
    mongo: Mongo, store: EventStore
) -> None:
    knows = replace(COUNTER, handles=COUNTER.handles | {GiftWrapped})
    await write(store, AppUninstalled(), GiftWrapped(), AppUninstalled())
    knowing = Runner(mongo, store, WITH_GIFTS, [knows])
    await knowing.catch_up(knows, SHOP)
    target = await begin(mongo.database, COUNTER)
    with pytest.raises(CannotSwitch, match="acorn"):
        await switch_over(small(mongo, store), target)
    assert (await live(mongo), await read(mongo)) == ("counter.v1", 3)
    # Code that knows the event goes on by itself.
    await switch_over(knowing, replace(knows, generation=target.generation))
    assert (await live(mongo), await read(mongo)) == ("counter.v1.g2", 3)


async def test_old_generations_are_dropped_on_request_and_not_under_readers(
    mongo: Mongo, store: EventStore
) -> None:
    runner = await filled(mongo, store)
    checkpoints = mongo.database[CHECKPOINTS]
    with pytest.raises(NothingBefore):
        await switch_back(mongo, store, EventReader(), [COUNTER], "counter")
    await rebuilt(mongo, store)
    with pytest.raises(SwitchedJustNow):
        await drop(mongo.database, "counter")
    assert await drop(mongo.database, "counter", timedelta(0)) == ["counter.v1"]
    assert "counter.v1" not in await mongo.database.list_collection_names()
    await write(store, AppUninstalled())
    assert await handle_nudges([nudge(21)], runner, soon()) == []
    assert await read(mongo) == 21
    assert await checkpoints.count_documents({}) == 2
    with pytest.raises(NothingBefore):
        await switch_back(mongo, store, EventReader(), [COUNTER], "counter")
    [lineage] = (await read_lineages(mongo.database)).values()
    assert (lineage.live, lineage.before) == (2, None)


async def test_a_runner_at_work_in_a_generation_that_is_dropped_stops(
    mongo: Mongo, store: EventStore
) -> None:
    await filled(mongo, store)
    target = await rebuilt(mongo, store)
    await write(store, *[AppUninstalled() for _ in range(20)])
    await small(mongo, store).catch_up(target, SHOP)  # the other one follows it
    dropped: list[asyncio.Task[list[str]]] = []
    checkpoints = mongo.database[CHECKPOINTS]
    steps = 0

    def drop_at_second_batch(step: str) -> None:
        nonlocal steps
        steps += step == "load_rows"
        if steps == 2 and not dropped:
            dropping = drop(mongo.database, "counter", timedelta(0))
            dropped.append(asyncio.create_task(dropping))

    runner = Runner(mongo, store, EventReader(), [COUNTER], batch=7, at_step=drop_at_second_batch)
    await runner.catch_up(COUNTER, SHOP)
    assert await dropped[0] == ["counter.v1"]
    assert (await runner.catch_up(target, SHOP)).position == 40
    assert await checkpoints.count_documents({}) == 2


async def test_verify_names_rows_and_fields_that_differ_and_a_rebuild_of_the_shop_mends_them(
    mongo: Mongo, store: EventStore
) -> None:
    await filled(mongo, store)
    rows = mongo.database[COUNTER.collection]
    assert (await verify_shop(mongo, store, EventReader(), COUNTER, SHOP)).differences == []
    await rows.delete_one({"_id": f"{SHOP}/mod/0"})
    await rows.update_one({"_id": f"{SHOP}/mod/1"}, {"$set": {"events": 99, "more": 1}})
    await rows.insert_one({"_id": f"{SHOP}/mod/9", "shop": SHOP, "events": 1, "last": 1})
    wrong = [
        Difference(SHOP, "mod/0", "missing"),
        Difference(SHOP, "mod/1", "differs", ["events", "more"]),
        Difference(SHOP, "mod/9", "too_much"),
    ]
    found = await verify_shop(mongo, store, EventReader(), COUNTER, SHOP)
    assert (found.rows, found.events, found.differences) == (4, 20, wrong)
    assert (await verify_shop(mongo, store, EventReader(), COUNTER, BIRCH)).differences == []
    target = await begin(mongo.database, COUNTER)
    await fill(small(mongo, store), target, SHOPS)
    differing = await compare_generations(mongo, COUNTER, target, SHOP)
    assert [one.key for one in differing or ()] == ["mod/0", "mod/1", "mod/9"]
    assert await repair_shop(mongo, store, EventReader(), COUNTER, SHOP) == wrong
    assert (await verify_shop(mongo, store, EventReader(), COUNTER, SHOP)).differences == []
    assert await compare_generations(mongo, COUNTER, target, SHOP) == []


async def test_a_shop_too_busy_to_be_compared_is_named_and_counts_as_no_difference(
    mongo: Mongo, store: EventStore
) -> None:
    await filled(mongo, store)
    target = await begin(mongo.database, COUNTER)
    await fill(small(mongo, store), target, SHOPS)
    assert await compare_with_live(small(mongo, store), [COUNTER], target) == Compared(2, 0, [])

    class Busy(Runner):
        async def catch_up(self, projection: Projection, shop: str, **how: Any) -> Progress:
            progress = await super().catch_up(projection, shop, **how)
            if projection == target:
                await write(store, AppUninstalled(), shop=shop)
                await super().catch_up(COUNTER, shop)
            return progress

    await write(store, AppUninstalled(), shop=SHOP)
    await Runner(mongo, store, EventReader(), [COUNTER]).catch_up(COUNTER, SHOP)
    wrong = mongo.database[COUNTER.collection]
    await wrong.delete_one({"_id": f"{BIRCH}/mod/0"})
    found = await compare_with_live(Busy(mongo, store, EventReader(), [COUNTER]), [COUNTER], target)
    assert found == Compared(1, 1, [SHOP])


async def test_verify_compares_at_one_moment_also_under_writes(
    mongo: Mongo, store: EventStore
) -> None:
    runner = await filled(mongo, store)
    ended = asyncio.Event()

    async def live_traffic() -> None:
        while not ended.is_set():
            await write(store, AppUninstalled())
            await runner.catch_up(COUNTER, SHOP)

    traffic = asyncio.create_task(live_traffic())
    positions: set[int] = set()
    while len(positions) < 5:
        found = await verify_shop(mongo, store, EventReader(), COUNTER, SHOP)
        assert found.differences == []
        positions.add(found.position)
    ended.set()
    await traffic


async def test_a_shop_that_cannot_be_folded_holds_up_no_other_and_is_named(
    mongo: Mongo, store: EventStore
) -> None:
    class Faulty(Runner):
        async def catch_up(self, projection: Projection, shop: str, **how: Any) -> Progress:
            if shop == SHOP:
                raise OSError
            return await super().catch_up(projection, shop, **how)

    await filled(mongo, store)
    target = await begin(mongo.database, COUNTER)
    with pytest.raises(NotFolded, match=r"acorn\S+ \(OSError\)"):
        await fill(Faulty(mongo, store, EventReader(), [COUNTER]), target, SHOPS)
    at = await checkpoints_of(mongo.database, target.collection)
    assert {shop: one.position for shop, one in at.items()} == {BIRCH: 20}


async def test_a_rebuild_comes_to_its_end_where_reading_takes_longer_than_a_slice(
    mongo: Mongo, store: EventStore
) -> None:
    await filled(mongo, store)
    target = await begin(mongo.database, COUNTER)
    async with asyncio.timeout(60):
        await fill(small(mongo, store), target, SHOPS, seconds=1e-9)
    at = await checkpoints_of(mongo.database, target.collection)
    assert {one.position for one in at.values()} == {20}


async def test_a_drop_takes_checkpoints_of_generations_that_are_gone(
    mongo: Mongo, store: EventStore
) -> None:
    await filled(mongo, store)
    await rebuilt(mongo, store)
    checkpoints = mongo.database[CHECKPOINTS]
    await drop(mongo.database, "counter", timedelta(0))
    # Begun by a runner that read before the drop which generations there are.
    await begin_checkpoint(mongo.database, COUNTER, CEDAR, utc_now())
    coming = replace(COUNTER, generation=99)  # made by somebody meanwhile
    await begin_checkpoint(mongo.database, coming, CEDAR, utc_now())
    await drop(mongo.database, "counter", timedelta(0))
    left = {row["_id"].partition("/")[0] for row in await checkpoints.find({}).to_list(None)}
    assert left == {"counter.v1.g2", coming.collection}


async def test_a_late_answer_brings_back_no_pointer_that_is_older(
    mongo: Mongo, store: EventStore
) -> None:
    await filled(mongo, store)
    asked, answer = asyncio.Event(), asyncio.Event()

    class Late:
        """The database, to one question as it was when it was asked, long after."""

        def __init__(self) -> None:
            self.times = 0

        def __getitem__(self, name: str) -> Any:
            return self

        def find(self, question: dict[str, Any]) -> Any:
            return self

        async def to_list(self, length: int | None) -> Any:
            self.times += 1
            late = self.times == 1
            found = await mongo.database[GENERATIONS].find({}).to_list(length)
            if late:
                asked.set()
                await answer.wait()
            return found

    live = LiveCollections(Late())
    waits = asyncio.create_task(live.collection(COUNTER))
    await asked.wait()
    target = await rebuilt(mongo, store)
    assert await live.collection(COUNTER) == target.collection
    answer.set()
    await waits
    assert await live.collection(COUNTER) == target.collection
