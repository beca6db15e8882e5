"""Each topic that is read, over HTTPS and by EventBridge: both go through the same consumer, and
mean the same."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from cplus.aws import Aws
from cplus.consumers.batches.sqs import SqsRecord
from cplus.consumers.webhooks.deliveries import TRIES
from cplus.consumers.webhooks.drafting import Webhooks
from cplus.consumers.webhooks.record import handle
from cplus.consumers.webhooks.translate import MAY_MEAN_NOTHING
from cplus.consumers.webhooks.uninstalls import STANDS
from cplus.events.log.commit import Commit
from cplus.local.shopify import LocalShopify
from cplus.shopify.webhooks import PAYLOADS
from tests.integration.consumers.webhooks.installed_app import ID, SHOP, installed_app, told
from tests.integration.intake import Intake, intake, record, soon
from tests.shopify_samples import SAMPLES

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
DENIED = {"app/uninstalled": STANDS.words, "shop/redact": STANDS.words}
"""What Shopify says of these while the app is installed."""


@pytest.fixture(scope="module")
async def shared(mongo_uri: str, aws: Aws, shopify: LocalShopify) -> AsyncIterator[Intake]:
    async with intake(mongo_uri, aws, origin=shopify.origin) as made:
        yield made


def by_eventbridge(topic: str, payload: Any, webhook_id: str) -> SqsRecord:
    """The message of an EventBridge rule; a payload has no signature there."""
    metadata = {
        "X-Shopify-Topic": topic,
        "X-Shopify-Shop-Domain": SHOP,
        "X-Shopify-Webhook-Id": webhook_id,
        "X-Shopify-Triggered-At": AT.isoformat(),
    }
    message = record(
        {
            "version": "0",
            "id": f"delivery-{webhook_id}",
            "detail-type": "shopifyWebhook",
            "source": "aws.partner/shopify.com/123/cplus",
            "time": "2026-11-20T12:00:00Z",
            "detail": {"payload": payload, "metadata": metadata},
        },
        f"m-{webhook_id}",
    )
    return replace(message, attributes={"ApproximateReceiveCount": str(TRIES)})


def of_this_shop(payload: dict[str, Any]) -> dict[str, Any]:
    """The sample as Shopify sends it for the shop that has the app."""
    named = json.dumps(payload).replace("954889", str(ID))
    found: dict[str, Any] = json.loads(named)
    return found


async def meaning(webhooks: Webhooks, commit: Commit) -> Any:
    """What the commit says, but for what differs between two webhooks."""
    events = await webhooks.recorder.reader.of(commit)
    dropped = {"erasure", "originator_version", "timestamp"}
    return [
        (one.event.TYPE, one.stream.partition("/")[0], one.event.model_dump(exclude=dropped))
        for one in events
    ], commit.reason


async def test_each_topic_means_the_same_by_both_ways(
    shared: Intake, shopify: LocalShopify
) -> None:
    webhooks = await installed_app(shared, shopify)
    for topic in sorted(PAYLOADS):
        payload = of_this_shop(SAMPLES[topic])
        found = []
        for message in (
            told(topic, payload, webhook_id=f"{topic}-https", at=AT, receives=TRIES),
            by_eventbridge(topic, payload, f"{topic}-bridge"),
        ):
            assert await handle([message], webhooks, soon()) == [], topic
            [newest] = await webhooks.recorder.store.read(
                SHOP, (await webhooks.recorder.store.head(SHOP)).position - 1, cause=True
            )
            found.append(newest)
        https, bridge = [await meaning(webhooks, one) for one in found]
        assert https == bridge, topic
        assert https[1] == DENIED.get(topic), topic
        assert https[0] or topic in {*MAY_MEAN_NOTHING, *DENIED}, f"{topic} means nothing"
        for commit, way in zip(found, (None, "eventbridge"), strict=True):
            assert commit.cause is not None
            assert commit.cause["headers"].get("via") == way
