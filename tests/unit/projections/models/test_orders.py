"""The row of an order: whatever comes late, twice or never, it is what Shopify says in the end."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cplus.events.base import Event, Recorded
from cplus.events.catalogue.orders import (
    OrderChanged,
    OrderDeleted,
    OrderFulfillmentChanged,
    OrderRefunded,
)
from cplus.events.catalogue.privacy import PersonErased
from cplus.events.order_parts import Fulfillment, LineItem, Refund, Tracking
from cplus.projections.base import Row
from cplus.projections.models.orders import ORDERS
from tests.unit.projections.models.told_events import at, fold, recorded, sent

SHIPMENTS = (None, "confirmed", "in_transit", "out_for_delivery", "delivered")


class Shop:
    """An order in Shopify: what happens to it, and what is told of it each time."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.minute = 0
        self.told: list[Event] = []
        self.times: list[int] = []
        self.parcels: dict[int, Fulfillment] = {}
        self.refunds: dict[int, Refund] = {}

    def order(self) -> OrderChanged:
        """As `orders/updated` tells it."""
        tracking = [Tracking(fulfillment=one, numbers=(f"n{one}",)) for one in self.parcels]
        return OrderChanged(
            shopify_order_id=7,
            person="person/a",
            name="#1",
            currency="EUR",
            total_price=f"{100 - len(self.refunds)}.00",
            items=(LineItem(id=1, title="Lamp", quantity=9, current=9 - len(self.refunds)),),
            item_count=1,
            tracking=tuple(tracking),
            fulfillments=tuple(self.parcels.values()),
            refunds=tuple(self.refunds.values()),
        )

    def tell(self, event: Event) -> None:
        self.told.append(event)
        self.times.append(self.minute)

    def happens(self) -> None:
        """One thing, and what Shopify tells of it: by itself and with the order. Some of what
        happens has the same second."""
        self.minute += self.chance.randint(0, 1)
        which = self.chance.randint(1, 3)
        if self.chance.random() < 0.5:
            known = self.parcels.get(which)
            step = SHIPMENTS.index(known.shipment_status) + 1 if known else 0
            parcel = Fulfillment(
                id=which,
                status="success",
                shipment_status=SHIPMENTS[min(step, len(SHIPMENTS) - 1)],
                updated_at=at(self.minute),
            )
            self.parcels[which] = parcel
            self.tell(OrderFulfillmentChanged(shopify_order_id=7, fulfillment=parcel))
        else:
            pending = which not in self.refunds
            refund = Refund(id=which, at=at(which), amount="1.00", currency="EUR", pending=pending)
            self.refunds[which] = refund
            self.tell(OrderRefunded(shopify_order_id=7, refund=refund))
        self.minute += 1
        self.tell(self.order())

    def facts(self) -> list[Recorded]:
        pairs = enumerate(zip(self.told, self.times, strict=True), start=1)
        return [recorded(event, minute, number) for number, (event, minute) in pairs]


def row(events: list[Recorded]) -> Row:
    return fold(ORDERS, events)["7"]


