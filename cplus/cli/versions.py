"""Another version of this code: where it is found, and how it is asked for its rows."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import zipfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cplus
from cplus.errors import CplusError
from cplus.mongo import canonical, decoded
from cplus.projections.telling import PROTOCOL

TELLING = "cplus/projections/telling.py"


class NoCode(CplusError):
    """{against!r} is no version of this code: neither a folder or zip file that holds cplus/, nor
    a commit of the repository in {root} ({reason})."""


class TooOld(CplusError):
    """The code of {against} has no {file}, by which `cplus prove` asks a version for its rows: it
    is older than this command. Name a version that has it."""


class OtherProtocol(CplusError):
    """The code of {against} speaks protocol {spoken} of `cplus prove`, and this code {protocol}."""


class WrongCode(CplusError):
    """The Python of {against} runs the code in {found}, not that in {wanted}: it must not have the
    package cplus in a place that comes before PYTHONPATH."""


class CodeFailed(CplusError):
    """The code of {against} ended before it told all of its rows: {reason}."""


@dataclass(frozen=True, slots=True)
class Code:
    """One version of the code, ready to run."""

    name: str
    """What people call it."""
    path: Path
    """The folder for PYTHONPATH: holds the package cplus and nothing else."""
    python: str = sys.executable


def this_code(folder: Path) -> Code:
    """The code that runs here, by a link in the folder, which is made."""
    return Code("this code", _linked(_root(), folder / "new"))


def code_at(against: str, folder: Path, python: str | None) -> Code:
    """The code in a folder, in a zip file or of a git commit; what has to be unpacked is put into
    the folder. Raises NoCode and TooOld."""
    path, name = Path(against), against
    try:
        is_folder, is_there = (path / "cplus").is_dir(), path.exists()
    except OSError as error:  # a name that no file can have
        raise NoCode(against=against, reason=error.strerror) from None
    if is_folder:
        found = _linked(path.resolve(), folder / "old")
    else:
        archive = path
        if not is_there:
            commit = _git(
                against, "rev-parse", "--verify", "--end-of-options", f"{against}^{{commit}}"
            )
            archive = folder / "old.zip"
            _git(against, "archive", "--format=zip", f"--output={archive}", commit, "cplus")
            name = f"{against} ({commit[:12]})" if not commit.startswith(against) else commit[:12]
        found = _unpacked(against, archive, folder / "old")
    if not (found / TELLING).is_file():
        raise TooOld(against=name, file=TELLING)
    return Code(name, found, python or sys.executable)


def _root() -> Path:
    return Path(cplus.__file__).resolve().parent.parent


def _linked(root: Path, folder: Path) -> Path:
    # Only the package: what lies beside it may be libraries for another machine.
    folder.mkdir()
    (folder / "cplus").symlink_to(root / "cplus")
    return folder


def _unpacked(against: str, archive: Path, folder: Path) -> Path:
    try:
        with zipfile.ZipFile(archive) as file:
            names = [name for name in file.namelist() if name.startswith("cplus/")]
            file.extractall(folder, names)
    except (OSError, zipfile.BadZipFile) as error:
        raise NoCode(against=against, root=_root(), reason=error) from None
    return folder


def _git(against: str, *arguments: str) -> str:
    command = ["git", "-C", str(_root()), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError as error:
        raise NoCode(against=against, root=_root(), reason=error) from None
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["git said nothing"])[-1]
        raise NoCode(against=against, root=_root(), reason=reason)
    return done.stdout.strip()


class Teller:
    """A process that tells the rows of one version of the code."""

    def __init__(self, code: Code, process: asyncio.subprocess.Process, errors: Any) -> None:
        self._code, self._process, self._errors = code, process, errors
        self.projections: list[tuple[str, int]] = []

    async def hello(self) -> None:
        """Hears which code it is. Raises CodeFailed, OtherProtocol and WrongCode."""
        said = decoded(await self.next())
        if said["protocol"] != PROTOCOL:
            raise OtherProtocol(against=self._code.name, spoken=said["protocol"], protocol=PROTOCOL)
        wanted = str((self._code.path / "cplus").resolve())
        if said["code"] != wanted:
            raise WrongCode(against=self._code.name, found=said["code"], wanted=wanted)
        self.projections = [(name, version) for name, version in said["projections"]]

    def ask(
        self, shop: str, end: tuple[int, int], projections: Sequence[tuple[str, int | None]]
    ) -> None:
        """Asks for the rows of these projections in one shop, up to a position and its seq."""
        assert self._process.stdin is not None  # noqa: S101  it was asked for
        asked = {"shop": shop, "position": end[0], "seq": end[1], "projections": projections}
        with suppress(ConnectionError):  # that it is gone shows when it is to tell
            self._process.stdin.write(canonical(asked))

    async def next(self) -> bytes:
        """The next document that it tells; raises CodeFailed."""
        assert self._process.stdout is not None  # noqa: S101  it was asked for
        try:
            head = await self._process.stdout.readexactly(4)
            length = int.from_bytes(head, "little") - 4
            return head + await self._process.stdout.readexactly(length)
        except asyncio.IncompleteReadError:
            status = await self._process.wait()
            self._errors.seek(0)
            lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
            reason = lines[-1] if lines else f"it ended with status {status}"
            raise CodeFailed(against=self._code.name, reason=reason) from None


@asynccontextmanager
async def telling(code: Code, environment: Mapping[str, str]) -> AsyncIterator[Teller]:
    """A process of this code, of which `hello` is to be heard first; it ends with the block."""
    own = {"PYTHONPATH": str(code.path), "PYTHONDONTWRITEBYTECODE": "1"}
    with tempfile.TemporaryFile() as errors:
        process = await asyncio.create_subprocess_exec(
            *(code.python, "-m", "cplus.projections.telling"),
            cwd=code.path,
            env={**os.environ, **environment, **own},
            stdin=PIPE,
            stdout=PIPE,
            stderr=errors,
            limit=1 << 20,
        )
        try:
            yield Teller(code, process, errors)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
