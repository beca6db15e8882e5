"""Whether what Shopify says of a customer or an order now is news to the read models. Pure.

The projection's own fold answers it: what would change no row that people see is not recorded. So
it also says what does not come back: who was deleted or erased, and what is newer already. The log
would answer the same, but only by folding all that it holds of each customer.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from cplus.events.base import NewEvent, Recorded
from cplus.projections.base import Row
from cplus.projections.models import customers, orders
from cplus.projections.models.persons import tags_of


class News(Enum):
    """What Shopify says now, compared with what is known."""

    NONE = "none"
    ADDED = "added"
    """Something of which no webhook tells, or which was not known before."""
    LOST = "lost"
    """A webhook must have been lost."""


_PROFILE: Final = ("first_name", "last_name", "email", "phone", "note", "state")


def customer_news(shop: str, person: str, row: Row | None, told: NewEvent) -> News:
    """Of `told`, an import's fact about a customer; `row` is all that is known of the person."""
    key = str(getattr(told.event, "shopify_customer_id"))  # noqa: B009  every fact of it has it
    after = customers.evolve(person, row, _as_recorded(shop, told))
    before = _account(row, key)
    now = _account(after, key)
    if before == now or now is None:
        return News.NONE
    if before is None:
        return News.LOST
    # Webhooks of a new customer leave out what nobody chose yet.
    return News.LOST if any(before[one] not in (now[one], None) for one in now) else News.ADDED


def order_news(shop: str, key: str, row: Row | None, told: NewEvent) -> News:
    """Of `told`, a fact about an order; `row` is what is known of it."""
    after = orders.evolve(key, row, _as_recorded(shop, told))
    if row is None or "at" not in row:
        return News.NONE if row is not None and row["deleted"] else News.LOST
    if after is None or after["deleted"]:
        return News.NONE
    # Each update of an order is told. One of the same time may still differ: its times are in
    # whole seconds. Then what is sealed is left out: of somebody who was erased it stays unknown.
    if row["at"] >= told.occurred_at:
        return News.NONE if _order(row) == _order(after) else News.ADDED
    same = _order(row) == _order(after) and _sealed(row) == _sealed(after)
    return News.NONE if same else News.LOST


def is_known_customer(shop: str, person: str, row: Row | None, told: NewEvent) -> bool:
    """Whether the row holds all that `told` says, an import's fact about a customer, as of the same
    time: then it is no news that it was read once more.

    What the customer bought is as of when it was read; if anything of it changes, Shopify says that
    the customer changed.
    """
    key = str(getattr(told.event, "shopify_customer_id"))  # noqa: B009  every fact of it has it
    alone = customers.evolve(person, None, _as_recorded(shop, told))
    account, fresh = (one["accounts"].get(key) if one else None for one in (row, alone))
    if account is None or fresh is None:
        return False
    return bool(_said(_spend_undated(account)) == _said(_spend_undated(fresh)))


def is_known_order(shop: str, key: str, row: Row | None, told: NewEvent) -> bool:
    """The same of a fact about an order."""
    fresh = _said(orders.evolve(key, None, _as_recorded(shop, told)) or {})
    known = _said(row or {})
    return all(name in known and known[name] == fresh[name] for name in fresh)


_TELLING: Final = frozenset({"told_at", "rank", "by", "kept"})
"""Who told something and when, which is nothing of what it is."""


def _said(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _said(one) for name, one in value.items() if name not in _TELLING}
    return [_said(one) for one in value] if isinstance(value, list | tuple) else value


def _spend_undated(account: Mapping[str, Any]) -> dict[str, Any]:
    spend = {name: one for name, one in account.get("spend", {}).items() if name != "at"}
    return {**account, "spend": spend}


def _as_recorded(shop: str, told: NewEvent) -> Recorded:
    return Recorded(
        shop=shop,
        position=0,
        number=0,
        id="",
        stream=told.stream,
        version=None,
        occurred_at=told.occurred_at,
        recorded_at=told.told_at or told.occurred_at,
        source="import",
        actor="",
        event=told.event,
        told_at=told.told_at,
    )


def _account(row: Row | None, key: str) -> dict[str, Any] | None:
    """What is seen of a customer; None where nothing is known, or nothing any more."""
    account = row["accounts"].get(key) if row else None
    if account is None:
        return None
    if account.get("deleted"):
        return {"deleted": True}
    profile, spend = account.get("profile") or {}, account.get("spend") or {}
    consent = (account.get("consent") or {}).get("email")
    return {
        **{name: profile.get(name) or None for name in _PROFILE},
        "tags": tags_of(account) or None,
        "orders": spend.get("orders") or None,
        "amount": Decimal(spend.get("amount") or 0) or None,
        "consent": None if consent == "not_subscribed" else consent,
    }


def _order(row: Mapping[str, Any]) -> dict[str, Any]:
    """What is seen of an order, but for what is sealed."""
    return {
        **{name: row[name] for name in ("customer", "name", "currency", "cancelled", "test")},
        "total": Decimal(row["total_price"]),
        **{name: row[name] or None for name in ("financial_status", "fulfillment_status")},
        "fulfillments": [
            (one["id"], one["status"], one["shipment_status"])
            for one in row.get("fulfillments", ())
        ],
        "refunds": [
            (one["id"], Decimal(one["amount"]), one["currency"], one["pending"])
            for one in row.get("refunds", ())
        ],
    }


def _sealed(row: Mapping[str, Any]) -> dict[str, Any]:
    items = [(one["id"], one["current"], one["unfulfilled"]) for one in row.get("items") or ()]
    ways = [
        {name: one[name] for name in ("fulfillment", "company", "numbers", "urls")}
        for one in row.get("tracking") or ()
        if one["company"] or one["numbers"] or one["urls"]
    ]
    return {"items": items, "tracking": ways}
