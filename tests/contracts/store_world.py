"""What the hard tests of the store share: writers in processes, replica sets, a proxy that cuts."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import resource
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pymongo
from pydantic import SecretStr

from cplus.events.audit.roots import verify_shop
from cplus.events.log.mongo_commits import ensure_indexes
from cplus.events.log.store import EventStore
from cplus.local.mongod import find_binary
from cplus.local.process import free_port, listening
from cplus.mongo import Mongo, connect
from cplus.settings import Settings
from tests.conftest import ROOT

DATABASE = "hard"
Driver = Literal["motor", "pymongo"]


@asynccontextmanager
async def opened(
    uri: str,
    database: str = DATABASE,
    listeners: Sequence[Any] = (),
    *,
    driver: Driver = "motor",
) -> AsyncIterator[Mongo]:
    """A client, and the log's indexes."""
    settings = Settings(mongo_uri=SecretStr(uri), mongo_database=database, mongo_driver=driver)
    mongo = connect(settings, listeners)
    await ensure_indexes(mongo.database)
    yield mongo
    await mongo.close()


@dataclass
class Writer:
    """One process that writes."""

    process: asyncio.subprocess.Process
    acknowledged: dict[tuple[str, str], int] = field(default_factory=dict)
    """Positions by shop and claim."""
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    """Set with each answer."""
    reading: asyncio.Task[None] | None = None

    async def read(self) -> None:
        assert self.process.stdout
        async for line in self.process.stdout:
            for shop, claim, position in json.loads(line):
                assert self.acknowledged.setdefault((shop, claim), position) == position
            self.heard.set()

    async def end(self) -> None:
        assert self.process.stdin
        assert self.reading
        self.process.stdin.close()
        async with asyncio.timeout(60):
            await self.reading
            assert await self.process.wait() == 0


@asynccontextmanager
async def writers(
    count: int, uri: str, database: str, shops: Sequence[str], batch: int = 1
) -> AsyncIterator[list[Writer]]:
    """Processes that write side by side, ended at the end."""
    made = []
    for number in range(count):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.contracts.store_writer", uri, database),
            *(f"w{number}", ",".join(shops), str(batch)),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=2**20,
        )
        writer = Writer(process)
        writer.reading = asyncio.create_task(writer.read())
        made.append(writer)
    try:
        yield made
        await asyncio.gather(*(writer.end() for writer in made))
    finally:
        for writer in made:
            if writer.process.returncode is None:
                writer.process.kill()
                await writer.process.wait()


async def until_acknowledged(made: Iterable[Writer], more: int, seconds: float = 60) -> None:
    """Returns when every writer was answered so many times more."""
    goals = [(writer, len(writer.acknowledged) + more) for writer in made]
    async with asyncio.timeout(seconds):
        for writer, goal in goals:
            while len(writer.acknowledged) < goal:
                writer.heard.clear()
                await writer.heard.wait()


def acknowledged(made: Iterable[Writer]) -> int:
    """How many commits were acknowledged to them."""
    return sum(len(writer.acknowledged) for writer in made)


async def assert_kept(store: EventStore, made: Iterable[Writer]) -> int:
    """No acknowledged commit is lost, none doubled, no gap, the chain holds; how many there are."""
    answered: dict[str, dict[str, int]] = defaultdict(dict)
    for writer in made:
        for (shop, claim), position in writer.acknowledged.items():
            answered[shop][claim] = position
    total = 0
    for shop, positions in answered.items():
        commits = [commit async for commit in store.iterate(shop)]
        assert [commit.position for commit in commits] == list(range(1, len(commits) + 1))
        held = {claim: commit.position for commit in commits for claim in commit.claims}
        assert len(held) == sum(len(commit.claims) for commit in commits)
        assert positions.items() <= held.items()
        assert await verify_shop(store.log, shop) is None
        total += len(commits)
    return total


