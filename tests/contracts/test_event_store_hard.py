"""No acknowledged commit is lost and none is doubled, whatever happens to processes, to MongoDB
and to the network. Short forms are in the suite; what takes long is soak."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from pymongo.uri_parser import parse_uri
from pymongo.write_concern import WriteConcern

from cplus.clock import utc_now
from cplus.events.audit.roots import verify_shop
from cplus.events.log.commit import Draft, prepare
from cplus.events.log.mongo_commits import MongoCommits
from cplus.events.log.outcomes import Appended
from cplus.events.log.store import EventStore
from cplus.mongo import Mongo, RawBSONDocument
from tests.conftest import Figures
from tests.contracts.store_world import (
    DATABASE,
    Driver,
    Proxy,
    ReplicaSet,
    acknowledged,
    assert_kept,
    opened,
    until_acknowledged,
    writers,
)

SHOP = "acorn.myshopify.com"
SHOPS = [SHOP, "birch.myshopify.com", "cedar.myshopify.com"]


def draft(claim: str) -> Draft:
    return Draft(SHOP, claim, "test", "test")


@pytest.mark.parametrize(
    ("processes", "each"), [(2, 15), pytest.param(8, 500, marks=pytest.mark.soak)]
)
async def test_many_processes_on_one_shop_leave_no_gap_and_lose_nothing(
    mongo_uri: str, database_name: str, figures: Figures, processes: int, each: int
) -> None:
    """Processes race for the positions of one shop, each at its own pace, and every one gets on:
    positions 1..n with no gap, each claim once, every acknowledged commit there."""
    async with opened(mongo_uri, database_name) as mongo:
        async with writers(processes, mongo_uri, database_name, [SHOP]) as made:
            await until_acknowledged(made, each, seconds=300)
        assert await assert_kept(EventStore(mongo), made) >= processes * each
        figures(processes=processes, acknowledged=acknowledged(made))


class Stalling(MongoCommits):
    """Holds its insert back until it is let go, with the head it has read long ago."""

    def __init__(self, mongo: Mongo) -> None:
        super().__init__(mongo)
        self.reached, self.go = asyncio.Event(), asyncio.Event()

    async def insert(self, runs: Sequence[Sequence[bytes]]) -> list[bool | Exception]:
        self.reached.set()
        await self.go.wait()
        return await super().insert(runs)


async def test_a_writer_that_stalls_between_head_and_insert_makes_no_reader_skip(
    mongo_uri: str, database_name: str
) -> None:
    async with opened(mongo_uri, database_name) as mongo:
        stalled, store = Stalling(mongo), EventStore(mongo)
        await store.append([draft("first")])
        slow = asyncio.create_task(EventStore(stalled).append([draft("slow")]))
        await stalled.reached.wait()
        seen: list[str] = []
        for number in range(5):
            await store.append([draft(f"quick{number}")])
            seen += [c.claims[0] for c in await store.read(SHOP, len(seen))]
        stalled.go.set()
        [outcome] = await slow
        assert isinstance(outcome, Appended)
        seen += [c.claims[0] for c in await store.read(SHOP, len(seen))]
        assert seen == ["first", *(f"quick{number}" for number in range(5)), "slow"]
        assert await verify_shop(store.log, SHOP) is None


@pytest.mark.parametrize(
    "kills", [pytest.param(1, id="once"), pytest.param(8, marks=pytest.mark.soak, id="8-times")]
)
async def test_mongod_killed_under_load_loses_no_acknowledged_commit(
    tmp_path: Path, figures: Figures, kills: int
) -> None:
    """Two processes write to three shops; mongod is killed with -9 among it and started again.
    What was acknowledged is there; what was not is asked again with the same claim."""
    alone = ReplicaSet(tmp_path, members=1)
    [port] = alone.ports
    try:
        await alone.start()
        async with opened(alone.uri) as mongo:
            async with writers(2, alone.uri, DATABASE, SHOPS, batch=5) as made:
                for _ in range(kills):
                    await until_acknowledged(made, 20)
                    await alone.kill(port)
                    await alone.run(port)
                await until_acknowledged(made, 20)
            assert await assert_kept(EventStore(mongo), made) > 0
            figures(kills=kills, acknowledged=acknowledged(made))
    finally:
        await alone.stop()


@pytest.mark.parametrize(
    "turns", [pytest.param(2, id="short"), pytest.param(40, marks=pytest.mark.soak, id="long")]
)
async def test_connections_that_are_cut_and_stalled_lose_nothing(
    mongo_uri: str, database_name: str, figures: Figures, turns: int
) -> None:
    """A proxy between two writing processes and MongoDB cuts every connection wherever its bytes
    are, every second time after it held them back."""
    [(host, port)] = parse_uri(mongo_uri)["nodelist"]
    assert host == "127.0.0.1"
    proxy = Proxy(port)
    await proxy.start()
    who = mongo_uri.partition(host)[0]  # with the password, where the server asks for one
    through = f"{who}{host}:{proxy.port}/?directConnection=true"
    try:
        async with opened(mongo_uri, database_name) as mongo:
            async with writers(2, through, database_name, SHOPS, batch=3) as made:
                for turn in range(turns):
                    await until_acknowledged(made, 15)
                    if turn % 2:
                        proxy.stall()
                        await asyncio.sleep(0.2)  # what is under way is held
                    proxy.cut()
                    proxy.resume()
                await until_acknowledged(made, 15)
            assert proxy.cuts > 0
            assert await assert_kept(EventStore(mongo), made) > 0
            figures(
                cuts=turns,
                connections_cut=proxy.cuts,
                stalls=turns // 2,
                acknowledged=acknowledged(made),
            )
    finally:
        await proxy.stop()


@pytest.mark.parametrize("driver", ["motor", pytest.param("pymongo", marks=pytest.mark.soak)])
async def test_a_write_that_was_never_replicated_leaves_no_gap_after_a_failover(
    three: ReplicaSet, figures: Figures, driver: Driver
) -> None:
    """On a set of three: a commit is on the primary and not replicated while another writer reads
    the head; the primary is killed; that writer goes on upon the new one. With a weaker read than
    majority it would stand on a commit that is lost."""
    async with opened(three.uri, driver=driver) as mongo:
        store = EventStore(mongo)
        [first] = await store.append([draft("first")])
        assert isinstance(first, Appended)
        old = await three.primary()
        others = [port for port in three.ports if port != old]
        await three.stop_replication(others)
        # A process writes to the primary and dies: nobody will try that write again.
        raw, _ = prepare(draft("lost")).place(await store.head(SHOP), utc_now())
        dying = mongo.client.get_database(DATABASE, write_concern=WriteConcern(1))
        await dying["commits"].insert_one(RawBSONDocument(raw))
        # Another process reads the head while that write is there and not replicated: with a
        # weaker read it would stand on what is about to be lost.
        stalled = Stalling(mongo)
        coming = asyncio.create_task(EventStore(stalled).append([draft("next")]))
        await stalled.reached.wait()
        await three.kill(old)
        await three.resume_replication(others)
        await three.primary(others)
        stalled.go.set()
        [again] = await coming
        assert isinstance(again, Appended)
        [last] = await store.append([draft("lost")])
        assert isinstance(last, Appended)
        commits = await store.read(SHOP, 0)
        assert [c.position for c in commits] == [1, 2, 3]
        assert [c.claims[0] for c in commits] == ["first", "next", "lost"]
        assert await verify_shop(store.log, SHOP) is None
        await three.run(old)  # it comes back and takes its own write back
        await store.append([draft("last")])
        assert (await store.head(SHOP)).position == 4
        figures(elections=await three.term() - 1, kills=1, commits_taken_back=1)


@pytest.mark.soak
async def test_step_downs_and_kills_of_a_set_of_three_lose_nothing(
    three: ReplicaSet, figures: Figures
) -> None:
    """Three processes write to a set of three, whose primary steps down and is killed in turns."""
    async with opened(three.uri) as mongo:
        async with writers(3, three.uri, DATABASE, SHOPS, batch=2) as made:
            for turn in range(6):
                await until_acknowledged(made, 20, seconds=120)
                primary = await three.primary()
                if turn % 2:
                    await three.kill(primary)
                    await three.primary([port for port in three.ports if port != primary])
                    await three.run(primary)
                else:
                    step = {"replSetStepDown": 5, "secondaryCatchUpPeriodSecs": 0, "force": True}
                    await three.command(primary, step)
            await until_acknowledged(made, 20, seconds=120)
        assert await assert_kept(EventStore(mongo), made) > 0
        figures(
            step_downs=3,
            kills=3,
            elections=await three.term() - 1,
            acknowledged=acknowledged(made),
        )
