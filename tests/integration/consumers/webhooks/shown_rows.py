"""What the read models show of a shop's log, to compare two logs of the same day."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from cplus.consumers.webhooks.drafting import Webhooks
from cplus.projections.base import Projection, Row
from cplus.projections.checks.fold_in_memory import fold_shop
from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.models.orders import ORDERS
from cplus.projections.models.shops import SHOPS
from cplus.projections.queries.persons import Family, customer_view, families
from tests.integration.consumers.webhooks.installed_app import SHOP


async def rows(webhooks: Webhooks) -> dict[str, Any]:
    """What the read models show of the log: without ids that are random in each log."""
    people = families(await folded(webhooks, CUSTOMERS))
    orders = await folded(webhooks, ORDERS)
    return {
        "customers": sorted(
            (shown(one) for person, one in people.items() if person == one.person), key=repr
        ),
        "orders": {
            key: {**plain(_without_tellers(row)), "person": who(row, people)}
            for key, row in orders.items()
        },
        "shops": plain(await folded(webhooks, SHOPS)),
    }


async def folded(webhooks: Webhooks, projection: Projection) -> dict[str, Row]:
    use = webhooks.recorder
    found = await fold_shop(use.store, use.reader, projection, SHOP)
    assert found.stop is None
    return dict(found.rows)


def shown(family: Family) -> dict[str, Any]:
    customer = asdict(customer_view(family, {}, {}))
    return {name: value for name, value in customer.items() if name not in {"person", "persons"}}


def who(row: Row, people: dict[str, Family]) -> Any:
    family = people.get(row.get("person") or "")
    return sorted(family.row["accounts"]) if family else None


def _without_tellers(row: Row) -> Row:
    """An order's row without which fact told its items and its tracking, and of whom."""
    left = {name: value for name, value in row.items() if name not in {"items_told", "tracking"}}
    ways = [
        {name: one[name] for name in ("fulfillment", "company", "numbers", "urls")}
        for one in row.get("tracking") or ()
    ]
    return {**left, "tracking": ways}


def plain(value: Any) -> Any:
    """The value without the ids of events."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items() if name != "by"}
    return [plain(one) for one in value] if isinstance(value, list) else value
