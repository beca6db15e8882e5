"""The app in the frame of an Admin that runs here, both at addresses of this machine."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from playwright.async_api import FrameLocator, Page

from cplus.aws import Aws
from cplus.clock import utc_now
from cplus.local.shopify import LocalShop, LocalShopify
from cplus.local.state import BRIDGE
from tests.integration.web.harness import CLIENT_SECRET, SHOP, Harness

SCOPES = "read_customers,read_orders"


@dataclass(frozen=True)
class Framed:
    """The app, the Shopify around it, and how a page of it is opened."""

    web: Harness
    shopify: LocalShopify

    async def open(self, page: Page, path: str = "") -> FrameLocator:
        """Opens a page of the app in the Admin; answers its frame."""
        shop = SHOP.partition(".")[0]
        await page.goto(f"{self.shopify.admin_url}/store/{shop}/apps/client{path}")
        return page.frame_locator("#app")


@asynccontextmanager
async def framed(
    mongo_uri: str, database: str, aws: Aws | None = None, **settings: Any
) -> AsyncIterator[Framed]:
    """A shop whose merchant has consented, and an app that is not installed yet."""
    with socket.create_server(("127.0.0.1", 0)) as port:
        address = f"http://127.0.0.1:{port.getsockname()[1]}"
        shopify = LocalShopify(client_id="client", client_secret=CLIENT_SECRET, app_url=address)
        shopify.add_shop(LocalShop(host=SHOP, name="Acorn & Co", email="owner@example.com"))
        await shopify.start()
        web = Harness(
            mongo_uri,
            database,
            aws,
            app_url=address,
            shopify_origin=shopify.origin,
            shopify_admin_origin=shopify.admin_url,
            app_bridge_url=shopify.admin_url + BRIDGE,
            **settings,
        )
        server = uvicorn.Server(uvicorn.Config(web.app, log_level="warning", lifespan="off"))
        task = asyncio.create_task(server.serve(sockets=[port]))
        try:
            async with web.opened():
                web.clock.now = utc_now()
                shopify.registered.scopes = SCOPES
                shopify.grants.grant(SHOP, SCOPES)
                yield Framed(web, shopify)
        finally:
            server.should_exit = True
            await task
            await shopify.stop()
