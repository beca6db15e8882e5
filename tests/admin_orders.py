"""An order as the Admin API tells it, and the same as a webhook does."""

from __future__ import annotations

from typing import Any


def node(number: int, created_at: str = "2026-11-02T13:15:30Z", **other: Any) -> dict[str, Any]:
    """What the Admin API says of an order."""

    def money(amount: str) -> dict[str, Any]:
        return {
            "shopMoney": {"amount": amount, "currencyCode": "EUR"},
            "presentmentMoney": {"amount": amount, "currencyCode": "EUR"},
        }

    item = {
        "id": f"gid://shopify/LineItem/{number}1",
        "title": "Tea",
        "variantTitle": "Green",
        "quantity": 2,
        "currentQuantity": 1,
        "unfulfilledQuantity": 0,
    }
    parcel = {"company": "UPS", "number": "1Z1", "url": "https://ups.example/1Z1"}
    sent = {
        "legacyResourceId": f"{number}2",
        "status": "SUCCESS",
        "displayStatus": "IN_TRANSIT",
        "createdAt": "2026-11-03T09:00:00Z",
        "updatedAt": "2026-11-04T09:00:00Z",
        "trackingInfo": [parcel],
    }
    moved = {"kind": "REFUND", "status": "SUCCESS", "amountSet": money("7.50")}
    refund = {
        "legacyResourceId": f"{number}3",
        "createdAt": "2026-11-05T09:00:00Z",
        "processedAt": "2026-11-05T09:00:00Z",
        "transactions": {"nodes": [moved]},
    }
    return {
        "legacyResourceId": str(number),
        "name": f"#{number}",
        "email": "mira@example.com",
        "createdAt": created_at,
        "updatedAt": "2026-11-05T09:00:00Z",
        "cancelledAt": None,
        "currencyCode": "EUR",
        "totalPriceSet": money("15.00"),
        "currentTotalPriceSet": money("7.50"),
        "displayFinancialStatus": "PARTIALLY_REFUNDED",
        "displayFulfillmentStatus": "FULFILLED",
        "test": False,
        "customer": {"legacyResourceId": "1"},
        "lineItems": {"pageInfo": {"hasNextPage": False}, "nodes": [item]},
        "fulfillments": [sent],
        "refunds": [refund],
        **other,
    }


def webhook(number: int) -> dict[str, Any]:
    """What a webhook says of the same order at the same time."""
    return {
        "id": number,
        "name": f"#{number}",
        "email": "mira@example.com",
        "created_at": "2026-11-02T08:15:30-05:00",
        "updated_at": "2026-11-05T04:00:00-05:00",
        "cancelled_at": None,
        "currency": "EUR",
        "total_price": "15.00",
        "current_total_price": "7.50",
        "financial_status": "partially_refunded",
        "fulfillment_status": "fulfilled",
        "customer": {"id": 1},
        "test": False,
        "line_items": [
            {
                "id": int(f"{number}1"),
                "title": "Tea",
                "variant_title": "Green",
                "quantity": 2,
                "current_quantity": 1,
                "fulfillable_quantity": 0,
            }
        ],
        "fulfillments": [
            {
                "id": int(f"{number}2"),
                "status": "success",
                "shipment_status": "in_transit",
                "created_at": "2026-11-03T04:00:00-05:00",
                "updated_at": "2026-11-04T04:00:00-05:00",
                "tracking_company": "UPS",
                "tracking_number": "1Z1",
                "tracking_numbers": ["1Z1"],
                "tracking_url": "https://ups.example/1Z1",
                "tracking_urls": ["https://ups.example/1Z1"],
            }
        ],
        "refunds": [
            {
                "id": int(f"{number}3"),
                "created_at": "2026-11-05T04:00:00-05:00",
                "processed_at": "2026-11-05T04:00:00-05:00",
                "transactions": [
                    {"amount": "7.50", "currency": "EUR", "kind": "refund", "status": "success"}
                ],
            }
        ],
    }
