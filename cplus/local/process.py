"""Processes of the local stack: they end with it, and are restarted if they crash."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from cplus.errors import CplusError

_LAUNCH = Path(__file__).with_name("launch.py")
_QUICK_DEATHS = 5  # in a row, each within _QUICK seconds: then it is not restarted again
_QUICK = 2.0
_SERVERS = range(20_000, 32_768)  # Linux gives clients the ports above, macOS and BSD later ones


class PartFailed(CplusError):
    """The part {name} of the local stack is not running: {reason}. Its log is {log}."""


class PortTaken(CplusError):
    """Port {port} is in use; stop the process that uses it, or choose another with --port."""


async def do_nothing() -> None:
    """Does nothing; for processes that keep their state across a restart."""


class Child:
    """One process, supervised from `start` to `stop`.

    `ready` returns once the process answers; it is called after each start. `again` runs after
    each restart, to restore what the process has lost. The process has its own session, so that
    Ctrl-C in a terminal only reaches the stack, which stops its parts in the right order.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        ready: Callable[[], Awaitable[None]],
        again: Callable[[], Awaitable[None]] = do_nothing,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.restarts = 0  # restarts after which it answered
        self.failure: PartFailed | None = None
        self._command = command
        self._log = log
        self._ready = ready
        self._again = again
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()

    @property
    def pid(self) -> int:
        """The current process id; it changes with each restart. 0 if nothing is running."""
        return self._process.pid if self._process else 0

    async def start(self, deadline: float = 60.0) -> None:
        """Starts the process and waits until it answers, at most `deadline` seconds."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._log.write_bytes(b"")
        await self._spawn()
        try:
            await self._answering(deadline)
        except BaseException:
            await self._end(0.0)
            raise
        self._supervisor = asyncio.create_task(self._supervise(), name=f"supervise-{self.name}")

    async def stop(self, grace: float = 10.0) -> None:
        """Asks the process to stop, and kills it after `grace` seconds."""
        if self._supervisor:
            self._supervisor.cancel()
            await asyncio.wait([self._supervisor])
            self._supervisor = None
        await self._end(grace)

    async def restarted(self, times: int) -> None:
        """Returns once the process has been restarted and answered that many times."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.restarts >= times)

    def kill(self) -> None:
        """Kills the process like `kill -9`; the supervisor restarts it."""
        if self._process and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)

    def abandon(self) -> None:
        """Kills the process for good, without waiting."""
        if self._supervisor:
            self._supervisor.cancel()
        self.kill()

    async def _spawn(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-ISB", str(_LAUNCH), str(os.getpid()), *self._command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **(self._environment or {})},
                start_new_session=True,
            )

    async def _answering(self, deadline: float) -> None:
        assert self._process  # noqa: S101 - for the type checker; _spawn came before
        ready = asyncio.ensure_future(self._ready())
        died = asyncio.ensure_future(self._process.wait())
        try:
            done, _ = await asyncio.wait(
                [ready, died], timeout=deadline, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for task in (ready, died):
                if not task.done():
                    task.cancel()
        if ready in done:
            await ready
            return
        if died in done:
            raise self._failed(f"it ended with status {died.result()}: {self._last_words()}")
        raise self._failed(f"it did not answer within {deadline:g} seconds")

    def _failed(self, reason: str) -> PartFailed:
        return PartFailed(name=self.name, reason=reason, log=self._log)

    def _last_words(self) -> str:
        lines = self._log.read_text("utf-8", "replace").split("\n")
        return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "no output")

    async def _supervise(self) -> None:
        quick = 0
        while True:
            assert self._process  # noqa: S101 - for the type checker; start came before
            started = time.monotonic()
            status = await self._process.wait()
            quick = quick + 1 if time.monotonic() - started < _QUICK else 0
            if quick >= _QUICK_DEATHS:
                self.failure = self._failed(f"it ended {quick} times in a row, status {status}")
                return
            await self._spawn()
            try:
                await self._answering(60.0)
                await self._again()
            except PartFailed as error:
                self.failure = error
                if self._process.returncode is None:
                    return
                continue
            self.failure = None
            async with self._changed:
                self.restarts += 1
                self._changed.notify_all()

    async def _end(self, grace: float) -> None:
        process = self._process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM if grace else signal.SIGKILL)
        try:
            await asyncio.wait_for(process.wait(), grace or 5.0)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
            await process.wait()
        self._process = None


async def listening(port: int, interval: float = 0.02) -> None:
    """Returns once something on this machine accepts connections on `port`."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(interval)
        else:
            writer.close()
            return


def free_port(wanted: int = 0) -> int:
    """The port `wanted` if it is free, otherwise a free one outside of the range for clients.

    A port from that range could be taken by a client by the time that the server needs it.
    """
    for port in (wanted, *random.sample(_SERVERS, 100)):
        if not port:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise PortTaken(port=wanted)


def end_leftover(pid: int, marks: Sequence[str], grace: float = 5.0) -> bool:
    """Ends the process `pid` if it is still running and its command line contains all `marks`.

    Process ids are reused, so a pid alone proves nothing. Returns whether a process was ended.
    """
    command = _command_line(pid)
    if pid in (0, os.getpid()) or not command or not all(mark in command for mark in marks):
        return False
    deadline = time.monotonic() + grace
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)
    while _command_line(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return True


def _command_line(pid: int) -> str:
    proc = Path("/proc", str(pid), "cmdline")
    if Path("/proc/self").exists():
        try:
            return proc.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            return ""
    done = subprocess.run(
        ["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()
