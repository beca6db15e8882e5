"""A replay into a collection: it is whole or not there, and nothing live is touched."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from pymongo import monitoring

from cplus.bootstrap import ensure_indexes
from cplus.events.catalogue.imports import ImportStarted
from cplus.events.log.store import COMMITS, EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Database, Mongo, connect
from cplus.projections.checks.replay_collection import (
    CollectionTaken,
    HalfReplayed,
    NoCollectionName,
    Overtaken,
    ReplayedBefore,
    filled,
)
from cplus.projections.groups import ALL
from cplus.projections.models.shops import SHOPS
from cplus.projections.running.runner import Runner
from cplus.settings import Settings
from tests.integration.cli.shops_world import everything
from tests.integration.command_line import started, told
from tests.integration.fold_world import SHOP, GiftWrapped, write
from tests.samples import installed

PLACE = ("replay", "--projection", "cplus.projections.models.shops:SHOPS")
# Folds as the shops are folded, and is ended by a signal while it does.
ENDING = """
import os, signal
from dataclasses import replace
from cplus.projections.models.shops import SHOPS, evolve

def ended_by(number):
    def ended(key, row, event):
        os.kill(os.getpid(), number)
        return evolve(key, row, event)
    return replace(SHOPS, evolve=ended)

SIGINT, SIGKILL = ended_by(signal.SIGINT), ended_by(signal.SIGKILL)
"""


@pytest.fixture
async def mongo(mongo_uri: str, database_name: str) -> AsyncIterator[Mongo]:
    """Two shops, and the rows of both."""
    settings = Settings(
        mongo_uri=SecretStr(mongo_uri),
        mongo_database=database_name,
        mongo_keyring_database=f"{database_name}_keyring",
    )
    made = connect(settings)
    await ensure_indexes(settings)
    for shop in (SHOP, "birch.myshopify.com"):
        await write(EventStore(made), installed(), ImportStarted(import_id="i1"), shop=shop)
        await Runner(made, EventStore(made), EventReader(), ALL).catch_up(SHOPS, shop)
    yield made
    await made.close()


@pytest.fixture
def data(mongo: Mongo, mongo_uri: str, tmp_path: Path) -> Path:
    stack = {"mongo": mongo_uri, "database": mongo.database.name}
    (tmp_path / "stack.json").write_text(json.dumps(stack))
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    """What is in each file of the folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


async def test_a_replay_fills_a_collection_of_its_own_and_touches_nothing_else(
    mongo: Mongo, data: Path
) -> None:
    before = await everything(mongo)
    said = await told(*PLACE, "--data", str(data), "--collection", "trial")
    after = await everything(mongo)
    assert after.pop("trial") == before[SHOPS.collection]
    assert after == before
    assert (said["into"], said["rows"]) == ("trial", 4)
    assert "shop_1_started_at_-1" in await mongo.database["trial"].index_information()
    again = await started(*PLACE, "--data", str(data), "--collection", "trial")
    _, err = await again.communicate()
    assert (again.returncode, b"use --replace to replace it" in err) == (1, True)


async def test_a_replay_takes_no_name_that_something_else_has_or_may_have(mongo: Mongo) -> None:
    made = sorted(await mongo.database.list_collection_names())
    assert {"commits", "checkpoints", "generations", "conversations.v1"} <= set(made)
    for name in (*made, "shops.v9", "shops.v1.g7", "trial.part", "system.js", "a$b", "", "a b"):
        with pytest.raises((CollectionTaken, NoCollectionName)):
            async with filled(mongo.database, SHOPS, name, replace=True):
                pytest.fail(f"{name} was taken")
    assert sorted(await mongo.database.list_collection_names()) == made


async def test_a_replay_that_ends_early_leaves_no_collection_under_the_name(
    mongo: Mongo, data: Path
) -> None:
    (data / "ending.py").write_text(ENDING)
    names = mongo.database.list_collection_names
    for end, left in ((signal.SIGINT, False), (signal.SIGKILL, True)):
        place = ("replay", "--projection", f"ending:{end.name}", "--collection", "trial")
        process = await started(*place, "--data", str(data), cwd=data)
        _, err = await process.communicate()
        assert process.returncode == (130 if end is signal.SIGINT else -end), err.decode()
        there = await names()
        assert (any(one.endswith(".part") for one in there), "trial" in there) == (left, False)


