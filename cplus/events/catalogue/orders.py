"""Facts about orders (stream `order/<id>`).

Facts come from Shopify in any order and any number of times: whoever folds them lets the newest
`occurred_at` win.
"""

from __future__ import annotations

from typing import ClassVar

from cplus.events.base import Event, Instant


class OrderChanged(Event):
    """Shopify says what an order is now (webhook `orders/create`, `updated`, …)."""

    TYPE: ClassVar[str] = "order.changed"
    shopify_order_id: int
    person: str | None = None
    """Who ordered; None for an order that names nobody."""
    name: str
    """As the merchant sees it, for example `#1001`."""
    currency: str
    total_price: str
    """Decimal, in `currency`."""
    financial_status: str | None = None
    fulfillment_status: str | None = None
    created_at: Instant | None = None
    cancelled: bool = False
    test: bool = False


class OrderDeleted(Event):
    """Shopify deleted the order."""

    TYPE: ClassVar[str] = "order.deleted"
    shopify_order_id: int
