"""Facts about orders (stream `order/<id>`).

Facts arrive from Shopify in any order and any number of times: folds let the newest `occurred_at`
win.
"""

from __future__ import annotations

from typing import Any, ClassVar

from cplus.events.base import Event, Instant, Personal
from cplus.events.order_parts import Fulfillment, LineItem, Refund, Tracking


class OrderChanged(Event):
    """Shopify says what an order is now (webhook `orders/create`, `updated`, …, or the import).

    It holds no address, and nothing that was entered for a line item (its properties).
    """

    TYPE: ClassVar[str] = "order.changed"
    VERSION: ClassVar[int] = 3
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
    items: Personal[tuple[LineItem, ...] | None] = None
    """The first 50. None if nobody is named, if Shopify did not say, and for events of versions 1
    and 2. Sealed, because it is what somebody bought, and a title may name them."""
    item_count: int | None = None
    """How many line items there are in all; None if Shopify did not say."""
    tracking: Personal[tuple[Tracking, ...] | None] = None
    """Of the fulfillments that have any. None as for `items`."""
    fulfillments: tuple[Fulfillment, ...] = ()
    """The newest 50, by id."""
    refunds: tuple[Refund, ...] = ()
    """The newest 50, by id."""


class OrderFulfillmentChanged(Event):
    """Shopify says what a fulfillment is now (webhook `fulfillments/create` and `update`).

    Tracking is told with the order, which says whose it is."""

    TYPE: ClassVar[str] = "order.fulfillment_changed"
    shopify_order_id: int
    fulfillment: Fulfillment


class OrderRefunded(Event):
    """Shopify says that something of an order was refunded (webhook `refunds/create`)."""

    TYPE: ClassVar[str] = "order.refunded"
    shopify_order_id: int
    refund: Refund


class OrderDeleted(Event):
    """Shopify deleted the order."""

    TYPE: ClassVar[str] = "order.deleted"
    shopify_order_id: int


def _with_items(data: dict[str, Any]) -> dict[str, Any]:
    # Version 2 had no sealed slot, so nothing of version 3's is filled in by an erasure either.
    return {**data, "items": None, "tracking": None}


UPCASTS = {(OrderChanged.TYPE, 1): dict, (OrderChanged.TYPE, 2): _with_items}
"""Version 2 says which customer in Shopify ordered; None where version 1 did not. Version 3 says
what was ordered, sent and refunded; older ones do not."""
