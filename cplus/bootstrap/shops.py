"""Parts about shops and Shopify: tokens, installs, webhooks, what a shop uses."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from cplus.bootstrap.people import PeopleParts

if TYPE_CHECKING:
    from cplus.commands.allowances import Allowances
    from cplus.commands.installs import Installs
    from cplus.commands.team import Staff
    from cplus.consumers.scheduled.retention import Retention
    from cplus.consumers.webhooks.drafting import Webhooks
    from cplus.privacy.erasing.shops import ErasingShops
    from cplus.shopify.contacts import Contacts
    from cplus.shopify.credentials import MongoCredentials
    from cplus.shopify.granting import Granting, Standing
    from cplus.shopify.oauth import App, StaffUser
    from cplus.shopify.shop_ids import ShopIds

CREDENTIALS = "credentials"
"""The collection of access tokens, in the keyring's database."""


class ShopParts(PeopleParts):
    """Shops, and what Shopify knows of them."""

    @cached_property
    def retention(self) -> Retention:
        """Asks that people be erased whose time is over."""
        from cplus.consumers.scheduled.retention import Retention

        quiet = self.queries.quiet_people
        return Retention(self.erasures, self.credentials.shops, quiet, self.clock)

    @cached_property
    def app(self) -> App:
        """This app's registration at Shopify."""
        from cplus.shopify.oauth import App

        return App.from_settings(self.settings)

    @cached_property
    def credentials(self) -> MongoCredentials:
        """The access tokens of each shop."""
        from cplus.shopify.credentials import MongoCredentials

        secret = self.settings.secret("application_secret")
        rows = self.mongo.keyring[CREDENTIALS]
        return MongoCredentials(rows, self.http, self.app, secret, now=self.clock)

    @cached_property
    def contacts(self) -> Contacts:
        """The addresses of each shop's merchant."""
        from cplus.shopify.contacts import Contacts

        secret = self.settings.secret("application_secret")
        return Contacts(self.mongo.keyring[CREDENTIALS], secret, self.clock)

    @cached_property
    def installs(self) -> Installs:
        """The app's installation in a shop."""
        from cplus.commands.installs import Installs

        free = self.settings.free_conversations
        return Installs(self.granting, self.credentials, self.recorder, free, self.clock)

    @cached_property
    def granting(self) -> Granting:
        """Asks Shopify for tokens, and whether the app is still installed."""
        from cplus.shopify.granting import Granting

        version = self.settings.shopify_api_version
        return Granting(self.app, self.http, version, self.shop_ids, self.contacts)

    @cached_property
    def staff(self) -> Staff:
        """Learns who a member of staff is."""
        from cplus.commands.team import Staff

        async def ask(shop: str, id_token: str) -> StaffUser:
            # Only here is the app's secret needed: who is signed in by a cookie asks for nothing.
            return await self.granting.staff_user(shop, id_token)

        return Staff(ask, self.workspace.members, self.recorder, self.clock)

    @cached_property
    def shop_ids(self) -> ShopIds:
        """Which id each shop has at Shopify, and which have two hosts."""
        from cplus.shopify.shop_ids import RENAMED, SHOP_IDS, ShopIds

        database = self.mongo.database
        return ShopIds(database[SHOP_IDS], database[RENAMED], self.clock)

    async def shop_id(self, shop: str) -> int | None:
        """Shopify's id of the shop; None if nobody could be asked."""
        return await self.granting.shop_id(shop, self.credentials)

    async def standing(self, shop: str) -> Standing | None:
        """The installation in the shop whose tokens Shopify takes; None if it takes none."""
        return await self.granting.standing(shop, self.credentials)

    @cached_property
    def webhooks(self) -> Webhooks:
        """Records webhooks."""
        from cplus.consumers.erased_shops import ErasedShops
        from cplus.consumers.webhooks.drafting import Webhooks
        from cplus.consumers.webhooks.record import REDELIVERIES

        return Webhooks(
            recorder=self.recorder,
            persons=self.persons,
            bodies=self.bodies,
            redeliveries=self.mongo.database[REDELIVERIES],
            standing=self.standing,
            shop_id=self.shop_id,
            ids=self.shop_ids,
            erased=ErasedShops(self.recorder, self._saved_at, self.clock),
            contacts=self.contacts,
            clock=self.clock,
        )

    @cached_property
    def erasing_shops(self) -> ErasingShops:
        """Erases shops."""
        from cplus.privacy.erasing.shops import ErasingShops

        return ErasingShops(
            recorder=self.recorder,
            keyring=self.keyring,
            directory=self.persons,
            objects=self.objects,
            ledger=self.ledger,
            saved_at=self._saved_at,
            forget_tokens=self._forget_tokens,
            end_sessions=self._end_sessions,
            clock=self.clock,
        )

    @cached_property
    def allowances(self) -> Allowances:
        """Counts what shops use."""
        from cplus.commands.allowances import Allowances

        return Allowances(self.recorder, self.settings.free_conversations, self.clock)

    async def _forget_tokens(self, shop: str, removed_at: datetime) -> None:
        """Drops a shop's access tokens. Asks for `credentials` only now: all other reactions do
        without their secrets and the client for HTTP."""
        await self.credentials.forget(shop, removed_at)

    async def _saved_at(self, shop: str) -> datetime | None:
        """When the shop's access tokens were stored."""
        return await self.credentials.saved_at(shop)

    async def _addresses(self, shop: str) -> list[str]:
        """The merchant's addresses: only if none are known, Shopify is asked."""
        known = await self.contacts.find(shop)
        return known or await self.granting.addresses(shop, self.credentials)
