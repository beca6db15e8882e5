"""What the commands for read models promise, run as they are run."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from cplus.aws import Aws, Queue
from cplus.bootstrap import Parts
from cplus.consumers.reactions.following import follow
from cplus.consumers.reactions.imports import IMPORTS
from cplus.events.base import Event
from cplus.events.catalogue import Catalogue, all_events
from cplus.events.catalogue.imports import ImportPageLoaded, ImportStarted
from cplus.events.catalogue.shops import AppInstalled
from cplus.events.log.store import COMMITS, EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Mongo, PyMongoError, connect
from cplus.projections.base import Projection
from cplus.projections.groups import ALL
from cplus.projections.models.shops import SHOPS
from cplus.projections.running.runner import Runner
from cplus.settings import Settings
from cplus.subscriptions.checkpoints import CHECKPOINTS
from tests.conftest import ROOT
from tests.integration.fold_world import (
    HURRIED,
    SHOP,
    WITH_GIFTS,
    GiftWrapped,
    fails,
    on_lambda,
    write,
)
from tests.samples import installed

HOSTS = (SHOP, "birch.myshopify.com", "cedar.myshopify.com")
PAGES = 1_500
FAULTY = replace(SHOPS, evolve=fails)


@pytest.fixture
def projections() -> tuple[Projection, ...]:
    return ALL


@pytest.fixture
async def stack(mongo_uri: str, database_name: str, tmp_path: Path) -> Path:
    """The directory of a stack."""
    said = {"mongo": mongo_uri, "database": database_name}
    (tmp_path / "stack.json").write_text(json.dumps(said))
    return tmp_path


@pytest.fixture
async def data(mongo: Mongo, stack: Path) -> Path:
    """The directory of a stack: three shops with long logs, folded for the first time."""
    store = EventStore(mongo)
    first: list[Event] = [installed("Shop", ("read_orders",))]
    begun: list[Event] = [ImportStarted(import_id=f"i{number}") for number in range(PAGES // 5)]
    pages: list[Event] = [
        ImportPageLoaded(import_id=f"i{number // 5}", page=1 + number % 5, customers=1)
        for number in range(PAGES)
    ]
    for shop in HOSTS:
        await write(store, *first, *begun, *pages, shop=shop)
        await Runner(mongo, store, ALL).catch_up(SHOPS, shop)
    return stack


async def started(
    *arguments: str, cwd: Path = ROOT, also: Mapping[str, str] | None = None
) -> Process:
    """The command, with no variable of this process but those given."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **(also or {})}
    command = (sys.executable, "-m", "cplus.cli", *arguments)
    return await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env=environment, stdin=DEVNULL, stdout=PIPE, stderr=PIPE
    )


async def told(*arguments: str, status: int = 0) -> dict[str, Any]:
    process = await started(*arguments, "--json")
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == status, err.decode()
    return dict(json.loads(out))


async def folds_into(mongo: Mongo, collection: str) -> None:
    """Waits until something was folded into the collection."""
    begun = {"_id": {"$regex": f"^{collection}/"}, "position": {"$gt": 0}}
    async with asyncio.timeout(60):
        while not await mongo.database[CHECKPOINTS].find_one(begun):  # noqa: ASYNC110  no one tells
            await asyncio.sleep(0.001)


async def everything(mongo: Mongo) -> dict[str, Any]:
    """Every document of the database, by collection."""
    names = sorted(await mongo.database.list_collection_names())
    return {
        name: await mongo.database[name].find({}, sort=[("_id", 1)]).to_list(None) for name in names
    }


