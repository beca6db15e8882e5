"""An uninstall ends an installation only if Shopify agrees: its headers are not signed."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cplus.consumers.batches.sqs import SqsRecord
from cplus.consumers.webhooks.record import REDELIVERIES, Webhooks, handle
from cplus.events.log.commit import Commit
from cplus.local.shopify import LocalShop, LocalShopify
from cplus.shopify.oauth import Tokens
from tests.integration.intake import SECRET, Intake, emptied, intake, record, soon

SHOP = "blue-jam.myshopify.com"
ANOTHERS = {"id": 999, "name": "Red Tea", "myshopify_domain": None}
"""The signed body of another shop's uninstall, as Shopify publishes it: it names no host."""


@pytest.fixture(scope="module")
async def shopify() -> AsyncIterator[LocalShopify]:
    server = LocalShopify(client_id="client-id", client_secret=SECRET, app_url="https://a.example")
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(scope="module")
async def shared(mongo_uri: str, aws_endpoint: str, shopify: LocalShopify) -> AsyncIterator[Intake]:
    async with intake(mongo_uri, origin=shopify.origin) as made:
        yield made


@pytest.fixture
async def webhooks(shared: Intake, shopify: LocalShopify) -> Webhooks:
    """With the app installed in the shop."""
    parts = (await emptied(shared)).parts
    shopify.add_shop(LocalShop(host=SHOP, name="Blue Jam", email="owner@example.com"))
    fields = {
        "client_id": "client-id",
        "client_secret": SECRET,
        "code": shopify.grants.code(SHOP, "read_customers"),
        "expiring": "1",
    }
    tokens = Tokens.model_validate(shopify.grants.tokens(SHOP, fields))
    await parts.credentials.save(SHOP, tokens)
    return Webhooks(
        recorder=parts.recorder,
        persons=parts.persons,
        bodies=parts.bodies,
        redeliveries=parts.mongo.database[REDELIVERIES],
        removed=parts.removed,
        clock=parts.clock,
    )


def uninstall(body: Any) -> SqsRecord:
    headers = {
        "x-shopify-topic": "app/uninstalled",
        "x-shopify-shop-domain": SHOP,
        "x-shopify-webhook-id": "w-1",
    }
    encoded = base64.b64encode(json.dumps(body).encode()).decode()
    return record({"delivery": "d-1", "headers": headers, "body": encoded, "body_ref": None})


async def commits(webhooks: Webhooks) -> list[Commit]:
    return await webhooks.recorder.store.read(SHOP, 0)


@pytest.mark.parametrize("body", [ANOTHERS, {}, {"myshopify_domain": SHOP}])
async def test_an_uninstall_ends_nothing_while_shopify_takes_the_tokens(
    webhooks: Webhooks, body: Any
) -> None:
    assert await handle([uninstall(body)], webhooks, soon()) == []
    [commit] = await commits(webhooks)
    assert not commit.types
    assert commit.reason
    assert "still installed" in commit.reason


async def test_a_token_that_alone_is_void_is_no_uninstall(
    webhooks: Webhooks, shopify: LocalShopify
) -> None:
    shopify.store.state.installs[SHOP].access.clear()
    assert await handle([uninstall({})], webhooks, soon()) == []
    [commit] = await commits(webhooks)
    assert not commit.types


@pytest.mark.parametrize("body", [{}, {"myshopify_domain": None}, {"id": 1}, {"id": "odd"}])
async def test_an_uninstall_counts_whatever_its_body_holds_once_the_tokens_are_void(
    webhooks: Webhooks, shopify: LocalShopify, body: Any
) -> None:
    shopify.grants.revoke(SHOP)
    assert await handle([uninstall(body)], webhooks, soon()) == []
    [commit] = await commits(webhooks)
    assert commit.types == ["app.uninstalled"]


async def test_while_shopify_cannot_tell_only_a_body_that_names_the_shop_counts(
    webhooks: Webhooks, shopify: LocalShopify
) -> None:
    shopify.fail_next(SHOP, 423)
    assert await handle([uninstall(ANOTHERS)], webhooks, soon()) == ["m"]
    assert await commits(webhooks) == []
    shopify.fail_next(SHOP, 423)
    assert await handle([uninstall({"myshopify_domain": SHOP})], webhooks, soon()) == []
    [commit] = await commits(webhooks)
    assert commit.types == ["app.uninstalled"]
