"""Rows and keys that cannot be stored: each parks its own shop, and holds up nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from cplus.consumers.folding.projecting import handle_nudges
from cplus.events.base import Recorded
from cplus.events.catalogue.shops import AppUninstalled
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Mongo
from cplus.projections.base import Projection, Row
from cplus.projections.generations.lineage_changes import begin
from cplus.projections.generations.rebuild import fill
from cplus.projections.generations.switch import switch_over
from cplus.projections.running.row_cache import CacheLimits
from cplus.projections.running.runner import Runner
from tests.integration.fold_world import COUNTER, SHOP, count, nudge, soon, write

BIRCH = "birch.myshopify.com"
MANY = 180
"""Keys of 100,000 bytes that are more than one question of 16 MiB holds."""
INDEXED = replace(COUNTER, indexes=((("one", 1), ("other", 1)),))


@pytest.fixture
def projections() -> tuple[Projection, ...]:
    return (INDEXED,)


def deep(levels: int) -> object:
    """A value in a value in a value."""
    return {"in": deep(levels - 1)} if levels else 1


def third(after: Callable[[Row], Any]) -> Projection:
    """A fold whose row is another one after the third event."""

    def evolve(key: str, row: Row | None, event: Recorded) -> Any:
        counted = count(key, row, event)
        return after(counted) if counted and event.number == 3 else counted

    return replace(INDEXED, evolve=evolve)


def keyed(third_key: Any) -> Projection:
    """A fold in which the third event touches another row as well."""

    def keys(event: Recorded) -> Iterable[str]:
        return ["all", third_key] if event.number == 3 else ["all"]

    return replace(INDEXED, keys=keys)


def having(**fields: Any) -> Projection:
    """A fold whose row has these fields after the third event."""
    return third(lambda row: {**row, **fields})


UNWRITABLE = {
    "large": having(value="x" * 17_000_000),
    "number": having(value=2**70),
    "half a character": having(value="\ud800"),
    "NUL in a name": having(value={"a\0b": 1}),
    "a name that is no text": having(value={1: 1}),
    "set": having(value={1, 2}),
    "deep": having(value=deep(250)),
    "very deep": having(value=deep(900)),
    "own _id": having(_id="mine"),
    "own shop": having(shop=BIRCH),
    "two arrays in one index": having(one=[1, 2], other=[3, 4]),
    "no mapping": third(lambda _row: 7),
    "key with half a character": keyed("\ud800"),
    "key that is no text": keyed(3),
    "key of 17 MB": keyed("k" * 17_000_000),
}


@pytest.mark.parametrize("faulty", UNWRITABLE.values(), ids=UNWRITABLE.keys())
async def test_what_cannot_be_stored_parks_in_front_of_the_commit_at_fault(
    mongo: Mongo, store: EventStore, faulty: Projection
) -> None:
    await write(store, *[AppUninstalled() for _ in range(5)])
    await write(store, AppUninstalled(), shop=BIRCH)
    for _ in range(2):
        runner = Runner(mongo, store, EventReader(), [faulty])
        assert await handle_nudges([nudge(5), nudge(1, BIRCH, "n2")], runner, soon()) == []
        progress = await runner.catch_up(faulty, SHOP)
        assert progress.parked is not None
        assert (progress.position, progress.parked.position) == (2, 3)
        assert await counted(mongo) == 2
        assert await counted(mongo, BIRCH) == 1
    progress = await Runner(mongo, store, EventReader(), [INDEXED]).catch_up(INDEXED, SHOP)
    assert (progress.position, await counted(mongo)) == (5, 5)


async def test_a_name_with_a_dollar_parks_where_the_server_refuses_it(
    mongo: Mongo, store: EventStore
) -> None:
    named = having(**{"$set": 1})
    await write(store, *[AppUninstalled() for _ in range(3)])
    progress = await Runner(mongo, store, EventReader(), [named], batch=1).catch_up(named, SHOP)
    assert progress.parked is not None
    assert (progress.position, progress.parked.reason) == (2, "BulkWriteError")


async def test_more_keys_than_one_question_holds_are_folded_by_fewer_commits_at_once(
    mongo: Mongo, store: EventStore
) -> None:
    long = replace(INDEXED, keys=lambda event: [f"{event.number % MANY:0100000}"])
    await write(store, *[AppUninstalled() for _ in range(MANY + 1)])
    runner = Runner(
        mongo, store, EventReader(), [long], cache=CacheLimits(rows=1)
    )  # all are asked for
    await runner.catch_up(long, SHOP)
    await write(store, *[AppUninstalled() for _ in range(MANY)])
    progress = await Runner(mongo, store, EventReader(), [long]).catch_up(long, SHOP)
    assert (progress.position, progress.parked) == (2 * MANY + 1, None)
    rows = mongo.database[long.collection]
    assert await rows.count_documents({"events": 2}) == MANY - 1
    assert await rows.count_documents({"events": 3}) == 1


async def test_a_rebuild_goes_past_what_it_cannot_store_and_names_where_it_stands_still(
    mongo: Mongo, store: EventStore
) -> None:
    faulty = having(own={1})
    shops = [SHOP, BIRCH, *(f"shop{number}.myshopify.com" for number in range(4))]
    for shop in shops:
        await write(store, *[AppUninstalled() for _ in range(5 if shop == SHOP else 2)], shop=shop)
    target = await begin(mongo.database, faulty)
    runner = Runner(mongo, store, EventReader(), [faulty])
    await fill(runner, target, shops)
    lineage = await switch_over(runner, target)
    assert lineage.live == target.generation
    rows = mongo.database[target.collection].find({"_id": {"$in": [f"{one}/all" for one in shops]}})
    assert [row["events"] for row in await rows.to_list(None)] == [2] * len(shops)


async def counted(mongo: Mongo, shop: str = SHOP) -> int:
    row = await mongo.database[INDEXED.collection].find_one({"_id": f"{shop}/all"})
    return row["events"] if row else 0
