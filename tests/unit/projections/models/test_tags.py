"""The tags of a customer: what the import read, and what was added and removed since."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from cplus.events.base import Recorded
from cplus.events.catalogue.customers import CustomerTagsChanged
from tests.unit.projections.models.told_events import (
    at,
    deleted,
    imported,
    joined,
    recorded,
    view_of,
)


def tagged(number: int, minutes: int, person: str = "person/a", **tags: Any) -> Recorded:
    event = CustomerTagsChanged(shopify_customer_id=7, person=person, **tags)
    return recorded(event, minutes, number, "customer/7")


def test_tags_are_those_that_were_read_and_what_changed_since_in_any_order() -> None:
    events = [
        imported(1, 5, tags=("vip", "old")),
        tagged(2, 4, removed=("vip",)),
        tagged(3, 6, added=("new", "again")),
        tagged(4, 7, removed=("OLD", "again")),
    ]
    for order in permutations(events):
        assert view_of([*order]).tags == ["new", "vip"]


def test_tags_are_known_also_without_an_import() -> None:
    assert view_of([tagged(1, 1, added=("vip",)), tagged(2, 2, added=("Vip", "b"))]).tags == [
        "Vip",
        "b",
    ]


def test_of_changes_of_one_moment_the_one_that_shopify_told_last_stands() -> None:
    added = tagged(2, 1, added=("vip",))._replace(told_at=at(2))
    removed = tagged(1, 1, removed=("vip",))._replace(told_at=at(3))
    assert view_of([added, removed]).tags == view_of([removed, added]).tags == []


def test_rows_that_are_one_person_have_the_tags_of_both() -> None:
    one, other = tagged(1, 1, added=("a",)), tagged(2, 2, "person/b", added=("b",), removed=("a",))
    assert view_of([one, other, joined(3, "person/a", "person/b")]).tags == ["b"]


def test_a_deleted_customer_has_none() -> None:
    assert view_of([tagged(1, 1, added=("vip",)), deleted(2, 2)]).tags == []
