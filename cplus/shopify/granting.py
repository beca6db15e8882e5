"""What an installation asks Shopify for: tokens for its code or for an id token, and the shop's
facts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

import httpx

from cplus.deadline import Deadline
from cplus.errors import AccessDenied, AuthFailed, CredentialsUnreadable, NotInstalled
from cplus.shopify.admin import AdminClient
from cplus.shopify.contacts import Contacts
from cplus.shopify.credentials import Credentials
from cplus.shopify.oauth import (
    App,
    StaffUser,
    Tokens,
    exchange_code,
    exchange_session_token,
    staff_user,
)
from cplus.shopify.queries import ShopInfo, shop_info
from cplus.shopify.shop_ids import ShopIds

_PATIENCE: Final = 5.0  # seconds for a throttled shop; the merchant's browser waits


class Standing(NamedTuple):
    """An installation that stands."""

    since: datetime
    """When its tokens were stored, or were before they were renewed during the question."""
    shop_id: int | None
    """Shopify's id of the shop; None if the app may not ask."""


@dataclass(frozen=True, slots=True)
class Granting:
    """Asks Shopify for tokens, and whether the app is still installed."""

    app: App
    http: httpx.AsyncClient
    api_version: str
    ids: ShopIds
    contacts: Contacts

    async def tokens(self, shop: str, code: str) -> Tokens:
        """Tokens for the code, which works once; raises as `exchange_code` does."""
        return await exchange_code(self.http, self.app, shop, code)

    async def exchange(self, shop: str, id_token: str) -> Tokens:
        """Tokens for the id token of somebody who has the app open in the Admin; raises as
        `exchange_session_token` does."""
        return await exchange_session_token(self.http, self.app, shop, id_token)

    async def staff_user(self, shop: str, id_token: str) -> StaffUser:
        """Whose id token it is; raises as `staff_user` of `oauth` does."""
        return await staff_user(self.http, self.app, shop, id_token)

    async def info(self, shop: str, access_token: str) -> ShopInfo:
        """The shop's facts, of which its id and the merchant's addresses are remembered; raises
        AuthFailed, ShopifyUnavailable, ShopifyRefused, Throttled."""
        client = AdminClient(self.http, self.app.origin, self.api_version, shop, access_token)
        info = await shop_info(client, deadline=Deadline.within(_PATIENCE))
        await self.ids.remember(shop, info.id)
        await self.contacts.remember(shop, info.addresses)
        return info

    async def shop_id(self, shop: str, credentials: Credentials) -> int | None:
        """Shopify's id of the shop: it is asked once. None if it was never told and the app is not
        installed, or may not ask. Raises as `removed`."""
        known = await self.ids.find(shop)
        if known is not None:
            return known
        standing = await self.standing(shop, credentials)
        return standing.shop_id if standing else None

    async def addresses(self, shop: str, credentials: Credentials) -> list[str]:
        """The merchant's addresses, of which Shopify is asked. Raises as `removed`; empty if the
        app is not installed, or may not ask."""
        await self.standing(shop, credentials)
        return await self.contacts.find(shop)

    async def removed(self, shop: str, credentials: Credentials) -> bool:
        """Whether the app is no longer installed: Shopify voids the tokens of an app that is
        removed at once. True also if there are none. Raises ShopifyUnavailable, ShopifyRefused and
        Throttled if it can't be told."""
        return await self.standing(shop, credentials) is None

    async def standing(self, shop: str, credentials: Credentials) -> Standing | None:
        """The installation whose tokens Shopify takes; None if it takes none. Raises as
        `removed`."""
        since = await credentials.saved_at(shop)
        if since is None:
            return None
        try:
            return Standing(since, await self._shop_id(shop, credentials))
        except (NotInstalled, AuthFailed, CredentialsUnreadable):
            return None

    async def _shop_id(self, shop: str, credentials: Credentials) -> int | None:
        token = await credentials.get_access_token(shop)
        try:
            try:
                return (await self.info(shop, token)).id
            except AccessDenied:
                raise
            except AuthFailed:  # perhaps only this token, which a renewal shows
                fresh = await credentials.get_access_token(shop, rejected=token)
                return (await self.info(shop, fresh)).id
        except AccessDenied:
            return None  # known, and not allowed this question
