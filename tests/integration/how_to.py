"""Does what a page of docs/how-to says, on a copy of the project."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import ROOT
from tests.integration.command_line import started

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_MODULES = {"cplus": "cplus.cli", "pytest": "pytest"}


@dataclass(frozen=True, slots=True)
class Copied:
    """The copy, and the database that its commands work on."""

    folder: Path
    mongo_uri: str
    database_name: str
    also: Mapping[str, str] = field(default_factory=dict)
    """Further variables of its commands."""

    @classmethod
    def into(cls, folder: Path, mongo_uri: str, database_name: str, **also: str) -> Copied:
        """A copy of what a developer changes, with what Python compiled of it."""
        for name in ("cplus", "docs", "tests"):
            shutil.copytree(ROOT / name, folder / name)
        shutil.copy(ROOT / "pyproject.toml", folder)
        return cls(folder, mongo_uri, database_name, also)

    async def follow(self, page: str) -> dict[str, str]:
        """Writes files, makes changes and runs commands in the order of the page; answers what
        each command said."""
        said: dict[str, str] = {}
        for language, block in _BLOCK.findall((ROOT / "docs" / "how-to" / page).read_text("utf-8")):
            if language == "python":
                path, _, code = block.partition("\n")
                (self.folder / path.removeprefix("# ")).write_text(code, "utf-8")
            elif language == "diff":
                self._change(block)
            else:
                assert language == "sh"
                for line in block.splitlines():
                    program, *arguments = line.split()
                    said[line] = await self.run(_MODULES[program], *arguments)
        return said

    async def run(self, module: str, *arguments: str, status: int = 0) -> str:
        """What `python -m` says in the copy; it has to end with the status."""
        also = {
            "PYTEST_ADDOPTS": "--assert=plain",  # it would rewrite libraries, which are loaded
            "CPLUS_MONGO_URI": self.mongo_uri,
            "CPLUS_TEST_MONGO_URI": self.mongo_uri,  # tests that run in the copy start none
            "CPLUS_MONGO_DATABASE": self.database_name,
            "CPLUS_MONGO_KEYRING_DATABASE": f"{self.database_name}_keyring",
            **self.also,
        }
        process = await started(*arguments, module=module, code=self.folder, also=also)
        out, err = await asyncio.wait_for(process.communicate(), 90)
        assert process.returncode == status, f"{module} {arguments}\n{out.decode()}\n{err.decode()}"
        return out.decode()

    async def does(self, code: str, *arguments: str) -> str:
        """What the program says in the copy."""
        (self.folder / "program.py").write_text(code, "utf-8")
        return await self.run("program", *arguments)

    def _change(self, diff: str) -> None:
        """Does what the diff says: the lines without a mark say where, and there only."""
        head, *lines = diff.splitlines()
        path = self.folder / head.removeprefix("--- ")
        old = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "+")
        new = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "-")
        text = path.read_text("utf-8")
        assert text.count(old) == 1, f"{path.name} has these lines {text.count(old)} times:\n{old}"
        path.write_text(text.replace(old, new), "utf-8")
