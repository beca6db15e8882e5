"""Writes the table of docs/proofs.md: what each long test proves, and what it saw last.

Run it after `make soak`. What a test proves is its docstring; what it saw comes from
build/soak.json, which `make soak` writes. A test that did not run keeps the figures it has.
"""

from __future__ import annotations

import ast
import json
import sys
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "proofs.md"
SOAK = ROOT / "build" / "soak.json"
BEGIN, END = "<!-- the table of make soak: scripts/proofs.py -->", "<!-- end of the table -->"
HEAD = ("what is proved", "by", "takes", "last seen")


@dataclass(frozen=True)
class Proof:
    """A long test, or a file of tests that are long on the driver that is not the default."""

    place: str
    """As pytest names it, without parameters."""
    says: str
    """The first paragraph of its docstring."""

    @property
    def name(self) -> str:
        """As the page names it."""
        path, _, test = self.place.partition("::")
        link = f"[`{Path(path).name}`](../{path})"
        return f"`{test}` in {link}" if test else f"all of {link}, on PyMongo's async API"


@cache
def proofs(folder: Path = ROOT / "tests") -> tuple[Proof, ...]:
    """Every long test there is, by place. Raises ValueError for one that does not say what it
    proves."""
    found = []
    for path in sorted(folder.rglob("test_*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        place = path.relative_to(folder.parent).as_posix()
        for node in tree.body:
            if isinstance(node, ast.Assign) and _is_long(node):
                found.append(Proof(place, _says(tree, place)))
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(
                map(_is_long, node.decorator_list)
            ):
                name = f"{place}::{node.name}"
                found.append(Proof(name, _says(node, name)))
    return tuple(found)


def _is_long(node: ast.AST) -> bool:
    return any(isinstance(one, ast.Attribute) and one.attr == "soak" for one in ast.walk(node))


def _says(node: ast.Module | ast.FunctionDef | ast.AsyncFunctionDef, place: str) -> str:
    text = ast.get_docstring(node)
    if not text:
        raise ValueError(f"{place} does not say in its docstring what it proves")
    return " ".join(text.split("\n\n")[0].split())


def seen(proof: Proof, soak: dict[str, Any]) -> tuple[str, str] | None:
    """How long it took and what it saw, over all its parameters; None where it did not run."""
    runs = [
        run
        for name, run in soak.items()
        if name.startswith(proof.place) and name[len(proof.place) :][:1] in ("", "[", ":")
    ]
    if not runs:
        return None
    figures: Counter[str] = Counter()
    for run in runs:
        figures.update(run["figures"])
    told = [f"{name.replace('_', ' ')} {number:,}" for name, number in figures.items()]
    passed = sum(run["passed"] for run in runs)
    told.insert(0, "passed" if passed == len(runs) == 1 else f"{passed} of {len(runs)} passed")
    day = max(run["day"] for run in runs)
    seconds = max(1, round(sum(run["seconds"] for run in runs)))
    return f"{seconds:,} s", f"{day}: {', '.join(told)}"


def table(page: str, soak: dict[str, Any]) -> str:
    """The page with its table as the tests are now."""
    start, end = page.index(BEGIN) + len(BEGIN), page.index(END)
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in page[start:end].strip().splitlines()
    ]
    before = {row[1]: (row[2], row[3]) for row in rows if len(row) == len(HEAD)}
    lines = [HEAD, ("---",) * len(HEAD)]
    for proof in proofs():
        takes, saw = seen(proof, soak) or before.get(proof.name) or ("", "not run yet")
        lines.append((proof.says.replace("|", "/"), proof.name, takes, saw))
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{page[:start]}\n{text}\n{page[end:]}"


if __name__ == "__main__":
    if not SOAK.exists():
        sys.exit(f"{SOAK} is not there: run `make soak` first")
    PAGE.write_text(table(PAGE.read_text("utf-8"), json.loads(SOAK.read_text("utf-8"))), "utf-8")
