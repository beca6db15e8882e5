"""What an installation asks Shopify for: tokens for its code, and the shop's facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import httpx

from cplus.deadline import Deadline
from cplus.shopify.admin import AdminClient
from cplus.shopify.oauth import App, Tokens, exchange_code
from cplus.shopify.queries import ShopInfo, shop_info

_PATIENCE: Final = 5.0  # seconds for a throttled shop; the merchant's browser waits


@dataclass(frozen=True, slots=True)
class Granting:
    """Shopify, for an app that is being installed."""

    app: App
    http: httpx.AsyncClient
    api_version: str

    async def tokens(self, shop: str, code: str) -> Tokens:
        """Tokens for the code, which works once; raises as `exchange_code` does."""
        return await exchange_code(self.http, self.app, shop, code)

    async def info(self, shop: str, access_token: str) -> ShopInfo:
        """The shop's facts; raises AuthFailed, ShopifyUnavailable, ShopifyRefused, Throttled."""
        client = AdminClient(self.http, self.app.origin, self.api_version, shop, access_token)
        return await shop_info(client, deadline=Deadline.within(_PATIENCE))
