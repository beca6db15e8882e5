"""Whoever follows the log sees each commit once and in order, whatever happens to wake-ups."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from cplus.events.log.commit import Commit, Draft
from cplus.events.log.commits import Commits, Document
from cplus.events.log.follow import Follower
from cplus.events.log.memory import MemoryCommits
from cplus.events.log.mongo_commits import MongoCommits, ensure_indexes
from cplus.events.log.store import ROOM, EventStore
from cplus.mongo import AutoReconnect, connect
from cplus.settings import Settings

SHOP = "acorn.myshopify.com"
NEVER = 600.0  # seconds between polls where only a wake-up can be why something was seen
DRIVERS = ["motor", pytest.param("pymongo", marks=pytest.mark.soak)]


@pytest.fixture(params=[*DRIVERS, "memory"])
async def log(
    request: pytest.FixtureRequest, mongo_uri: str, database_name: str
) -> AsyncIterator[Commits]:
    if request.param == "memory":
        yield MemoryCommits()
        return
    mongo = connect(
        Settings(
            mongo_uri=SecretStr(mongo_uri), mongo_database=database_name, mongo_driver=request.param
        )
    )
    await ensure_indexes(mongo.database)
    yield MongoCommits(mongo)
    await mongo.close()


def draft(number: int, shop: str = SHOP) -> Draft:
    return Draft(shop, f"c{number}", "webhook", "shopify", reason="none")


async def collect(follower: Follower, count: int, after: int = 0) -> list[int]:
    """The positions of the next commits; fails when they do not come."""
    seen: list[int] = []
    async with asyncio.timeout(30):
        async for commit in follower.follow(SHOP, after, batch=3):
            seen.append(commit.position)
            if len(seen) == count:
                break
    return seen


async def test_a_follower_is_woken_by_what_others_write(log: Commits) -> None:
    store = EventStore(log)
    await store.append([draft(n) for n in range(4)])
    async with Follower(store, poll=NEVER) as follower:
        following = asyncio.create_task(collect(follower, 10, after=2))
        others = EventStore(log)
        for number in range(4, 12):
            await others.append([draft(number), draft(number, "birch.myshopify.com")])
        assert await following == list(range(3, 13))


class Deaf(MemoryCommits):
    """Its change stream tells nothing, or breaks."""

    def __init__(self, breaks: bool) -> None:
        super().__init__()
        self.breaks = breaks
        self.asked = 0

    async def changes(self) -> AsyncIterator[str]:
        self.asked += 1
        if self.breaks:
            raise AutoReconnect("cut")
        await asyncio.get_running_loop().create_future()
        yield ""


@pytest.mark.parametrize("breaks", [False, True])
async def test_a_lost_wake_up_delays_and_never_loses(breaks: bool) -> None:
    log = Deaf(breaks)
    store = EventStore(log)
    async with Follower(store, poll=0.01) as follower:
        following = asyncio.create_task(collect(follower, 20))
        for number in range(20):
            await store.append([draft(number)])
            await asyncio.sleep(0.002)
        assert await following == list(range(1, 21))
    assert (log.asked > 1) is breaks


async def test_news_in_memory_are_kept_once_for_each_shop_while_nobody_asks() -> None:
    log = MemoryCommits()
    store, changes = EventStore(log), log.changes()
    assert await anext(changes) == ""
    for number in range(30):
        await store.append([draft(number), draft(number, "birch.myshopify.com")])
    assert {await anext(changes), await anext(changes)} == {SHOP, "birch.myshopify.com"}
    coming = asyncio.ensure_future(anext(changes))
    await store.append([draft(30)])
    assert await coming == SHOP


class Counting(MemoryCommits):
    """Counts the commits of each answer."""

    def __init__(self) -> None:
        super().__init__()
        self.answered: list[int] = []

    async def after(self, *args: Any, **kwargs: Any) -> list[Document]:
        found = await super().after(*args, **kwargs)
        self.answered.append(len(found))
        return found


async def test_a_follower_holds_no_more_bytes_than_it_has_room_for() -> None:
    log = Counting()
    store = EventStore(log)
    large = [replace(draft(number), reason="x" * (ROOM * 2 // 5)) for number in range(5)]
    await store.append(large)
    log.answered.clear()
    async with Follower(store, poll=NEVER) as follower:
        seen = [commit.position async for commit in _first(follower, 5)]
    assert seen == [1, 2, 3, 4, 5]
    assert log.answered == [3, 2]


async def _first(follower: Follower, count: int) -> AsyncIterator[Commit]:
    async for commit in follower.follow(SHOP):
        yield commit
        if commit.position == count:
            return


async def test_nothing_is_left_running_behind_a_follower(log: Commits) -> None:
    before = asyncio.all_tasks()
    began = time.monotonic()
    async with Follower(EventStore(log), poll=NEVER):
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    assert time.monotonic() - began < 10
