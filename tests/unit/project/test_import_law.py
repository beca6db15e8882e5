"""The import law of pyproject.toml forgets no module, no dependency and no projection."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import packages_distributions

from tests.conftest import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


CONTRACTS = {c["id"]: c for c in PYPROJECT["tool"]["importlinter"]["contracts"]}


def _name(requirement: str) -> str:
    found = re.match(r"[\w.-]+", requirement)
    assert found
    return found[0].lower().replace("_", "-")


def _layers() -> list[set[str]]:
    """The names of each layer, the topmost first."""
    layers = CONTRACTS["layers"]["layers"]
    return [{one.strip().removeprefix("cplus.") for one in re.split("[|:]", it)} for it in layers]


def test_every_module_of_the_application_stands_in_a_layer() -> None:
    there = {
        path.stem
        for path in (ROOT / "cplus").iterdir()
        if path.suffix == ".py" or any(path.rglob("*.py"))
    }
    assert there - {"__init__"} == set().union(*_layers()) - {"lambdas"}


def test_the_layers_are_told_to_who_contributes() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    [block] = re.findall(r"^## The import law\n.*?^```\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    told = [set(re.findall(r"\w+", line.partition("   ")[0])) for line in block.splitlines()]
    assert told == _layers()


def test_folds_may_import_no_dependency_of_the_application() -> None:
    forbidden = set(CONTRACTS["folds"]["forbidden_modules"])
    wanted = {_name(requirement) for requirement in PYPROJECT["project"]["dependencies"]}
    offered: dict[str, set[str]] = {name: set() for name in wanted}
    for module, distributions in packages_distributions().items():
        for distribution in map(_name, distributions):
            if distribution in wanted and module.isidentifier() and not module.startswith("_"):
                offered[distribution].add(module)
    for distribution, modules in offered.items():
        assert modules & forbidden, f"name {sorted(modules)} of {distribution} in the folds' law"


def _folds() -> list[str]:
    folder = ROOT / "cplus" / "projections" / "models"
    return [f"cplus.projections.models.{path.stem}" for path in sorted(folder.glob("[a-z]*.py"))]


def test_every_module_that_makes_a_projection_stands_in_the_pure_folder() -> None:
    makers = {
        path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
        for path in (ROOT / "cplus").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "Projection"
    }
    assert len(makers) >= 6
    assert makers <= set(_folds())
    assert CONTRACTS["folds"]["source_modules"] == ["cplus.projections.models.**"]


def _loaded(modules: Iterable[str]) -> set[str]:
    """The top-level packages that a process holds after it has imported `modules`."""
    program = f"""
import importlib, json, sys
for module in {list(modules)!r}:
    importlib.import_module(module)
print(json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(json.loads(ran.stdout))


def test_a_fold_loads_no_driver_and_no_client_of_aws() -> None:
    loaded = _loaded(_folds())
    assert "cplus" in loaded
    heavy = {"pymongo", "motor", "boto3", "botocore", "aioboto3", "aiobotocore", "httpx"}
    assert not loaded & heavy


def test_only_the_function_that_serves_pages_loads_what_pages_need() -> None:
    pages = {"babel", "fastapi", "jinja2"}
    functions = {f"lambdas.{path.stem}" for path in (ROOT / "lambdas").glob("[a-z]*.py")}
    assert len(functions) >= 12
    assert not _loaded(functions - {"lambdas.web"}) & pages
    assert pages <= _loaded(["lambdas.web"])


def test_what_tests_share_stands_in_no_test_file() -> None:
    taken = re.compile(r"^\s*(?:from|import) (?:tests|bench)\.(?:\w+\.)*test_\w+", re.MULTILINE)
    assert taken.search("from tests.unit.project.test_docs import x")
    found = {
        path.relative_to(ROOT).as_posix()
        for room in ("tests", "bench")
        for path in (ROOT / room).rglob("*.py")
        if taken.search(path.read_text("utf-8"))
    }
    assert found == set()
