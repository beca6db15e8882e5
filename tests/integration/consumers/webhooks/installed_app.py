"""A shop in which the app is installed, and webhooks that its headers name."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from cplus.consumers.batches.sqs import SqsRecord
from cplus.consumers.webhooks.drafting import Webhooks
from cplus.events.log.commit import Commit
from cplus.local.shopify import LocalShop, LocalShopify
from cplus.shopify.oauth import Tokens
from tests.integration.intake import SECRET, Intake, emptied, record

SHOP: Final = "blue-jam.myshopify.com"
ID: Final = 548380009


async def installed_app(shared: Intake, shopify: LocalShopify) -> Webhooks:
    """What records webhooks, with nothing recorded and the app installed in the shop."""
    parts = (await emptied(shared)).parts
    shopify.add_shop(LocalShop(host=SHOP, id=ID, name="Blue Jam", email="owner@example.com"))
    fields = {
        "client_id": "client-id",
        "client_secret": SECRET,
        "code": shopify.grants.code(SHOP, "read_customers"),
        "expiring": "1",
    }
    tokens = Tokens.model_validate(shopify.grants.tokens(SHOP, fields))
    await parts.credentials.save(SHOP, tokens)
    return parts.webhooks


def told(
    topic: str,
    body: Any,
    *,
    shop: str = SHOP,
    at: datetime | None = None,
    receives: int = 1,
    webhook_id: str = "w-1",
) -> SqsRecord:
    """The message of a webhook whose headers name the shop."""
    headers = {
        "x-shopify-topic": topic,
        "x-shopify-shop-domain": shop,
        "x-shopify-webhook-id": webhook_id,
    }
    if at is not None:
        headers["x-shopify-triggered-at"] = at.isoformat()
    encoded = base64.b64encode(json.dumps(body).encode()).decode()
    message = record({"delivery": "d-1", "headers": headers, "body": encoded, "body_ref": None})
    return replace(message, attributes={"ApproximateReceiveCount": str(receives)})


async def commits(webhooks: Webhooks, shop: str = SHOP) -> list[Commit]:
    """What the shop's log holds."""
    return await webhooks.recorder.store.read(shop, 0)
