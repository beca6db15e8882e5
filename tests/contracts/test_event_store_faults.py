"""What MongoDB says when a write fails is no proof: the store asks what a majority has. A
duplicate beside a failed write concern, and a disk that is full."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Sequence
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from pydantic import SecretStr
from pymongo import monitoring
from pymongo.write_concern import WriteConcern

from cplus.clock import utc_now
from cplus.events.audit.roots import verify_shop
from cplus.events.log.commit import Draft, prepare
from cplus.events.log.mongo_commits import MongoCommits
from cplus.events.log.outcomes import AlreadyRecorded, Appended, Unknown
from cplus.events.log.store import EventStore
from cplus.mongo import (
    AutoReconnect,
    Mongo,
    PyMongoError,
    RawBSONDocument,
    WriteConcernError,
)
from cplus.settings import Settings
from tests.conftest import Figures
from tests.contracts.store_world import (
    DATABASE,
    ReplicaSet,
    acknowledged,
    assert_kept,
    opened,
    until_acknowledged,
    writers,
)

SHOP = "acorn.myshopify.com"
DUPLICATE = {"index": 0, "code": 11000, "errmsg": "E11000 duplicate key error"}
LIMITS = pytest.mark.skipif(
    not hasattr(resource, "prlimit"), reason="this system cannot limit the files of a process"
)
REFUSED = {"index": 0, "code": 189, "errmsg": "the primary stepped down"}
NOT_REPLICATED = {"code": 64, "codeName": "WriteConcernFailed", "errmsg": "timed out"}


def draft(claim: str, shop: str = SHOP) -> Draft:
    return Draft(shop, claim, "test", "test")


class Hidden(monitoring.CommandListener):
    """Counts answers to inserts that told of a duplicate and of a failed write concern at once."""

    def __init__(self) -> None:
        self.answers = 0

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        pass

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        if event.command_name == "insert":
            self.answers += {"writeErrors", "writeConcernError"} <= event.reply.keys()

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


class Told(MongoCommits):
    """Keeps what its inserts answered or raised."""

    def __init__(self, mongo: Mongo) -> None:
        super().__init__(mongo)
        self.answers: list[object] = []
        self.answered = asyncio.Event()

    async def insert(self, runs: Sequence[Sequence[bytes]]) -> list[bool | Exception]:
        try:
            answers = await super().insert(runs)
            self.answers += answers
        except PyMongoError as error:
            self.answers.append(type(error))
            raise
        finally:
            self.answered.set()
        return answers


@pytest.mark.soak
async def test_a_duplicate_of_what_a_failover_takes_back_is_no_answer(
    three: ReplicaSet, figures: Figures
) -> None:
    """On a set of three: the same cause is appended twice, and the first commit, which is not yet
    replicated, is taken back by a step-down. The second collided with it and is recorded anew.

    The server answers with a duplicate and a failed write concern at once: who took the
    duplicate for an answer would name a commit that is gone.
    """
    hidden = Hidden()
    async with opened(three.uri, listeners=[hidden]) as mongo:
        log = Told(mongo)
        store = EventStore(log)
        await store.append([draft("first")])
        old = await three.primary()
        others = [port for port in three.ports if port != old]
        await three.stop_replication(others)
        raw, _ = prepare(draft("order")).place(await store.head(SHOP), utc_now())
        dying = mongo.client.get_database(DATABASE, write_concern=WriteConcern(1))
        await dying["commits"].insert_one(RawBSONDocument(raw))
        log.answers.clear()
        log.answered.clear()
        ours = draft("order")
        coming = asyncio.create_task(store.append([ours]))
        await _is_waiting_for_a_majority(three, old)
        step = {"replSetStepDown": 60, "secondaryCatchUpPeriodSecs": 0, "force": True}
        await three.command(old, step)
        async with asyncio.timeout(30):
            await log.answered.wait()
        assert (hidden.answers, log.answers) == (1, [WriteConcernError])
        await three.kill(old)
        await three.resume_replication(others)
        [outcome] = await coming
        assert outcome == Appended(SHOP, 2, ours.id)
        await three.run(old)  # it comes back and takes its own write back
        [again] = await store.append([draft("order")])
        assert isinstance(again, AlreadyRecorded)
        assert again.commit.id == ours.id
        assert [c.claims[0] for c in await store.read(SHOP, 0)] == ["first", "order"]
        assert await verify_shop(store.log, SHOP) is None
        figures(hidden_failures=hidden.answers, step_downs=1, kills=1, commits_taken_back=1)


async def _is_waiting_for_a_majority(members: ReplicaSet, port: int) -> None:
    """Returns when an insert has done its part on that member and waits for the others."""
    question = {"currentOp": True, "ns": f"{DATABASE}.commits", "active": True}
    async with asyncio.timeout(30):
        while True:
            found = (await members.command(port, question))["inprog"]
            if any("insert" in operation["command"] for operation in found):
                return
            await asyncio.sleep(0.02)


async def test_a_duplicate_beside_a_failed_write_concern_is_asked_of_the_log(
    alone: ReplicaSet,
) -> None:
    [port] = alone.ports
    hidden = Hidden()
    async with opened(alone.uri, "concern", [hidden]) as mongo:
        log = Told(mongo)
        [first] = await EventStore(log).append([draft("order")])
        assert isinstance(first, Appended)
        fails = {"failCommands": ["insert"], "writeConcernError": NOT_REPLICATED}
        fail = {"configureFailPoint": "failCommand", "mode": {"times": 1}, "data": fails}
        await alone.command(port, fail)
        [again] = await EventStore(log).append([draft("order")])
        # Whatever is told of it: what a majority has is the answer.
        assert (hidden.answers, log.answers) == (1, [True, WriteConcernError])
        assert isinstance(again, AlreadyRecorded)
        assert again.commit.id == first.id
        # Without a duplicate the write concern's failure is told. The commit is there.
        ours = draft("next")
        await alone.command(port, fail)
        assert await EventStore(log).append([ours]) == [Appended(SHOP, 2, ours.id)]


class Failing:
    """A database whose next inserts end as they are told to, and write nothing."""

    def __init__(self, database: Any, ends: list[dict[str, Any] | PyMongoError]) -> None:
        self._database, self._ends = database, ends

    def __getitem__(self, name: str) -> Any:
        return self._database[name]

    async def command(self, command: dict[str, Any]) -> Any:
        if "insert" not in command or not self._ends:
            return await self._database.command(command)
        end = self._ends.pop()
        if isinstance(end, PyMongoError):
            raise end
        return {"ok": 1, "n": 0, **end}


@pytest.mark.parametrize("together", [True, False], ids=["one-call", "two-calls"])
@pytest.mark.parametrize(
    "end",
    [
        {"writeErrors": [DUPLICATE]},
        {"writeErrors": [DUPLICATE], "writeConcernError": NOT_REPLICATED},
        {"writeConcernError": NOT_REPLICATED},
        {"writeErrors": [REFUSED]},
        AutoReconnect("cut"),
    ],
    ids=["duplicate", "both", "write-concern", "refused", "cut"],
)
async def test_a_commit_that_no_majority_has_is_never_the_answer(
    mongo_uri: str, database_name: str, end: dict[str, Any] | PyMongoError, *, together: bool
) -> None:
    async with opened(mongo_uri, database_name) as mongo:
        mongo.database = Failing(mongo.database, [end, end])
        store = EventStore(mongo)
        given = [draft("a"), draft("b")]
        calls = [given] if together else [[one] for one in given]
        outcomes = [outcome for call in calls for outcome in await store.append(call)]
        assert outcomes == [Appended(SHOP, at, one.id) for at, one in enumerate(given, start=1)]
        assert await verify_shop(store.log, SHOP) is None


@LIMITS
async def test_a_full_disk_loses_nothing_and_the_same_claim_tells(alone: ReplicaSet) -> None:
    [port] = alone.ports
    async with opened(alone.uri, "full") as mongo:
        store = EventStore(mongo)
        before = await store.append([draft(f"before/{number}") for number in range(20)])
        client = AsyncIOMotorClient[dict[str, Any]](alone.uri, serverSelectionTimeoutMS=50)
        settings = Settings(mongo_uri=SecretStr(alone.uri), mongo_database="full")
        impatient = Mongo(client, settings)
        await alone.fill_disk(port)
        ours = draft("full")
        [outcome] = await EventStore(impatient).append([ours])
        assert isinstance(outcome, Unknown)
        assert isinstance(outcome.error, PyMongoError)
        await impatient.close()
        assert await alone.died(port) != 0
        await alone.run(port)  # there is space again
        [told] = await store.append([ours])
        assert told == Appended(SHOP, 21, ours.id)
        commits = await store.read(SHOP, 0)
        assert [commit.id for commit in commits] == [
            *(one.id for one in before if isinstance(one, Appended)),
            ours.id,
        ]
        assert await verify_shop(store.log, SHOP) is None


@LIMITS
@pytest.mark.soak
async def test_a_disk_that_fills_under_load_again_and_again_loses_nothing(
    alone: ReplicaSet, figures: Figures
) -> None:
    """Two processes write; again and again no file of MongoDB can be written any more, it ends
    itself, and comes back with space."""
    [port] = alone.ports
    fills, shops = 4, [SHOP, "birch.myshopify.com"]
    async with opened(alone.uri, "filling") as mongo:
        async with writers(2, alone.uri, "filling", shops, batch=5) as made:
            for _ in range(fills):
                await until_acknowledged(made, 100)
                await alone.fill_disk(port)
                assert await alone.died(port) != 0
                await alone.run(port)
            await until_acknowledged(made, 100)
        assert await assert_kept(EventStore(mongo), made) > 0
        figures(full_disks=fills, acknowledged=acknowledged(made))
