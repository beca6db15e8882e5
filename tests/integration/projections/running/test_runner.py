"""What the runner promises: each event counts exactly once, whoever dies and whoever races."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import ClassVar

import pytest

from cplus.consumers.batches.sqs import SqsRecord
from cplus.consumers.folding.projecting import handle_nudges
from cplus.deadline import Deadline
from cplus.errors import LogTooShort
from cplus.events.base import Recorded
from cplus.events.catalogue import Catalogue
from cplus.events.catalogue.imports import ImportPageLoaded, ImportStarted
from cplus.events.catalogue.shops import AppUninstalled, ShopChanged
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Mongo, OperationFailure, connect
from cplus.projections.base import Projection, Row
from cplus.projections.checks.fold_in_memory import fold_shop
from cplus.projections.checks.verify import verify_shop
from cplus.projections.groups import ALL
from cplus.projections.lag.lag import lag
from cplus.projections.lag.sums import totals
from cplus.projections.models.shops import SHOPS
from cplus.projections.running.row_cache import CacheLimits
from cplus.projections.running.runner import STEPS, Runner
from cplus.settings import Settings
from cplus.subscriptions.checkpoints import CHECKPOINTS, read_checkpoint
from cplus.subscriptions.reading import Batch, Reader, ReadLimits
from tests.integration.crashing import Died, Written, dies_at
from tests.integration.fold_world import (
    COUNTER,
    SHOP,
    WITH_GIFTS,
    GiftWrapped,
    count,
    nudge,
    soon,
    write,
)
from tests.samples import installed


@pytest.fixture
def projections() -> tuple[Projection, ...]:
    return (COUNTER, SHOPS)


async def counted(mongo: Mongo, key: str = "all", shop: str = SHOP) -> int:
    row = await mongo.database[COUNTER.collection].find_one({"_id": f"{shop}/{key}"})
    return row["events"] if row else 0


async def test_rows_and_checkpoint_come_to_the_end_of_the_log(
    mongo: Mongo, store: EventStore
) -> None:
    await write(store, *[AppUninstalled() for _ in range(25)], per_commit=2)
    await write(store, ShopChanged(shop_name="Acorn"))
    runner = Runner(mongo, store, EventReader(), [COUNTER], batch=4)
    progress = await runner.catch_up(COUNTER, SHOP)
    assert (progress.position, progress.done, progress.parked) == (14, True, None)
    assert await counted(mongo) == 25
    at = await read_checkpoint(mongo.database, COUNTER, SHOP)
    assert (at.position, at.seq) == (14, 26)
    row = await mongo.database[COUNTER.collection].find_one({"_id": f"{SHOP}/mod/0"})
    assert row == {"_id": f"{SHOP}/mod/0", "shop": SHOP, "events": 8, "last": 24}


async def test_runners_on_one_shop_at_once_count_each_event_once(
    mongo: Mongo, store: EventStore
) -> None:
    await write(store, *[AppUninstalled() for _ in range(60)])
    runners = [Runner(mongo, store, EventReader(), [COUNTER], batch=10) for _ in range(3)]
    progress = await asyncio.gather(*(runner.catch_up(COUNTER, SHOP) for runner in runners))
    assert {one.position for one in progress} == {60}
    assert await counted(mongo) == 60
    at = await read_checkpoint(mongo.database, COUNTER, SHOP)
    assert at.counts == {"events": 120, "rows": 4}


@pytest.mark.parametrize("step", STEPS)
async def test_a_runner_that_dies_at_any_step_changes_no_count(
    mongo: Mongo, store: EventStore, step: str
) -> None:
    await write(store, *[AppUninstalled() for _ in range(9)])
    ignored = [ShopChanged(shop_name="Acorn")]
    await write(store, *ignored)
    second = 1 if step in {"read_checkpoint", "begin_checkpoint", "move_checkpoint"} else 2
    by_two = ReadLimits(decoded=2)  # so a batch is loaded and folded in two parts
    dying = Runner(
        mongo,
        store,
        EventReader(),
        [COUNTER],
        batch=3,
        reading=by_two,
        at_step=dies_at(step, second),
    )
    with pytest.raises(Died):
        await dying.catch_up(COUNTER, SHOP)
    assert await counted(mongo) in {0, 3, 6, 9}
    progress = await Runner(mongo, store, EventReader(), [COUNTER]).catch_up(COUNTER, SHOP)
    assert progress.position == 10
    assert await counted(mongo) == 9
    at = await read_checkpoint(mongo.database, COUNTER, SHOP)
    assert at.counts == {"events": 18, "rows": 4}


async def test_every_command_that_changes_what_is_stored_stands_behind_a_step(
    mongo: Mongo, store: EventStore, settings: Settings
) -> None:
    """So that to die at each step is to die between any two writes."""
    written = Written()
    heard = connect(settings, [written])
    try:
        runner = Runner(heard, EventStore(heard), EventReader(), [COUNTER], at_step=written.step)
        for event in (AppUninstalled(), AppUninstalled(), ShopChanged(shop_name="Acorn")):
            await write(store, event)  # rows inserted, rows replaced, no row
            await runner.catch_up(COUNTER, SHOP)
    finally:
        await heard.close()
    insert, update = f"insert {COUNTER.collection}", f"update {COUNTER.collection}"
    assert written.by_step() == {
        **{step: {()} for step in STEPS},
        "begin_checkpoint": {(f"insert {CHECKPOINTS}",)},
        "write_checkpoint": {(f"update {CHECKPOINTS}",)},
        # Two commands of one call, in a transaction: what dies between them has written nothing.
        "write_rows": {(insert,), (insert, update)},
        "commit": {("commitTransaction",)},
        "move_checkpoint": {(f"update {CHECKPOINTS}",)},
    }


async def test_a_type_that_is_not_known_parks_the_shop_and_a_newer_release_goes_on(
    mongo: Mongo, store: EventStore
) -> None:
    await write(store, AppUninstalled(), AppUninstalled(), GiftWrapped(), AppUninstalled())
    old = Runner(mongo, store, EventReader(), [COUNTER])
    for _ in range(2):
        progress = await old.catch_up(COUNTER, SHOP, until=4)
        assert progress.parked is not None
        assert progress.parked.document() | {"since": None} == {
            "position": 3,
            "type": "gift.wrapped",
            "reason": "unknown_type",
            "since": None,
        }
        assert (progress.position, await counted(mongo)) == (2, 2)
    newer = replace(COUNTER, handles=COUNTER.handles | {GiftWrapped})
    progress = await Runner(mongo, store, WITH_GIFTS, [newer]).catch_up(newer, SHOP)
    assert (progress.position, progress.parked, await counted(mongo)) == (4, None, 4)
    assert (await read_checkpoint(mongo.database, newer, SHOP)).parked is None


async def test_a_schema_version_that_is_not_known_parks_the_shop(
    mongo: Mongo, store: EventStore
) -> None:
    class Newer(AppUninstalled):
        VERSION: ClassVar[int] = 2

    await write(store, AppUninstalled(), Newer())
    progress = await Runner(mongo, store, EventReader(), [COUNTER]).catch_up(COUNTER, SHOP)
    assert progress.parked is not None
    assert (progress.position, progress.parked.reason) == (1, "unknown_schema")
    knowing = EventReader(Catalogue([Newer], {("app.uninstalled", 1): lambda data: data}))
    again = await Runner(mongo, store, knowing, [COUNTER]).catch_up(COUNTER, SHOP)
    assert (again.position, again.parked, await counted(mongo)) == (2, None, 2)


async def test_what_a_projection_passes_over_may_have_any_schema(
    mongo: Mongo, store: EventStore
) -> None:
    class Newer(ShopChanged):
        VERSION: ClassVar[int] = 9

    await write(store, Newer(shop_name="Acorn"))
    progress = await Runner(mongo, store, EventReader(), [COUNTER]).catch_up(COUNTER, SHOP)
    assert (progress.position, progress.parked) == (1, None)


async def test_a_fold_that_raises_parks_its_own_projection_and_no_other(
    mongo: Mongo, store: EventStore
) -> None:
    def fails(key: str, row: Row | None, event: Recorded) -> Row | None:
        if event.number == 3:
            raise ZeroDivisionError("ada@example.com")
        return count(key, row, event)

    broken = replace(COUNTER, name="broken", evolve=fails)
    await write(store, *[AppUninstalled() for _ in range(4)])
    runner = Runner(mongo, store, EventReader(), [broken, COUNTER])
    assert await handle_nudges([nudge(4)], runner, soon()) == []
    at = await read_checkpoint(mongo.database, broken, SHOP)
    assert at.parked is not None
    assert (at.position, at.parked.reason) == (2, "ZeroDivisionError")
    assert (await read_checkpoint(mongo.database, COUNTER, SHOP)).position == 4
    assert "ada" not in str(at.parked.document())


async def test_a_batch_holds_no_more_bytes_than_its_room(mongo: Mongo, store: EventStore) -> None:
    await write(store, *[ShopChanged(shop_name="x" * 100_000) for _ in range(12)])
    await write(store, AppUninstalled())
    for until in (None, 13):  # both ways to read: up to the head, and up to a near position
        batches = [
            batch async for batch in _batches(store, replace(COUNTER, passes=frozenset()), until)
        ]
        assert [batch.count for batch in batches] == [4, 4, 4, 1]
        assert [batch.position for batch in batches] == [4, 8, 12, 13]


@pytest.mark.parametrize("each", [1, 2, 3, 5])
async def test_a_batch_is_folded_the_same_however_it_is_sliced(
    mongo: Mongo, store: EventStore, each: int
) -> None:
    limits = ReadLimits(decoded=each)
    await write(store, *[AppUninstalled() for _ in range(3)])
    runner = Runner(mongo, store, EventReader(), [COUNTER], reading=limits)
    await runner.catch_up(COUNTER, SHOP)
    # The rows of before are loaded by whichever slice touches them first.
    more = [AppUninstalled() for _ in range(4)]
    await write(store, *more, ShopChanged(shop_name="Acorn"), GiftWrapped(), AppUninstalled())
    progress = await runner.catch_up(COUNTER, SHOP)
    assert (progress.position, progress.parked and progress.parked.position) == (8, 9)
    assert await counted(mongo) == 7
    assert [await counted(mongo, f"mod/{rest}") for rest in range(3)] == [2, 3, 2]
    folded = await fold_shop(store, EventReader(), COUNTER, SHOP, limits=limits)
    assert (folded.position, folded.seq, folded.rows["all"]) == (8, 8, {"events": 7, "last": 7})


async def _batches(
    store: EventStore, projection: Projection, until: int | None
) -> AsyncIterator[Batch]:
    position, passed = 0, EventReader().passed(projection.passes, projection.handles)
    async with Reader(store, passed, SHOP, until, 1000, ReadLimits(bytes=400_000)) as reader:
        while (batch := await reader.next(position)) is not None:
            yield batch
            position = batch.position


@pytest.mark.parametrize(("code", "times"), [(388, 3), (112, 8)])
async def test_what_is_too_much_for_one_transaction_is_folded_in_smaller_ones(
    mongo: Mongo, store: EventStore, code: int, times: int
) -> None:
    await write(store, *[AppUninstalled() for _ in range(64)])
    failures, commits = iter(range(times)), 0

    def full(step: str) -> None:
        nonlocal commits
        if step == "commit":
            if next(failures, None) is not None:
                raise OperationFailure("the cache is full", code)
            commits += 1

    progress = await Runner(
        mongo, store, EventReader(), [COUNTER], batch=64, at_step=full
    ).catch_up(COUNTER, SHOP)
    assert (progress.position, progress.parked) == (64, None)
    assert await counted(mongo) == 64
    assert commits >= 8, "the batches were halved three times at least"


async def test_many_large_rows_are_loaded_by_fewer_commits_at_once(
    mongo: Mongo, store: EventStore
) -> None:
    await write(store, *[AppUninstalled() for _ in range(8)])
    large = replace(
        COUNTER,
        keys=lambda event: [str((event.number - 1) % 8)],
        evolve=lambda key, row, event: {
            **(count(key, row, event) or {}),
            "text": "x" * 50_000,
        },
    )
    await Runner(mongo, store, EventReader(), [large]).catch_up(large, SHOP)
    await write(store, *[AppUninstalled() for _ in range(8)])
    narrow = Runner(mongo, store, EventReader(), [large], cache=CacheLimits(bytes=120_000))
    progress = await narrow.catch_up(large, SHOP)
    assert (progress.position, progress.parked) == (16, None)
    assert [await counted(mongo, str(key)) for key in range(8)] == [2] * 8


@pytest.mark.parametrize("keys", [200_000, 3])
@pytest.mark.parametrize("keep", [0, 1, 5, 1_000])
@pytest.mark.parametrize("batch", [1, 7])
async def test_rows_that_were_let_go_of_are_loaded_when_they_are_touched_again(
    mongo: Mongo,
    store: EventStore,
    batch: int,
    keep: int,
    keys: int,
) -> None:
    # Old rows again and again, new ones in between; the first that is touched again is deleted.
    spread = replace(
        COUNTER,
        keys=lambda event: [str(event.number % 20), f"new/{event.number}"],
        evolve=lambda key, row, event: None if event.number % 7 == 0 else count(key, row, event),
    )
    await write(store, *[AppUninstalled() for _ in range(120)])
    runner = Runner(
        mongo, store, EventReader(), [spread], batch=batch, cache=CacheLimits(rows=keep, keys=keys)
    )
    assert (await runner.catch_up(spread, SHOP)).position == 120
    assert (await verify_shop(mongo, store, EventReader(), spread, SHOP)).differences == []


async def test_a_fold_that_answers_none_deletes_the_row(mongo: Mongo, store: EventStore) -> None:
    def comes_and_goes(key: str, row: Row | None, event: Recorded) -> Row | None:
        return None if event.number == 2 else count(key, row, event)

    projection = replace(COUNTER, keys=lambda _event: ["all"], evolve=comes_and_goes)
    runner = Runner(mongo, store, EventReader(), [projection])
    await write(store, AppUninstalled())
    await runner.catch_up(projection, SHOP)
    assert await counted(mongo) == 1
    await write(store, AppUninstalled())
    await runner.catch_up(projection, SHOP)
    assert await counted(mongo) == 0


async def test_a_doubled_nudge_does_nothing(mongo: Mongo, store: EventStore) -> None:
    await write(store, AppUninstalled())
    steps: list[str] = []
    runner = Runner(mongo, store, EventReader(), [COUNTER], at_step=steps.append)
    assert await handle_nudges([nudge(1)], runner, soon()) == []
    del steps[:]
    assert await handle_nudges([nudge(1), nudge(1, message_id="n2")], runner, soon()) == []
    assert steps == ["read_checkpoint"]
    assert await counted(mongo) == 1


async def test_a_nudge_for_what_the_log_does_not_show_yet_comes_back(
    mongo: Mongo, store: EventStore
) -> None:
    await write(store, AppUninstalled())
    runner = Runner(mongo, store, EventReader(), [COUNTER])
    with pytest.raises(LogTooShort):
        await runner.catch_up(COUNTER, SHOP, until=2)
    birch = "birch.myshopify.com"
    await write(store, AppUninstalled(), shop=birch)
    batch = [nudge(2, message_id="early"), nudge(1, birch, "fine")]
    assert await handle_nudges(batch, runner, soon()) == ["early"]
    assert await counted(mongo, shop=birch) == 1
    await write(store, AppUninstalled())
    assert await handle_nudges(batch[:1], runner, soon()) == []


async def test_what_is_no_nudge_fails_alone(mongo: Mongo, store: EventStore) -> None:
    await write(store, AppUninstalled())
    bodies = ["", "no json", "[]", "{}", '{"shop": "evil.example", "position": 1}', "[" * 9_999]
    batch = [SqsRecord(f"bad{i}", body, "q", {}) for i, body in enumerate(bodies)]
    batch += [nudge(True, message_id="bad6"), nudge(1, message_id="good")]
    failed = await handle_nudges(batch, Runner(mongo, store, EventReader(), [COUNTER]), soon())
    assert failed == [f"bad{i}" for i in range(7)]
    assert await counted(mongo) == 1


async def test_what_cannot_be_finished_in_time_comes_back(mongo: Mongo, store: EventStore) -> None:
    await write(store, *[AppUninstalled() for _ in range(6)])
    runner = Runner(mongo, store, EventReader(), [COUNTER], batch=2)
    late = await runner.catch_up(COUNTER, SHOP, deadline=Deadline.within(-1))
    assert (late.done, late.position) == (False, 0)
    assert await handle_nudges([nudge(6)], runner, Deadline.within(-1)) == ["n1"]
    assert await handle_nudges([nudge(6)], runner, soon()) == []
    assert await counted(mongo) == 6


async def test_the_lag_tells_what_is_behind_and_what_is_parked(
    mongo: Mongo, store: EventStore
) -> None:
    await write(store, AppUninstalled(), AppUninstalled(), GiftWrapped(), AppUninstalled())
    birch = "birch.myshopify.com"
    await write(store, AppUninstalled(), AppUninstalled(), shop=birch, per_commit=2)
    await Runner(mongo, store, EventReader(), [COUNTER]).catch_up(COUNTER, SHOP)
    found = await lag(mongo, store, [COUNTER])
    assert [(one.shop, one.behind, one.parked is not None) for one in found] == [
        (SHOP, 2, True),
        (birch, 2, False),
    ]
    sums = await totals(mongo, store, [COUNTER])
    assert (sums.projected, sums.behind, sums.parked) == (2, 4, 1)


async def test_the_real_projections_fold_what_they_are_given(
    mongo: Mongo, store: EventStore
) -> None:
    await write(
        store,
        installed("Acorn", ("read_orders",)),
        ImportStarted(import_id="i1"),
        ImportPageLoaded(import_id="i1", page=1, customers=250),
    )
    runner = Runner(mongo, store, EventReader(), ALL)
    assert await handle_nudges([nudge(3)], runner, soon()) == []
    rows = await mongo.database[SHOPS.collection].find({"shop": SHOP}).to_list(None)
    assert {row["_id"] for row in rows} == {f"{SHOP}/shop", f"{SHOP}/import/i1"}
    assert {one.position for one in await lag(mongo, store, ALL)} == {3}
