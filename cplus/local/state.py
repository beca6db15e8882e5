"""The stack's own files in its data directory: lock, secrets, ports, pids."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from cplus.errors import CplusError

CLIENT_SECRET: Final = "CPLUS_SHOPIFY_CLIENT_SECRET"
"""The environment variable that tells a process the app's client secret: the arguments of a
process can be read by every user of the machine."""

BRIDGE: Final = "/shopifycloud/app-bridge.js"
"""Where the local Shopify has the App Bridge, as Shopify's CDN: pages of other sites load it."""

_STACK = "stack.json"


class AlreadyRunning(CplusError):
    """Another stack (process {pid}) uses the data directory {data}; stop it, or choose another
    directory with --data."""


@dataclass(frozen=True)
class StackInfo:
    """The content of stack.json: where the parts of a running stack are, for any program."""

    web: str
    aws: str
    mongo: str = field(repr=False)
    database: str
    shopify: str
    queues: Mapping[str, str]
    buckets: Mapping[str, str]
    topics: Mapping[str, str]
    kms_key_id: str
    client_id: str
    client_secret: str = field(repr=False)
    shops: tuple[str, ...]
    pids: Mapping[str, int]


@dataclass(frozen=True)
class Secrets:
    """The secrets of one local stack, generated on its first start."""

    client_id: str
    client_secret: str = field(repr=False)
    application_secret: str = field(repr=False)
    operator_token: str = field(repr=False)


def write_private(file: Path, text: str) -> None:
    """Replaces the file as a whole, or not at all; its user alone may read it."""
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(text)
    os.replace(part, file)  # noqa: PTH105 - says that it is the atomic one


def _keep_private(folder: Path) -> None:
    found = folder.stat()
    # A folder that everybody writes to, as /tmp, is not ours alone.
    if found.st_uid == os.getuid() and not found.st_mode & stat.S_ISVTX:
        folder.chmod(0o700)


class Directory:
    """One data directory, used by one stack at a time."""

    def __init__(self, data: Path) -> None:
        self.data = data.absolute()
        self._lock = -1

    def hold(self) -> None:
        """Locks the directory, and keeps it from other users of the machine; raises
        AlreadyRunning. The lock ends with the process at the latest."""
        self.data.mkdir(parents=True, exist_ok=True)
        _keep_private(self.data)
        lock = os.open(self.data / "stack.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pid = os.read(lock, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(lock)
            raise AlreadyRunning(pid=pid, data=self.data) from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        self._lock = lock
        (self.data / _STACK).unlink(missing_ok=True)

    def release(self) -> None:
        """Unlocks the directory, and removes the files that say that a stack is running."""
        if self._lock >= 0:
            (self.data / _STACK).unlink(missing_ok=True)
            (self.data / "pids.json").unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = -1

    def publish(self, info: StackInfo) -> None:
        """Writes stack.json, which means that everything is ready."""
        self._write(_STACK, asdict(info))

    def secrets(self) -> Secrets:
        """The secrets of this directory, generated if there are none."""
        found = self._read("secrets.json")
        made = {
            "client_id": secrets.token_hex(16),
            "client_secret": secrets.token_hex(32),
            "application_secret": secrets.token_hex(32),
            "operator_token": secrets.token_urlsafe(24),
        }
        whole = {name: str(found.get(name) or value) for name, value in made.items()}
        if whole != found:
            self._write("secrets.json", whole)
        return Secrets(**whole)

    def ports(self) -> dict[str, int]:
        """The ports of the last start, by part."""
        return {name: int(port) for name, port in self._read("ports.json").items()}

    def keep_ports(self, ports: Mapping[str, int]) -> None:
        """Saves the ports for the next start."""
        self._write("ports.json", dict(ports))

    def next_run(self) -> int:
        """The number of this run of the demo over the directory, from 1."""
        found = self._read("demo.json")
        run = int(found.get("runs", 0)) + 1
        self._write("demo.json", {**found, "runs": run})
        return run

    def filled(self) -> bool:
        """Whether a run of the demo was completed here."""
        return bool(self._read("demo.json").get("filled"))

    def keep_filled(self) -> None:
        """Records that a run was completed."""
        self._write("demo.json", {**self._read("demo.json"), "filled": True})

    def settled(self) -> bool:
        """Whether the demo shops were installed here once; a later uninstall was intended."""
        return self.filled() or bool(self._read("demo.json").get("installed"))

    def keep_settled(self) -> None:
        """Records that the demo shops were installed."""
        self._write("demo.json", {**self._read("demo.json"), "installed": True})

    def pids(self) -> dict[str, int]:
        """The processes that the last stack recorded; empty after a clean stop."""
        return {name: int(pid) for name, pid in self._read("pids.json").items()}

    def keep_pids(self, pids: Mapping[str, int]) -> None:
        """Records the processes, for the start after a kill."""
        self._write("pids.json", dict(pids))

    def _read(self, name: str) -> dict[str, Any]:
        try:
            found = json.loads((self.data / name).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self, name: str, content: Mapping[str, Any]) -> None:
        write_private(self.data / name, json.dumps(content, indent=1))
