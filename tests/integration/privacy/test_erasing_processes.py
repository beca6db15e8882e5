"""A person is erased while four processes append their mail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from cplus.bootstrap import ensure_indexes
from cplus.events.catalogue.privacy import PersonErased
from cplus.events.log.store import COMMITS
from cplus.loop import together
from cplus.privacy.keyring import KEYS
from cplus.settings import Settings
from tests.databases import connected
from tests.integration.command_line import started
from tests.integration.privacy.sealing_world import ADA, OLD, SHOP, Process, history

WRITERS = 4
MORE = 3  # rounds of each writer before the erasure, and after it


@pytest.fixture
async def process(mongo_uri: str, database_name: str) -> Process:
    settings = Settings(
        mongo_uri=SecretStr(mongo_uri),
        mongo_database=database_name,
        mongo_keyring_database=f"{database_name}_keyring",
    )
    await ensure_indexes(settings)
    return Process(connected(settings))


@dataclass
class Writer:
    """The way to a process."""

    answers: asyncio.StreamReader
    asked: asyncio.StreamWriter

    async def write(self) -> None:
        """Returns once it has written another round."""
        self.asked.write(b"go\n")
        assert await self.answers.readline()

    async def write_until(self, erased: asyncio.Event, begun: asyncio.Semaphore) -> None:
        """Writes without a pause, and some rounds more when the event is set."""
        for _ in range(MORE):
            await self.write()
        begun.release()
        while not erased.is_set():
            await self.write()
        for _ in range(MORE):
            await self.write()


@asynccontextmanager
async def writing(uri: str, database: str, folder: Path) -> AsyncIterator[list[Writer]]:
    """The processes, at work."""
    calls: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    path = folder / "writers"
    async with await asyncio.start_unix_server(lambda *call: calls.put_nowait(call), path):
        module, also = "tests.integration.privacy.erasing_writer", {"CPLUS_MONGO_URI": uri}
        processes = [
            await started(str(number), database, str(path), module=module, also=also)
            for number in range(1, WRITERS + 1)
        ]
        try:
            async with asyncio.timeout(60):
                made = [Writer(*await calls.get()) for _ in processes]
            yield made
            for writer in made:
                writer.asked.close()
            for process in processes:
                _, errors = await process.communicate()
                assert process.returncode == 0, errors.decode()
        finally:
            for one in processes:
                one.kill()


async def test_nothing_is_sealed_under_a_destroyed_key_while_four_processes_write(
    process: Process, mongo_uri: str, tmp_path: Path
) -> None:
    await process.store.append(history())
    erased, begun = asyncio.Event(), asyncio.Semaphore(0)

    async def erase_amid() -> None:
        for _ in range(WRITERS):
            await begun.acquire()
        await process.erase()
        erased.set()

    async with writing(mongo_uri, process.mongo.database.name, tmp_path) as writers:
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
