"""Numbers that nobody can wait by are not taken from Shopify, or from a proxy before it."""

from __future__ import annotations

import json

import pytest

from cplus.shopify.budget import DEFAULT_WAIT, Budget, seconds

TOLD = {"maximumAvailable": 1000, "currentlyAvailable": 10, "restoreRate": 50}


@pytest.mark.parametrize("told", ["inf", "-inf", "nan", "1e400", "soon", ""])
def test_a_wait_that_is_no_finite_number_is_the_default(told: str) -> None:
    assert seconds(told) == DEFAULT_WAIT


@pytest.mark.parametrize(("told", "wait"), [("2.5", 2.5), ("0", 0.1), ("-5", 0.1)])
def test_a_wait_is_as_long_as_told_and_never_none(told: str, wait: float) -> None:
    assert seconds(told) == wait


@pytest.mark.parametrize("odd", ["NaN", "Infinity", "-Infinity", "1e400", "1" + "0" * 400])
@pytest.mark.parametrize("name", ["requestedQueryCost", *TOLD])
def test_a_budget_keeps_what_it_knew_if_a_number_is_not_finite(name: str, odd: str) -> None:
    budget = Budget(clock=lambda: 0.0)
    assert budget.heard("q", {"requestedQueryCost": 60, "throttleStatus": TOLD})
    before = budget.wait("q")
    cost = {"requestedQueryCost": 60, "throttleStatus": dict(TOLD)}
    (cost if name in cost else cost["throttleStatus"])[name] = json.loads(odd)  # type: ignore[index]
    assert not budget.heard("q", cost)
    assert budget.wait("q") == before == pytest.approx(1.01)
