"""What tests of a switch share: a projection in two versions, and what always holds."""

from __future__ import annotations

from dataclasses import replace

from cplus.consumers.folding.projecting import handle_nudges
from cplus.events.catalogue.shops import AppUninstalled
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Mongo
from cplus.projections.base import Projection
from cplus.projections.checks.verify import verify_shop
from cplus.projections.generations.lineage import LiveCollections, lineage_of
from cplus.projections.generations.lineage_changes import begin
from cplus.projections.generations.rebuild import fill
from cplus.projections.running.runner import Runner
from cplus.subscriptions.checkpoints import checkpoints_of
from tests.integration.fold_world import COUNTER, SHOP, nudge, soon, write

BIRCH = "birch.myshopify.com"
CEDAR = "cedar.myshopify.com"
SHOPS = (SHOP, BIRCH)
NEWER = replace(COUNTER, version=2)
BOTH = (COUNTER, NEWER)


def code(mongo: Mongo, store: EventStore, *projections: Projection) -> Runner:
    """What runs in a release that has these."""
    return Runner(mongo, store, EventReader(), projections or BOTH, batch=7)


async def told(store: EventStore, events: int, *shops: str) -> None:
    for shop in shops:
        await write(store, *[AppUninstalled() for _ in range(events)], shop=shop)


async def to_be_switched(mongo: Mongo, store: EventStore) -> Projection:
    """A generation that is filled and not read yet, of a log of 20 events in each of two shops."""
    await told(store, 20, *SHOPS)
    await fill(code(mongo, store), COUNTER, SHOPS)
    target = await begin(mongo.database, NEWER)
    await fill(code(mongo, store), target, SHOPS)
    return target


async def read(mongo: Mongo, shop: str = SHOP) -> int:
    """What a reader sees who remembers nothing."""
    rows = mongo.database[await LiveCollections(mongo.database).collection(COUNTER)]
    row = await rows.find_one({"_id": f"{shop}/all"})
    return row["events"] if row else 0


async def nudged(runner: Runner, *shops: str) -> list[str]:
    heads = await runner.store.heads()
    return await handle_nudges(
        [nudge(heads[shop], shop, shop) for shop in shops or sorted(heads)], runner, soon()
    )


async def holds(mongo: Mongo, store: EventStore) -> None:
    """Nothing that was read is anywhere ahead of what is read, and rows are what the log says."""
    lineage = await lineage_of(mongo.database, COUNTER)
    leader = await checkpoints_of(mongo.database, lineage.collection(lineage.live))
    for one in lineage.generations:
        of = replace(NEWER if one.version == 2 else COUNTER, generation=one.number)
        for shop, at in (await checkpoints_of(mongo.database, of.collection)).items():
            found = await verify_shop(mongo, store, EventReader(), of, shop)
            assert (found.position, found.differences) == (at.position, [])
            if one.filled:
                assert at.position <= leader[shop].position