class Cancels(monitoring.CommandListener):
    """Cancels the work when its first insert is sent, and holds that back until a collection was
    dropped, as long as it may be held."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._dropped, self.written = threading.Event(), threading.Event()
        self.work: asyncio.Future[None] = loop.create_future()

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command_name == "insert":
            self._loop.call_soon_threadsafe(self.work.cancel)
            self._dropped.wait(0.5)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        if event.command_name == "drop":
            self._dropped.set()
        if event.command_name == "insert":
            self.written.set()

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Nothing of this is to fail."""


async def test_what_is_still_written_when_a_replay_is_stopped_makes_no_collection_anew(
    mongo: Mongo, mongo_uri: str
) -> None:
    async def replayed(database: Database) -> None:
        async with filled(database, SHOPS, "trial", replace=False) as put:
            await put(SHOP, {"shop": {"installed": True}})

    settings = Settings(mongo_uri=SecretStr(mongo_uri), mongo_database=mongo.database.name)
    cancels = Cancels(asyncio.get_running_loop())
    listened = connect(settings, [cancels])
    cancels.work = asyncio.ensure_future(replayed(listened.database))
    with pytest.raises(asyncio.CancelledError):
        await cancels.work
    assert await asyncio.to_thread(cancels.written.wait, 20)
    await listened.close()
    there = await mongo.database.list_collection_names()
    assert not [one for one in there if one.startswith("trial")]


async def test_a_replay_that_cannot_fold_a_shop_leaves_the_earlier_result_as_it_was(
    mongo: Mongo, data: Path
) -> None:
    out = data / "rows.jsonl"
    ways = (("--out", str(out)), ("--collection", "trial", "--replace"))
    for way in ways:
        await told(*PLACE, "--data", str(data), *way)
    before, files = await everything(mongo), contents(data)
    await write(EventStore(mongo), GiftWrapped())
    for way in ways:
        said = await told(*PLACE, "--data", str(data), *way, status=1)
        why = {"position": 3, "type": "gift.wrapped", "reason": "unknown_type", "where": None}
        assert (said["into"], said["stopped"]) == (None, [{"shop": SHOP, **why}])
        for_people = await started(*PLACE, "--data", str(data), *way)
        text, err = await for_people.communicate()
        assert for_people.returncode == 1
        assert text.decode().startswith("nothing written, because 1 of 2 shops could not be folded")
        stop = "stopped at position 3: unknown_type (gift.wrapped)"
        hint = "add that event to handles, or its family to passes"
        assert f"{SHOP}: {stop}; {hint}\n" in err.decode()
    after = await everything(mongo)
    assert {name for name in after if after[name] != before.get(name)} == {COMMITS}
    assert contents(data) == files
    assert out.name in files


RAISING = """
from dataclasses import replace
from cplus.projections.models.shops import SHOPS

def price(words):
    return int(words)

def evolve(key, row, event):
    return {"price": price("sesame")}

def keys(event):
    return [str(int("sesame"))]

FOLD, KEYS = replace(SHOPS, evolve=evolve), replace(SHOPS, keys=keys)
"""


async def test_a_fold_that_raises_is_named_by_its_own_line_and_no_value(
    mongo: Mongo, data: Path
) -> None:
    (data / "raising.py").write_text(RAISING)
    for name, line in (("FOLD", 6), ("KEYS", 12)):
        place = ("replay", "--projection", f"raising:{name}", "--out", str(data / "rows.jsonl"))
        process = await started(*place, "--data", str(data), cwd=data)
        _, err = await process.communicate()
        assert process.returncode == 1
        said = f"position 1: ValueError at raising.py:{line} (app.installed)"
        assert said in err.decode()
        assert "sesame" not in err.decode()


UNFIT = """
from dataclasses import replace
from decimal import Decimal
from cplus.projections.models.shops import SHOPS

def of(name, make):
    def evolve(key, row, event):
        return make() if key == "shop" else {"at": None}
    globals()[name] = replace(SHOPS, evolve=evolve)

def deep():
    value = "sesame"
    for _ in range(200):
        value = [value]
    return value

SECRET = "sesame"
of("A_SET", lambda: {"tags": [{SECRET}]})
of("DECIMAL", lambda: {"price": Decimal("4711")})
of("NAN", lambda: {"mean": {"of": float("nan"), "who": SECRET}})
of("HUGE", lambda: {"count": 2**70})
of("LONE", lambda: {"text": SECRET + chr(0xD800)})
of("NAMED", lambda: {"names": {4711: SECRET}})
of("NUL", lambda: {SECRET + chr(0): 1})
of("TEXT", lambda: SECRET)
of("ID", lambda: {"_id": SECRET})
of("SHOP", lambda: {"shop": SECRET})
of("LARGE", lambda: {"text": SECRET * 3_000_000})
of("DEEP", lambda: {"text": deep()})
of("KEY", lambda: {"key": SECRET})
of("ENDLESS", lambda: {"far": float("inf"), "who": SECRET})
"""
FAULTS = {
    "A_SET": "the field tags holds a value of type set",
    "DECIMAL": "the field price holds a value of type Decimal",
    "NAN": "the field mean holds NaN",
    "HUGE": "the field count holds an integer of more than 8 bytes",
    "LONE": "the field text holds text that is not valid Unicode",
    "NAMED": "a field name is of type int",
    "NUL": "a field name has a character that is not allowed",
    "TEXT": "it is of type str, not a mapping",
    "ID": "it has a field _id, which is reserved",
    "SHOP": "it has a field shop, which is reserved",
    "LARGE": "bytes; the limit is 16,777,216",
    "DEEP": "more than 100 levels",
}
IN_A_FILE = {"KEY": "it has a field named key", "ENDLESS": "NaN or an infinite number"}


