"""A copy of the code as it is, to be edited: another version for a test to run."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.conftest import ROOT


def copied(folder: Path) -> Path:
    """The code as it is, in a folder of its own, with what Python compiled of it: that is passed
    over for files that are edited, and is in no commit."""
    shutil.copytree(ROOT / "cplus", folder / "cplus")
    (folder / ".gitignore").write_text("__pycache__/\n", "utf-8")
    return folder


def edited(project: Path, name: str, old: str, new: str) -> None:
    path = project / "cplus" / "projections" / name
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")
