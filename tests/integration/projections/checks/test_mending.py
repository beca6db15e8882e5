"""What putting right the rows of a shop promises."""

from __future__ import annotations

import pytest

from cplus.events.catalogue.shops import AppUninstalled, ShopChanged
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Mongo
from cplus.projections.checks.repair import repair_shop
from cplus.projections.checks.verify import verify_shop
from cplus.projections.running.runner import STEPS, Runner
from cplus.settings import Settings
from tests.integration.crashing import IN_A_TRANSACTION, Elsewhere, once
from tests.integration.fold_world import COUNTER, SHOP, write


@pytest.mark.parametrize("step", STEPS)
async def test_repaired_rows_stay_right_whatever_a_runner_loaded_before(
    mongo: Mongo, store: EventStore, settings: Settings, step: str
) -> None:
    rows = mongo.database[COUNTER.collection]
    if step != "begin_checkpoint":
        await write(store, *[AppUninstalled() for _ in range(20)])
        await Runner(mongo, store, EventReader(), [COUNTER]).catch_up(COUNTER, SHOP)
        await rows.update_one({"_id": f"{SHOP}/all"}, {"$set": {"events": 99}})
    await rows.insert_one({"_id": f"{SHOP}/mod/9", "shop": SHOP, "events": 7, "last": 7})
    # What changes no row moves the checkpoint alone.
    event = ShopChanged(shop_name="Acorn") if step == "move_checkpoint" else AppUninstalled()
    await write(store, event, event, event)
    elsewhere = Elsewhere(settings)
    repaired: list[int] = []

    async def repair(mongo: Mongo, store: EventStore) -> None:
        repaired.append(len(await repair_shop(mongo, store, EventReader(), COUNTER, SHOP)))

    def stall() -> None:
        elsewhere.begins(repair)
        if step not in IN_A_TRANSACTION:  # there the repair waits for its end
            elsewhere.ends()

    runner = Runner(mongo, store, EventReader(), [COUNTER], batch=2, at_step=once(step, stall))
    await runner.catch_up(COUNTER, SHOP)
    elsewhere.ends()
    assert len(repaired) == 1
    assert repaired[0] > 0
    assert (await verify_shop(mongo, store, EventReader(), COUNTER, SHOP)).differences == []
