"""`cplus dead` on queues that behave as SQS's: without a database but for a look."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

from cplus.aws import Aws
from cplus.events.catalogue.operators import OperatorLooked
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.ids import random_id
from cplus.mongo import Mongo
from tests.integration.command_line import started
from tests.integration.dead_world import fail, queue_of
from tests.integration.fold_world import SHOP, write
from tests.samples import installed


async def test_dead_letters_are_listed_shown_and_redriven_from_the_command_line(
    mongo: Mongo, mongo_uri: str, aws: Aws
) -> None:
    stage = random_id(8)
    url = await queue_of(aws, stage, "send")
    await fail(aws, url, {"shop": SHOP, "text": "own words"})
    # No connection string: the queues answer while the database does not.
    known = {**os.environ, "CPLUS_STAGE": stage}

    async def asked(*command: str, status: int = 0, **also: str) -> str:
        process = await started("dead", *command, also={**known, **also})
        out, err = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == status, err.decode()
        return (err if status else out).decode()

    assert await asked("list") == "send: 1 dead letter\n"
    [letter] = json.loads(listed := await asked("list", "send", "--json"))["letters"]
    assert letter["shop"] == SHOP
    assert "own words" not in listed
    assert "choose one of: send" in await asked("list", "sent", status=1)
    assert "'nowhere' has no dead-letter queues" in await asked(
        "list", status=1, CPLUS_STAGE="nowhere"
    )
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "CPLUS_STAGE": stage}
    process = await started("dead", "list", also=nowhere)
    assert b"set AWS_DEFAULT_REGION" in (await process.communicate())[1]

    database = {"CPLUS_MONGO_URI": mongo_uri, "CPLUS_MONGO_DATABASE": mongo.database.name}
    store = EventStore(mongo)
    await write(store, installed())
    show = ("show", "send", letter["id"])
    wrong = await asked(*show, "--operator", "a b", status=2, **database)
    assert "Invalid value for --operator: A name has 1 to 64" in wrong
    assert (await store.heads()) == {SHOP: 1}
    shown = json.loads(await asked(*show, "--json", "--operator", "jo", **database))
    assert json.loads(shown["body"])["text"] == "own words"
    assert shown["recorded"] == 2
    assert "own words" in await asked(*show, CPLUS_OPERATOR="ada", **database)
    looks = await EventReader().read(await store.read(SHOP, 1), [OperatorLooked])
    assert [one.actor for [one] in looks] == ["operator/jo", "operator/ada"]

    assert await asked("redrive", "send") == "send: 1 of 1 dead letter redriven (completed)\n"

    await fail(aws, url)  # once more
    [letter] = json.loads(await asked("list", "send", "--json"))["letters"]
    gone = f"send: {letter['id']} deleted\n"
    assert await asked("delete", "send", letter["id"]) == gone
    assert "was redriven or deleted" in await asked("delete", "send", letter["id"], status=1)
    assert await asked("list", "send") == "send: 0 dead letters\n"


async def test_the_queues_of_the_stack_on_a_directory_are_those_of_the_stage_local(
    aws: Aws, aws_endpoint: str, tmp_path: Path
) -> None:
    name = f"test-{random_id(8)}"
    await queue_of(aws, "local", name)
    # Of a database that nobody asks.
    said = {"mongo": "mongodb://127.0.0.1:9", "database": "none", "aws": aws_endpoint}
    (tmp_path / "stack.json").write_text(json.dumps(said))
    process = await started("dead", "list", name, "--data", str(tmp_path))
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, out.decode()) == (0, f"{name}: 0 dead letters\n"), err.decode()