class ReplicaSet:
    """Three members on this machine, each of which can be killed and started again."""

    def __init__(self, directory: Path, members: int = 3) -> None:
        self._directory = directory
        self.ports = [free_port() for _ in range(members)]
        self._processes: dict[int, asyncio.subprocess.Process] = {}
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        self.uri = f"mongodb://{hosts}/?replicaSet=hard"

    async def start(self) -> None:
        for port in self.ports:
            await self.run(port)
        members = [{"_id": i, "host": f"127.0.0.1:{p}"} for i, p in enumerate(self.ports)]
        settings = {"electionTimeoutMillis": 1_000, "heartbeatIntervalMillis": 200}
        config = {"_id": "hard", "members": members, "settings": settings}
        await self.command(self.ports[0], {"replSetInitiate": config})
        await self.primary()

    async def run(self, port: int) -> None:
        data = self._directory / str(port)
        data.mkdir(exist_ok=True)
        self._processes[port] = await asyncio.create_subprocess_exec(
            str(find_binary(os.environ)),
            *("--dbpath", str(data), "--replSet", "hard", "--port", str(port)),
            *("--bind_ip", "127.0.0.1", "--nounixsocket", "--quiet", "--oplogSize", "64"),
            *("--wiredTigerCacheSizeGB", "0.25", "--logpath", str(data / "log")),
            *("--setParameter", "enableTestCommands=1"),
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            stdout=asyncio.subprocess.DEVNULL,
            # A write beyond a limit then fails, as on a full disk, and no signal ends it.
            restore_signals=False,
        )
        async with asyncio.timeout(60):
            await listening(port)

    async def fill_disk(self, port: int) -> None:
        """No file of that member can grow or be written any more, until it is started again."""
        process = self._processes[port]
        _, most = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (4096, most))

    async def died(self, port: int) -> int:
        """Waits until that member has ended by itself; its exit status."""
        async with asyncio.timeout(60):
            status = await self._processes[port].wait()
        del self._processes[port]
        return status

    async def stop_replication(self, ports: Iterable[int]) -> None:
        """These members take nothing from others any more."""
        stop = {"configureFailPoint": "stopReplProducer", "mode": "alwaysOn"}
        for port in ports:
            before = (await self.command(port, stop))["count"]
            # What a member is fetching at that moment it would still get.
            entered = {"waitForFailPoint": "stopReplProducer", "timesEntered": before + 1}
            await self.command(port, {**entered, "maxTimeMS": 30_000})

    async def resume_replication(self, ports: Iterable[int]) -> None:
        for port in ports:
            await self.command(port, {"configureFailPoint": "stopReplProducer", "mode": "off"})

    async def kill(self, port: int) -> None:
        process = self._processes.pop(port)
        process.kill()
        await process.wait()

    async def primary(self, among: Iterable[int] | None = None) -> int:
        """The port of the member that takes writes."""
        ports = list(among or self.ports)
        async with asyncio.timeout(60):
            while True:
                for port in ports:
                    with contextlib.suppress(pymongo.errors.PyMongoError):
                        if (await self.command(port, {"hello": 1}))["isWritablePrimary"]:
                            return port
                await asyncio.sleep(0.05)

    async def term(self) -> int:
        """How many elections were called so far."""
        status = await self.command(await self.primary(), {"replSetGetStatus": 1})
        return int(status["term"])

    async def command(self, port: int, command: dict[str, Any]) -> dict[str, Any]:
        def ask() -> dict[str, Any]:
            with pymongo.MongoClient[dict[str, Any]](
                "127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=1_000
            ) as client:
                return client.admin.command(command)

        return await asyncio.to_thread(ask)

    async def stop(self) -> None:
        for port in list(self._processes):
            await self.kill(port)


class Proxy:
    """A TCP proxy that passes bytes on, cuts connections, and stalls."""

    def __init__(self, port: int, seed: int = 0) -> None:
        self._target = port
        self._random = random.Random(seed)
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.cuts = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self.resume()
        self.cut()
        if self._server:
            self._server.close()
            await self._server.wait_closed()

    def stall(self) -> None:
        self._flowing.clear()

    def resume(self) -> None:
        self._flowing.set()

    def cut(self) -> None:
        """Breaks every connection, wherever its bytes are."""
        self.cuts += len(self._open)
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up, down = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, down}
        try:
            await asyncio.gather(self._pass(reader, down), self._pass(up, writer))
        finally:
            self._open -= {writer, down}
            writer.transport.abort()
            down.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(self._random.randint(1, 4096)):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
        writer.transport.abort()
