"""What holds for every projection, whatever it folds."""

from __future__ import annotations

import ast
import inspect

import pytest

from cplus.events.catalogue import all_events
from cplus.projections.base import Projection
from cplus.projections.groups import (
    ALL,
    PROJECT_BILLING,
    PROJECT_CONVERSATIONS,
    PROJECT_CUSTOMERS,
)
from tests.conftest import ROOT

each = pytest.mark.parametrize("projection", ALL, ids=lambda projection: projection.name)


@each
def test_every_event_of_the_catalogue_is_either_handled_or_ignored(projection: Projection) -> None:
    assert projection.handles | projection.ignores == frozenset(all_events())
    assert not projection.handles & projection.ignores


@each
def test_a_projection_says_what_it_ignores_by_name(projection: Projection) -> None:
    # Computed sets would take in an event that nobody has thought about.
    module = inspect.getmodule(projection.keys)
    assert module is not None
    tree = ast.parse(inspect.getsource(module))
    [call] = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "Projection"
    ]
    for keyword in call.keywords:
        if keyword.arg in {"handles", "ignores"}:
            assert isinstance(keyword.value, ast.Call)
            for argument in keyword.value.args:
                of = argument.value if isinstance(argument, ast.Attribute) else None
                assert isinstance(argument, ast.Name) or ast.unparse(of or argument) == "catalogue"


def test_a_version_of_a_projection_is_there_once_and_each_function_has_its_own() -> None:
    assert len({(projection.name, projection.version) for projection in ALL}) == len(ALL)
    assert (*PROJECT_CONVERSATIONS, *PROJECT_CUSTOMERS, *PROJECT_BILLING) == ALL


@each
def test_every_projection_stands_in_the_docs(projection: Projection) -> None:
    page = (ROOT / "docs" / "read-models.md").read_text()
    assert f"`{projection.name}`" in page