@pytest.mark.parametrize("name", [*FAULTS, *IN_A_FILE])
async def test_a_row_that_cannot_be_kept_is_named_with_its_fault_and_no_value(
    mongo: Mongo, data: Path, name: str
) -> None:
    (data / "unfit.py").write_text(UNFIT)
    ways = [("--out", str(data / "rows.jsonl"))]
    ways += [("--collection", "trial")] * (name in FAULTS)
    for way in ways:
        place = ("replay", "--projection", f"unfit:{name}", *way)
        process = await started(*place, "--data", str(data), cwd=data)
        out, err = await process.communicate()
        assert (process.returncode, out) == (1, b"")
        assert f"The row 'shop' of {SHOP} cannot be stored: " in err.decode()
        assert (FAULTS | IN_A_FILE)[name] in err.decode()
        assert "sesame" not in err.decode()
        assert "4711" not in err.decode()
        assert len(err.decode().strip().splitlines()) == 1
    assert not [path for path in contents(data) if path.startswith("rows.jsonl")]
    there = await mongo.database.list_collection_names()
    assert not [one for one in there if one.startswith("trial")]


async def test_of_two_replays_into_one_collection_one_is_told_so_and_a_killed_one_gives_way(
    mongo: Mongo,
) -> None:
    async def keys() -> list[str]:
        return [row["_id"] for row in await mongo.database["trial"].find({}).to_list(None)]

    async with filled(mongo.database, SHOPS, "trial", replace=False) as put:
        await put(SHOP, {"shop": {"installed": True}})
        with pytest.raises(HalfReplayed):
            async with filled(mongo.database, SHOPS, "trial", replace=False):
                pytest.fail("two fill one collection")
    assert await keys() == [f"{SHOP}/shop"]
    # What a killed one left behind is no obstacle to one that may replace.
    await mongo.database["trial"].rename("trial.part")
    async with filled(mongo.database, SHOPS, "trial", replace=True) as put:
        await put(SHOP, {"other": {"installed": True}})
    assert await keys() == [f"{SHOP}/other"]
    with pytest.raises(ZeroDivisionError):
        async with filled(mongo.database, SHOPS, "trial", replace=True):
            raise ZeroDivisionError
    assert await keys() == [f"{SHOP}/other"]
    there = await mongo.database.list_collection_names()
    assert not [one for one in there if one.endswith(".part")]


async def test_a_replay_that_another_overtakes_ends_and_leaves_nothing_in_the_others_rows(
    mongo: Mongo,
) -> None:
    async def overtaken() -> None:
        async with filled(mongo.database, SHOPS, "trial", replace=True) as first:
            await first(SHOP, {"one": {"by": "first"}})
            async with filled(mongo.database, SHOPS, "trial", replace=True) as last:
                await first(SHOP, {"two": {"by": "first"}})
                await last(SHOP, {"three": {"by": "last"}})

    with pytest.raises(Overtaken):
        await overtaken()
    assert await mongo.database["trial"].distinct("by") == ["last"]
    there = await mongo.database.list_collection_names()
    assert not [one for one in there if one.endswith(".part")]


async def test_what_comes_under_the_name_meanwhile_is_not_dropped(mongo: Mongo) -> None:
    async def replayed() -> None:
        async with filled(mongo.database, SHOPS, "trial", replace=True) as put:
            await put(SHOP, {"shop": {"installed": True}})
            await mongo.database["trial"].insert_one({"_id": "live"})

    with pytest.raises(ReplayedBefore):
        await replayed()
    assert await mongo.database["trial"].distinct("_id") == ["live"]
