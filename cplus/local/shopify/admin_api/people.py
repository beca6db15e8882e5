"""The customers of a shop: those that it was told of, and those who are made when they are asked
for, so that a shop of a hundred thousand takes no memory."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime
from typing import Any, Final

from cplus.local.shopify.state import LocalCustomer, LocalShop

GENERATED: Final = 10**9
"""The ids of made customers follow this number."""


def generated(number: int) -> LocalCustomer:
    """The made customer of that number, from 1."""
    return LocalCustomer.model_construct(
        id=GENERATED + number,
        first_name=f"First{number}",
        last_name="Sample",
        email=f"person{number}@example.com",
        phone="+15550100" if number % 3 == 0 else None,
        tags=["vip"] if number % 10 == 0 else [],
        number_of_orders=number % 4,
        spent=f"{number % 4}.50",
        updated_at="2026-02-03T04:05:06Z",
    )


def count(shop: LocalShop) -> int:
    """How many customers the shop lists."""
    return len(shop.customers) + shop.generated


def customers_behind(shop: LocalShop, behind: int, limit: int) -> list[LocalCustomer]:
    """At most so many customers whose ids are above `behind`, in the order of their ids."""
    told = sorted(shop.customers, key=lambda one: one.id) if shop.customers else []
    told = told[bisect_right(told, behind, key=lambda one: one.id) :][:limit]
    first = max(behind - GENERATED, 0) + 1
    made = range(first, min(first + limit, shop.generated + 1))
    return sorted([*told, *map(generated, made)], key=lambda one: one.id)[:limit]


def changed_behind(shop: LocalShop, behind: int, since: datetime) -> list[LocalCustomer]:
    """The customers above `behind` who changed since then, in the order of their ids."""
    everybody = customers_behind(shop, behind, len(shop.customers) + shop.generated)
    return [one for one in everybody if datetime.fromisoformat(one.updated_at) >= since]


def customer(shop: LocalShop, wanted: str) -> LocalCustomer | None:
    """The customer of that global id; None if the shop has none."""
    number = int(wanted.rpartition("/")[2])
    if wanted != f"gid://shopify/Customer/{number}":
        return None
    if number in shop.unlisted:
        return LocalCustomer(id=number)
    if 0 < number - GENERATED <= shop.generated:
        return generated(number - GENERATED)
    return next((one for one in shop.customers if one.id == number), None)


def customer_fields(one: LocalCustomer, currency: str) -> dict[str, Any]:
    """The fields of a customer in the Admin API."""
    email = one.email and {
        "emailAddress": one.email,
        "marketingState": one.email_marketing,
        "marketingUpdatedAt": one.email_marketing_updated_at,
        "validFormat": True,
    }
    phone = one.phone and {
        "phoneNumber": one.phone,
        "smsMarketingConsent": {"state": one.sms_marketing, "updatedAt": None},
    }
    order = one.last_order
    return {
        "legacyResourceId": str(one.id),
        "firstName": one.first_name,
        "lastName": one.last_name,
        "displayName": one.display_name,
        "locale": one.locale,
        "state": one.state,
        "tags": one.tags,
        "note": one.note,
        "numberOfOrders": str(one.number_of_orders),
        "amountSpent": {"amount": one.spent, "currencyCode": currency},
        "createdAt": one.created_at,
        "updatedAt": one.updated_at,
        "defaultEmailAddress": email or None,
        "defaultPhoneNumber": phone or None,
        "lastOrder": order and {"legacyResourceId": str(order.id), "name": order.name},
    }
