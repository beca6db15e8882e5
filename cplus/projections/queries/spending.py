"""What a person bought: the sums that Shopify told, and the orders that came after them.

An order is in one or the other: a sum holds the orders of its customer until it was made, and,
once another customer was merged into this one, the other's too. Pure but for `bought_by`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from cplus.mongo import Collection, Mongo
from cplus.projections.models.customers import Account


@dataclass(frozen=True, slots=True)
class Bought:
    """What orders come to."""

    orders: int
    amount: Decimal | None
    currency: str | None


NOTHING = Bought(0, None, None)


async def bought_by(
    mongo: Mongo, orders: Collection, shop: str, wanted: Sequence[Mapping[str, Any]]
) -> dict[str, list[Bought]]:
    """What each person ordered, of the orders that match one of `wanted` (see `since`), by
    currency; without tests and what was cancelled."""
    price = {"$convert": {"input": "$total_price", "to": "decimal", "onError": 0, "onNull": 0}}
    rows = await mongo.aggregate(
        orders,
        [
            {"$match": {"$or": [{"shop": shop, **one} for one in wanted]}},
            {"$match": {"deleted": False, "test": False, "cancelled": False}},
            {
                "$group": {
                    "_id": {"person": "$person", "currency": "$currency"},
                    "orders": {"$sum": 1},
                    "amount": {"$sum": price},
                }
            },
        ],
    )
    found: dict[str, list[Bought]] = {}
    for row in rows:
        bought = Bought(row["orders"], row["amount"].to_decimal(), row["_id"]["currency"])
        found.setdefault(row["_id"]["person"], []).append(bought)
    return found


def since(persons: Sequence[str], accounts: Mapping[str, Account]) -> list[dict[str, Any]]:
    """The conditions that match the persons' orders that no sum holds."""
    own: dict[str, Any] = {"person": {"$in": list(persons)}}
    ends = {int(one): _until(accounts, one) for one in accounts}
    last = max((end for end in ends.values() if end is not None), default=None)
    if last is None:
        return [own]
    return [
        # Orders recorded by older releases do not say whose they are.
        {**own, "customer": None, "created_at": {"$gt": last}},
        {**own, "customer": {"$nin": [None, *sorted(ends)]}},
        *(
            {**own, "customer": one, **({"created_at": {"$gt": end}} if end else {})}
            for one, end in sorted(ends.items())
        ),
    ]


def in_all(accounts: Mapping[str, Account], later: Iterable[Bought]) -> Bought:
    """What Shopify's sums hold and what was ordered `later`, in the currency of most orders."""
    sums: dict[str | None, Bought] = {}
    for more in [*_told(accounts), *later]:
        before = sums.get(more.currency, Bought(0, Decimal(0), more.currency))
        amount = (before.amount or Decimal(0)) + (more.amount or Decimal(0))
        sums[more.currency] = Bought(before.orders + more.orders, amount, more.currency)
    return max(sums.values(), key=lambda b: (b.orders, b.currency or ""), default=NOTHING)


def _told(accounts: Mapping[str, Account]) -> list[Bought]:
    """The sums that count: each order is in one of them at most."""
    return [
        Bought(spend["orders"], _decimal(spend["amount"]), spend["currency"])
        for shopify_id, account in accounts.items()
        if (spend := account.get("spend")) is not None
        and _holder(accounts, shopify_id) == shopify_id
        and not accounts.get(_heirs(accounts, shopify_id)[-1], {}).get("deleted")
    ]


def _until(accounts: Mapping[str, Account], shopify_id: str) -> datetime | None:
    """Until when the customer's orders are in a sum; None if they are in none."""
    holder = _holder(accounts, shopify_id)
    return None if holder is None else accounts[holder]["spend"]["at"]


def _holder(accounts: Mapping[str, Account], shopify_id: str) -> str | None:
    """The customer whose sum holds this one's orders: the last of those into whom this one was
    merged whose sum is not older than that."""
    found, merged_at = None, None
    for one in _heirs(accounts, shopify_id):
        account = accounts.get(one, {})
        spend, merged = account.get("spend"), account.get("merged")
        if spend is not None and (merged_at is None or spend["at"] >= merged_at):
            found = one
        if merged is not None:
            merged_at = max(merged_at or merged["at"], merged["at"])
    return found


def _heirs(accounts: Mapping[str, Account], shopify_id: str) -> list[str]:
    """The customer, into whom it was merged, into whom that one was merged, and so on."""
    heirs = [shopify_id]
    while (merged := accounts.get(heirs[-1], {}).get("merged")) is not None:
        if (heir := str(merged["into"])) in heirs:
            break
        heirs.append(heir)
    return heirs


def _decimal(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return Decimal(0)
    return value if value.is_finite() else Decimal(0)
