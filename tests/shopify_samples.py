"""Payloads of Shopify's webhooks in the shapes that it publishes for API version 2026-10. Invented
people only."""

from __future__ import annotations

from typing import Any

CUSTOMER: dict[str, Any] = {
    "id": 706405506930370084,
    "created_at": "2026-10-31T19:00:00-05:00",
    "updated_at": "2026-11-02T08:15:30-05:00",
    "first_name": "Mira",
    "last_name": "Okafor",
    "state": "enabled",
    "note": None,
    "verified_email": True,
    "multipass_identifier": None,
    "tax_exempt": False,
    "email": "mira@example.com",
    "phone": None,
    "currency": "EUR",
    "addresses": [],
    "tax_exemptions": [],
    "admin_graphql_api_id": "gid://shopify/Customer/706405506930370084",
    "default_address": {
        "id": 12321,
        "customer_id": 706405506930370084,
        "first_name": "Mira",
        "last_name": "Okafor",
        "company": None,
        "address1": "1 Harbour Lane",
        "city": "Lisbon",
        "zip": "1100-148",
        "country_code": "PT",
        "default": True,
    },
}
SUMMARY: dict[str, Any] = {
    "customerId": "gid://shopify/Customer/7",
    "numberOfOrders": 3,
    "amountSpent": {"amount": "37.035", "currencyCode": "KWD"},
    "lastOrderId": "gid://shopify/Order/70",
    "occurredAt": "2026-11-02T08:15:30-05:00",
}
FULFILLMENT: dict[str, Any] = {
    "id": 123456,
    "admin_graphql_api_id": "gid://shopify/Fulfillment/123456",
    "order_id": 820982911946154508,
    "status": "success",
    "created_at": "2026-11-02T08:15:30-05:00",
    "updated_at": "2026-11-02T08:15:30-05:00",
    "service": None,
    "location_id": None,
    "name": "#1001.1",
    "email": "mira@example.com",
    "destination": {"first_name": "Mira", "city": "Lisbon", "country_code": "PT"},
    "origin_address": None,
    "receipt": {},
    "line_items": [{"id": 487817672276298554, "title": "Tote", "quantity": 1}],
    "shipment_status": "in_transit",
    "tracking_company": "UPS",
    "tracking_number": None,
    "tracking_numbers": [],
    "tracking_url": None,
    "tracking_urls": [],
}
REFUND: dict[str, Any] = {
    "id": 890088186047892319,
    "admin_graphql_api_id": "gid://shopify/Refund/890088186047892319",
    "order_id": 820982911946154508,
    "created_at": "2026-11-02T08:15:30-05:00",
    "processed_at": "2026-11-02T08:15:30-05:00",
    "note": "It was damaged",
    "user_id": 548380009,
    "restock": False,
    "order_adjustments": [],
    "refund_line_items": [{"id": 1, "line_item_id": 487817672276298554, "quantity": 1}],
    "transactions": [
        {
            "id": 245135271310201194,
            "amount": "199.00",
            "currency": "EUR",
            "kind": "refund",
            "status": "success",
            "gateway": "manual",
        }
    ],
}
EDIT: dict[str, Any] = {
    "order_edit": {
        "id": 78912328793123782,
        "app_id": None,
        "created_at": "2026-11-02T08:15:30-05:00",
        "committed_at": "2026-11-02T08:15:30-05:00",
        "notify_customer": False,
        "order_id": 820982911946154508,
        "staff_note": "",
        "user_id": None,
        "line_items": {"additions": [{"id": 78643924236718240, "delta": 1}], "removals": []},
    }
}
ORDER: dict[str, Any] = {
    "id": 820982911946154508,
    "admin_graphql_api_id": "gid://shopify/Order/820982911946154508",
    "name": "#1001",
    "order_number": 1001,
    "email": "mira@example.com",
    "phone": None,
    "created_at": "2026-11-02T08:15:30-05:00",
    "updated_at": "2026-11-02T08:15:30-05:00",
    "processed_at": "2026-11-02T08:15:30-05:00",
    "closed_at": None,
    "cancelled_at": None,
    "currency": "EUR",
    "total_price": "388.00",
    "subtotal_price": "398.00",
    "total_tax": "0.00",
    "total_discounts": "20.00",
    "financial_status": "voided",
    "fulfillment_status": None,
    "tags": "tag1, tag2",
    "note": None,
    "customer": CUSTOMER,
    "customer_locale": "pt-PT",
    "shipping_address": {"city": "Lisbon", "country_code": "PT", "latitude": 38.7},
    "line_items": [
        {
            "id": 487817672276298554,
            "title": "Tote",
            "variant_title": "Blue",
            "quantity": 2,
            "current_quantity": 1,
            "fulfillable_quantity": 0,
            "price": "199.00",
            "sku": "",
            "properties": [{"name": "Engraving", "value": "For Mira"}],
        },
    ],
    "fulfillments": [
        {
            **FULFILLMENT,
            "tracking_number": "1Z2345",
            "tracking_numbers": ["1Z2345"],
            "tracking_url": "https://carrier.example.com/1Z2345",
            "tracking_urls": ["https://carrier.example.com/1Z2345"],
        }
    ],
    "refunds": [REFUND],
    "order_status_url": "https://jam.example.com/orders/b1/authenticate?key=k",
    "source_name": "web",
    "test": True,
}
SHOP: dict[str, Any] = {
    "id": 548380009,
    "name": "Blue Jam",
    "email": "owner@jam.example.com",
    "domain": "jam.example.com",
    "myshopify_domain": None,
    "currency": "USD",
    "iana_timezone": "America/New_York",
    "plan_name": "enterprise",
    "created_at": None,
    "updated_at": None,
}
SUBSCRIPTION: dict[str, Any] = {
    "app_subscription": {
        "admin_graphql_api_id": "gid://shopify/AppSubscription/1029266996",
        "name": "Conversations",
        "status": "PENDING",
        "admin_graphql_api_shop_id": "gid://shopify/Shop/548380009",
        "created_at": "2026-10-31T19:00:00-05:00",
        "updated_at": "2026-10-31T19:00:00-05:00",
        "currency": "USD",
        "capped_amount": "20.0",
        "price": "10.00",
        "interval": "every_30_days",
        "plan_handle": "basic",
    }
}
CAP: dict[str, Any] = {
    "app_subscription": {
        "admin_graphql_api_id": "gid://shopify/AppSubscription/1029266996",
        "name": "Conversations",
        "balance_used": 18.5,
        "capped_amount": "20.0",
        "currency_code": "USD",
        "admin_graphql_api_shop_id": "gid://shopify/Shop/548380009",
        "created_at": "2026-10-31T19:00:00-05:00",
        "updated_at": "2026-10-31T19:00:00-05:00",
    }
}
TAGS: dict[str, Any] = {
    "customerId": "gid://shopify/Customer/706405506930370084",
    "tags": ["vip", "wholesale"],
    "occurredAt": "2026-11-02T13:15:30.250Z",
}
MERGE: dict[str, Any] = {
    "admin_graphql_api_customer_kept_id": "gid://shopify/Customer/1",
    "admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/2",
    "admin_graphql_api_job_id": None,
    "status": "failed",
    "errors": [{"customer_ids": [1], "field": "merge_in_progress", "message": "is merging"}],
}
CONSENT: dict[str, Any] = {
    "customer_id": 706405506930370084,
    "email_address": "mira@example.com",
    "email_marketing_consent": {
        "state": "not_subscribed",
        "opt_in_level": None,
        "consent_updated_at": None,
    },
}
SAMPLES: dict[str, dict[str, Any]] = {
    **{f"customers/{what}": CUSTOMER for what in ("create", "update", "enable", "disable")},
    **{f"orders/{what}": ORDER for what in ("create", "updated", "paid", "cancelled")},
    **{f"orders/{what}": ORDER for what in ("fulfilled", "partially_fulfilled")},
    "shop/update": SHOP,
    "app/scopes_update": {
        "id": 1,
        "shop_id": 548380009,
        "previous": ["read_customers"],
        "current": ["read_customers", "read_orders", "read_fulfillments"],
        "updated_at": "2026-11-02T08:15:30-05:00",
    },
    "bulk_operations/finish": {
        "admin_graphql_api_id": "gid://shopify/BulkOperation/147595010",
        "completed_at": "2026-11-29T10:47:32Z",
        "created_at": "2026-11-29T10:45:20Z",
        "error_code": None,
        "status": "completed",
        "type": "query",
    },
    "app/uninstalled": SHOP,
    "customers/data_request": {
        "shop_id": 954889,
        "shop_domain": "blue-jam.myshopify.com",
        "orders_requested": [299938, 280263],
        "customer": {"id": 191167, "email": "mira@example.com", "phone": "555-625-1199"},
        "data_request": {"id": 9999},
    },
    "customers/redact": {
        "shop_id": 954889,
        "shop_domain": "blue-jam.myshopify.com",
        "customer": {"id": 191167, "email": "mira@example.com", "phone": "555-625-1199"},
        "orders_to_redact": [299938, 280263],
    },
    "shop/redact": {"shop_id": 954889, "shop_domain": "blue-jam.myshopify.com"},
    "customers/delete": {"id": 706405506930370084, "tax_exemptions": []},
    "orders/delete": {"id": 820982911946154508},
    "orders/edited": EDIT,
    "fulfillments/create": FULFILLMENT,
    "fulfillments/update": FULFILLMENT,
    "refunds/create": REFUND,
    "customers/merge": MERGE,
    "customers/purchasing_summary": SUMMARY,
    "customers_email_marketing_consent/update": CONSENT,
    "app_subscriptions/update": SUBSCRIPTION,
    "app_subscriptions/approaching_capped_amount": CAP,
    "customer.tags_added": TAGS,
    "customer.tags_removed": TAGS,
}
