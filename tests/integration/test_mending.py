"""What putting right the rows of a shop promises."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from cplus.events.catalogue import AppUninstalled, ShopChanged
from cplus.events.store import EventStore
from cplus.events.store import ensure_indexes as ensure_log_indexes
from cplus.mongo import Mongo, connect
from cplus.projections.checkpoints import ensure_indexes
from cplus.projections.mending import repair_shop
from cplus.projections.runner import STEPS, Runner
from cplus.projections.verify import verify_shop
from cplus.settings import Settings
from tests.integration.crashing import IN_A_TRANSACTION, Elsewhere, once
from tests.integration.test_runner import COUNTER, SHOP, write


@pytest.fixture
def settings(mongo_uri: str, database_name: str) -> Settings:
    return Settings(mongo_uri=SecretStr(mongo_uri), mongo_database=database_name)


@pytest.fixture
async def mongo(settings: Settings) -> AsyncIterator[Mongo]:
    made = connect(settings)
    await ensure_log_indexes(made.database)
    await ensure_indexes(made.database, [COUNTER])
    yield made
    await made.close()


@pytest.fixture
def store(mongo: Mongo) -> EventStore:
    return EventStore(mongo)


@pytest.mark.parametrize("step", STEPS)
async def test_rows_put_right_stay_right_whatever_a_runner_loaded_before(
    mongo: Mongo, store: EventStore, settings: Settings, step: str
) -> None:
    rows = mongo.database[COUNTER.collection]
    if step != "begin_checkpoint":
        await write(store, *[AppUninstalled() for _ in range(20)])
        await Runner(mongo, store, [COUNTER]).catch_up(COUNTER, SHOP)
        await rows.update_one({"_id": f"{SHOP}/all"}, {"$set": {"events": 99}})
    await rows.insert_one({"_id": f"{SHOP}/mod/9", "shop": SHOP, "events": 7, "last": 7})
    # What changes no row moves the checkpoint alone.
    event = ShopChanged(shop_name="Acorn") if step == "move_checkpoint" else AppUninstalled()
    await write(store, event, event, event)
    elsewhere = Elsewhere(settings)
    repaired: list[int] = []

    async def repair(mongo: Mongo, store: EventStore) -> None:
        repaired.append(len(await repair_shop(mongo, store, COUNTER, SHOP)))

    def stall() -> None:
        elsewhere.begins(repair)
        if step not in IN_A_TRANSACTION:  # there the repair waits for its end
            elsewhere.ends()

    runner = Runner(mongo, store, [COUNTER], batch=2, at_step=once(step, stall))
    await runner.catch_up(COUNTER, SHOP)
    elsewhere.ends()
    assert len(repaired) == 1
    assert repaired[0] > 0
    assert (await verify_shop(mongo, store, COUNTER, SHOP)).differences == []
