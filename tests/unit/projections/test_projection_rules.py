"""What holds for every projection, whatever it folds."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Sequence

import pytest

from cplus.consumers.reactions.registry import REACTIONS
from cplus.events.base import Event
from cplus.events.catalogue import CATALOGUE, RECORDED_ONLY, all_events
from cplus.projections.base import Projection
from cplus.projections.groups import (
    ALL,
    PROJECT_BILLING,
    PROJECT_CONVERSATIONS,
    PROJECT_CUSTOMERS,
)
from cplus.subscriptions.decoding import Follower
from tests.conftest import ROOT

_NAMES = (ast.Name, ast.Starred)
each = pytest.mark.parametrize("projection", ALL, ids=lambda projection: projection.name)


FOLLOWERS: Sequence[Follower] = (*ALL, *REACTIONS)


@pytest.mark.parametrize("follower", FOLLOWERS, ids=lambda follower: follower.name)
def test_every_family_is_named_and_no_event_of_the_catalogue_parks(follower: Follower) -> None:
    assert follower.passes == CATALOGUE.families()
    passed = CATALOGUE.passed(follower.passes, follower.handles)
    parking = [event for event in all_events() if event.TYPE not in passed]
    assert set(parking) == follower.handles


def test_every_event_is_handled_somewhere_or_named_as_recorded_only() -> None:
    handled = frozenset[type[Event]]().union(*(follower.handles for follower in FOLLOWERS))
    known = handled | RECORDED_ONLY
    assert known == set(all_events()), (
        "name the event in `handles` of a read model or a reaction; or, if nobody handles it on "
        "purpose, in RECORDED_ONLY of cplus/events/catalogue/__init__.py"
    )
    assert not handled & RECORDED_ONLY, "take it out of RECORDED_ONLY: somebody handles it"


@each
def test_a_projection_says_what_it_handles_and_passes_by_name(projection: Projection) -> None:
    # Computed sets would take in an event or a family that nobody has thought about. A new event
    # of a family that is named is passed over until a model handles it.
    module = inspect.getmodule(projection.keys)
    assert module is not None
    tree = ast.parse(inspect.getsource(module))
    [call] = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "Projection"
    ]
    for keyword in call.keywords:
        if keyword.arg == "handles":
            assert isinstance(keyword.value, ast.Call)
            assert all(type(argument) in _NAMES for argument in keyword.value.args)
        if keyword.arg == "passes":
            assert isinstance(keyword.value, ast.Call)
            [families] = keyword.value.args
            assert isinstance(families, ast.Set)
            assert all(type(family) is ast.Constant for family in families.elts)


def test_a_version_of_a_projection_is_there_once_and_each_function_has_its_own() -> None:
    assert len({(projection.name, projection.version) for projection in ALL}) == len(ALL)
    assert (*PROJECT_CONVERSATIONS, *PROJECT_CUSTOMERS, *PROJECT_BILLING) == ALL


@each
def test_every_projection_stands_in_the_docs(projection: Projection) -> None:
    page = (ROOT / "docs" / "read-models.md").read_text()
    assert f"`{projection.name}`" in page
