"""What Shopify told last, what it left out, and what somebody bought in all."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from cplus.events.base import Recorded
from cplus.events.catalogue.customers import (
    CustomerConsentChanged,
    CustomerDeleted,
    CustomerSpendChanged,
)
from cplus.events.catalogue.shops import ShopChanged
from cplus.projections.models.billing import BILLING
from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.models.orders import ORDERS
from cplus.projections.models.persons import kind_of
from cplus.projections.models.shops import SHOPS
from cplus.projections.queries.persons import customer_view, families
from cplus.projections.queries.spending import NOTHING, Bought, in_all, is_later
from tests.unit.projections.models.told_events import (
    STARTED,
    at,
    bought,
    changed,
    deleted,
    fold,
    imported,
    plan,
    received,
    recorded,
    thread,
    view_of,
)

PAID = ("paid", "pending")
PHONES = ("+49 1", "+49 2")


def told_later(fact: Recorded, milliseconds: int) -> Recorded:
    return fact._replace(told_at=fact.occurred_at + timedelta(milliseconds=milliseconds))


@pytest.mark.parametrize("first", [1, 2])
def test_of_facts_of_one_second_the_one_that_shopify_told_last_wins(first: int) -> None:
    """Two states of an order, a customer and a subscription, whichever has the larger id."""
    ids = (first, 3 - first)
    pairs = [
        (ORDERS, "7", [bought(n, 5, financial_status=s) for n, s in zip(ids, PAID, strict=True)]),
        (CUSTOMERS, "person/a", [changed(n, 5, phone=p) for n, p in zip(ids, PHONES, strict=True)]),
        (BILLING, "gid/1", [plan(n, s) for n, s in zip(ids, ("active", "frozen"), strict=True)]),
    ]
    for projection, key, (early, late) in pairs:
        told = [told_later(early, 100), told_later(late, 700)]
        once, turned = fold(projection, told)[key], fold(projection, reversed(told))[key]
        assert once == turned == fold(projection, told[1:])[key]


@pytest.mark.parametrize("first", [1, 2])
def test_of_states_that_shopify_told_in_one_moment_the_one_further_on_stands(first: int) -> None:
    paid = [bought(first, 5, financial_status="paid"), bought(3 - first, 5)]
    active = [plan(first, "active"), plan(3 - first, "pending")]
    for order in (1, -1):
        assert fold(ORDERS, paid[::order])["7"]["financial_status"] == "paid"
        assert fold(BILLING, active[::order])["gid/1"]["status"] == "active"


def test_what_a_webhook_leaves_out_stays_as_it_was_known() -> None:
    whole, bare = imported(1, 1, locale="de", first_name="Ada"), changed(2, 2, phone="+1")
    assert view_of([whole, bare]).locale == view_of([bare, whole]).locale == "de"
    assert view_of([whole, bare]).first_name is None, "that a name was taken away is news"
    zone = recorded(ShopChanged(shop_name="Acorn", timezone="Asia/Tokyo"), 1, 1)
    none = recorded(ShopChanged(shop_name="Birch"), 2, 2)
    for events in ([zone, none], [none, zone]):
        profile = fold(SHOPS, events)["shop"]["profile"]
        assert (profile["name"], profile["timezone"]) == ("Birch", "Asia/Tokyo")


def test_a_consent_that_an_import_read_late_is_as_old_as_the_customer_says() -> None:
    read = imported(1, 1, email_consent="subscribed")._replace(told_at=at(9))
    told = CustomerConsentChanged(
        shopify_customer_id=7, person="person/a", email_consent="unsubscribed"
    )
    left = recorded(told, 5, 2)
    assert view_of([read, left]).email_consent == view_of([left, read]).email_consent
    assert view_of([left, read]).email_consent == "unsubscribed"


def test_orders_are_what_shopify_told_in_sum_and_what_came_later() -> None:
    family = families(fold(CUSTOMERS, [imported(1, 1)]))["person/a"]
    shown = customer_view(family, {}, {"person/a": [Bought(2, Decimal("80.00"), "EUR")]})
    assert (shown.orders, shown.amount_spent) == (5, Decimal("110.00"))
    family = families(fold(CUSTOMERS, [changed(1, 1)]))["person/a"]
    assert customer_view(family, {}, {}).orders == NOTHING.orders


def test_the_newest_sum_counts_alone() -> None:
    first = imported(1, 1)._replace(told_at=at(1))
    sum_ = CustomerSpendChanged(
        shopify_customer_id=7, person="person/a", orders=4, amount_spent="41.000", currency="KWD"
    )
    shown = view_of([recorded(sum_, 5, 2), first])
    assert (shown.orders, str(shown.amount_spent), shown.currency) == (4, "41.000", "KWD")


def test_a_merge_adds_what_the_other_had_bought_until_a_newer_sum_holds_both() -> None:
    two = [
        imported(1, 1, 7, orders=5, amount_spent="500.00")._replace(told_at=at(1)),
        imported(2, 1, 8, orders=3, amount_spent="300.00")._replace(told_at=at(2)),
    ]
    merge = CustomerDeleted(shopify_customer_id=8, person="person/a", merged_into=7)
    merged = [*two, recorded(merge, 5, 3, "customer/8")]
    shown = view_of(merged)
    assert (shown.orders, shown.amount_spent) == (8, Decimal("800.00"))
    again = imported(4, 1, 7, orders=9, amount_spent="840.00")._replace(told_at=at(9))
    shown = view_of([*merged, again])
    assert (shown.orders, shown.amount_spent) == (9, Decimal("840.00"))
    only_deleted = view_of([*two, deleted(3, 5, 8)])
    assert (only_deleted.orders, only_deleted.amount_spent) == (5, Decimal("500.00"))


def test_of_a_deleted_customer_each_order_counts_and_no_sum() -> None:
    told = [imported(1, 1, 7)._replace(told_at=at(1)), deleted(2, 2, 7)]
    accounts = fold(CUSTOMERS, told)["person/a"]["accounts"]
    assert is_later({"customer": 7, "created_at": at(0)}, accounts)
    assert in_all(accounts, [Bought(1, Decimal("12.00"), "EUR")]).orders == 1


def test_orders_are_counted_from_the_sum_of_their_own_customer_on() -> None:
    rows = fold(
        CUSTOMERS,
        [
            imported(1, 1, 7)._replace(told_at=at(1)),
            imported(2, 1, 8)._replace(told_at=at(4)),
            recorded(
                CustomerDeleted(shopify_customer_id=8, person="person/a", merged_into=7), 2, 3
            ),
            changed(4, 4, 9),
        ],
    )
    accounts = rows["person/a"]["accounts"]

    def later(customer: int | None) -> list[int]:
        orders = ({"customer": customer, "created_at": at(minute)} for minute in range(6))
        return [minute for minute, one in enumerate(orders) if is_later(one, accounts)]

    assert later(7) == [2, 3, 4, 5], "after the sum of its own"
    assert later(8) == [5]
    assert later(9) == [0, 1, 2, 3, 4, 5], "of whom there is no sum"
    assert later(1) == [0, 1, 2, 3, 4, 5], "of nobody who is known here"
    assert later(None) == [5], "whose it is was not recorded: after all sums"
    assert is_later({"created_at": at(0)}, {})


def test_of_the_very_second_of_an_imports_sum_orders_up_to_its_last_one_are_in_it() -> None:
    read_at = at(1) + timedelta(milliseconds=300)

    def later(second: int, number: int, **told: Any) -> bool:
        read = imported(1, 1, 7, **told)._replace(told_at=read_at)
        accounts = fold(CUSTOMERS, [read])["person/a"]["accounts"]
        placed = at(1) + timedelta(seconds=second)
        order = {"_id": f"acorn/{number}", "customer": 7, "created_at": placed}
        return is_later(order, accounts)

    assert [later(0, number, last_order=20) for number in (19, 20, 21)] == [False, False, True]
    assert later(0, 21, orders=0), "there is no order in it"
    assert not later(0, 21), "an older release did not tell which was the last"
    # Whatever its number: the time tells.
    assert not later(-1, 21, last_order=20)
    assert later(1, 19, last_order=20)


def test_who_ordered_as_a_guest_and_writes_is_a_customer() -> None:
    talk = thread(STARTED, received("m1"))
    assert view_of([bought(9, 1), *talk]).kind == view_of([*talk, bought(9, 9)]).kind == "customer"
    assert fold(CUSTOMERS, [bought(9, 1), *talk])["person/a"]["lists"] == ["all", "customers"]
    assert view_of([bought(9, 1, test=True), *talk]).kind == "lead"
    assert view_of([bought(9, 1, cancelled=True), *talk]).kind == "lead"
    assert kind_of(fold(CUSTOMERS, [bought(9, 1)])["person/a"]) == "gone", "there is nobody to show"
