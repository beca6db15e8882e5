"""Questions about the shop itself, and what it pays for the app."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cplus.projections.models.billing import ACCOUNT, BILLING
from cplus.projections.models.sending import SENDING
from cplus.projections.models.shops import SETUP, SHOP, SHOPS
from cplus.projections.queries.read_models import BEGINNING, ReadModels
from cplus.projections.queries.row_views import (
    account_view,
    import_view,
    setup_view,
    shop_view,
    subscription_view,
    waiting_mail_view,
)
from cplus.projections.queries.views import BillingAccount, Shop, Subscription, WaitingMail
from cplus.projections.rows import key_of, row_id


class ShopQueries(ReadModels):
    """Questions about the shop itself, and what it pays for the app."""

    async def shop(self, shop: str) -> Shop | None:
        """The shop; None if nothing is known of it."""
        rows = await self._rows(SHOPS)
        own = [row_id(shop, key) for key in (SHOP, SETUP)]
        newest: list[dict[str, Any]] = [
            {"$match": {"shop": shop, "started_at": {"$gt": BEGINNING}}},
            {"$sort": {"started_at": -1}},
            {"$limit": 1},
        ]
        # Every page asks this, so both questions go in one.
        found = await self._mongo.aggregate(
            rows,
            [
                {"$match": {"_id": {"$in": own}}},
                {"$unionWith": {"coll": rows.name, "pipeline": newest}},
            ],
        )
        if not found:
            return None
        by_key = {key_of(row): row for row in found}
        shown, setup = by_key.pop(SHOP, {}), setup_view(by_key.pop(SETUP, {}))
        last = next((import_view(row) for row in by_key.values()), None)
        return shop_view(shop, shown, last, setup)

    async def billing(self, shop: str) -> list[Subscription]:
        """The shop's subscriptions to the app, the one that changed last first; at most 100."""
        wanted = {"shop": shop, "at": {"$gt": BEGINNING}}
        return [subscription_view(row) for row in await self._newest(BILLING, wanted, "at", 100)]

    async def billing_account(self, shop: str) -> BillingAccount | None:
        """The shop's account at the app; None where it was not opened yet."""
        row = await self._row(BILLING, shop, ACCOUNT)
        return account_view(row) if row else None

    async def waiting_mail(self, since: datetime, limit: int) -> list[WaitingMail]:
        """Of all shops, those whose sending is paused, the longest first, and those that reached
        what they may send in a day since that moment."""
        rows = await self._rows(SENDING)
        # Each shop of which there was ever something to say has one small row: no index.
        wanted = {"$or": [{"paused.since": {"$ne": None}}, {"limited.at": {"$gte": since}}]}
        found = await rows.find(wanted, sort=[("paused.since", 1), ("_id", 1)]).to_list(limit)
        shown = [waiting_mail_view(row, since) for row in found]
        return sorted(shown, key=lambda one: one.paused_since is None)
