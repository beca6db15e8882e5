"""What an installation asks Shopify for: tokens for its code, and the shop's facts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import httpx

from cplus.deadline import Deadline
from cplus.errors import AccessDenied, AuthFailed, CredentialsUnreadable, NotInstalled
from cplus.shopify.admin import AdminClient
from cplus.shopify.credentials import Credentials
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

    async def removed(self, shop: str, credentials: Credentials) -> bool:
        """Whether the app is no longer installed: Shopify voids the tokens of an app that is
        removed at once. True also if there are none. Raises ShopifyUnavailable, ShopifyRefused and
        Throttled if it can't be told."""
        try:
            token = await credentials.get_access_token(shop)
            try:
                await self.info(shop, token)
            except AccessDenied:
                raise
            except AuthFailed:  # perhaps only this token, which a renewal shows
                fresh = await credentials.get_access_token(shop, rejected=token)
                await self.info(shop, fresh)
        except AccessDenied:
            return False  # known, and not allowed this question
        except (NotInstalled, AuthFailed, CredentialsUnreadable):
            return True
        return False

    async def accepted_since(self, shop: str, credentials: Credentials) -> datetime | None:
        """When the tokens that Shopify takes were stored, or were before they were renewed during
        the question; None if it takes none. Raises as `removed`."""
        saved_at = await credentials.saved_at(shop)
        return None if await self.removed(shop, credentials) else saved_at
