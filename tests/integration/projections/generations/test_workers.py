"""What a rebuild in several processes promises."""

from __future__ import annotations

import asyncio
import multiprocessing

import pytest

from cplus.events.catalogue.shops import ShopChanged
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Mongo
from cplus.projections.base import Projection
from cplus.projections.generations.lineage_changes import begin
from cplus.projections.generations.workers import WorkerGone, fill_in_processes
from cplus.projections.models.shops import SHOPS as OF_SHOPS
from cplus.projections.running.runner import Runner
from cplus.settings import Settings
from cplus.subscriptions.checkpoints import checkpoints_of
from tests.integration.crashing import once
from tests.integration.fold_world import write

SHOPS = [f"shop{number}.myshopify.com" for number in range(6)]


@pytest.fixture
def projections() -> tuple[Projection, ...]:
    return (OF_SHOPS,)


@pytest.fixture
def indexed(own: str) -> str:
    """Nobody else's: a worker is killed."""
    return own


async def test_a_worker_that_is_killed_is_said_and_the_next_rebuild_goes_on(
    mongo: Mongo, store: EventStore, settings: Settings
) -> None:
    for shop in SHOPS:
        await write(store, *[ShopChanged(shop_name=shop) for _ in range(20)], shop=shop)
    target = await begin(mongo.database, OF_SHOPS)

    def kill() -> None:
        [child] = multiprocessing.active_children()
        child.kill()

    struck = Runner(mongo, store, EventReader(), [OF_SHOPS], at_step=once("load_rows", kill))
    with pytest.raises(WorkerGone, match="run the same command to continue"):
        await fill_in_processes(settings, struck, target, SHOPS, 2, asyncio.Event())
    assert multiprocessing.active_children() == []
    runner = Runner(mongo, store, EventReader(), [OF_SHOPS])
    await fill_in_processes(settings, runner, target, SHOPS, 2, asyncio.Event())
    at = await checkpoints_of(mongo.database, target.collection)
    assert {shop: one.position for shop, one in at.items()} == dict.fromkeys(SHOPS, 20)
