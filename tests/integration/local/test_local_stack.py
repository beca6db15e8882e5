"""The whole stack as it is started by people: real processes, killed and started again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import pymongo
import pytest

from cplus.cli.connecting import settings_of
from cplus.local.aws import AwsEndpoint, client
from cplus.local.mongod import Mongod
from cplus.local.process import Child, PartFailed, PortTaken, listening
from cplus.local.stack import Stack
from cplus.local.state import AlreadyRunning
from tests.integration.local.processes import all_gone, listened, processes, strange_answers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="functions run on Linux only")

# A stack in a process of its own, that can be killed; it says what it lost, and stays.
SCRIPT = """
import asyncio, json, signal, sys
from pathlib import Path
from cplus.local.stack import Stack

async def main():
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with Stack(Path(sys.argv[1])) as stack:
        print(json.dumps(stack.lost), flush=True)
        await ended.wait()

asyncio.run(main())
"""


def _variables() -> dict[str, str]:
    """The environment without a server of somebody else's."""
    return {key: value for key, value in os.environ.items() if key != "CPLUS_MONGO_URI"}


Spawned: TypeAlias = tuple[asyncio.subprocess.Process, dict[str, int]]


@pytest.fixture
async def spawn() -> AsyncIterator[Callable[[Path], Awaitable[Spawned]]]:
    """Starts a stack in a process of its own; none outlives the test, also one that fails."""
    made: list[asyncio.subprocess.Process] = []

    async def one(data: Path) -> Spawned:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", SCRIPT, str(data)), stdout=-1, env=_variables()
        )
        made.append(process)
        assert process.stdout
        async with asyncio.timeout(120):
            line = await process.stdout.readline()
        return process, json.loads(line)

    yield one
    for process in made:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _stored(info: dict[str, Any]) -> list[int]:
    with pymongo.MongoClient[dict[str, Any]](info["mongo"]) as mongo:
        return [row["_id"] for row in mongo[info["database"]]["kept"].find().sort("_id")]


def _store(info: dict[str, Any], number: int) -> None:
    with pymongo.MongoClient[dict[str, Any]](info["mongo"]) as mongo:
        mongo[info["database"]]["kept"].with_options(
            write_concern=pymongo.WriteConcern("majority")
        ).insert_one({"_id": number})


async def test_a_part_that_cannot_start_is_said_so_with_its_last_words(tmp_path: Path) -> None:
    child = Child(
        "part",
        [sys.executable, "-c", "raise SystemExit('no luck today')"],
        log=tmp_path / "part.log",
        ready=lambda: listening(1),
    )
    with pytest.raises(PartFailed, match="no luck today"):
        await child.start()


