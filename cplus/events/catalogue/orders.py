"""Facts about orders (stream `order/<id>`).

Facts arrive from Shopify in any order and any number of times: folds let the newest `occurred_at`
win.
"""

from __future__ import annotations

from typing import ClassVar

from cplus.events.base import Event, Instant


class OrderChanged(Event):
    """Shopify says what an order is now (webhook `orders/create`, `updated`, …)."""

    TYPE: ClassVar[str] = "order.changed"
    VERSION: ClassVar[int] = 2
    shopify_order_id: int
    shopify_customer_id: int | None = None
    """The customer in Shopify who ordered; None if the order has none, and for events of
    version 1."""
    person: str | None = None
    """The person who ordered; None if the order names nobody."""
    name: str
    """The order number that the merchant sees, for example `#1001`."""
    currency: str
    total_price: str
    """Decimal, in `currency`: what the order comes to now. Until November 2026 what it came to
    when it was placed, before refunds and edits."""
    financial_status: str | None = None
    fulfillment_status: str | None = None
    created_at: Instant | None = None
    cancelled: bool = False
    test: bool = False


class OrderDeleted(Event):
    """Shopify deleted the order."""

    TYPE: ClassVar[str] = "order.deleted"
    shopify_order_id: int


UPCASTS = {(OrderChanged.TYPE, 1): dict}
"""Version 2 says which customer in Shopify ordered; None where version 1 did not."""
