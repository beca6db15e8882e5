"""Commands run as they are run, given every address that a function is given."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from cplus.local.lambdas import LIBRARIES
from cplus.local.lambdas.forks import Forked, Forks, Program
from cplus.settings import Settings
from tests.conftest import ROOT

FORKS: Final = Forks(
    (
        *LIBRARIES,
        *("cplus.bootstrap", "cplus.cli", "cplus.projections.generations.rebuild"),
        *("cplus.projections.checks.verify", "cplus.projections.running.runner"),
    ),
    Path(os.devnull),
)
"""Where the commands come from. Each is a process of its own, which has the code loaded: two
hundred of them would spend minutes on importing it."""


@dataclass(frozen=True)
class Command:
    """A command that runs."""

    process: Forked
    folder: Path

    @property
    def returncode(self) -> int | None:
        """Its status; None while it runs."""
        return self.process.returncode

    def kill(self) -> None:
        """As `kill -9`."""
        self.process.kill()

    def send_signal(self, number: signal.Signals) -> None:
        """As a terminal or an operator does."""
        self.process.send_signal(number)

    async def communicate(self) -> tuple[bytes, bytes]:
        """What it wrote to its standard output and errors, once it has ended."""
        try:
            await self.process.wait()
            return (self.folder / "output").read_bytes(), (self.folder / "errors").read_bytes()
        finally:
            shutil.rmtree(self.folder)


async def started(
    *arguments: str, cwd: Path = ROOT, also: Mapping[str, str] | None = None
) -> Command:
    """The command, with no variable of this process but those given."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **(also or {})}
    folder = Path(tempfile.mkdtemp(prefix="cplus-tests-"))
    program = Program(
        *("cplus.cli", arguments, environment, cwd),
        output=folder / "output",
        errors=folder / "errors",
    )
    return Command(await FORKS.start(program), folder)


async def told(*arguments: str, status: int = 0) -> dict[str, Any]:
    """What the command says with --json; fails if its status is another one."""
    process = await started(*arguments, "--json")
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == status, err.decode()
    return dict(json.loads(out))


async def said(
    settings: Settings, *arguments: str, also: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What the command says with --json; fails where its status is not 0."""
    found: dict[str, Any] = json.loads(await printed(settings, *arguments, "--json", also=also))
    return found


async def printed(
    settings: Settings, *arguments: str, also: Mapping[str, str] | None = None
) -> str:
    """What the command prints; fails where its status is not 0."""
    process = await started(*arguments, also={**os.environ, **_variables(settings), **(also or {})})
    out, err = await asyncio.wait_for(process.communicate(), 240)
    assert process.returncode == 0, f"{arguments}: {out.decode()} {err.decode()}"
    return out.decode()


def _variables(settings: Settings) -> dict[str, str]:
    """The settings as variables, secrets in clear."""
    found = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if value is not None:
            text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            found[f"CPLUS_{name.upper()}"] = text
    return found


@asynccontextmanager
async def nobody() -> AsyncIterator[tuple[dict[str, str], list[str]]]:
    """Variables by which Shopify, and the way to all hosts but those of this machine, are a place
    that nobody shall call; and the first line of each call that comes there."""
    calls: list[str] = []

    async def called(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append((await reader.readline()).decode("latin-1"))
        writer.close()

    server = await asyncio.start_server(called, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield {"CPLUS_SHOPIFY_ORIGIN": f"{url}/{{shop}}", "HTTPS_PROXY": url}, calls