@pytest.fixture(scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    data = tmp_path_factory.mktemp("stack")
    async with Stack(data, variables=_variables()) as running:
        yield running
    # A stop leaves no process behind, and nothing that says that a stack runs here.
    assert running.left == ""
    await all_gone(data)
    assert not (data / "stack.json").exists()
    assert json.loads((data / "aws-state.json").read_text())["clean"] is True


async def test_a_part_takes_nobody_elses_server_on_its_port_for_its_own(
    stack: Stack, tmp_path: Path
) -> None:
    mongod = Mongod(tmp_path, port=stack.mongod.port)
    for part in (mongod, AwsEndpoint(tmp_path, port=stack.aws.port)):
        with pytest.raises(PartFailed, match="ended with status"):
            await part.start()


@pytest.fixture
def info(stack: Stack) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((stack.data / "stack.json").read_text())
    return read


def _readable_by_others(data: Path) -> list[Path]:
    """The files of the directory that other users may read, but for logs, which say nothing of
    anybody."""
    written = [one for one in data.rglob("*") if one.is_file() and data / "logs" not in one.parents]
    assert any("mongo" in one.parts for one in written)
    return [one for one in written if one.stat().st_mode & 0o077]


def _told_secrets(data: Path, pids: Iterable[int]) -> list[str]:
    """The names of secrets that stand in the arguments of these processes, or in a log."""
    secrets = json.loads((data / "secrets.json").read_text())
    secrets["mongo"] = (data / "mongo.key").read_text()
    said = "".join(Path(f"/proc/{pid}/cmdline").read_text() for pid in pids)
    assert secrets.pop("client_id") in said
    logs = list((data / "logs").iterdir())
    assert {"mongod.log", "shopify.log", "web.log"} <= {log.name for log in logs}
    said += "".join(log.read_text("utf-8", "replace") for log in logs)
    return [name for name, value in secrets.items() if value in said]


async def test_stack_json_says_where_everything_is(stack: Stack, info: dict[str, Any]) -> None:
    assert set(info) == {
        *("web", "aws", "mongo", "database", "shopify", "queues", "buckets", "topics"),
        *("kms_key_id", "client_id", "client_secret", "shops", "pids"),
    }
    assert set(info["pids"]) == {"mongod", "aws", "shopify", "stack"}
    assert set(info["pids"].values()) <= {os.getpid(), *processes(stack.data)}
    assert set(info["buckets"]) == {"mail", "bodies", "roots"}
    assert info["topics"]["nudges"] == settings_of(stack.data).nudges_topic
    assert info["topics"]["nudges"].endswith(":cplus-local-nudges")
    assert {"webhooks", "mail", "mail-events", "send", "webhooks-dead"} <= set(info["queues"])
    assert (stack.data / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert stack.data.stat().st_mode & 0o777 == 0o700
    assert _readable_by_others(stack.data) == []
    async with httpx.AsyncClient(timeout=20) as http:
        assert (await http.post(f"{info['web']}/webhooks/shopify", content=b"{}")).status_code < 500
        assert (await http.get(f"{info['shopify']}/_control/shops")).status_code == 200
        assert (await http.get(f"{info['aws']}/_mailbox/messages.json")).json() == {"messages": []}
        assert (await http.get(f"{info['web']}/auth/sign-in")).status_code == 200
    running = [pid for one in stack.runner.status().values() for pid in one.pids]
    assert running
    assert _told_secrets(stack.data, [*info["pids"].values(), *running]) == []
    assert (stack.data / "mongo.key").read_text() in info["mongo"]
    assert info["mongo"] not in repr(stack.info)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
async def test_another_user_reaches_nothing_of_a_stack_but_what_has_a_login(stack: Stack) -> None:
    async with httpx.AsyncClient(timeout=20) as http:  # so that a function runs
        assert (await http.get(f"{stack.info.web}/auth/sign-in")).status_code == 200
    web, shopify = (httpx.URL(one).port for one in (stack.info.web, stack.shopify_url))
    ports = set().union(*map(listened, stack.info.pids.values()))
    assert ports > {stack.mongod.port, stack.aws.port, shopify, web}
    # MongoDB asks for a password, the app for a session, a signature or a token.
    asked = [f"127.0.0.1:{port}" for port in sorted(ports - {stack.mongod.port, web})]
    assert await strange_answers(*asked) == [403] * 2 * len(asked)


async def test_a_second_stack_on_the_same_directory_is_refused(stack: Stack) -> None:
    with pytest.raises(AlreadyRunning, match=f"process {os.getpid()}.*--data"):
        await Stack(stack.data).start()
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cplus.cli", "up", "--data", str(stack.data)),
        stdout=-1,
        stderr=-1,
        env=_variables(),
    )
    said, complained = await asyncio.wait_for(command.communicate(), 20)
    assert (command.returncode, said) == (1, b"")
    (line,) = complained.decode().splitlines()
    assert line.startswith(f"Error: Another stack (process {os.getpid()}) uses the data directory")
    assert (stack.data / "stack.json").exists()


async def test_a_port_that_is_taken_is_said_so(stack: Stack, tmp_path: Path) -> None:
    taken = stack.aws.port
    with pytest.raises(PortTaken, match=str(taken)):
        await Stack(tmp_path, port=taken, variables=_variables()).start()
    await all_gone(tmp_path)


async def test_the_aws_endpoint_that_is_killed_comes_back_with_its_resources(stack: Stack) -> None:
    before = stack.aws.child.restarts
    stack.kill("aws")
    await asyncio.wait_for(stack.aws.child.restarted(before + 1), 20)
    told = json.loads((stack.data / "stack.json").read_text())
    assert told["pids"]["aws"] == stack.aws.pid
    listed = await asyncio.to_thread(client("sqs", told["aws"]).list_queues)
    assert set(listed["QueueUrls"]) == set(told["queues"].values())


async def test_a_start_after_kill_9_works_and_says_what_was_lost(
    tmp_path: Path, spawn: Callable[[Path], Awaitable[Spawned]]
) -> None:
    started = time.monotonic()
    process, lost = await spawn(tmp_path)
    usual = time.monotonic() - started
    assert lost == {}
    before = json.loads((tmp_path / "stack.json").read_text())
    await asyncio.to_thread(_store, before, 1)
    s3, sqs = client("s3", before["aws"]), client("sqs", before["aws"])
    await asyncio.to_thread(
        s3.put_object, Bucket=before["buckets"]["bodies"], Key="shop/large", Body=b"large"
    )
    dead = before["queues"]["send-dead"]  # kept on disk; a message that waits is not
    await asyncio.to_thread(sqs.send_message, QueueUrl=dead, MessageBody="x")
    send = before["queues"]["send"]
    await asyncio.to_thread(sqs.send_message, QueueUrl=send, MessageBody="y", DelaySeconds=600)

    process.kill()
    await process.wait()
    await all_gone(tmp_path)

    started = time.monotonic()
    process, lost = await spawn(tmp_path)
    assert time.monotonic() - started < 3 * usual + 10  # it waits for nothing of the first
    assert lost == {"cplus-local-send": 1}
    after = json.loads((tmp_path / "stack.json").read_text())
    for name in ("web", "aws", "mongo", "shopify", "queues", "client_secret"):
        assert after[name] == before[name], name
    assert await asyncio.to_thread(_stored, after) == [1]
    found = await asyncio.to_thread(
        s3.get_object, Bucket=after["buckets"]["bodies"], Key="shop/large"
    )
    assert found["Body"].read() == b"large"
    letter = await asyncio.to_thread(
        client("sqs", after["aws"]).receive_message, QueueUrl=after["queues"]["send-dead"]
    )
    assert [one["Body"] for one in letter["Messages"]] == ["x"]

    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 30) == 0
    await all_gone(tmp_path)
