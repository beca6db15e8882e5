"""Orders: a row for each order in Shopify, by its id there. Sums are made on reading."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cplus.events.base import Recorded
from cplus.events.catalogue.orders import OrderChanged, OrderDeleted
from cplus.projections.base import Projection, Row
from cplus.projections.models.facts import newest, types


def keys(event: Recorded) -> Iterable[str]:
    """The order's id in Shopify."""
    return [str(getattr(event.event, "shopify_order_id"))]  # noqa: B009  both events have it


def evolve(_key: str, row: Row | None, event: Recorded) -> Row | None:
    """The newest state wins. A deleted order stays as a tombstone: Shopify never uses an id
    again, so nothing that comes later brings it back."""
    if isinstance(event.event, OrderDeleted) or (row is not None and row["deleted"]):
        return {"deleted": True}
    order = event.event
    assert isinstance(order, OrderChanged)  # noqa: S101  nothing else is handled
    return newest(
        row,
        event,
        {
            "deleted": False,
            "person": order.person,
            "customer": order.shopify_customer_id,
            "name": order.name,
            "currency": order.currency,
            "total_price": order.total_price,
            "financial_status": order.financial_status,
            "fulfillment_status": order.fulfillment_status,
            "cancelled": order.cancelled,
            "test": order.test,
            "created_at": order.created_at or event.occurred_at,
        },
        rank=_rank(order),
    )


def _rank(order: OrderChanged) -> int:
    """How far the order is, if two states of it have the same time: what was paid is not pending
    again, what was fulfilled or cancelled stays so."""
    paid, sent = order.financial_status or "", order.fulfillment_status or ""
    return (
        (100 if order.cancelled else 0)
        + (10 * _PAYMENT.index(paid) if paid in _PAYMENT else 0)
        + (_FULFILMENT.index(sent) if sent in _FULFILMENT else 0)
    )


_PAYMENT: Final = (
    *("", "expired", "pending", "authorized", "partially_paid", "paid"),
    *("partially_refunded", "refunded", "voided"),
)
_FULFILMENT: Final = ("", "partial", "fulfilled", "restocked")


BY_CUSTOMER: Final = (("person", 1), ("customer", 1), ("created_at", -1))
"""The index for what each customer of a person bought since a moment."""

ORDERS = Projection(
    name="orders",
    version=1,
    handles=types(OrderChanged, OrderDeleted),
    keys=keys,
    evolve=evolve,
    indexes=(
        (("person", 1), ("created_at", -1)),
        BY_CUSTOMER,
    ),
)