async def test_a_rebuild_is_killed_is_stopped_and_goes_on_to_its_end(
    mongo: Mongo, data: Path
) -> None:
    killed = await started("rebuild", "shops", "--data", str(data))
    await folds_into(mongo, "shops.v1.g2")
    killed.kill()
    await killed.communicate()
    said = await told("rebuild", "shops", "--data", str(data), "--workers", "2")
    events = 1 + PAGES // 5 + PAGES
    assert (said["live"], said["before"]) == ("shops.v1.g2", "shops.v1")
    assert said["older"] == ["shops.v1"]
    assert (said["shops"], said["differences"], said["stopped"]) == (3, 0, False)
    assert 0 < said["events"] < 3 * events
    verified = await told("verify", "shops", "--data", str(data))
    assert (verified["ok"], verified["events"]) == (True, 3 * events)
    assert verified["collection"] == "shops.v1.g2"

    stopped = await started("rebuild", "shops", "--data", str(data), "--json")
    await folds_into(mongo, "shops.v1.g3")
    stopped.send_signal(signal.SIGINT)
    out, err = await asyncio.wait_for(stopped.communicate(), 60)
    assert stopped.returncode == 130, err.decode()
    assert json.loads(out)["stopped"] is True
    assert (await told("verify", "shops", "--data", str(data)))["collection"] == "shops.v1.g2"
    again = await told("rebuild", "shops", "--data", str(data))
    assert (again["live"], again["differences"]) == ("shops.v1.g3", 0)
    back = await told("rebuild", "shops", "--back", "--data", str(data))
    assert back == {"projection": "shops", "live": "shops.v1.g2"}


Shows = Callable[[str], Awaitable[None]]


@asynccontextmanager
async def on_terminal(*program: str) -> AsyncIterator[tuple[Process, Shows]]:
    """What Python runs with a terminal as its standard error, and what waits until the terminal
    shows some words. Killed at the end, if it still runs."""
    terminal, its = os.openpty()
    also = {"TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "120"}
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **also}
    process = await asyncio.create_subprocess_exec(
        sys.executable, *program, cwd=ROOT, env=environment, stdin=DEVNULL, stdout=PIPE, stderr=its
    )
    os.close(its)
    loop, seen = asyncio.get_running_loop(), ""
    news = asyncio.Event()

    def read() -> None:
        nonlocal seen
        with suppress(OSError):  # the process ended
            seen += os.read(terminal, 4096).decode(errors="replace")
            news.set()
            return
        loop.remove_reader(terminal)

    async def shows(words: str) -> None:
        while words not in seen:
            news.clear()
            await news.wait()

    loop.add_reader(terminal, read)
    try:
        async with asyncio.timeout(60):
            yield process, shows
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
        loop.remove_reader(terminal)
        os.close(terminal)


STALLED = """
import asyncio
import cplus.projections.generations.rebuild
from cplus.cli import main

async def compare(*_):
    await asyncio.Event().wait()

cplus.projections.generations.rebuild.compare_generations = compare
main()
"""
"""The command with a comparison that finds no end."""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_rebuild_that_compares_shows_it_is_stopped_and_goes_on(
    mongo: Mongo, data: Path, number: signal.Signals
) -> None:
    command = ("rebuild", "shops", "--data", str(data), "--json")
    async with on_terminal("-c", STALLED, *command) as (stopped, shows):
        await shows("0/3 shops compared")
        stopped.send_signal(number)
        out, _ = await stopped.communicate()
    said = json.loads(out)
    assert (stopped.returncode, said["stopped"], said["left"]) == (130, True, 0)
    assert (await told("verify", "shops", "--data", str(data)))["collection"] == "shops.v1"
    async with on_terminal("-m", "cplus.cli", *command) as (again, shows):
        await shows("shops compared")
        await shows("switching to shops.v1.g2")
        out, _ = await again.communicate()
    said = json.loads(out)
    assert (again.returncode, said["events"], said["live"]) == (0, 0, "shops.v1.g2")
    assert (said["compared"], said["differences"]) == (3, 0)


STUCK = """
import asyncio, sys
from cplus.cli import main
from cplus.events.log.store import EventStore

async def heads(*_):
    sys.stderr.write("at work\\n")
    sys.stderr.flush()
    await asyncio.Event().wait()

EventStore.heads = heads
main()
"""
"""The command with a log of which it never hears which shops there are."""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_command_that_is_stopped_says_so_and_its_status_is_no_finding(
    mongo: Mongo, stack: Path, number: signal.Signals
) -> None:
    async def stopped(*command: str) -> None:
        program = (sys.executable, "-c", STUCK, *command, "--data", str(stack))
        also = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        process = await asyncio.create_subprocess_exec(
            *program, cwd=ROOT, env=also, stdin=DEVNULL, stdout=PIPE, stderr=PIPE
        )
        assert process.stderr is not None
        async with asyncio.timeout(60):
            assert await process.stderr.readline() == b"at work\n"
            process.send_signal(number)
            out, err = await process.communicate()
        assert (process.returncode, out) == (130, b""), command
        assert err.decode().splitlines()[0].startswith("stopped")
        assert len(err.decode().splitlines()) == 1

    for command in (
        ("verify", "shops"),
        ("prove", "--against", str(ROOT)),
        ("rebuild", "shops"),
        ("rebuild", "shops", "--shop", SHOP),
        (*REPLAY[:-1], str(stack / "rows.jsonl")),
        ("projections", "lag"),
        ("audit", "verify"),
        ("metrics",),
    ):
        await stopped(*command)


