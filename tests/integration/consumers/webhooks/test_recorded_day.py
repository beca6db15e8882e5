"""All deliveries of a day, twice, shuffled, and some a day late: the same rows as once in order."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from typing import Any, Final

import pytest

from cplus.aws import Aws
from cplus.consumers.batches.sqs import SqsRecord
from cplus.consumers.webhooks.drafting import Webhooks
from cplus.consumers.webhooks.record import handle
from cplus.local.shopify import LocalShopify
from cplus.projections.base import Projection, Row
from cplus.projections.checks.fold_in_memory import fold_shop
from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.models.orders import ORDERS
from cplus.projections.models.shops import SHOPS
from cplus.projections.queries.persons import Family, customer_view, families
from tests.integration.consumers.webhooks.day import Day
from tests.integration.consumers.webhooks.installed_app import SHOP, installed_app
from tests.integration.intake import Intake, intake, soon

BATCH: Final = 25


@pytest.fixture(scope="module")
async def shared(mongo_uri: str, aws: Aws, shopify: LocalShopify) -> AsyncIterator[Intake]:
    async with intake(mongo_uri, aws, origin=shopify.origin) as made:
        yield made


async def recorded(webhooks: Webhooks, messages: Sequence[SqsRecord]) -> None:
    for start in range(0, len(messages), BATCH):
        assert await handle(messages[start : start + BATCH], webhooks, soon()) == []


async def rows(webhooks: Webhooks) -> dict[str, Any]:
    """What the read models show of the log: without ids that are random in each log."""
    people = families(await folded(webhooks, CUSTOMERS))
    orders = await folded(webhooks, ORDERS)
    return {
        "customers": sorted(
            (shown(one) for person, one in people.items() if person == one.person), key=repr
        ),
        "orders": {key: {**plain(row), "person": who(row, people)} for key, row in orders.items()},
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


def plain(value: Any) -> Any:
    """The value without the ids of events."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items() if name != "by"}
    return [plain(one) for one in value] if isinstance(value, list) else value


async def test_a_day_delivered_twice_shuffled_and_late_makes_the_rows_of_one_delivery_in_order(
    shared: Intake, shopify: LocalShopify
) -> None:
    chance = random.Random(12)
    day = Day(chance)
    day.passes(80)
    topics = {one.topic for one in day.sent}
    assert len(topics) >= 18, "most topics are among them"
    webhooks = await installed_app(shared, shopify)
    await recorded(webhooks, [one.delivery(1) for one in day.sent])
    expected = await rows(webhooks)
    assert len(expected["orders"]) == 8
    assert [row.get("deleted") for row in expected["orders"].values()].count(True) == 1
    parcels = [one for row in expected["orders"].values() for one in row.get("fulfillments", ())]
    assert len(parcels) > 5
    for _ in range(2):
        webhooks = await installed_app(shared, shopify)
        twice = [one.delivery(attempt) for one in day.sent for attempt in (1, 2)]
        chance.shuffle(twice)
        late = [one for one in twice if chance.random() < 0.2]
        ids = {one.message_id for one in late}
        await recorded(webhooks, [one for one in twice if one.message_id not in ids] + late)
        assert (await webhooks.recorder.store.head(SHOP)).position == len(day.sent)
        assert await rows(webhooks) == expected
