"""What a page of customers reads of somebody who ordered very often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from cplus.mongo import Mongo
from cplus.projections.base import Projection, Row
from cplus.projections.groups import ALL
from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.models.orders import ORDERS
from cplus.projections.queries import Queries
from tests.unit.projections.models.told_events import DAY, bought, changed, fold, imported

SHOP = "acorn.myshopify.com"
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
MANY = 3_000


@pytest.fixture
def projections() -> tuple[Projection, ...]:
    return ALL


async def put(mongo: Mongo, projection: Projection, rows: dict[str, Row]) -> None:
    documents = [{"_id": f"{SHOP}/{key}", "shop": SHOP, **row} for key, row in rows.items()]
    await mongo.database[projection.collection].insert_many(documents)


async def test_a_page_reads_no_order_that_a_sum_of_a_heavy_buyer_holds(mongo: Mongo) -> None:
    sums = {"amount_spent": "30000.00", "currency": "EUR", "orders": MANY}
    events = [
        imported(1, -DAY, customer=7, **sums)._replace(told_at=NOW),
        changed(2, 1, customer=8),  # of whom there is no sum
        imported(3, -DAY, customer=5, person="person/b", **(sums | {"orders": 1})),
    ]
    await put(mongo, CUSTOMERS, fold(CUSTOMERS, events))
    order = fold(ORDERS, [bought(1, 0)])["7"]

    def ordered(customer: int | None, minutes: int, person: str = "person/a") -> Row:
        created_at = NOW + timedelta(minutes=minutes)
        more: dict[str, Any] = {"customer": customer, "person": person, "created_at": created_at}
        return {**order, "currency": "EUR", "total_price": "10.00", **more}

    later = [ordered(7, 1), ordered(None, 2)]
    never_in_a_sum = [ordered(8, -MANY * 2), ordered(9, -MANY * 2)]
    held = [*(ordered(7, -number) for number in range(MANY)), ordered(None, -3)]
    others = [ordered(5, -2 * DAY, "person/b"), ordered(5, 1, "person/b")]
    rows = [*later, *never_in_a_sum, *held, *others]
    await put(mongo, ORDERS, {str(number): row for number, row in enumerate(rows)})

    await mongo.database.command({"profile": 2})
    shown = {one.person: one for one in (await Queries(mongo).customers(SHOP)).items}
    await mongo.database.command({"profile": 0})
    of_heavy, of_other = shown["person/a"], shown["person/b"]
    assert (of_heavy.orders, of_heavy.amount_spent) == (MANY + 4, Decimal("30040.00"))
    assert (of_other.orders, of_other.amount_spent) == (2, Decimal("30010.00"))
    asked = {"ns": {"$regex": rf"{ORDERS.collection}$"}}
    [entry] = await mongo.database["system.profile"].find(asked).to_list(None)
    of_that_second = 1  # which may be in the sum or not
    wanted = len(later) + len(never_in_a_sum) + len(others)
    assert entry["docsExamined"] == wanted + of_that_second
    assert entry["keysExamined"] < 30
