"""What every command promises: how it ends and what it says if it is stopped, finds nothing, or is
asked for what cannot be."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
from pathlib import Path

import pytest
from pydantic import SecretStr

from cplus.events.log.store import COMMITS, EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Mongo, connect
from cplus.projections.groups import ALL
from cplus.projections.models.metrics import METRICS
from cplus.projections.models.shops import SHOPS
from cplus.projections.running.runner import Runner
from cplus.settings import Settings
from cplus.subscriptions.checkpoints import CHECKPOINTS
from tests.conftest import ROOT
from tests.integration.cli.shops_world import REPLAY, everything
from tests.integration.cli.stuck import AT_WORK
from tests.integration.command_line import started
from tests.integration.fold_world import (
    SHOP,
    write,
)
from tests.samples import installed


async def test_a_command_that_is_stopped_says_so_and_its_status_is_no_finding(
    mongo: Mongo, stack: Path
) -> None:
    async def stopped(number: signal.Signals, *command: str) -> None:
        process = await started(
            *command, "--data", str(stack), module="tests.integration.cli.stuck"
        )
        async with asyncio.timeout(60):
            await process.complains(AT_WORK)
            process.send_signal(number)
            out, err = await process.communicate()
        assert (process.returncode, out) == (130, b""), command
        [words] = err.decode().removeprefix(AT_WORK).splitlines()
        assert words.startswith("stopped")

    # The signals alternate: what hears them is one for all commands.
    for number, command in zip(
        itertools.cycle((signal.SIGINT, signal.SIGTERM)),
        (
            ("verify", "shops"),
            ("prove", "--against", str(ROOT)),
            ("rebuild", "shops"),
            ("rebuild", "shops", "--shop", SHOP),
            (*REPLAY[:-1], str(stack / "rows.jsonl")),
            ("projections", "lag"),
            ("audit", "verify"),
            ("metrics",),
            ("log", "export", SHOP, "--operator", "jo"),
        ),
        strict=False,
    ):
        await stopped(number, *command)


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
    await Runner(mongo, store, EventReader(), ALL).catch_up(SHOPS, SHOP)
    command = ("rebuild", "shops", "--data", str(stack))
    for workers in ("1", "2"):
        process = await started(*command, "--json", "--workers", workers)
        out, err = await process.communicate()
        assert (process.returncode, err) == (0, b"")
        assert json.loads(out)["projection"] == "shops"
    process = await started(*command)
    out, err = await process.communicate()
    assert (len(out.splitlines()), err) == (1, b"")
    name = SHOPS.collection
    kept = f"{name}, {name}.g2, {name}.g3 are kept up to date until"
    assert f"; {kept} `cplus rebuild shops --drop` drops them\n" in out.decode()
    process = await started(*command, "--json", also={"CPLUS_LOG_LEVEL": "info"})
    out, err = await process.communicate()
    assert json.loads(out)["live"] == f"{name}.g5"
    assert [json.loads(line)["event"] for line in err.splitlines()] == ["generation_switched"]
    await mongo.database[f"{name}.g5"].update_one({}, {"$set": {"name": "Another"}})
    process = await started(*command, "--json", "--shop", SHOP)
    out, err = await process.communicate()
    assert json.loads(out)["repaired"] == 1
    assert [json.loads(line)["level"] for line in err.splitlines()] == ["warning"]


async def test_one_shop_with_one_event_is_said_in_the_singular(mongo: Mongo, stack: Path) -> None:
    store = EventStore(mongo)
    await write(store, installed())
    await Runner(mongo, store, EventReader(), ALL).catch_up(SHOPS, SHOP)
    await mongo.database[SHOPS.collection].update_one({}, {"$set": {"name": "Another"}})
    replay = ("replay", "--projection", "cplus.projections.models.shops:SHOPS")
    out_file = stack / "rows.jsonl"
    for command, status, words in (
        (("verify", "shops"), 1, f"{SHOPS.collection}: 1 shop, 1 event, 1 row, 1 difference"),
        (("projections", "lag"), 0, f"{SHOP}: {METRICS.collection} is 1 event and "),
        ((*replay, "--out", str(out_file)), 0, f"{out_file}: 1 row of 1 event in 1 shop"),
        (("audit", "verify"), 0, "1 shop, 1 commit: intact"),
        (("rebuild", "shops", "--shop", SHOP), 0, f"{SHOP}: 1 row repaired"),
        (("rebuild", "shops"), 0, f"shops now reads from {SHOPS.collection}.g2: 1 event in "),
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
    said = b"all indexes and checkpoints exist\n"
    assert (process.returncode, out, err) == (0, said, b"")
    made = connect(Settings(mongo_uri=SecretStr(mongo_uri), mongo_database=database_name))
    assert {COMMITS, CHECKPOINTS} <= set(await made.database.list_collection_names())
    keyring = made.client.get_database(f"{database_name}_keyring")
    assert await keyring.list_collection_names()
    await made.close()
    process = await started("migrate", "--data", str(stack / "none"))
    assert (await process.communicate())[1].startswith(b"Error: No stack is running on ")
    assert process.returncode == 1


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
        ("projections", "unpark", "guests", "--data", str(data)): (
            "There is no projection or reaction 'guests'; choose one of: billing"
        ),
        ("projections", "lag"): "environment variable CPLUS_MONGO_URI, or give --data DIR.",
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
