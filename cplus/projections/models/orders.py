"""Orders: a row for each order in Shopify, by its id there. Sums are made on reading."""

from __future__ import annotations

from collections.abc import Iterable

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
            "name": order.name,
            "currency": order.currency,
            "total_price": order.total_price,
            "financial_status": order.financial_status,
            "fulfillment_status": order.fulfillment_status,
            "cancelled": order.cancelled,
            "test": order.test,
            "created_at": order.created_at or event.occurred_at,
        },
    )


ORDERS = Projection(
    name="orders",
    version=1,
    handles=types(OrderChanged, OrderDeleted),
    passes=frozenset(
        {"billing", "conversations", "customers", "imports", "mail", "orders", "shops"}
    ),
    keys=keys,
    evolve=evolve,
    indexes=((("person", 1), ("created_at", -1)),),
)
