"""What Shopify says of an order, as an event: what is kept of it, and what never is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cplus.consumers.shopify_orders import MOST, order_facts
from cplus.errors import InvalidInput
from cplus.events.catalogue.orders import OrderChanged
from cplus.privacy.identities import Resolved
from cplus.shopify.orders import Order
from tests.shopify_samples import ORDER

NOW = datetime(2026, 11, 20, tzinfo=UTC)
SHOP = "acorn.myshopify.com"


async def told(**changes: Any) -> OrderChanged:
    async def resolve(shop: str, **who: Any) -> Resolved | None:
        assert shop == SHOP
        return Resolved("person/a") if who["shopify_id"] or who["address"] else None

    order = Order.model_validate({**ORDER, **changes})
    [new] = await order_facts(SHOP, order, resolve, when=NOW, told_at=None)
    assert isinstance(new.event, OrderChanged)
    return new.event


async def test_an_order_says_what_was_ordered_sent_and_refunded() -> None:
    event = await told()
    assert event.items is not None
    [item] = event.items
    assert (item.title, item.variant, item.quantity, item.current) == ("Tote", "Blue", 2, 1)
    assert (item.unfulfilled, event.item_count) == (0, 1)
    [parcel] = event.fulfillments
    assert (parcel.status, parcel.shipment_status) == ("success", "in_transit")
    assert event.tracking is not None
    [tracking] = event.tracking
    assert (tracking.company, tracking.numbers) == ("UPS", ("1Z2345",))
    assert tracking.urls == ("https://carrier.example.com/1Z2345",)
    [refund] = event.refunds
    assert (refund.amount, refund.currency, refund.pending) == ("199.00", "EUR", False)


async def test_no_address_no_property_and_no_secret_link_is_kept() -> None:
    kept = repr(await told()).lower()
    for word in ("lisbon", "engraving", "mira", "authenticate", "damaged"):
        assert word not in kept, word


async def test_of_an_order_of_nobody_nothing_is_kept_that_could_not_be_erased() -> None:
    event = await told(customer=None, email=None)
    assert (event.person, event.items, event.tracking) == (None, None, None)
    assert (event.item_count, len(event.fulfillments)) == (1, 1)


async def test_what_shopify_does_not_say_is_not_known() -> None:
    event = await told(line_items=None, fulfillments=7, refunds={})
    assert (event.items, event.item_count, event.tracking) == (None, None, None)
    assert (event.fulfillments, event.refunds) == ((), ())
    assert (await told(line_items=[])).items == ()


async def test_a_large_order_is_capped_and_says_how_much_there_is() -> None:
    many = [{"id": number, "title": "x" * 900, "quantity": 1} for number in range(1, 201)]
    parcels = [{"id": number} for number in range(1, 201)]
    event = await told(line_items=many, fulfillments=parcels, refunds=parcels)
    assert event.items is not None
    assert (len(event.items), event.item_count) == (MOST, 200)
    assert [one.id for one in event.fulfillments] == list(range(151, 201))
    assert {len(one.title) for one in event.items} == {255}
    assert len(event.refunds) == MOST


@pytest.mark.parametrize(
    "url",
    [
        *("javascript:alert(1)", "data:text/html,x", "ftp://example.com/1", "//example.com/1"),
        *("https://", "http:///1", "https://example.com/a b", "https://[::1", "mailto:a@b.example"),
        "https://carrier.example@evil.example/1",
        *("https://example.com/\u202e1", "https://example.com/" + "1" * 2000, "", " "),
    ],
)
async def test_only_web_addresses_become_links(url: str) -> None:
    parcel = {"id": 1, "tracking_number": "1Z", "tracking_urls": [url], "tracking_url": url}
    event = await told(fulfillments=[parcel])
    assert event.tracking is not None
    assert [(one.numbers, one.urls) for one in event.tracking] == [(("1Z",), ())]


async def test_a_single_number_is_as_good_as_a_list_of_one() -> None:
    parcel = {"id": 1, "tracking_number": " 1Z ", "tracking_url": "http://example.com/1Z"}
    event = await told(fulfillments=[parcel, {"id": 2}])
    assert event.tracking is not None
    [tracking] = event.tracking
    assert (tracking.numbers, tracking.urls) == (("1Z",), ("http://example.com/1Z",))


async def test_money_that_did_not_move_is_not_refunded() -> None:
    moved = {"amount": "5.00", "kind": "refund", "status": "success", "currency": "EUR"}
    others = [
        {**moved, "status": "failure"},
        {**moved, "kind": "void"},
        {**moved, "amount": "2.50", "status": "pending"},
        {},
        "x",
    ]
    event = await told(refunds=[{"id": 1, "transactions": [moved, *others]}, {"id": 2}])
    assert [(one.id, one.amount, one.pending) for one in event.refunds] == [
        (1, "7.50", True),
        (2, "0", False),
    ]


async def test_without_currency_or_total_it_says_which() -> None:
    with pytest.raises(InvalidInput, match="currency is missing"):
        await told(currency=None)
    with pytest.raises(InvalidInput, match="total_price is missing"):
        await told(total_price=None, current_total_price=None)


PARTS = st.sampled_from(["line_items", "fulfillments", "refunds", "customer"])
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "x", "properties"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(PARTS, st.lists(ODD, max_size=4) | ODD)
async def test_whatever_stands_in_a_list_the_order_around_it_is_kept(name: str, odd: Any) -> None:
    assert (await told(**{name: odd})).name == "#1001"
