"""The stack's MongoDB: it comes back with its data, and lets in nobody without its password."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pymongo
import pytest
from pymongo.errors import OperationFailure

from cplus.local.mongod import Mongod, MongodMissing, find_binary
from cplus.local.process import Child, free_port, listening
from tests.integration.local.processes import all_gone

Client = pymongo.MongoClient[dict[str, Any]]
NOWHERE = {"PATH": ""}
_NOT_ALLOWED = {13, 18}  # Unauthorized, AuthenticationFailed


async def _store_without_password(data: Path) -> None:
    """What an earlier release left: a replica set of one that lets in everybody."""
    folder, port = data / "mongo", free_port()
    folder.mkdir()
    child = Child(
        "mongod",
        [
            *(str(find_binary(NOWHERE)), "--dbpath", str(folder), "--replSet", "cplus"),
            *("--bind_ip", "127.0.0.1", "--port", str(port), "--nounixsocket", "--quiet"),
        ],
        log=data / "mongod.log",
        ready=lambda: listening(port),
    )

    def store() -> None:
        with Client("127.0.0.1", port, directConnection=True) as client:
            members = [{"_id": 0, "host": f"127.0.0.1:{port}"}]
            client.admin.command("replSetInitiate", {"_id": "cplus", "members": members})
        with Client("127.0.0.1", port, replicaSet="cplus") as client:
            client.test.kept.insert_one({"_id": 1})

    await child.start()
    try:
        await asyncio.to_thread(store)
    finally:
        await child.stop()


def _stored(uri: str) -> list[int]:
    with Client(uri) as client:
        return [row["_id"] for row in client.test.kept.find().sort("_id")]


def _store(uri: str, number: int) -> None:
    with Client(uri) as client:
        majority = pymongo.WriteConcern("majority")
        client.test.kept.with_options(write_concern=majority).insert_one({"_id": number})


def _refused(port: int, **login: Any) -> None:
    """Nothing can be read, written or set up with that login."""
    asks: tuple[Callable[[Client], Any], ...] = (
        lambda client: client.list_database_names(),
        lambda client: client.test.list_collection_names(),
        lambda client: client.test.kept.find_one(),
        lambda client: client.test.kept.insert_one({}),
        lambda client: client.admin.command("createUser", "eve", pwd="x", roles=["root"]),
        lambda client: client.admin.command("replSetGetConfig"),
    )
    for ask in asks:
        # A client of its own for each: one that was refused waits before it asks again.
        with (
            Client("127.0.0.1", port, directConnection=True, **login) as client,
            pytest.raises(OperationFailure) as refusal,
        ):
            ask(client)
        assert refusal.value.code in _NOT_ALLOWED


async def test_data_from_before_there_was_a_password_is_there_for_who_knows_it(
    tmp_path: Path,
) -> None:
    await _store_without_password(tmp_path)
    mongod = Mongod(tmp_path, environment=NOWHERE)
    key = tmp_path / "mongo.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.read_text() in mongod.uri
    await mongod.start()
    try:
        assert await asyncio.to_thread(_stored, mongod.uri) == [1]
        await asyncio.to_thread(_refused, mongod.port)
        for name, database in (("cplus", "admin"), ("__system", "local")):
            wrong = {"username": name, "password": "0" * 64, "authSource": database}
            await asyncio.to_thread(_refused, mongod.port, **wrong)
    finally:
        await mongod.stop()


async def test_mongod_that_is_killed_comes_back_with_its_data(tmp_path: Path) -> None:
    mongod = Mongod(tmp_path, environment=NOWHERE)
    await mongod.start()
    try:
        await asyncio.to_thread(_store, mongod.uri, 1)
        first = mongod.pid
        mongod.kill()
        assert mongod.child
        await asyncio.wait_for(mongod.child.restarted(1), 20)
        assert mongod.pid != first
        await asyncio.to_thread(_store, mongod.uri, 2)
        assert await asyncio.to_thread(_stored, mongod.uri) == [1, 2]
    finally:
        await mongod.stop()
    await all_gone(tmp_path)
    # Another port and another key: the data name the old ones.
    (tmp_path / "mongo.key").unlink()
    blocked = Mongod(tmp_path, environment=NOWHERE)
    assert blocked.port != mongod.port
    assert (tmp_path / "mongo.key").read_text() not in mongod.uri
    await blocked.start()
    try:
        assert await asyncio.to_thread(_stored, blocked.uri) == [1, 2]
    finally:
        await blocked.stop()


def test_a_mongod_on_path_is_used_first_and_a_missing_one_is_said_so(tmp_path: Path) -> None:
    own = tmp_path / "mongod"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    assert find_binary({"PATH": str(tmp_path)}) == own
    assert find_binary(NOWHERE).name == "mongod"
    with pytest.raises(MongodMissing, match="CPLUS_MONGO_URI"):
        find_binary(NOWHERE, lambda _name: None)


def test_nothing_is_made_for_a_server_of_somebody_else(tmp_path: Path) -> None:
    uri = "mongodb://db.example.com/?replicaSet=rs"
    assert Mongod(tmp_path, environment={"CPLUS_MONGO_URI": uri}).uri == uri
    assert list(tmp_path.iterdir()) == []
