"""What a person bought: the sums that Shopify told, and the orders that came after them.

An order is in one or the other: a sum holds the orders of its customer until it was made, and,
once another customer was merged into this one, the other's too. Pure but for `bought_by`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from cplus.mongo import Collection
from cplus.projections.base import Row
from cplus.projections.models.orders import BY_CUSTOMER
from cplus.projections.models.persons import Account


@dataclass(frozen=True, slots=True)
class Bought:
    """What orders come to."""

    orders: int
    amount: Decimal | None
    currency: str | None


NOTHING = Bought(0, None, None)
_FEW: Final = 50
"""Orders in the sums of a person up to which all their orders are read."""
_ZERO: Final = timedelta()
_SECOND: Final = timedelta(seconds=1)
_PART: Final = 1000
"""Orders that are in memory at a time."""
_COUNTING: Final = {"deleted": False, "test": False, "cancelled": False}
_READ: Final = {"person": 1, "customer": 1, "created_at": 1, "currency": 1, "total_price": 1}


async def bought_by(
    orders: Collection, shop: str, known: Mapping[str, Mapping[str, Account]]
) -> dict[str, list[Bought]]:
    """What each person ordered that no sum of Shopify's holds, by currency; without tests and what
    was cancelled. `known` are the accounts of the persons, by each of their ids."""
    wanted = {"$or": [{"shop": shop, **one, **_COUNTING} for one in to_read(known)]}
    found: dict[tuple[str, str], Bought] = {}
    # Named, because trying another index on every page takes as long as the answer.
    rows = orders.find(wanted, _READ, batch_size=_PART).hint([("shop", 1), *BY_CUSTOMER])
    while part := await rows.to_list(_PART):
        for row in part:
            key = row["person"], row["currency"]
            if is_later(row, known[row["person"]]):
                before = found.get(key, Bought(0, Decimal(0), row["currency"]))
                found[key] = _added(before, 1, _decimal(row["total_price"]))
    by_person: dict[str, list[Bought]] = {}
    for (person, _), bought in found.items():
        by_person.setdefault(person, []).append(bought)
    return by_person


def to_read(known: Mapping[str, Mapping[str, Account]]) -> list[dict[str, Any]]:
    """Conditions on the orders of these persons, which leave out none that no sum holds.

    Nearly every person has few orders in sums: those are read too, in one range of an index,
    because the database takes longer to plan a condition for each of them. Of who has many, only
    orders after the first of their sums are read, and those of customers who have no sum.
    """
    many = {person for person, accounts in known.items() if _in_sums(accounts) > _FEW}
    found: list[dict[str, Any]] = []
    if few := sorted(known.keys() - many):
        found.append({"person": {"$in": few}})
    for person in sorted(many):
        accounts = known[person]
        sums = {int(one): sum_ for one in accounts if (sum_ := _sum_with(accounts, one))}
        # Orders of the second in which a sum was made may be in it or not.
        before = min(sum_["at"] for sum_ in sums.values()) - _SECOND
        found.append({"person": person, "created_at": {"$gt": before}})
        # Orders that do not say whose they are count after the last sum (see `is_later`).
        others = {"$nin": [None, *sorted(sums)]}
        found.append({"person": person, "customer": others, "created_at": {"$lte": before}})
    return found


def _in_sums(accounts: Mapping[str, Account]) -> int:
    """About how many orders the sums hold."""
    return sum(account["spend"]["orders"] for account in accounts.values() if "spend" in account)


def is_later(order: Row, accounts: Mapping[str, Account]) -> bool:
    """Whether no sum of the person with these accounts holds the order."""
    customer = order.get("customer")
    # Orders recorded by older releases do not say whose they are.
    of = [str(customer)] if customer is not None else list(accounts)
    sums = [sum_ for one in of if one in accounts if (sum_ := _sum_with(accounts, one)) is not None]
    return not any(_holds(sum_, order) for sum_ in sums)


def _holds(sum_: Mapping[str, Any], order: Row) -> bool:
    """Whether the sum was made after the order was placed.

    Of an order Shopify tells the second, and a sum is made at some moment of it: of the orders of
    that very second, it holds those that are not newer than the last one that it was told with.
    """
    since = sum_["at"] - order["created_at"]
    if _ZERO <= since < _SECOND:
        if not sum_["orders"]:
            return False
        if (last := sum_.get("last_order")) is not None:
            return int(str(order["_id"]).rpartition("/")[2]) <= int(last)
    return bool(since >= _ZERO)


def in_all(accounts: Mapping[str, Account], later: Iterable[Bought]) -> Bought:
    """What Shopify's sums hold and what was ordered `later`, in the currency of most orders."""
    sums: dict[str | None, Bought] = {}
    for more in [*_told(accounts), *later]:
        before = sums.get(more.currency, Bought(0, Decimal(0), more.currency))
        sums[more.currency] = _added(before, more.orders, more.amount)
    return max(sums.values(), key=lambda b: (b.orders, b.currency or ""), default=NOTHING)


def _added(bought: Bought, orders: int, amount: Decimal | None) -> Bought:
    total = (bought.amount or Decimal(0)) + (amount or Decimal(0))
    return Bought(bought.orders + orders, total, bought.currency)


def _told(accounts: Mapping[str, Account]) -> list[Bought]:
    """The sums that count: each order is in one of them at most."""
    return [
        Bought(spend["orders"], _decimal(spend["amount"]), spend["currency"])
        for shopify_id, account in accounts.items()
        if (spend := account.get("spend")) is not None
        and _holder(accounts, shopify_id) == shopify_id
    ]


def _sum_with(accounts: Mapping[str, Account], shopify_id: str) -> Mapping[str, Any] | None:
    """The sum that holds the customer's orders from before it; None if none does."""
    holder = _holder(accounts, shopify_id)
    return None if holder is None else accounts[holder]["spend"]


def _holder(accounts: Mapping[str, Account], shopify_id: str) -> str | None:
    """The customer whose sum holds this one's orders: the last of those into whom this one was
    merged whose sum is not older than that. Of a deleted customer no sum counts, so it holds none:
    their orders are still there, and are counted themselves."""
    found, merged_at = None, None
    heirs = _heirs(accounts, shopify_id)
    if accounts.get(heirs[-1], {}).get("deleted"):
        return None
    for one in heirs:
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