@given(st.randoms(use_true_random=False), st.integers(1, 8))
def test_in_any_order_repeated_and_with_losses_the_row_is_what_the_last_update_says(
    chance: random.Random, steps: int
) -> None:
    shop = Shop(chance)
    for _ in range(steps):
        shop.happens()
    facts = shop.facts()
    once = row(facts)
    last = facts[-1]
    assert row([last]) == once, "what Shopify says of the order at last is all that there is"
    some = [one for one in facts[:-1] if chance.random() < 0.6]
    events = [last, *some, *chance.sample(some, len(some) // 2)]
    chance.shuffle(events)
    assert row(events) == once


@given(st.randoms(use_true_random=False), st.integers(1, 8))
def test_parts_that_are_told_alone_make_the_same_row_in_any_order(
    chance: random.Random, steps: int
) -> None:
    shop = Shop(chance)
    for _ in range(steps):
        shop.happens()
    facts = [one for one in shop.facts() if chance.random() < 0.6] or shop.facts()[:1]
    events = [*facts, *chance.sample(facts, len(facts) // 2)]
    chance.shuffle(events)
    assert row(events) == row(facts)


def test_a_part_that_comes_before_its_order_waits_in_a_row_of_nobody() -> None:
    parcel = Fulfillment(id=3, status="success", updated_at=at(1))
    told = recorded(OrderFulfillmentChanged(shopify_order_id=7, fulfillment=parcel), 1, 1)
    assert "person" not in row([told])
    assert row([told, sent(2, 2)])["fulfillments"] == row([sent(2, 2), told])["fulfillments"]


def test_a_deleted_order_stays_deleted_whatever_comes_late() -> None:
    gone = recorded(OrderDeleted(shopify_order_id=7), 5, 5)
    refund = Refund(id=1, amount="1.00")
    late: list[Recorded] = [
        recorded(OrderRefunded(shopify_order_id=7, refund=refund), 9, 9),
        sent(8, 8),
    ]
    assert row([sent(1, 1), gone, *late]) == {"deleted": True}


def test_an_order_keeps_its_newest_fifty_parts() -> None:
    refunds = [Refund(id=number, amount="1.00") for number in range(1, 70)]
    events = [recorded(OrderRefunded(shopify_order_id=7, refund=one), 1, one.id) for one in refunds]
    found = [one["id"] for one in row(events[::-1])["refunds"]]
    assert found == list(range(20, 70))


def test_erasing_clears_what_they_bought_and_how_it_is_followed_and_nothing_of_others() -> None:
    def erased(person: str) -> Recorded:
        event = PersonErased(erasure="e", person=person, orders=(7, 8))
        return recorded(event, 9, 9, person)

    rows = fold(ORDERS, [sent(1, 1), erased("person/a")])
    assert list(rows) == ["7"], "an order that is not known is not made by an erasure"
    assert rows["7"]["items"] is None
    assert "Post" not in str(rows)
    assert "+49ada" not in str(rows)
    again = row([sent(1, 1, items=None, tracking=None), erased("person/a")])
    assert rows["7"] == again, "as a rebuild makes it"
    assert rows["7"]["name"] == "#1"
    other = row([sent(1, 1), sent(2, 2, person="person/b"), erased("person/a")])
    assert other["tracking"] == row([sent(2, 2, person="person/b")])["tracking"] != None  # noqa: E711


@given(st.randoms(use_true_random=False), st.integers(1, 8))
def test_what_a_fact_leaves_out_stays_as_the_newest_fact_says_that_tells_it(
    chance: random.Random, steps: int
) -> None:
    shop = Shop(chance)
    for _ in range(steps):
        shop.happens()
    facts = shop.facts()
    cut = [_cut(one, chance) for one in facts]
    once = row(cut)
    expected: list[dict[str, Any]] | None = None
    # What is known in the end: of each thing the last fact that has it, in the order of the facts.
    for one in sorted(cut, key=_when):
        if isinstance(one.event, OrderChanged) and one.event.item_count is not None:
            expected = [dict(item) for item in one.event.items or ()]
    ways = {
        way.fulfillment: list(way.numbers)
        for one in sorted(cut, key=_when)
        if isinstance(one.event, OrderChanged)
        for way in one.event.tracking or ()
    }
    assert once["items"] == expected
    assert {way["fulfillment"]: way["numbers"] for way in once["tracking"]} == ways
    events = [*cut, *chance.sample(cut, len(cut) // 2)]
    chance.shuffle(events)
    assert row(events) == once


def _when(one: Recorded) -> tuple[object, ...]:
    return one.occurred_at, one.id


def _cut(fact: Recorded, chance: random.Random) -> Recorded:
    """As the Admin API tells an order with too many items, or too many fulfillments."""
    if not isinstance(fact.event, OrderChanged):
        return fact
    left: dict[str, Any] = {}
    if chance.random() < 0.5:
        left |= {"items": None, "item_count": None}
    if chance.random() < 0.5:
        some = fact.event.fulfillments[:1]
        ways = [way for way in fact.event.tracking or () if way.fulfillment in {f.id for f in some}]
        left |= {"fulfillments": some, "tracking": tuple(ways)}
    return fact._replace(event=fact.event.model_copy(update=left))


def test_erasing_clears_what_an_older_fact_told_of_them_and_not_what_others_ordered() -> None:
    def erased(person: str) -> Recorded:
        return recorded(PersonErased(erasure="e", person=person, orders=(7,)), 9, 9, person)

    # The second names somebody else, and tells neither items nor fulfillments.
    rest = {"items": None, "item_count": None, "fulfillments": (), "tracking": None}
    both = [sent(1, 1), sent(2, 2, person="person/b", **rest)]
    assert row(both)["items"]
    assert row([*both, erased("person/b")])["items"] == row(both)["items"]
    gone = row([*both, erased("person/a")])
    assert gone == row([sent(1, 1, items=None, tracking=None), both[1], erased("person/a")])
    assert (gone["items"], gone["item_count"]) == (None, 1)
    assert gone["tracking"][0]["numbers"] == []


def test_rows_of_before_take_what_is_told_now() -> None:
    stored: dict[str, Any] = {
        name: value
        for name, value in row([sent(1, 1)]).items()
        if name not in {"items", "item_count", "tracking", "fulfillments", "refunds"}
    }
    newer = sent(2, 2)
    assert ORDERS.evolve is not None
    assert ORDERS.evolve("7", stored, newer) == row([newer])
    parcel = Fulfillment(id=3, status="success", updated_at=at(1) + timedelta(seconds=1))
    told = recorded(OrderFulfillmentChanged(shopify_order_id=7, fulfillment=parcel), 1, 3)
    after = ORDERS.evolve("7", stored, told)
    assert after is not None
    assert [one["id"] for one in after["fulfillments"]] == [3]
