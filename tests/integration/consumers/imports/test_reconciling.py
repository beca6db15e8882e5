"""What no webhook told is found by asking Shopify, once a day, and recorded once."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from cplus.aws import Aws
from cplus.local.shopify import LocalShopify
from tests.integration.consumers.imports.end_of_day import customers_of, orders_of
from tests.integration.consumers.imports.reconcile_world import World, later, world
from tests.integration.consumers.webhooks.day import BEGINNING, Day
from tests.integration.consumers.webhooks.shown_rows import rows
from tests.integration.intake import Intake, intake


@pytest.fixture(scope="module")
async def shared(mongo_uri: str, aws: Aws, shopify: LocalShopify) -> AsyncIterator[Intake]:
    async with intake(mongo_uri, aws, origin=shopify.origin) as made:
        yield made


async def test_a_day_of_which_some_is_lost_and_healed_makes_the_rows_of_one_delivery_in_order(
    shared: Intake, shopify: LocalShopify
) -> None:
    day = Day(random.Random(12))
    day.passes(60)
    made = await world(shared, shopify, BEGINNING - timedelta(hours=1))
    await made.hears([one.delivery(1) for one in day.sent])
    expected = await shown(made)
    chance = random.Random(2)
    made = await world(shared, shopify, BEGINNING - timedelta(hours=1))
    made.has(customers_of(day.sent), orders_of(day.sent))
    lost = [
        one
        for one in day.sent
        # No list tells who was deleted or merged.
        if chance.random() < 0.3
        and not one.topic.endswith(("/delete", "/merge"))
        and one.topic != "shop/update"
    ]
    kept = [one for one in day.sent if one not in lost]
    twice = [one.delivery(attempt) for one in kept for attempt in (1, 2)]
    chance.shuffle(twice)
    late = len(twice) // 5
    await made.hears(twice[late:])
    later(made, hours=23)
    found = await made.reconciled("2026-11-20")
    assert found["lost"] > 0
    await made.hears(twice[:late])
    later(made, hours=24)
    assert await made.reconciled("2026-11-21") != {}
    assert await shown(made) == expected
    before = len(await made.commits())
    later(made, hours=24)
    again = await made.reconciled("2026-11-22")
    assert (again["lost"], again["added"]) == (0, 0)
    assert len(await made.commits()) == before + 1, "that it was done"


async def shown(made: World) -> dict[str, Any]:
    found = await rows(made.parts.webhooks)
    for one in found["customers"]:
        del one["changed_at"]  # when Shopify says so, by which of several things that it told
        # No webhook tells the language, nor what nobody chose or bought yet.
        del one["locale"]
        one["amount_spent"] = one["amount_spent"] or None
        if one["email_consent"] == "not_subscribed":
            one["email_consent"] = None
    shops = {key: row for key, row in found["shops"].items() if key == "shop"}
    return {**found, "orders": without_marks(found["orders"]), "shops": shops}


def without_marks(value: Any) -> Any:
    """The value without what says when and by what it was told."""
    if isinstance(value, dict):
        marks = {"at", "told_at", "rank"}
        return {
            name: without_marks(one)
            for name, one in value.items()
            if name not in marks or "amount" in value
        }
    return [without_marks(one) for one in value] if isinstance(value, list) else value
