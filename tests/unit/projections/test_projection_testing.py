"""The helpers for who tests a fold: they let pass what is right, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cplus.events.base import Recorded
from cplus.events.catalogue.customers import CustomerChanged, CustomerDeleted
from cplus.events.catalogue.orders import OrderDeleted
from cplus.projections.base import Projection, Row, Rows
from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.testing import Scenario, given, told

ADA = CustomerChanged(shopify_customer_id=7, person="person/a", first_name="Ada")
GONE = CustomerDeleted(shopify_customer_id=7, person="person/a")


def test_rows_are_compared_by_key_and_by_the_fields_that_are_named() -> None:
    scenario = given(CUSTOMERS, ADA).then({"person/a": {"joined": False}})
    with pytest.raises(AssertionError, match="expected"):
        scenario.then({"person/b": {}})
    with pytest.raises(AssertionError, match="row 'person/a'"):
        scenario.then({"person/a": {"joined": True}})


def test_what_the_last_events_changed_is_told_from_what_they_did_not() -> None:
    late = told(ADA, 3, minutes=0)
    given(CUSTOMERS, ADA, GONE).when_told_again().then_nothing_changed()
    given(CUSTOMERS, ADA, GONE).when(OrderDeleted(shopify_order_id=1)).then_nothing_changed()
    gone = {"7": {"deleted": True}}
    given(CUSTOMERS, ADA, GONE).when(late).then({"person/a": {"accounts": gone}})
    with pytest.raises(AssertionError, match="rows were"):
        given(CUSTOMERS, ADA).when(GONE).then_nothing_changed()


def test_a_fold_that_depends_on_the_order_is_found() -> None:
    def last_wins(_key: str, _row: Row | None, event: object) -> Row:
        return {"last": getattr(event, "number", 0)}

    given(CUSTOMERS, ADA, GONE).then_the_same_in_any_order()
    with pytest.raises(AssertionError, match="in the order"):
        given(replace(CUSTOMERS, evolve=last_wins), ADA, GONE).then_the_same_in_any_order()


def test_an_event_that_would_park_the_shop_fails() -> None:
    forgetful = replace(CUSTOMERS, passes=frozenset())
    scenario: Scenario = given(forgetful, OrderDeleted(shopify_order_id=1))
    with pytest.raises(AssertionError, match="neither handles nor passes over OrderDeleted"):
        scenario.then({})


def _in_place(key: str, row: Any, event: Recorded) -> Row:
    """As a fold must not be: deep within, too, where a shallow copy does not help."""
    if row is None:
        return {"seen": {"events": [event.number]}}
    row["seen"]["events"].append(event.number)
    return {**row}


def _together_in_place(rows: Rows, event: Recorded) -> Rows:
    return {key: _in_place(key, row, event) for key, row in rows.items()}


@pytest.mark.parametrize(
    "fold",
    [
        replace(CUSTOMERS, evolve=_in_place),
        replace(CUSTOMERS, evolve=None, evolve_together=_together_in_place),
    ],
    ids=["evolve", "evolve_together"],
)
def test_a_fold_that_changes_what_it_is_given_fails(fold: Projection) -> None:
    with pytest.raises(AssertionError, match=r"customers changed in place .* CustomerDeleted"):
        given(fold, ADA, GONE).rows()
