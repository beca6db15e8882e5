"""Processes of functions, forked from one that has their libraries loaded."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_LAUNCH = Path(__file__).parents[1] / "launch.py"
_SERVER = Path(__file__).with_name("fork_server.py")


@dataclass(frozen=True)
class Program:
    """A module to be run as a program, with these variables only; what it writes to its standard
    output and errors is appended to files."""

    module: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    output: Path
    errors: Path

    def request(self, number: int) -> bytes:
        """As the server takes it."""
        told = {
            "id": number,
            "module": self.module,
            "arguments": list(self.arguments),
            "environment": dict(self.environment),
            "directory": str(self.directory),
            "output": str(self.output),
            "errors": str(self.errors),
        }
        return json.dumps(told).encode() + b"\n"


@dataclass(eq=False)
class Forked:
    """A process: its status is known once it has ended, negative for a signal."""

    pid: int
    returncode: int | None = None
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self) -> int | None:
        """Returns its status once it has ended."""
        await self._ended.wait()
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """Sends the process a signal, unless it has ended."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Kills the process and its children, like `kill -9`."""
        self.send_signal(signal.SIGKILL)  # in its first moment it leads no group yet
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def end(self, status: int) -> None:
        """Notes that it has ended."""
        self.returncode = status
        self._ended.set()


class Forks:
    """Starts processes, from `start` of the first until `close`; on Linux they end with this one.

    `libraries` are what the processes need not import themselves. A server that dies, and all
    processes with it, is started again for the next one.
    """

    def __init__(self, libraries: Sequence[str], log: Path) -> None:
        self._libraries = libraries
        self._log = log
        self._numbers = itertools.count()
        self._asked: dict[int, asyncio.Future[Forked]] = {}
        self._living: dict[int, Forked] = {}
        self._starting = asyncio.Lock()
        self._server: asyncio.subprocess.Process | None = None
        self._hearing: asyncio.Task[None] | None = None

    async def start(self, program: Program) -> Forked:
        """Starts the program; raises OSError if no process can be made."""
        stdin = await self._input()
        number = next(self._numbers)
        self._asked[number] = asyncio.get_running_loop().create_future()
        stdin.write(program.request(number))
        return await self._asked[number]

    async def close(self) -> None:
        """Ends the server, and every process with it."""
        for forked in list(self._living.values()):
            forked.kill()
        if self._server and self._hearing:
            with contextlib.suppress(ProcessLookupError):
                self._server.kill()
            await self._hearing

    async def _input(self) -> asyncio.StreamWriter:
        async with self._starting:
            if self._server is None or self._hearing is None or self._hearing.done():
                self._log.parent.mkdir(parents=True, exist_ok=True)
                with self._log.open("ab") as log:
                    self._server = await asyncio.create_subprocess_exec(
                        *(sys.executable, "-ISB", str(_LAUNCH), str(os.getpid())),
                        *(sys.executable, str(_SERVER), *self._libraries),
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        stderr=log,
                        start_new_session=True,  # Ctrl-C goes to the stack only
                    )
                self._hearing = asyncio.create_task(self._hear(self._server), name="forks")
            assert self._server.stdin  # noqa: S101 - for the type checker
            return self._server.stdin

    async def _hear(self, server: asyncio.subprocess.Process) -> None:
        assert server.stdout  # noqa: S101 - for the type checker
        async for line in server.stdout:
            self._heard(json.loads(line))
        await server.wait()
        for forked in self._living.values():
            forked.kill()  # where the kernel does not
            forked.end(-signal.SIGKILL)
        self._living.clear()
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(OSError("the process that forks the functions has ended"))
        self._asked.clear()

    def _heard(self, told: Mapping[str, Any]) -> None:
        if "status" in told:
            self._living.pop(told["pid"]).end(told["status"])
            return
        forked = self._living[told["pid"]] = Forked(told["pid"])
        asked = self._asked.pop(told["id"])
        if asked.done():  # whoever asked is gone
            forked.kill()
        else:
            asked.set_result(forked)
