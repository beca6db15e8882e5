"""A shop that was erased: its rows are those of a log that begins behind the erasure."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from cplus.events.base import Event, NewEvent
from cplus.events.catalogue import all_events
from cplus.events.catalogue.privacy import ShopErased
from cplus.events.catalogue.shops import AppUninstalled
from cplus.events.log.commit import Draft
from cplus.events.log.store import EventStore
from cplus.events.names import SHOP_ERASED_REF
from cplus.events.reader import EventReader
from cplus.ids import random_id
from cplus.mongo import Mongo
from cplus.projections.base import Projection
from cplus.projections.checks.fold_in_memory import fold_shop
from cplus.projections.checks.verify import Verified, read_rows, verify_shop
from cplus.projections.groups import ALL
from cplus.projections.running.runner import STEPS, Runner
from cplus.subscriptions.checkpoints import read_checkpoint
from tests.integration.crashing import Died, dies_at
from tests.integration.fold_world import COUNTER, NOW, SHOP, WITH_GIFTS, GiftWrapped, write
from tests.samples import installed, sample

OTHER = "birch.myshopify.com"
MANY = replace(COUNTER, keys=lambda event: [f"k{n}" for n in range(1_050)], counts=None)
"""More rows of an event than one transaction deletes."""


@pytest.fixture
def projections() -> tuple[Projection, ...]:
    return (COUNTER, replace(COUNTER, name="again"), *ALL)


async def erase(store: EventStore, shop: str = SHOP, number: int = 1) -> int:
    """The shop is erased; answers the position."""
    event = ShopErased(
        originator_id=f"shop/{shop}", originator_version=number, timestamp=NOW, erasure="e1"
    )
    draft = Draft(
        *(shop, f"erasure/{random_id()}", "erasure", "system/erase", [NewEvent.decided(event)]),
        refs=[SHOP_ERASED_REF],
    )
    await store.append([draft])
    return (await store.head(shop)).position


async def verified(mongo: Mongo, store: EventStore, projection: Projection) -> Verified:
    """The shop, whose rows are those of the log."""
    found = await verify_shop(mongo, store, EventReader(), projection, SHOP)
    assert found.differences == []
    return found


@pytest.mark.parametrize("batch", [2, 100])
async def test_nothing_from_before_the_erasure_is_left_and_what_follows_is_folded(
    mongo: Mongo, store: EventStore, batch: int
) -> None:
    await write(store, *[AppUninstalled() for _ in range(7)])
    await write(store, *[AppUninstalled() for _ in range(4)], shop=OTHER)
    runner = Runner(mongo, store, EventReader(), [COUNTER], batch=batch)
    for shop in (SHOP, OTHER):
        await runner.catch_up(COUNTER, shop)
    gone = await erase(store)
    await write(store, *[AppUninstalled() for _ in range(3)])
    progress = await runner.catch_up(COUNTER, SHOP)
    assert (progress.position, progress.done) == (gone + 3, True)
    at, rows = await read_rows(mongo, COUNTER, SHOP)
    assert (rows["all"]["events"], at.counts) == (3, {"events": 6, "rows": 4})
    assert (await verified(mongo, store, COUNTER)).rows == 4
    # Whoever folds all of it from the beginning makes the same rows.
    rebuilt = replace(COUNTER, name="again")
    await Runner(mongo, store, EventReader(), [rebuilt], batch=batch).catch_up(rebuilt, SHOP)
    assert (await read_rows(mongo, rebuilt, SHOP))[1] == rows
    assert (await read_rows(mongo, COUNTER, OTHER))[1]["all"]["events"] == 4


@pytest.mark.parametrize("step", [one for one in STEPS if one != "move_checkpoint"])
async def test_to_die_while_rows_are_forgotten_leaves_none_behind(
    mongo: Mongo, store: EventStore, step: str
) -> None:
    await write(store, AppUninstalled())
    await Runner(mongo, store, EventReader(), [MANY]).catch_up(MANY, SHOP)
    await erase(store)
    await write(store, AppUninstalled())
    for time_of_death in range(1, 5):
        dying = Runner(mongo, store, EventReader(), [MANY], at_step=dies_at(step, time_of_death))
        try:
            await dying.catch_up(MANY, SHOP)
        except Died:
            continue
    await Runner(mongo, store, EventReader(), [MANY]).catch_up(MANY, SHOP)
    assert (await verified(mongo, store, MANY)).rows == 1_050
    assert (await read_rows(mongo, MANY, SHOP))[1]["k7"]["events"] == 1


async def test_runners_at_once_forget_nothing_that_came_after(
    mongo: Mongo, store: EventStore
) -> None:
    await write(store, AppUninstalled())
    await Runner(mongo, store, EventReader(), [MANY]).catch_up(MANY, SHOP)
    gone = await erase(store)
    await write(store, *[AppUninstalled() for _ in range(2)])
    runners = [Runner(mongo, store, EventReader(), [MANY], batch=1) for _ in range(3)]
    progress = await asyncio.gather(*(one.catch_up(MANY, SHOP) for one in runners))
    assert {one.position for one in progress} == {gone + 2}
    assert (await verified(mongo, store, MANY)).rows == 1_050


async def test_a_parked_shop_goes_on_behind_its_erasure(mongo: Mongo, store: EventStore) -> None:
    await write(store, AppUninstalled(), GiftWrapped(), AppUninstalled())
    runner = Runner(mongo, store, EventReader(), [COUNTER])
    assert (await runner.catch_up(COUNTER, SHOP)).parked is not None
    gone = await erase(store)
    await write(store, AppUninstalled())
    progress = await runner.catch_up(COUNTER, SHOP)
    assert (progress.position, progress.parked) == (gone + 1, None)
    assert (await verified(mongo, store, COUNTER)).rows == 2
    knowing = await fold_shop(store, WITH_GIFTS, COUNTER, SHOP)
    assert knowing.rows["all"]["events"] == 1


async def test_no_read_model_has_a_row_of_an_erased_shop(mongo: Mongo, store: EventStore) -> None:
    def events() -> list[Event]:
        return [sample(kind).event for kind in all_events() if kind is not ShopErased]

    runner = Runner(mongo, store, EventReader(), ALL)
    await write(store, installed(shop=SHOP), *events())
    with_rows = set()
    for projection in ALL:
        await runner.catch_up(projection, SHOP)
        with_rows |= {projection.name} if (await read_rows(mongo, projection, SHOP))[1] else set()
    assert len(with_rows) >= 8
    await erase(store)
    for projection in ALL:
        await runner.catch_up(projection, SHOP)
        assert (await read_rows(mongo, projection, SHOP))[1] == {}, projection.name
        at = await read_checkpoint(mongo.database, projection, SHOP)
        assert (at.parked, sum((at.counts or {}).values())) == (None, 0)
        await verified(mongo, store, projection)
