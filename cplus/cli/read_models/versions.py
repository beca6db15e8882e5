"""Finds another version of this code and runs it to get its rows."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import zipfile
import zlib
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cplus
from cplus.errors import CplusError
from cplus.mongo import canonical, decoded
from cplus.projections.checks.release_rows import PROTOCOL

ENTRY_POINT = "cplus/projections/telling.py"


class NoCode(CplusError):
    """{against!r} is not a version of this code: {reason}. Name a folder or a zip file that holds
    cplus/, or a commit of the repository in {root}: a tag, a branch, a hash."""


class TooOld(CplusError):
    """The code of {against} has no {file}, which `cplus prove` needs to get its rows: it is older
    than this command. Name a newer version."""


class OtherProtocol(CplusError):
    """The code of {against} speaks protocol {spoken} of `cplus prove`, and this code {protocol}."""


class WrongCode(CplusError):
    """The Python of {against} imports cplus from {found}, not from {wanted}: it must not have the
    package cplus installed ahead of PYTHONPATH."""


class NoPython(CplusError):
    """{python} cannot be run ({reason}); use --python to name one that has the libraries of the
    other code."""


class CodeFailed(CplusError):
    """The code of {against} stopped before it had sent all of its rows: {reason}."""


@dataclass(frozen=True, slots=True)
class Code:
    """One version of the code, ready to run."""

    name: str
    """Its name in messages."""
    path: Path
    """The folder for PYTHONPATH, which holds only the package cplus."""
    python: str = sys.executable


def this_code(folder: Path) -> Code:
    """The running code, linked into a new folder below `folder`."""
    return Code("this code", _linked(_root(), folder / "new"))


def code_at(against: str, folder: Path, python: str | None) -> Code:
    """The code in a folder, in a zip file or of a git commit, unpacked below `folder` if needed.
    Raises NoCode and TooOld."""
    path, name = Path(against), against
    missing = _missing(path)
    if missing:
        path, commit = folder / "old.zip", _archived(against, missing, folder / "old.zip")
        name = f"{against} ({commit[:12]})" if not commit.startswith(against) else commit[:12]
    if path.is_dir():
        found = _linked(path.resolve(), folder / "old")
    else:
        found = _unpacked(against, path, folder / "old")
    if not (found / ENTRY_POINT).is_file():
        raise TooOld(against=name, file=ENTRY_POINT)
    return Code(name, found, python or sys.executable)


def _missing(path: Path) -> str:
    """Why the path has no code; empty if it has."""
    try:
        if (path / "cplus").is_dir():
            return ""
        if path.is_dir():
            return "the folder holds no cplus/"
        if not path.exists():
            return "there is no such folder, zip file or commit"
        with zipfile.ZipFile(path) as file:
            return "" if _held(file) else "the zip file holds no cplus/"
    except zipfile.BadZipFile:
        return "the file is not a zip file"
    except OSError as error:  # an impossible file name, or one that may not be read
        return error.strerror or type(error).__name__


def _archived(against: str, missing: str, archive: Path) -> str:
    """Packs the commit's cplus/ into the archive and returns the commit's hash. Raises NoCode, with
    `missing` as the reason if there is no such commit."""
    revision = ("--verify", "--quiet", "--end-of-options", f"{against}^{{commit}}")
    commit, why = _git("rev-parse", *revision)
    if not commit:  # no message: git works, and knows no such commit
        reason = f"{missing}; git: {why}" if why else missing
        raise NoCode(against=against, root=_root(), reason=reason)
    _, why = _git("archive", "--format=zip", f"--output={archive}", commit, "cplus")
    if why:
        reason = f"cannot get cplus/ from commit {commit[:12]}; git: {why}"
        raise NoCode(against=against, root=_root(), reason=reason)
    return commit


def _root() -> Path:
    return Path(cplus.__file__).resolve().parent.parent


def _linked(root: Path, folder: Path) -> Path:
    # Only the package: libraries beside it may be for another machine.
    folder.mkdir()
    (folder / "cplus").symlink_to(root / "cplus")
    return folder


def _held(archive: zipfile.ZipFile) -> list[str]:
    return [name for name in archive.namelist() if name.startswith("cplus/")]


def _unpacked(against: str, archive: Path, folder: Path) -> Path:
    try:
        with zipfile.ZipFile(archive) as file:
            file.extractall(folder, _held(file))
    except (OSError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:  # damaged, encrypted
        reason = f"the zip file cannot be unpacked ({error})"
        raise NoCode(against=against, root=_root(), reason=reason) from None
    return folder


def _git(*arguments: str) -> tuple[str, str]:
    """Git's output, and if it fails the line of its error that says why."""
    command = ["git", "-C", str(_root()), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  no shell
    except OSError as error:
        return "", f"it cannot be run ({error.strerror})"
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        # After what is wrong, git may say how far it looked.
        return "", next((line for line in lines if line.startswith("fatal:")), "".join(lines[-1:]))
    return done.stdout.strip(), ""


class ReleaseProcess:
    """A process that sends the rows of one version of the code."""

    def __init__(self, code: Code, process: asyncio.subprocess.Process, errors: Any) -> None:
        self._code, self._process, self._errors = code, process, errors
        self.projections: list[tuple[str, int]] = []

    async def hello(self) -> None:
        """Reads the greeting, which says which code it is.

        Raises CodeFailed, OtherProtocol and WrongCode.
        """
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
        assert self._process.stdin is not None  # noqa: S101  PIPE was requested
        asked = {"shop": shop, "position": end[0], "seq": end[1], "projections": projections}
        with suppress(ConnectionError):  # if it is gone, `next` will say so
            self._process.stdin.write(canonical(asked))

    async def next(self) -> bytes:
        """The next document that it sends; raises CodeFailed."""
        assert self._process.stdout is not None  # noqa: S101  PIPE was requested
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
async def release_process(
    code: Code, environment: Mapping[str, str]
) -> AsyncIterator[ReleaseProcess]:
    """A process of this code that ends with the block; call `hello` first. Raises NoPython."""
    own = {"PYTHONPATH": str(code.path), "PYTHONDONTWRITEBYTECODE": "1"}
    with tempfile.TemporaryFile() as errors:
        try:
            process = await asyncio.create_subprocess_exec(
                *(code.python, "-m", "cplus.projections.telling"),
                cwd=code.path,
                env={**os.environ, **environment, **own},
                stdin=PIPE,
                stdout=PIPE,
                stderr=errors,
                start_new_session=True,  # Ctrl-C stops the command, which then ends this
                limit=1 << 20,
            )
        except OSError as error:
            raise NoPython(python=code.python, reason=error.strerror) from None
        try:
            yield ReleaseProcess(code, process, errors)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
