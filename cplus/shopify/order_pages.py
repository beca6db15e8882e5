"""Queries a shop's orders, page by page, and puts them into the shape of its webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

import structlog
from pydantic import ValidationError

from cplus.deadline import Deadline
from cplus.errors import ShopifyRefused, UnreadableAnswer
from cplus.shopify.admin import AdminClient
from cplus.shopify.documents import ORDERS
from cplus.shopify.orders import Order
from cplus.shopify.queries import id_of
from cplus.shopify.values import gid_number

log = structlog.get_logger()

MOST: Final = 5
"""Orders of a query: each may cost over a hundred points, of a thousand."""

# What the Admin API calls differently from webhooks, or does not tell apart.
_SENT: Final = {
    "FULFILLED": "fulfilled",
    "PARTIALLY_FULFILLED": "partial",
    "RESTOCKED": "restocked",
}
_ON_ITS_WAY: Final = frozenset(
    {
        *("ATTEMPTED_DELIVERY", "CARRIER_PICKED_UP", "CONFIRMED", "DELAYED", "DELIVERED"),
        *("FAILURE", "IN_TRANSIT", "LABEL_PRINTED", "LABEL_PURCHASED", "OUT_FOR_DELIVERY"),
        *("PICKED_UP", "READY_FOR_PICKUP"),
    }
)


class OrdersPage(NamedTuple):
    """Some orders in the order of their ids."""

    orders: tuple[Order, ...]
    has_next: bool
    last: int
    """The largest id that was read; behind it the next page begins."""
    skipped: int
    """Orders that could not be read."""


async def orders_page(
    client: AdminClient,
    behind: int,
    since: datetime,
    *,
    by: Literal["created_at", "updated_at"] = "created_at",
    first: int = MOST,
    deadline: Deadline | None = None,
) -> OrdersPage:
    """At most `first` orders whose ids are above `behind` and which were placed (by `updated_at`:
    which changed) since then; fewer if the query would cost more than Shopify allows. Raises the
    same errors as AdminClient.query, and UnreadableAnswer.
    """
    moment = since.isoformat(timespec="seconds")
    query = f"id:>{behind} AND {by}:>='{moment}'"
    data = await _asked(client, first, query, deadline)
    try:
        nodes, has_next = data["orders"]["nodes"], data["orders"]["pageInfo"]["hasNextPage"]
        numbers = [number for node in nodes if (number := id_of(node)) is not None]
    except (KeyError, TypeError):
        reason = "an answer of another shape: orders"
        raise UnreadableAnswer(shop=client.shop, reason=reason) from None
    last = max([behind, *numbers])
    if has_next and last == behind:
        raise UnreadableAnswer(shop=client.shop, reason="the list of orders goes no further")
    orders = tuple(one for node in nodes if (one := order_of(client, node)) is not None)
    return OrdersPage(orders, bool(has_next), last, len(nodes) - len(orders))


async def _asked(
    client: AdminClient, first: int, query: str, deadline: Deadline | None
) -> dict[str, Any]:
    while True:
        try:
            return await client.query(ORDERS, {"first": first, "query": query}, deadline=deadline)
        except ShopifyRefused as refused:
            if refused.values["code"] != "MAX_COST_EXCEEDED" or first == 1:
                raise
            first //= 2


def order_of(client: AdminClient, node: Mapping[str, Any]) -> Order | None:
    """An order as Shopify told of it; None, and a log line, if that cannot be read."""
    try:
        return Order.model_validate(_as_webhook(node))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = "another shape"
        if isinstance(error, ValidationError):
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        log.warning("order_unreadable", shop=client.shop, reason=reason)
        return None


def _as_webhook(node: Mapping[str, Any]) -> dict[str, Any]:
    items, customer, refunds = node["lineItems"], node["customer"], node["refunds"]
    paid = node["displayFinancialStatus"]
    return {
        "id": int(node["legacyResourceId"]),
        "name": node["name"],
        "email": node["email"],
        "created_at": node["createdAt"],
        "updated_at": node["updatedAt"],
        "cancelled_at": node["cancelledAt"],
        "currency": node["currencyCode"],
        "total_price": node["totalPriceSet"]["shopMoney"]["amount"],
        "current_total_price": node["currentTotalPriceSet"]["shopMoney"]["amount"],
        "financial_status": paid.lower() if paid else None,
        "fulfillment_status": _SENT.get(node["displayFulfillmentStatus"]),
        "customer": customer and {"id": int(customer["legacyResourceId"])},
        "test": node["test"],
        # Of more than are asked for nobody knows how many there are: what is known stays.
        "line_items": None
        if items["pageInfo"]["hasNextPage"]
        else [_item(one) for one in items["nodes"]],
        "fulfillments": [_fulfillment(one) for one in node["fulfillments"]],
        "refunds": None if refunds is None else [_refund(one) for one in refunds],
    }


def _item(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": gid_number(one["id"]),
        "title": one["title"],
        "variant_title": one["variantTitle"],
        "quantity": one["quantity"],
        "current_quantity": one["currentQuantity"],
        "fulfillable_quantity": one["unfulfilledQuantity"],
    }


def _fulfillment(one: Mapping[str, Any]) -> dict[str, Any]:
    told, parcels = one["displayStatus"], one["trackingInfo"]
    companies = [parcel["company"] for parcel in parcels if parcel["company"]]
    return {
        "id": int(one["legacyResourceId"]),
        "status": one["status"].lower(),
        "shipment_status": told.lower() if told in _ON_ITS_WAY else None,
        "created_at": one["createdAt"],
        "updated_at": one["updatedAt"],
        "tracking_company": companies[0] if companies else None,
        "tracking_numbers": [parcel["number"] for parcel in parcels if parcel["number"]],
        "tracking_urls": [parcel["url"] for parcel in parcels if parcel["url"]],
    }


def _refund(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": int(one["legacyResourceId"]),
        "created_at": one["createdAt"],
        "processed_at": one["processedAt"],
        "transactions": [
            {
                "amount": moved["amountSet"]["presentmentMoney"]["amount"],
                "currency": moved["amountSet"]["presentmentMoney"]["currencyCode"],
                "kind": moved["kind"].lower(),
                "status": moved["status"].lower(),
            }
            for moved in one["transactions"]["nodes"]
        ],
    }
