"""The stored row of an order as the value that pages are given. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import zip_longest
from typing import Any

from cplus.projections.base import Row
from cplus.projections.queries.views import Order, OrderItem, OrderRefund, Parcel, TrackingLink
from cplus.projections.queries.visible import visible
from cplus.projections.rows import key_of


def order_view(row: Row) -> Order:
    """The order of a row that is no tombstone. A row from before December 2026 does not say what
    was ordered, sent and refunded; nor does one of somebody who was erased say what was ordered,
    and how it can be followed."""
    items = [_item(one) for one in row.get("items") or ()]
    tracking = {one["fulfillment"]: one for one in row.get("tracking") or ()}
    return Order(
        shopify_id=int(key_of(row)),
        person=row["person"],
        name=visible(row["name"]) or f"#{key_of(row)}",
        total_price=row["total_price"],
        currency=row["currency"],
        financial_status=row["financial_status"],
        fulfillment_status=row["fulfillment_status"],
        cancelled=row["cancelled"],
        test=row["test"],
        created_at=row["created_at"],
        items=items,
        more_items=max(0, (row.get("item_count") or 0) - len(items)),
        parcels=[_parcel(one, tracking.get(one["id"], {})) for one in row.get("fulfillments", ())],
        refunds=[
            OrderRefund(
                one["at"], one["amount"], one["currency"] or row["currency"], one["pending"]
            )
            for one in row.get("refunds", ())
            if Decimal(one["amount"])
        ],
    )


def _item(one: Mapping[str, Any]) -> OrderItem:
    return OrderItem(
        title=visible(one["title"]) or "Item",
        variant=visible(one["variant"]),
        quantity=one["quantity"],
        current=one["current"],
        unfulfilled=one["unfulfilled"] or 0,
    )


def _parcel(one: Mapping[str, Any], tracking: Mapping[str, Any]) -> Parcel:
    return Parcel(
        status=one["status"],
        shipment_status=one["shipment_status"],
        at=one["created_at"],
        company=visible(tracking.get("company")),
        links=_links(tracking.get("numbers", ()), tracking.get("urls", ())),
    )


def _links(numbers: Sequence[str], urls: Sequence[str]) -> list[TrackingLink]:
    """Shopify lists numbers and addresses side by side."""
    return [TrackingLink(visible(number), url) for number, url in zip_longest(numbers, urls)]
