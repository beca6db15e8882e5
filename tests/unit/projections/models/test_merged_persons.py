"""Persons whom a merchant merged: rows, who is one, and what they say together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import pytest

from cplus.events.base import Recorded
from cplus.events.catalogue.customers import CustomerImported
from cplus.events.catalogue.merges import PersonsMerged, PersonsUnmerged
from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.models.persons import PERSON_COUNTS
from cplus.projections.queries.persons import (
    Family,
    customer_view,
    families,
    merges_of,
    profile_of,
)
from cplus.projections.testing import fold_all
from tests.unit.projections.models.told_events import at, joined, recorded

A, B, C = "person/a", "person/b", "person/c"


def said(
    kind: type[PersonsMerged | PersonsUnmerged], number: int, version: int, one: str, other: str
) -> Recorded:
    small, large = sorted((one, other))
    event = kind(
        originator_id=f"merge/{small[7:]}+{large[7:]}", originator_version=version,
        timestamp=at(number), person=small, absorbed=large,
    )  # fmt: skip
    return recorded(event, number, number, event.originator_id, version)


def merged(number: int, one: str = A, other: str = B, version: int = 1) -> Recorded:
    return said(PersonsMerged, number, version, one, other)


def unmerged(number: int, one: str = A, other: str = B, version: int = 2) -> Recorded:
    return said(PersonsUnmerged, number, version, one, other)


def customer(
    number: int, person: str, consent: str | None = None, email: str | None = None
) -> Recorded:
    event = CustomerImported(
        shopify_customer_id=number, person=person, email_consent=consent, orders=1,
        amount_spent="10.00", currency="EUR", email=email or f"{person[7:]}@example.com",
    )  # fmt: skip
    return recorded(event, number, number, f"customer/{number}")


def family_of(events: Sequence[Recorded], person: str = A) -> Family:
    return families(fold_all(CUSTOMERS, tuple(events)))[person]


def test_merged_rows_are_one_person_whatever_the_order_and_however_often_it_is_said() -> None:
    events = [customer(1, A), customer(2, B), merged(3), unmerged(4), merged(5, version=3)]
    rows = fold_all(CUSTOMERS, tuple(events))
    for order in permutations(events):
        assert fold_all(CUSTOMERS, (*order, order[0])) == rows
    assert family_of(events).persons == (A, B)
    assert PERSON_COUNTS.of(rows) == {"customers": 1, "leads": 0}
    one = customer_view(family_of(events), {A: 2, B: 3}, {})
    assert (one.orders, one.conversations, one.email) == (2, 5, "b@example.com")
    assert one.other_emails == ["a@example.com"]


def test_merged_they_have_the_tags_of_both() -> None:
    events = [
        recorded(
            CustomerImported(shopify_customer_id=number, person=person, tags=tags),
            number, number, f"customer/{number}",
        )
        for number, person, tags in ((1, A, ("vip", "Old")), (2, B, ("VIP", "new")))
    ]  # fmt: skip
    view = customer_view(family_of([*events, merged(3)]), {}, {})
    assert view.tags == ["Old", "new", "vip"]


def test_taken_back_each_is_what_it_was_with_what_came_meanwhile() -> None:
    before = [customer(1, A), customer(2, B)]
    events = [*before, merged(3), customer(4, B, "subscribed"), unmerged(5)]
    assert family_of(events, A).persons == (A,)
    assert family_of(events, B).persons == (B,)
    view = customer_view(family_of(events, B), {}, {})
    assert (view.orders, view.email_consent, view.other_emails) == (2, "subscribed", [])
    rows = fold_all(CUSTOMERS, tuple(events))
    assert PERSON_COUNTS.of(rows) == {"customers": 2, "leads": 0}
    assert [rows[one]["lists"] for one in (A, B)] == [["all", "customers"]] * 2


def test_what_turned_out_to_be_one_stays_one_when_a_merge_is_taken_back() -> None:
    events = [customer(1, A), customer(2, B), customer(3, C), joined(4, A, B), merged(5)]
    events += [unmerged(6), merged(7, B, C)]
    whole = family_of(events)
    assert [part.persons for part in whole.parts] == [(A, B), (C,)]
    assert [(one.one, one.other) for one in merges_of(whole)] == [(B, C)]
    divided = family_of([*events, unmerged(8, B, C)])
    assert (divided.persons, divided.parts, merges_of(divided)) == ((A, B), (), [])
    for order in permutations(events[3:]):
        assert fold_all(CUSTOMERS, (*events[:3], *order)) == fold_all(CUSTOMERS, tuple(events))


def test_a_merge_within_one_who_turned_out_to_be_one_is_none() -> None:
    whole = family_of([customer(1, A), customer(2, B), merged(3), joined(4, A, B)])
    assert (whole.persons, whole.parts, merges_of(whole)) == ((A, B), (), [])


def test_three_are_one_until_the_merge_between_them_is_taken_back() -> None:
    events = [customer(1, A), customer(2, B), customer(3, C), merged(4, A, B), merged(5, B, C)]
    whole = family_of(events)
    assert whole.persons == (A, B, C)
    assert [(one.one, one.other, one.by) for one in merges_of(whole)] == [
        (B, C, "shopify"),
        (A, B, "shopify"),
    ]
    assert family_of([*events, unmerged(6, A, B)], C).persons == (B, C)


@pytest.mark.parametrize(
    ("shown", "other", "counts"),
    [
        ("subscribed", "unsubscribed", "unsubscribed"),
        ("subscribed", "not_subscribed", "not_subscribed"),
        ("unsubscribed", "subscribed", "unsubscribed"),
        ("subscribed", "subscribed", "subscribed"),
        ("subscribed", None, "subscribed"),  # nobody said anything of the other address
        (None, "subscribed", None),  # nor did whoever has the one that is shown
        (None, "unsubscribed", "unsubscribed"),
        ("pending", "subscribed", "pending"),
        ("subscribed", "redacted", "redacted"),  # a word that nobody knows widens nothing
    ],
)
def test_the_stricter_consent_of_two_merged_persons_counts(
    shown: str | None, other: str | None, counts: str | None
) -> None:
    events = [customer(1, A, other), customer(2, B, shown), merged(3)]
    view = customer_view(family_of(events), {}, {})
    assert (view.email, view.email_consent) == ("b@example.com", counts)
    # Of accounts of one human the newest word counts, as ever.
    same = customer_view(family_of([*events[:2], joined(3, A, B)]), {}, {})
    assert same.email_consent == (shown or other)


def test_a_lead_with_the_address_of_a_subscriber_takes_nothing_from_them() -> None:
    events = [customer(1, A, None, "a@example.com"), customer(2, B, "subscribed", "A@example.com")]
    view = customer_view(family_of([*events, merged(3)]), {}, {})
    assert (view.email_consent, view.other_emails) == ("subscribed", [])


def test_segments_ask_what_pages_show_of_a_person() -> None:
    apart = [customer(1, A, "subscribed"), customer(2, B)]
    for family in (family_of(apart), family_of(apart, B), family_of([*apart, merged(3)])):
        view, asked = customer_view(family, {}, {}), profile_of(family)
        assert asked._asdict() == {name: getattr(view, name) for name in asked._fields}
