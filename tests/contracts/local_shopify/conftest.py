from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from cplus.local.shopify import LocalShopify
from cplus.shopify import (
    App,
)
from tests.contracts.local_shopify.world import OTHER, SECRET, SHOP, local_shop
from tests.plain_http import plain_http


@pytest.fixture
async def shopify(tmp_path: Path) -> AsyncIterator[LocalShopify]:
    server = LocalShopify(
        client_id="the-app",
        client_secret=SECRET,
        app_url="http://127.0.0.1:9",
        directory=tmp_path,
        backoff=[0.01] * 8,
    )
    server.add_shop(local_shop(SHOP))
    server.add_shop(local_shop(OTHER))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with plain_http(timeout=10) as client:
        yield client


@pytest.fixture
def app(shopify: LocalShopify) -> App:
    return App(
        client_id="the-app",
        client_secret=SECRET,
        scopes="read_customers,read_orders",
        origin=shopify.origin,
    )
