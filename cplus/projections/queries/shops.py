"""Questions about the shop itself, and what it pays for the app."""

from __future__ import annotations

import asyncio

from cplus.projections.models.billing import ACCOUNT, BILLING
from cplus.projections.models.shops import SETUP, SHOP, SHOPS
from cplus.projections.queries.read_models import BEGINNING, ReadModels
from cplus.projections.queries.row_views import (
    account_view,
    import_view,
    setup_view,
    shop_view,
    subscription_view,
)
from cplus.projections.queries.views import BillingAccount, Shop, Subscription
from cplus.projections.rows import key_of, row_id


class ShopQueries(ReadModels):
    """Questions about the shop itself, and what it pays for the app."""

    async def shop(self, shop: str) -> Shop | None:
        """The shop; None if nothing is known of it."""
        rows = await self._rows(SHOPS)
        imports = {"shop": shop, "started_at": {"$gt": BEGINNING}}
        own = [row_id(shop, key) for key in (SHOP, SETUP)]
        stored, found = await asyncio.gather(
            rows.find({"_id": {"$in": own}}).to_list(len(own)),
            rows.find_one(imports, sort=[("started_at", -1)]),
        )
        if not stored and found is None:
            return None
        by_key = {key_of(row): row for row in stored}
        setup = setup_view(by_key.get(SETUP, {}))
        last = import_view(found) if found else None
        return shop_view(shop, by_key.get(SHOP, {}), last, setup)

    async def billing(self, shop: str) -> list[Subscription]:
        """The shop's subscriptions to the app, the one that changed last first; at most 100."""
        wanted = {"shop": shop, "at": {"$gt": BEGINNING}}
        return [subscription_view(row) for row in await self._newest(BILLING, wanted, "at", 100)]

    async def billing_account(self, shop: str) -> BillingAccount | None:
        """The shop's account at the app; None where it was not opened yet."""
        row = await self._row(BILLING, shop, ACCOUNT)
        return account_view(row) if row else None
