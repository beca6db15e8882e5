"""What an import reads once more is recorded only if the rows lack something of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given as random
from hypothesis import settings
from hypothesis import strategies as st

from cplus.consumers.imports.news import is_known_customer, is_known_order
from cplus.events.base import Event, NewEvent, Recorded
from cplus.events.catalogue.customers import (
    CustomerChanged,
    CustomerConsentChanged,
    CustomerDeleted,
    CustomerImported,
    CustomerSpendChanged,
    CustomerTagsChanged,
)
from cplus.events.catalogue.orders import OrderChanged, OrderDeleted, OrderFulfillmentChanged
from cplus.events.order_parts import Fulfillment, LineItem
from cplus.projections.base import Row
from cplus.projections.models import customers, metrics, orders
from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.models.orders import ORDERS
from cplus.projections.testing import SHOP, fold_all, told

PERSON = "person/p"
AT = datetime(2026, 11, 20, tzinfo=UTC)
WHO: dict[str, Any] = {"shopify_customer_id": 7, "person": PERSON}
FULL: dict[str, Any] = {
    "first_name": "Mira",
    "email": "mira@example.com",
    "state": "enabled",
    "locale": "en",
    "tags": ("vip",),
    "orders": 2,
    "last_order": 4,
    "amount_spent": "9.00",
    "currency": "EUR",
    "email_consent": "subscribed",
    "created_at": AT - timedelta(days=9),
}


def as_told(event: Event, number: int, at: datetime, told_at: datetime) -> Recorded:
    return told(event, number)._replace(occurred_at=at, told_at=told_at)


def read(at: datetime = AT, days: int = 5, **fields: Any) -> NewEvent:
    event = CustomerImported(**WHO, **{**FULL, **fields})
    return NewEvent("customer/7", event, at, told_at=AT + timedelta(days=days))


def row_of(*events: Recorded) -> Row | None:
    return fold_all(CUSTOMERS, events).get(PERSON)


FIRST = as_told(CustomerImported(**WHO, **FULL), 1, AT, AT + timedelta(hours=1))


def known(row: Row | None, new: NewEvent) -> bool:
    return is_known_customer(SHOP, PERSON, row, new)


def test_a_customer_who_did_not_change_is_known() -> None:
    assert known(row_of(FIRST), read())


@pytest.mark.parametrize(
    "changed",
    [
        *({name: value} for name, value in {"first_name": "Mia", "tags": (), "orders": 3}.items()),
        *({name: None} for name in ("email", "locale", "email_consent", "created_at")),
        {"amount_spent": "10.00"},
        {"last_order": 5},
    ],
    ids=str,
)
def test_a_customer_of_whom_something_changed_is_news(changed: dict[str, Any]) -> None:
    assert not known(row_of(FIRST), read(**changed))


@pytest.mark.parametrize("later", [timedelta(seconds=1), timedelta(days=-1)], ids=str)
def test_what_was_so_at_another_time_is_news(later: timedelta) -> None:
    assert not known(row_of(FIRST), read(AT + later))


@pytest.mark.parametrize(
    "event",
    [
        CustomerTagsChanged(**WHO, added=("new",)),
        CustomerConsentChanged(**WHO, email_consent="unsubscribed"),
        CustomerSpendChanged(**WHO, orders=3, amount_spent="12.00", currency="EUR"),
        CustomerDeleted(**WHO),
        CustomerChanged(**WHO, first_name="Mira"),
    ],
    ids=lambda event: event.TYPE,
)
def test_what_a_webhook_told_since_makes_the_import_news(event: Event) -> None:
    since = as_told(event, 2, AT + timedelta(days=1), AT + timedelta(days=1))
    assert not known(row_of(FIRST, since), read())


def test_of_nobody_who_is_known_everything_is_news() -> None:
    assert not known(None, read())
    webhook = as_told(CustomerChanged(**WHO, first_name="Mira"), 1, AT, AT)
    assert not known(row_of(webhook), read()), "a webhook has neither tags nor sums"


_TIMES = st.sampled_from([AT, AT + timedelta(hours=1), AT + timedelta(days=1)])
_FEW: dict[str, Any] = {"first_name": "Mira", "created_at": AT}
_Told = tuple[Event, datetime, datetime]
_IMPORTS = st.builds(
    lambda orders, tags: CustomerImported(**WHO, **_FEW, orders=orders, tags=("a", "b")[:tags]),
    st.integers(0, 1),
    st.integers(0, 2),
)
_NOTHING: dict[str, Any] = {**WHO, "amount_spent": "0.00"}
_OTHERS = st.sampled_from(
    [
        CustomerChanged(**WHO, first_name="Mira"),
        CustomerChanged(**WHO, first_name="M"),
        CustomerTagsChanged(**WHO, added=("a",)),
        CustomerConsentChanged(**WHO, email_consent="pending"),
        CustomerSpendChanged(**_NOTHING, orders=0),
        CustomerSpendChanged(**_NOTHING, orders=1),
        CustomerDeleted(**WHO),
    ]
)
_PAST = st.lists(st.tuples(st.one_of(_IMPORTS, _OTHERS), _TIMES, _TIMES), max_size=2)


def _shown(row: Any) -> Any:
    """What is seen of the row, and what orders it, but for who said so and when."""
    if isinstance(row, dict):
        marks = {"told_at", "rank", "by", "kept"}
        return {name: _shown(one) for name, one in row.items() if name not in marks}
    return [_shown(one) for one in row] if isinstance(row, list | tuple) else row


@settings(max_examples=200)
@random(_PAST, st.tuples(_IMPORTS, _TIMES, _TIMES), _PAST)
def test_leaving_out_what_is_known_leaves_rows_and_metrics_as_they_would_be(
    before: list[_Told], read_first: _Told, since: list[_Told]
) -> None:
    event, at, _ = read_first
    told = enumerate([*before, read_first, *since], 1)
    history = tuple(as_told(one, number, *times) for number, (one, *times) in told)
    row = row_of(*history)
    new = NewEvent("customer/7", event, at, told_at=AT + timedelta(days=5))
    if not known(row, new):
        return
    recorded = as_told(event, 9, at, AT + timedelta(days=5))
    after = customers.evolve(PERSON, row, recorded)
    for one in (row, after):
        assert one is not None
        one["accounts"]["7"]["spend"] = {**one["accounts"]["7"]["spend"], "at": None}
    assert _shown(after) == _shown(row)
    counted = fold_all(metrics.METRICS, history)
    assert any(key.startswith("day/") for key in counted)
    assert fold_all(metrics.METRICS, (*history, recorded)) == counted


SENT = Fulfillment(id=3, status="success", shipment_status=None, created_at=AT, updated_at=AT)
ORDER: dict[str, Any] = {
    "shopify_order_id": 1,
    "person": PERSON,
    "name": "#1",
    "currency": "EUR",
    "total_price": "9.00",
    "financial_status": "paid",
    "created_at": AT,
    "item_count": 1,
    "items": (LineItem(id=1, title="Tea", variant=None, quantity=1, current=1, unfulfilled=0),),
    "fulfillments": (SENT,),
}


def test_an_order_that_did_not_change_is_known_and_one_that_did_is_news() -> None:
    def known(row: Row | None, at: datetime = AT, **fields: Any) -> bool:
        event = OrderChanged(**{**ORDER, **fields})
        later = AT + timedelta(days=5)
        return is_known_order(SHOP, "1", row, NewEvent("order/1", event, at, told_at=later))

    first = as_told(OrderChanged(**ORDER), 1, AT, AT)
    row = fold_all(ORDERS, (first,))["1"]
    assert known(row)
    assert not known(None)
    assert not known(row, AT + timedelta(seconds=1))
    for changed in (
        *({"total_price": "8.00"}, {"items": ()}, {"fulfillments": ()}, {"item_count": None}),
        {"person": "person/other"},
    ):
        assert not known(row, **changed), changed
    moved = OrderFulfillmentChanged(
        shopify_order_id=1,
        fulfillment=SENT.model_copy(update={"updated_at": AT + timedelta(days=1)}),
    )
    since = as_told(moved, 2, AT, AT)
    assert not known(orders.evolve("1", row, since))
    gone = as_told(OrderDeleted(shopify_order_id=1), 2, AT, AT)
    assert not known(orders.evolve("1", row, gone))
