"""A person is erased while eight processes append their mail."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from cplus.bootstrap import ensure_indexes
from cplus.events.catalogue.privacy import PersonErased
from cplus.events.log.store import COMMITS
from cplus.loop import together
from cplus.mongo import connect
from cplus.privacy.keyring import KEYS
from cplus.settings import Settings
from tests.conftest import ROOT
from tests.integration.privacy.sealing_world import ADA, OLD, SHOP, Process, history

WRITERS = 8
MORE = 3  # rounds of each writer before the erasure, and after it


@pytest.fixture
async def process(mongo_uri: str, database_name: str) -> AsyncIterator[Process]:
    settings = Settings(
        mongo_uri=SecretStr(mongo_uri),
        mongo_database=database_name,
        mongo_keyring_database=f"{database_name}_keyring",
    )
    await ensure_indexes(settings)
    mongo = connect(settings)
    yield Process(mongo)
    await mongo.close()


class Writer:
    """A process, and how many rounds it has written."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.rounds = 0

    async def write(self) -> None:
        """Returns once it has written another round."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"go\n")
        assert await self.process.stdout.readline()
        self.rounds += 1

    async def write_until(self, erased: asyncio.Event, begun: asyncio.Semaphore) -> None:
        """Writes without a pause, and some rounds more when the event is set."""
        for _ in range(MORE):
            await self.write()
        begun.release()
        while not erased.is_set():
            await self.write()
        for _ in range(MORE):
            await self.write()

    async def end(self) -> None:
        """Ends it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert await self.process.wait() == 0


@asynccontextmanager
async def writing(uri: str, database: str) -> AsyncIterator[list[Writer]]:
    """The processes, at work."""
    made = [
        Writer(
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.integration.privacy.erasing_writer"),
                *(str(number), database),
                cwd=ROOT,
                env={**os.environ, "CPLUS_MONGO_URI": uri},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
        )
        for number in range(1, WRITERS + 1)
    ]
    try:
        yield made
        await asyncio.gather(*(one.end() for one in made))
    finally:
        for one in made:
            if one.process.returncode is None:
                one.process.kill()
                await one.process.wait()


async def test_nothing_is_sealed_under_a_destroyed_key_while_eight_processes_write(
    process: Process, mongo_uri: str
) -> None:
    await process.store.append(history())
    erased, begun = asyncio.Event(), asyncio.Semaphore(0)

    async def erase_amid() -> None:
        for _ in range(WRITERS):
            await begun.acquire()
        await process.erase()
        erased.set()

    async with writing(mongo_uri, process.mongo.database.name) as writers:
        at_work = [one.write_until(erased, begun) for one in writers]
        await together(erase_amid(), *at_work)

    fresh = Process(process.mongo)
    found = await fresh.reader.read(await fresh.store.read(SHOP, 0, limit=100_000), [PersonErased])
    first = {one.event.person: one.position for events in reversed(found) for one in events}  # type: ignore[attr-defined]
    assert set(first) == {ADA, OLD}
    destroyed = await process.mongo.keyring[KEYS].distinct("_id", {"destroyed_at": {"$ne": None}})
    late = 0
    async for row in process.mongo.database[COMMITS].find({}):
        for slot in [event["sealed"] for event in row["events"] if "sealed" in event]:
            if row["position"] > first.get(slot["person"], row["position"]):
                assert slot["fields"] is None
                late += 1
            elif slot["person"] in first:
                assert slot["key"] in destroyed
    assert late >= WRITERS * MORE  # they did write on
    await process.complete()  # names what came late, of which nothing was sealed
    await fresh.fold()
    assert await fresh.words() == []
    assert await fresh.differences() == []
