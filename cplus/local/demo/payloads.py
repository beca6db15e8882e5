"""Payloads of webhooks as Shopify sends them, for API version 2026-10."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from cplus.local.demo.words import Trade

SHOP_CREATED: Final = "2023-03-01T09:00:00Z"
"""When the shops of the demo were opened, before their customers came."""


@dataclass(frozen=True)
class Person:
    """A customer of the demo."""

    id: int
    first_name: str
    last_name: str
    email: str
    country: str
    currency: str
    """Of the shop."""

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"


def iso(moment: datetime) -> str:
    """A time as Shopify writes it."""
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def amount(value: Decimal, currency: str) -> str:
    """As Shopify writes it; of these currencies the yen alone has no smaller unit, and its amounts
    are a hundred times as large."""
    return f"{value * 100:.0f}" if currency == "JPY" else f"{value:.2f}"


def customer(
    person: Person, created: datetime, updated: datetime, note: str | None = None
) -> dict[str, Any]:
    """customers/create and customers/update."""
    address = {
        "id": person.id + 1,
        "customer_id": person.id,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "company": None,
        "address1": "1 Demo Street",
        "city": "Sampleton",
        "country_code": person.country,
        "zip": "00000",
        "phone": None,
        "default": True,
    }
    return {
        "id": person.id,
        "created_at": iso(created),
        "updated_at": iso(updated),
        "first_name": person.first_name,
        "last_name": person.last_name,
        "state": "disabled",
        "note": note,
        "verified_email": True,
        "multipass_identifier": None,
        "tax_exempt": False,
        "email": person.email,
        "phone": None,
        "currency": person.currency,
        "addresses": [address],
        "tax_exemptions": [],
        "admin_graphql_api_id": f"gid://shopify/Customer/{person.id}",
        "default_address": address,
    }


def consent(person: Person, state: str, updated: datetime) -> dict[str, Any]:
    """customers_email_marketing_consent/update."""
    return {
        "customer_id": person.id,
        "email_id": person.id + 2,
        "email_address": person.email,
        "email_marketing_consent": {
            "state": state,
            "opt_in_level": "single_opt_in",
            "consent_updated_at": iso(updated),
        },
    }


def merge(kept: int, deleted: int) -> dict[str, Any]:
    """customers/merge: one customer takes over another."""
    return {
        "admin_graphql_api_customer_kept_id": f"gid://shopify/Customer/{kept}",
        "admin_graphql_api_customer_deleted_id": f"gid://shopify/Customer/{deleted}",
        "admin_graphql_api_job_id": None,
        "status": "completed",
        "errors": [],
    }


def order(
    person: Person, number: int, good: str, price: str, at: tuple[datetime, datetime, datetime]
) -> dict[str, Any]:
    """orders/create and orders/updated; `at` is when the customer was created, and when the order
    was made and changed last."""
    known, created, updated = at
    changed = updated > created
    return {
        "id": person.id * 10 + number % 10,
        "admin_graphql_api_id": f"gid://shopify/Order/{person.id * 10 + number % 10}",
        "name": f"#{number}",
        "order_number": number,
        "email": person.email,
        "phone": None,
        "created_at": iso(created),
        "updated_at": iso(updated),
        "processed_at": iso(created),
        "closed_at": None,
        "cancelled_at": None,
        "currency": person.currency,
        "total_price": price,
        "subtotal_price": price,
        "total_tax": "0.00",
        "total_discounts": "0.00",
        "financial_status": "paid",
        "fulfillment_status": "fulfilled" if changed else None,
        "tags": "",
        "note": None,
        "customer": customer(person, known, created),
        "customer_locale": "en",
        "line_items": [
            {
                "id": person.id * 10 + 5,
                "title": good,
                "variant_title": None,
                "quantity": 1,
                "current_quantity": 1,
                "fulfillable_quantity": 0 if changed else 1,
                "price": price,
                "sku": None,
                "properties": [],
            }
        ],
        "fulfillments": [_parcel(person.id * 10 + 7, number, updated)] if changed else [],
        "refunds": [],
        "source_name": "web",
        "test": False,
    }


def _parcel(parcel: int, number: int, sent: datetime) -> dict[str, Any]:
    """A fulfillment within its order."""
    tracking = f"EX{parcel:012d}"
    return {
        "id": parcel,
        "name": f"#{number}.1",
        "status": "success",
        "shipment_status": "in_transit",
        "created_at": iso(sent),
        "updated_at": iso(sent),
        "tracking_company": "Example Post",
        "tracking_number": tracking,
        "tracking_numbers": [tracking],
        "tracking_url": f"https://post.example.com/{tracking}",
        "tracking_urls": [f"https://post.example.com/{tracking}"],
    }


def shop(number: int, name: str, trade: Trade, updated: datetime) -> dict[str, Any]:
    """shop/update."""
    return {
        "id": number,
        "name": name,
        "email": "owner@example.com",
        "domain": None,
        "iana_timezone": trade.timezone,
        "currency": trade.currency,
        "country_code": trade.country,
        "primary_locale": "en",
        "plan_name": "basic",
        "plan_display_name": "Basic",
        "created_at": SHOP_CREATED,
        "updated_at": iso(updated),
        "myshopify_domain": None,
    }


def subscription(
    number: int, run: int, status: str, cap: str, at: tuple[datetime, datetime]
) -> dict[str, Any]:
    """app_subscriptions/update of the subscription of a run; `at` is when it was made and when it
    changed last."""
    created, updated = at
    return {
        "app_subscription": {
            "admin_graphql_api_id": f"gid://shopify/AppSubscription/{number}{run:04}",
            "name": "Conversations Plus Basic",
            "status": status,
            "admin_graphql_api_shop_id": f"gid://shopify/Shop/{number}",
            "created_at": iso(created),
            "updated_at": iso(updated),
            "currency": "USD",
            "capped_amount": cap,
            "price": "10.00",
            "interval": "every_30_days",
            "plan_handle": "basic",
        }
    }


def product(number: int, title: str) -> dict[str, Any]:
    """products/update: a topic that the app does not know."""
    return {"id": number, "title": title, "status": "active", "variants": []}
