"""What Shopify says now is news only if it changes what is seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cplus.consumers.imports.news import News, customer_news, order_news
from cplus.events.base import Event, NewEvent
from cplus.events.catalogue.customers import (
    CustomerChanged,
    CustomerConsentChanged,
    CustomerDeleted,
    CustomerImported,
    CustomerTagsChanged,
)
from cplus.events.catalogue.orders import OrderChanged, OrderDeleted
from cplus.projections.base import Row
from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.models.orders import ORDERS
from cplus.projections.testing import SHOP, given

PERSON = "person/p"
NOW = datetime(2026, 11, 20, tzinfo=UTC)
CHANGED = CustomerChanged(shopify_customer_id=7, person=PERSON, first_name="Mira", state="enabled")


def imported(**fields: Any) -> NewEvent:
    same: dict[str, Any] = {"first_name": "Mira", "state": "enabled", **fields}
    event = CustomerImported(shopify_customer_id=7, person=PERSON, **same)
    return NewEvent("customer/7", event, NOW, told_at=NOW)


def known(*events: Event) -> Row | None:
    return given(CUSTOMERS, *events).rows().get(PERSON)


@pytest.mark.parametrize(
    ("before", "now", "news"),
    [
        ([], {}, News.LOST),
        ([CHANGED], {}, News.NONE),
        ([CHANGED], {"locale": "en", "email_consent": "not_subscribed"}, News.NONE),
        ([CHANGED], {"first_name": "Mia"}, News.LOST),
        ([CHANGED], {"first_name": None}, News.LOST),
        ([CHANGED], {"tags": ("vip",)}, News.ADDED),
        ([CHANGED], {"orders": 2, "amount_spent": "9.00", "last_order": 4}, News.ADDED),
        ([CHANGED, CustomerDeleted(shopify_customer_id=7, person=PERSON)], {}, News.NONE),
    ],
)
def test_a_customer_is_news_if_something_seen_changes(
    before: list[Event], now: dict[str, Any], news: News
) -> None:
    assert customer_news(SHOP, PERSON, known(*before), imported(**now)) is news


def test_tags_and_consent_that_webhooks_told_are_no_news_and_what_they_did_not_tell_is() -> None:
    who: dict[str, Any] = {"shopify_customer_id": 7, "person": PERSON}
    row = known(
        CHANGED,
        CustomerTagsChanged(**who, added=("vip", "new")),
        CustomerTagsChanged(**who, removed=("new",)),
        CustomerConsentChanged(**who, email_consent="subscribed"),
    )
    same = {"tags": ("vip",), "email_consent": "subscribed"}
    assert customer_news(SHOP, PERSON, row, imported(**same)) is News.NONE
    other = {"tags": ("new",), "email_consent": "subscribed"}
    assert customer_news(SHOP, PERSON, row, imported(**other)) is News.LOST
    left = {"tags": ("vip",), "email_consent": "unsubscribed"}
    assert customer_news(SHOP, PERSON, row, imported(**left)) is News.LOST


def order(at: datetime = NOW, **fields: Any) -> NewEvent:
    same: dict[str, Any] = {"name": "#1", "currency": "EUR", "total_price": "9.00", **fields}
    event = OrderChanged(shopify_order_id=1, person=PERSON, **same)
    return NewEvent("order/1", event, at, told_at=NOW + timedelta(days=1))


def test_an_order_is_lost_if_it_was_updated_since_and_something_seen_changes() -> None:
    def news(row: Row | None, told: NewEvent) -> News:
        return order_news(SHOP, "1", row, told)

    assert news(None, order()) is News.LOST
    row = given(ORDERS, order().event).rows()["1"]
    later = NOW + timedelta(days=400)
    assert news(row, order(later)) is News.NONE
    assert news(row, order(later, total_price="9")) is News.NONE, "the same amount"
    assert news(row, order(later, financial_status="paid")) is News.LOST
    assert news(row, order(later, items=())) is News.NONE
    assert news(row, order(row["at"], financial_status="paid")) is News.ADDED
    assert news(row, order(row["at"] - timedelta(days=1), financial_status="paid")) is News.NONE
    gone = given(ORDERS, order().event, OrderDeleted(shopify_order_id=1)).rows()["1"]
    assert news(gone, order(later)) is News.NONE