REFUSED = """
import click
from cplus.cli import main
from cplus.cli.connecting import failures
from cplus.mongo import OperationFailure

@main.command()
@click.argument("code", type=int)
@click.argument("name")
def refused(code, name):
    with failures():
        raise OperationFailure("sesame", code, {"codeName": name})

main()
"""
"""A command of which the database refuses something."""


async def test_rights_are_spoken_of_only_where_it_is_they_that_lack() -> None:
    for code, name, is_rights in (
        (13, "Unauthorized", True),
        (18, "AuthenticationFailed", True),
        (286, "ChangeStreamHistoryLost", False),
        (121, "DocumentValidationFailure", False),
    ):
        program = (sys.executable, "-c", REFUSED, "refused", str(code), name)
        process = await asyncio.create_subprocess_exec(
            *program, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, stdout=PIPE, stderr=PIPE
        )
        out, err = await process.communicate()
        assert (process.returncode, out) == (1, b"")
        assert f"refused the request ({name})" in err.decode()
        assert ("password" in err.decode(), "sesame" in err.decode()) == (is_rights, False)


async def test_a_rebuild_on_lambda_is_stopped_and_goes_on_where_it_was(
    mongo: Mongo, data: Path, aws: Aws, url: str, aws_endpoint: str
) -> None:
    stack = json.loads((data / "stack.json").read_text())
    told_stack = {**stack, "aws": aws_endpoint, "queues": {"rebuild": url}}
    (data / "stack.json").write_text(json.dumps(told_stack))
    command = ("rebuild", "shops", "--on-lambda", "--data", str(data))
    queue = Queue(aws, url)
    stopped = await started(*command, "--json")
    async with asyncio.timeout(60):
        while (await queue.depth()).waiting < len(HOSTS):  # noqa: ASYNC110  no one tells
            await asyncio.sleep(0.02)
    stopped.send_signal(signal.SIGINT)
    out, err = await asyncio.wait_for(stopped.communicate(), 60)
    assert stopped.returncode == 130, err.decode()
    said = json.loads(out)
    events = len(HOSTS) * (1 + PAGES // 5 + PAGES)
    assert (said["stopped"], said["left"], said["workers"]) == (True, events, None)
    runner = Runner(mongo, EventStore(mongo), ALL)
    async with on_lambda(aws, url, runner, queue, HURRIED):
        said = await told(*command)
    assert (said["live"], said["before"]) == ("shops.v1.g2", "shops.v1")
    assert (said["events"], said["differences"], said["dead_letters"]) == (events, 0, 0)
    assert (await told("verify", "shops", "--data", str(data)))["ok"] is True


async def test_verify_ends_with_1_where_a_row_differs_and_a_rebuild_of_the_shop_mends_it(
    mongo: Mongo, data: Path
) -> None:
    rows = mongo.database[SHOPS.collection]
    await rows.update_one({"_id": f"{SHOP}/import/i3"}, {"$set": {"customers": 77}})
    said = await told("verify", "shops", "--data", str(data), status=1)
    wrong = {"shop": SHOP, "key": "import/i3", "kind": "differs", "fields": ["customers"]}
    assert (said["ok"], said["differences"]) == (False, [wrong])
    for_people = await started("verify", "shops", "--data", str(data), "--shop", SHOP)
    out, _ = await for_people.communicate()
    assert f"{SHOP}/import/i3: differs in customers" in out.decode()
    assert "77" not in out.decode()
    mended = await told("rebuild", "shops", "--shop", SHOP, "--data", str(data))
    assert mended["repaired"] == 1
    assert (await told("verify", "shops", "--data", str(data)))["ok"] is True


async def test_verify_says_what_it_has_not_seen_and_does_not_pass_where_nothing_was_compared(
    mongo: Mongo, stack: Path
) -> None:
    store, birch = EventStore(mongo), HOSTS[1]
    for shop in (SHOP, birch):
        await write(store, installed(), shop=shop)
    runner = Runner(mongo, store, ALL)
    await runner.catch_up(SHOPS, SHOP)
    await write(store, ImportStarted(import_id="i1"))
    command = ("verify", "shops", "--data", str(stack))
    said = await told(*command, status=1)
    assert (said["ok"], said["events"], said["behind"]) == (False, 1, 2)
    assert (said["differences"], said["uncompared"]) == ([], [birch])
    for_people = await started(*command)
    out, _ = await for_people.communicate()
    assert for_people.returncode == 1
    *_, not_compared, last = out.decode().splitlines()
    assert not_compared.startswith(f"{birch}: not compared")
    assert last.endswith("0 differences; 2 events not processed yet")
    await runner.catch_up(SHOPS, birch)
    late = await told(*command)
    assert (late["ok"], late["behind"], late["uncompared"]) == (True, 1, [])


async def test_verify_compares_the_others_where_a_shop_cannot_be_folded_and_says_where_and_why(
    mongo: Mongo, stack: Path
) -> None:
    store = EventStore(mongo)
    for shop in HOSTS[:2]:
        await write(store, installed(), shop=shop)
        await Runner(mongo, store, ALL).catch_up(SHOPS, shop)
    await write(store, GiftWrapped())
    # A release that knew the event has folded it.
    knowing = replace(SHOPS, passes=SHOPS.passes | {GiftWrapped.FAMILY})
    await Runner(mongo, store, [knowing], reader=WITH_GIFTS).catch_up(knowing, SHOP)
    rows = mongo.database[SHOPS.collection]
    await rows.update_one({"_id": f"{HOSTS[1]}/shop"}, {"$set": {"profile": None}})
    command = ("verify", "shops", "--data", str(stack))
    said = await told(*command, status=1)
    why = {"position": 2, "type": "gift.wrapped", "reason": "unknown_type"}
    assert (said["ok"], said["unfolded"]) == (False, [{"shop": SHOP, **why}])
    assert [one["shop"] for one in said["differences"]] == [HOSTS[1]]
    for_people = await started(*command)
    out, _ = await for_people.communicate()
    reason = "position 2 cannot be folded (unknown_type at an event of type gift.wrapped)"
    assert f"{SHOP}: not compared, because {reason}" in out.decode().splitlines()


async def test_a_rebuild_of_several_shops_mends_each_of_them_and_says_so(
    mongo: Mongo, data: Path
) -> None:
    rows, wrong = mongo.database[SHOPS.collection], HOSTS[:2]
    for shop in wrong:
        await rows.update_one({"_id": f"{shop}/import/i3"}, {"$set": {"customers": 77}})
    asked = [option for shop in HOSTS for option in ("--shop", shop)]
    said = await told("rebuild", "shops", *asked, "--data", str(data))
    assert said["repaired"] == 2
    assert [(one["shop"], one["repaired"]) for one in said["shops"]] == [
        (shop, int(shop in wrong)) for shop in HOSTS
    ]
    assert (await told("verify", "shops", "--data", str(data)))["ok"] is True
    for_people = await started("rebuild", "shops", *asked, "--data", str(data))
    out, _ = await for_people.communicate()
    assert out.decode().splitlines() == [f"{shop}: 0 rows repaired" for shop in HOSTS]


async def test_a_rebuild_of_a_shop_that_is_empty_late_or_stands_still_folds_it_or_says_so(
    mongo: Mongo, stack: Path
) -> None:
    store = EventStore(mongo)
    await write(store, installed(), ImportStarted(import_id="i1"))
    command = ("rebuild", "shops", "--shop", SHOP, "--data", str(stack))
    for_people = await started(*command)
    out, err = await for_people.communicate()
    assert for_people.returncode == 0, err.decode()
    said = f"{SHOP}: 0 rows repaired, 2 events caught up\n"
    assert out.decode() == said
    verified = await told("verify", "shops", "--data", str(stack))
    assert (verified["ok"], verified["rows"], verified["behind"]) == (True, 2, 0)
    await write(store, GiftWrapped())
    late = await told(*command, status=1)
    [one] = late["shops"]
    assert (late["ok"], one["repaired"], one["folded"], one["behind"]) == (False, 0, 0, 1)
    assert (one["parked"]["position"], one["parked"]["reason"]) == (3, "unknown_type")
    for_people = await started(*command)
    out, _ = await for_people.communicate()
    assert for_people.returncode == 1
    where = "parked at position 3 (unknown_type); 1 event behind the log"
    assert out.decode() == f"{SHOP}: 0 rows repaired; {where}\n"


async def test_what_stands_still_is_shown_and_goes_on_with_code_that_knows(
    mongo: Mongo, data: Path
) -> None:
    store = EventStore(mongo)
    await write(store, installed())
    head = (await store.head(SHOP)).position
    # Faulty code was parked there; the current code has no fault.
    await Runner(mongo, store, [FAULTY]).catch_up(FAULTY, SHOP)
    said = await told("projections", "lag", "--data", str(data), "--shop", SHOP)
    [shops] = [one for one in said["shops"] if one["collection"] == "shops.v1"]
    assert (shops["behind"], shops["parked"]["reason"]) == (1, "ZeroDivisionError")
    assert (shops["parked"]["position"], shops["parked"]["type"]) == (head, "app.installed")
    assert 0 < shops["seconds"] <= said["most_seconds"]
    assert said["parked"] == 1
    unparked = await told("projections", "unpark", "shops", "--data", str(data))
    place = {"shop": SHOP, "collection": "shops.v1"}
    assert unparked["shops"] == [{**place, "position": head, "reason": None}]
    await write(store, GiftWrapped())
    await Runner(mongo, store, ALL).catch_up(SHOPS, SHOP)
    still = await told("projections", "unpark", "shops", "--data", str(data), status=1)
    assert still["shops"] == [{**place, "position": head + 1, "reason": "unknown_type"}]
    verified = await told("verify", "shops", "--data", str(data), status=1)
    found = {"shop": SHOP, "position": head + 1, "reason": "unknown_type"}
    assert (verified["ok"], verified["differences"]) == (False, [])
    assert [found.items() <= one.items() for one in verified["parked"]] == [True]
    for_people = await started("rebuild", "shops", "--data", str(data))
    out, err = await for_people.communicate()
    assert for_people.returncode == 0, err.decode()
    assert f"parked in {SHOP} (unknown_type)" in out.decode()


async def test_a_rebuild_that_cannot_switch_says_in_front_of_what_it_stands_still_and_why(
    mongo: Mongo, stack: Path
) -> None:
    store = EventStore(mongo)
    await write(store, installed(), GiftWrapped())
    # The rows of now are of a release that knew the event.
    knowing = replace(SHOPS, passes=SHOPS.passes | {GiftWrapped.FAMILY})
    await Runner(mongo, store, [knowing], reader=WITH_GIFTS).catch_up(knowing, SHOP)
    command = ("rebuild", "shops", "--data", str(stack))
    said = await told(*command, status=1)
    [one] = said["parked"]
    assert (said["switched"], said["live"]) == (False, "shops.v1")
    assert (one["shop"], one["position"], one["reason"]) == (SHOP, 2, "unknown_type")
    for_people = await started(*command)
    out, err = await for_people.communicate()
    assert (for_people.returncode, out) == (1, b"")
    assert f"{SHOP} at position 2 (unknown_type gift.wrapped). Fix" in err.decode()


async def test_a_reaction_that_stands_still_goes_on_by_its_name_and_hands_out(
    mongo: Mongo, data: Path, aws: Aws, url: str, aws_endpoint: str
) -> None:
    without = ("projections", "unpark", "react-imports", "--data", str(data))
    process = await started(*without)
    assert b"CPLUS_IMPORT_QUEUE" in (await process.communicate())[1]
    stack = json.loads((data / "stack.json").read_text())
    queues = {"import": url, "send": url}
    (data / "stack.json").write_text(json.dumps({**stack, "aws": aws_endpoint, "queues": queues}))
    head = (await EventStore(mongo).head(SHOP)).position
    parts = Parts(Settings(import_queue=url, send_queue=url), mongo=mongo, aws=aws)
    older = Catalogue(set(all_events()) - {AppInstalled})
    progress = await follow(IMPORTS, SHOP, replace(parts.reactor, reader=EventReader(older)))
    assert (progress.position, progress.parked is not None) == (0, True)
    said = await told(*without)
    place = {"shop": SHOP, "collection": "react-imports"}
    assert said["shops"] == [{**place, "position": head, "reason": None}]
    assert (await Queue(aws, url).depth()).waiting == 1


async def test_a_replay_writes_every_row_and_touches_nothing(mongo: Mongo, data: Path) -> None:
    before = await everything(mongo)
    place, out = "cplus.projections.models.shops:SHOPS", data / "rows.jsonl"
    said = await told("replay", "--projection", place, "--out", str(out), "--data", str(data))
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    rows = before[SHOPS.collection]
    assert said["rows"] == len(lines) == len(rows)
    assert {f"{line['shop']}/{line['key']}" for line in lines} == {row["_id"] for row in rows}
    assert out.stat().st_mode & 0o777 == 0o600
    assert await everything(mongo) == before


@pytest.mark.parametrize(
    "command",
    [
        ("verify", "shops"),
        ("rebuild", "shops"),
        ("replay", "--projection", "cplus.projections.models.shops:SHOPS", "--out", "{out}"),
        ("projections", "lag"),
        ("projections", "unpark", "shops"),
        ("metrics",),
        ("audit", "verify"),
    ],
    ids=" ".join,
)
async def test_a_shop_that_the_log_does_not_know_is_no_success(
    mongo: Mongo, stack: Path, command: tuple[str, ...]
) -> None:
    await write(EventStore(mongo), installed())
    arguments = [one.format(out=stack / "rows.jsonl") for one in command]
    for shop, words in {
        "acron.myshopify.com": f"{mongo.database.name} holds no commits of acron.myshopify.com",
        "acorn": "not of the form NAME.myshopify.com",
    }.items():
        process = await started(*arguments, "--shop", shop, "--data", str(stack))
        out, err = await process.communicate()
        assert (process.returncode, out) == (1, b"")
        assert words in err.decode()
        assert len(err.decode().strip().splitlines()) == 1
    assert not (stack / "rows.jsonl").exists()


async def test_a_database_without_a_commit_is_as_it_should_be_nowhere_and_nothing_is_written(
    mongo: Mongo, stack: Path
) -> None:
    replay, before = REPLAY[:-2], await everything(mongo)

    async def asked(*command: str) -> None:
        process = await started(*command, "--data", str(stack))
        out, err = await process.communicate()
        assert (process.returncode, out) == (1, b""), command
        assert f"{mongo.database.name} holds no commits;" in err.decode()

    for command in (
        ("verify", "shops"),
        ("audit", "verify"),
        ("rebuild", "shops"),
        ("rebuild", "shops", "--shop", SHOP),
        ("rebuild", "shops", "--drop"),
        ("rebuild", "shops", "--back"),
        (*replay, "--out", str(stack / "rows.jsonl")),
        (*replay, "--collection", "trial"),
        ("projections", "lag"),
        ("projections", "unpark", "shops"),
        ("metrics",),
    ):
        await asked(*command)
    assert await everything(mongo) == before
    assert not (stack / "rows.jsonl").exists()


async def test_log_lines_are_none_of_the_output_and_begin_at_warnings_unless_asked_for(
    mongo: Mongo, stack: Path
) -> None:
    store = EventStore(mongo)
    await write(store, installed())
    await Runner(mongo, store, ALL).catch_up(SHOPS, SHOP)
    command = ("rebuild", "shops", "--data", str(stack))
    for workers in ("1", "2"):
        process = await started(*command, "--json", "--workers", workers)
        out, err = await process.communicate()
        assert (process.returncode, err) == (0, b"")
        assert json.loads(out)["projection"] == "shops"
    process = await started(*command)
    out, err = await process.communicate()
    assert (len(out.splitlines()), err) == (1, b"")
    kept = "shops.v1, shops.v1.g2, shops.v1.g3 are kept up to date until"
    assert f"; {kept} `cplus rebuild shops --drop` drops them\n" in out.decode()
    process = await started(*command, "--json", also={"CPLUS_LOG_LEVEL": "info"})
    out, err = await process.communicate()
    assert json.loads(out)["live"] == "shops.v1.g5"
    assert [json.loads(line)["event"] for line in err.splitlines()] == ["generation_switched"]
    await mongo.database["shops.v1.g5"].update_one({}, {"$set": {"name": "Another"}})
    process = await started(*command, "--json", "--shop", SHOP)
    out, err = await process.communicate()
    assert json.loads(out)["repaired"] == 1
    assert [json.loads(line)["level"] for line in err.splitlines()] == ["warning"]


async def test_one_shop_with_one_event_is_said_in_the_singular(mongo: Mongo, stack: Path) -> None:
    store = EventStore(mongo)
    await write(store, installed())
    await Runner(mongo, store, ALL).catch_up(SHOPS, SHOP)
    await mongo.database[SHOPS.collection].update_one({}, {"$set": {"name": "Another"}})
    replay = ("replay", "--projection", "cplus.projections.models.shops:SHOPS")
    out_file = stack / "rows.jsonl"
    for command, status, words in (
        (("verify", "shops"), 1, "shops.v1: 1 shop, 1 event, 1 row, 1 difference"),
        (("projections", "lag"), 0, f"{SHOP}: metrics.v1 is 1 event and "),
        ((*replay, "--out", str(out_file)), 0, f"{out_file}: 1 row of 1 event in 1 shop"),
        (("audit", "verify"), 0, "1 shop, 1 commit: intact"),
        (("rebuild", "shops", "--shop", SHOP), 0, f"{SHOP}: 1 row repaired"),
        (("rebuild", "shops"), 0, "shops now reads from shops.v1.g2: 1 event in "),
    ):
        process = await started(*command, "--data", str(stack))
        out, err = await process.communicate()
        assert process.returncode == status, err.decode()
        assert words in out.decode()


async def test_migrate_makes_the_indexes_of_the_stack_on_a_directory(
    mongo_uri: str, database_name: str, stack: Path
) -> None:
    process = await started("migrate", "--data", str(stack))
    out, err = await process.communicate()
    assert (process.returncode, out, err) == (0, b"all indexes exist\n", b"")
    made = connect(Settings(mongo_uri=SecretStr(mongo_uri), mongo_database=database_name))
    assert {COMMITS, CHECKPOINTS} <= set(await made.database.list_collection_names())
    keyring = made.client.get_database(f"{database_name}_keyring")
    assert await keyring.list_collection_names()
    await made.close()
    process = await started("migrate", "--data", str(stack / "none"))
    assert (await process.communicate())[1].startswith(b"Error: No stack is running on ")
    assert process.returncode == 1


REPLAY = ("replay", "--projection", "cplus.projections.models.shops:SHOPS", "--out", "rows.jsonl")


async def test_a_database_that_is_away_is_said_in_one_line_by_every_command(tmp_path: Path) -> None:
    also = {"CPLUS_MONGO_URI": "mongodb://ada:sesame@127.0.0.1:1"}

    async def asked(*command: str) -> None:
        process = await started(*command, cwd=tmp_path, also=also)
        out, err = await process.communicate()
        assert (process.returncode, out) == (1, b""), command
        assert b"Error: the database did not answer (ServerSelectionTimeoutError);" in err
        assert b"sesame" not in err
        assert len(err.splitlines()) == 1

    commands = (
        ("rebuild", "shops"),
        ("rebuild", "shops", "--back"),
        ("verify", "shops"),
        REPLAY,
        ("prove", "--against", str(ROOT)),
        ("projections", "lag"),
        ("audit", "verify"),
        ("migrate",),
    )
    await asyncio.gather(*(asked(*command) for command in commands))
    assert not (tmp_path / "rows.jsonl").exists()


async def test_a_sign_of_life_is_waited_for_no_longer_than_said() -> None:
    away = connect(Settings(mongo_uri=SecretStr("mongodb://127.0.0.1:1")))
    began = time.monotonic()
    with pytest.raises(PyMongoError):
        await away.answers(0.2)
    assert time.monotonic() - began < 5  # the driver alone waits for 10 seconds
    await away.close()


async def test_a_password_that_is_refused_is_said_as_such_and_not_shown(mongo_uri: str) -> None:
    uri = mongo_uri.replace("mongodb://", "mongodb://ada:sesame@", 1)
    process = await started("verify", "shops", also={"CPLUS_MONGO_URI": uri})
    out, err = await process.communicate()
    assert (process.returncode, out) == (1, b"")
    assert b"Error: the database refused the request (AuthenticationFailed);" in err
    assert b"sesame" not in err
    assert len(err.splitlines()) == 1


async def test_what_is_no_connection_string_is_said_and_not_shown() -> None:
    for uri in (
        "sesame",
        "mongodb://ada:@sesame@db.example.com",
        "mongodb://ada:sesame@db.example.com:99999",
        "mongodb://ada:sesame@db.example.com/?tls=true&tlsCAFile=/nowhere",
    ):
        process = await started("projections", "lag", also={"CPLUS_MONGO_URI": uri})
        out, err = await process.communicate()
        assert (process.returncode, out) == (1, b"")
        assert "is not a MongoDB connection string" in err.decode()
        assert "sesame" not in err.decode()
        assert len(err.splitlines()) == 1


async def test_a_setting_that_cannot_be_is_named_without_its_value() -> None:
    process = await started("verify", "shops", also={"CPLUS_MONGO_POOL": "sesame"})
    out, err = await process.communicate()
    assert (process.returncode, out) == (1, b"")
    assert b"Error: The environment variable CPLUS_MONGO_POOL has an invalid value" in err
    assert b"sesame" not in err
    assert len(err.splitlines()) == 1


async def test_a_replay_to_standard_output_is_refused_and_makes_no_file_of_that_name(
    tmp_path: Path,
) -> None:
    process = await started(*REPLAY[:-1], "-", cwd=tmp_path)
    out, err = await process.communicate()
    assert (process.returncode, out) == (2, b"")
    assert "--out needs a file name, not -" in err.decode()
    assert not (tmp_path / "-").exists()


async def test_what_cannot_be_done_is_said_in_one_line(data: Path, tmp_path: Path) -> None:
    for arguments, words in {
        ("rebuild", "guests", "--data", str(data)): "choose one of: billing",
        ("rebuild", "shops", "--data", str(tmp_path / "none")): "No stack is running on",
        ("rebuild", "shops", "--back", "--data", str(data)): "no previous generation to go back to",
        ("rebuild", "shops", "--on-lambda", "--data", str(data)): "CPLUS_REBUILD_QUEUE",
        ("replay", "--projection", "cplus.none:X", "--out", str(tmp_path / "x")): "is not a proj",
        (*REPLAY[:1], "--projection", "mine", *REPLAY[3:]): "it needs a module, a colon and a name",
        (
            *REPLAY[:1],
            "--projection",
            "signal:SIG_BLOCK",
            *REPLAY[3:],
        ): "of type Sigmasks, not P",
        (*REPLAY[:1], "--projection", "os:environ_", *REPLAY[3:]): "AttributeError",
        (*REPLAY[:1], "--projection", "not_there:X", *REPLAY[3:]): "there is no module not_there",
        ("verify", "guests", "--data", str(data)): "choose one of: billing",
        ("prove", "--against", str(ROOT), "--projection", "guests", "--data", str(data)): "billing",
        ("prove", "--against", str(ROOT), "--python", str(tmp_path), "--data", str(data)): (
            f"{tmp_path} cannot be run"
        ),
        (*REPLAY[:-1], str(tmp_path / "none" / "x"), "--data", str(data)): "Cannot create a file",
    }.items():
        process = await started(*arguments)
        out, err = await process.communicate()
        assert (process.returncode, out) == (1, b"")
        assert words in err.decode()
        assert len(err.decode().strip().splitlines()) == 1
