"""The import law of pyproject.toml forgets no dependency."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import packages_distributions

from tests.conftest import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def _name(requirement: str) -> str:
    found = re.match(r"[\w.-]+", requirement)
    assert found
    return found[0].lower().replace("_", "-")


def test_folds_may_import_no_dependency_of_the_application() -> None:
    contracts = {c["id"]: c for c in PYPROJECT["tool"]["importlinter"]["contracts"]}
    forbidden = set(contracts["folds"]["forbidden_modules"])
    wanted = {_name(requirement) for requirement in PYPROJECT["project"]["dependencies"]}
    offered: dict[str, set[str]] = {name: set() for name in wanted}
    for module, distributions in packages_distributions().items():
        for distribution in map(_name, distributions):
            if distribution in wanted and module.isidentifier() and not module.startswith("_"):
                offered[distribution].add(module)
    for distribution, modules in offered.items():
        assert modules & forbidden, f"name {sorted(modules)} of {distribution} in the folds' law"
