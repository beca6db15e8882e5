"""What `cplus rebuild` promises, run as it is run."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cplus.aws import Aws, Queue
from cplus.events.catalogue.imports import ImportStarted
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Mongo
from cplus.projections.groups import ALL
from cplus.projections.models.shops import SHOPS
from cplus.projections.running.runner import Runner
from cplus.subscriptions.checkpoints import CHECKPOINTS
from tests.integration.cli.shops_world import HOSTS
from tests.integration.command_line import Command, started, told
from tests.integration.fold_world import (
    HURRIED,
    SHOP,
    WITH_GIFTS,
    GiftWrapped,
    on_lambda,
    write,
)
from tests.samples import installed

PAGES = 200
"""Pages of imports that the log of each shop tells of."""


@pytest.fixture
def pages() -> int:
    return PAGES


class Over(Exception):
    """Nothing is held any more."""


@asynccontextmanager
async def held(mongo: Mongo, collection: str) -> AsyncIterator[None]:
    """Nobody comes to an end with the collection: an open transaction has the checkpoint of its
    last shop, so whoever begins with that one waits."""
    begun, over = asyncio.Event(), asyncio.Event()

    async def hold(session: Any) -> None:
        checkpoint = {"_id": f"{collection}/{HOSTS[-1]}"}
        await mongo.database[CHECKPOINTS].insert_one(checkpoint, session=session)
        begun.set()
        await over.wait()
        raise Over

    async with asyncio.timeout(60):
        holder = asyncio.create_task(mongo.transaction(hold))
        await begun.wait()
    try:
        yield
    finally:
        over.set()
        with suppress(Over):
            await holder


async def folds_into(mongo: Mongo, collection: str) -> None:
    """Waits until something was folded into the collection."""
    begun = {"_id": {"$regex": f"^{collection}/"}, "position": {"$gt": 0}}
    async with asyncio.timeout(60):
        while not await mongo.database[CHECKPOINTS].find_one(begun):  # noqa: ASYNC110  no one tells
            await asyncio.sleep(0.01)


async def test_a_rebuild_is_killed_is_stopped_and_goes_on_to_its_end(
    mongo: Mongo, data: Path
) -> None:
    async with held(mongo, f"{SHOPS.collection}.g2"):
        killed = await started("rebuild", "shops", "--data", str(data))
        await folds_into(mongo, f"{SHOPS.collection}.g2")
        killed.kill()
        await killed.communicate()
    said = await told("rebuild", "shops", "--data", str(data), "--workers", "2")
    events = 1 + PAGES // 5 + PAGES
    assert (said["live"], said["before"]) == (f"{SHOPS.collection}.g2", SHOPS.collection)
    assert said["older"] == [SHOPS.collection]
    assert (said["shops"], said["differences"], said["stopped"]) == (3, 0, False)
    assert 0 < said["events"] < 3 * events
    verified = await told("verify", "shops", "--data", str(data))
    assert (verified["ok"], verified["events"]) == (True, 3 * events)
    assert verified["collection"] == f"{SHOPS.collection}.g2"

    async with held(mongo, f"{SHOPS.collection}.g3"):
        stopped = await started("rebuild", "shops", "--data", str(data), "--json")
        await folds_into(mongo, f"{SHOPS.collection}.g3")
        stopped.send_signal(signal.SIGINT)
    out, err = await asyncio.wait_for(stopped.communicate(), 60)
    assert stopped.returncode == 130, err.decode()
    assert json.loads(out)["stopped"] is True
    assert (await told("verify", "shops", "--data", str(data)))[
        "collection"
    ] == f"{SHOPS.collection}.g2"
    again = await told("rebuild", "shops", "--data", str(data))
    assert (again["live"], again["differences"]) == (f"{SHOPS.collection}.g3", 0)
    back = await told("rebuild", "shops", "--back", "--data", str(data))
    assert back == {"projection": "shops", "live": f"{SHOPS.collection}.g2"}


Shows = Callable[[str], Awaitable[None]]


@asynccontextmanager
async def on_terminal(*arguments: str, module: str) -> AsyncIterator[tuple[Command, Shows]]:
    """A command with a terminal as its standard error, and what waits until the terminal shows some
    words. Killed at the end, if it still runs."""
    terminal, its = os.openpty()
    also = {"TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "120"}
    errors = Path(os.ttyname(its))
    process = await started(*arguments, module=module, also=also, errors=errors)
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
        for one in (terminal, its):
            os.close(one)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_rebuild_that_compares_shows_it_is_stopped_and_goes_on(
    mongo: Mongo, data: Path, number: signal.Signals
) -> None:
    command = ("rebuild", "shops", "--data", str(data), "--json")
    async with on_terminal(*command, module="tests.integration.cli.stalled") as (stopped, shows):
        await shows("0/3 shops compared")
        stopped.send_signal(number)
        out, _ = await stopped.communicate()
    said = json.loads(out)
    assert (stopped.returncode, said["stopped"], said["left"]) == (130, True, 0)
    assert (await told("verify", "shops", "--data", str(data)))["collection"] == SHOPS.collection
    async with on_terminal(*command, module="cplus.cli") as (again, shows):
        await shows("shops compared")
        await shows(f"switching to {SHOPS.collection}.g2")
        out, _ = await again.communicate()
    said = json.loads(out)
    assert (again.returncode, said["events"], said["live"]) == (0, 0, f"{SHOPS.collection}.g2")
    assert (said["compared"], said["differences"]) == (3, 0)


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
    runner = Runner(mongo, EventStore(mongo), EventReader(), ALL)
    async with on_lambda(aws, url, runner, queue, HURRIED):
        said = await told(*command)
    assert (said["live"], said["before"]) == (f"{SHOPS.collection}.g2", SHOPS.collection)
    assert (said["events"], said["differences"], said["dead_letters"]) == (events, 0, 0)
    assert (await told("verify", "shops", "--data", str(data)))["ok"] is True


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


async def test_a_rebuild_that_cannot_switch_says_in_front_of_what_it_stands_still_and_why(
    mongo: Mongo, stack: Path
) -> None:
    store = EventStore(mongo)
    await write(store, installed(), GiftWrapped())
    # The rows of now are of a release that knew the event.
    knowing = replace(SHOPS, passes=SHOPS.passes | {GiftWrapped.FAMILY})
    await Runner(mongo, store, WITH_GIFTS, [knowing]).catch_up(knowing, SHOP)
    command = ("rebuild", "shops", "--data", str(stack))
    said = await told(*command, status=1)
    [one] = said["parked"]
    assert (said["switched"], said["live"]) == (False, SHOPS.collection)
    assert (one["shop"], one["position"], one["reason"]) == (SHOP, 2, "unknown_type")
    for_people = await started(*command)
    out, err = await for_people.communicate()
    assert (for_people.returncode, out) == (1, b"")
    assert f"{SHOP} at position 2 (unknown_type gift.wrapped). Fix" in err.decode()
