"""What the local Shopify is told before the app is installed: the shop and its customers."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from cplus.local.demo import words
from cplus.local.demo.payloads import SHOP_CREATED, Person, amount, iso

FIRST_SHOP: Final = 1_001
"""The id of the first shop, in every run."""

_BUDGETS: Final = ((300, 400), (300, 200), (300, 300))  # points, and points a second


def known_customers(
    chance: random.Random,
    people: Sequence[Person],
    created: Callable[[Person], datetime],
    bought: Mapping[int, Sequence[Decimal]],
    base: datetime,
) -> list[dict[str, Any]]:
    """The customers as the local Shopify is told of them; last changed before any webhook.

    What they bought holds the orders that webhooks tell of: these are from before the import.
    """
    changed = base - timedelta(days=30)
    earlier = [[Decimal(chance.randint(10, 90))] * (i % 3) for i in range(len(people))]
    return [
        {
            "id": person.id,
            "first_name": person.first_name,
            "last_name": person.last_name,
            "email": person.email,
            "phone": f"+1555{chance.randint(1_000_000, 9_999_999)}" if i % 4 == 0 else None,
            "tags": ["wholesale"] if i % 11 == 0 else [],
            "number_of_orders": len(orders),
            "spent": amount(sum(orders, Decimal(0)), person.currency),
            "created_at": iso(created(person)),
            "updated_at": iso(changed),
            "email_marketing": "SUBSCRIBED" if i % 5 == 0 else "NOT_SUBSCRIBED",
        }
        for i, (person, before) in enumerate(zip(people, earlier, strict=True))
        for orders in [before + list(bought.get(person.id, []))]
    ]


def shop_description(
    host: str,
    name: str,
    number: int,
    trade: words.Trade,
    customers: list[dict[str, Any]],
) -> dict[str, Any]:
    """The shop as the local Shopify is told of it."""
    # Small budgets: the import needs small pages, and waits between them.
    most, rate = _BUDGETS[number % len(_BUDGETS)]
    return {
        "host": host,
        "id": FIRST_SHOP + number,
        "name": name,
        "email": "owner@example.com",
        "currency": trade.currency,
        "timezone": trade.timezone,
        "country": trade.country,
        "created_at": SHOP_CREATED,
        "maximum_available": most,
        "restore_rate": rate,
        "customers": customers,
    }
