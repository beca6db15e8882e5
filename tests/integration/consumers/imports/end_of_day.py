"""What Shopify's Admin API says at the end of a day whose webhooks are given."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from cplus.local.shopify import LocalCustomer
from tests.integration.consumers.webhooks.day import Sent


def orders_of(sent: Sequence[Sent]) -> list[dict[str, Any]]:
    """The orders as they are then."""
    orders: dict[int, dict[str, Any]] = {}
    for one in sent:
        told = json.loads(one.body)
        if one.topic == "orders/delete":
            del orders[told["id"]]
        elif one.topic.startswith("orders/") and "order_edit" not in told:
            orders[told["id"]] = told
    return [_order(told) for told in orders.values()]


def customers_of(sent: Sequence[Sent]) -> list[LocalCustomer]:
    """The customers as they are then."""
    customers: dict[int, dict[str, Any]] = {}
    for one in sent:
        told = json.loads(one.body)
        shopify_id = told.get("customerId", told.get("customer_id", told.get("id")))
        number = int(str(shopify_id).rpartition("/")[2]) if shopify_id else 0
        if not one.topic.startswith("customer"):
            continue
        if one.topic == "customers/merge":
            del customers[int(told["admin_graphql_api_customer_deleted_id"].rpartition("/")[2])]
        elif one.topic == "customers/delete":
            del customers[number]
        else:
            before = customers.get(number, {"id": number, "locale": "", "tags": []})
            # Each change of a customer changes `updatedAt`, in whole seconds.
            at = (one.at + timedelta(seconds=1)).replace(microsecond=0).isoformat()
            customers[number] = {**before, **_told(one.topic, told, before), "updated_at": at}
    return [LocalCustomer.model_validate(told) for told in customers.values()]


def _told(topic: str, told: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    if topic in ("customer.tags_added", "customer.tags_removed"):
        rest = [tag for tag in before["tags"] if tag not in told["tags"]]
        return {"tags": rest + told["tags"] if topic == "customer.tags_added" else rest}
    if topic == "customers/purchasing_summary":
        spent = told["amountSpent"]["amount"]
        return {"number_of_orders": told["numberOfOrders"], "spent": spent}
    if topic == "customers_email_marketing_consent/update":
        return {"email_marketing": told["email_marketing_consent"]["state"].upper()}
    kept = ("first_name", "email", "created_at")
    return {**{name: told[name] for name in kept}, "state": told["state"].upper()}


def _order(told: Mapping[str, Any]) -> dict[str, Any]:
    buyer = told["customer"]
    sent = {None: "UNFULFILLED", "partial": "PARTIALLY_FULFILLED", "fulfilled": "FULFILLED"}
    return {
        "legacyResourceId": str(told["id"]),
        "name": told["name"],
        "email": told["email"],
        "createdAt": _utc(told["created_at"]),
        "updatedAt": _utc(told["updated_at"]),
        "cancelledAt": told.get("cancelled_at"),
        "currencyCode": told["currency"],
        "totalPriceSet": _money(told["total_price"]),
        "currentTotalPriceSet": _money(told["current_total_price"]),
        "displayFinancialStatus": told["financial_status"].upper(),
        "displayFulfillmentStatus": sent[told["fulfillment_status"]],
        "test": False,
        "customer": buyer and {"legacyResourceId": str(buyer["id"])},
        "lineItems": {
            "pageInfo": {"hasNextPage": False},
            "nodes": [_item(one) for one in told["line_items"]],
        },
        "fulfillments": [_fulfillment(one) for one in told["fulfillments"]],
        "refunds": [_refund(one) for one in told["refunds"]],
    }


def _item(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/LineItem/{one['id']}",
        "title": one["title"],
        "variantTitle": None,
        "quantity": one["quantity"],
        "currentQuantity": one["current_quantity"],
        "unfulfilledQuantity": one["fulfillable_quantity"],
    }


def _fulfillment(one: Mapping[str, Any]) -> dict[str, Any]:
    parcels = zip(one["tracking_numbers"], one["tracking_urls"], strict=True)
    return {
        "legacyResourceId": str(one["id"]),
        "status": one["status"].upper(),
        "displayStatus": (one["shipment_status"] or "fulfilled").upper(),
        "createdAt": _utc(one["created_at"]),
        "updatedAt": _utc(one["updated_at"]),
        "trackingInfo": [
            {"company": one["tracking_company"], "number": number, "url": url}
            for number, url in parcels
        ],
    }


def _refund(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "legacyResourceId": str(one["id"]),
        "createdAt": _utc(one["created_at"]),
        "processedAt": _utc(one["processed_at"]),
        "transactions": {
            "nodes": [
                {
                    "kind": moved["kind"].upper(),
                    "status": moved["status"].upper(),
                    "amountSet": _money(moved["amount"]),
                }
                for moved in one["transactions"]
            ]
        },
    }


def _money(amount: str) -> dict[str, Any]:
    money = {"amount": amount, "currencyCode": "EUR"}
    return {"shopMoney": money, "presentmentMoney": money}


def _utc(moment: str) -> str:
    return datetime.fromisoformat(moment).strftime("%Y-%m-%dT%H:%M:%SZ")
