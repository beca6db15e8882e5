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

COPIES: Final = Forks((*LIBRARIES, "pytest"), Path(os.devnull))
"""Where programs of a changed copy of the code come from: they have the libraries loaded, and no
code of this one."""


@dataclass(frozen=True)
class Command:
    """A command that runs; its folder has the files of what it writes."""

    process: Forked
    folder: Path
    errors: Path

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

    async def complains(self, words: str) -> None:
        """Returns once its standard errors have the words."""
        while words.encode() not in self.errors.read_bytes():  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    async def communicate(self) -> tuple[bytes, bytes]:
        """What it wrote to its standard output and errors, as far as these are files, once it has
        ended."""
        try:
            await self.process.wait()
            output = (self.folder / "output").read_bytes()
            return output, self.errors.read_bytes() if self.errors.is_file() else b""
        finally:
            shutil.rmtree(self.folder)


async def started(
    *arguments: str,
    module: str = "cplus.cli",
    code: Path = ROOT,
    cwd: Path | None = None,
    also: Mapping[str, str] | None = None,
    errors: Path | None = None,
) -> Command:
    """The command, or another program of this code or a copy of it, with no variable of this
    process but those given."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(code), **(also or {})}
    folder = Path(tempfile.mkdtemp(prefix="cplus-tests-"))
    output, errors = folder / "output", errors or folder / "errors"
    output.touch()
    errors.touch()
    program = Program(module, arguments, environment, cwd or code, output=output, errors=errors)
    forks = FORKS if code == ROOT else COPIES
    return Command(await forks.start(program), folder, errors)


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
