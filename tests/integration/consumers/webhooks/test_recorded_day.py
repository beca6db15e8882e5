"""All deliveries of a day, twice, shuffled, and some a day late: the same rows as once in order."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from typing import Final

import pytest

from cplus.aws import Aws
from cplus.consumers.batches.sqs import SqsRecord
from cplus.consumers.webhooks.drafting import Webhooks
from cplus.consumers.webhooks.record import handle
from cplus.local.shopify import LocalShopify
from tests.integration.consumers.webhooks.day import Day
from tests.integration.consumers.webhooks.installed_app import SHOP, installed_app
from tests.integration.consumers.webhooks.shown_rows import rows
from tests.integration.intake import Intake, intake, soon

BATCH: Final = 25


@pytest.fixture(scope="module")
async def shared(mongo_uri: str, aws: Aws, shopify: LocalShopify) -> AsyncIterator[Intake]:
    async with intake(mongo_uri, aws, origin=shopify.origin) as made:
        yield made


async def recorded(webhooks: Webhooks, messages: Sequence[SqsRecord]) -> None:
    for start in range(0, len(messages), BATCH):
        assert await handle(messages[start : start + BATCH], webhooks, soon()) == []


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
