"""The addresses of each shop's merchant, as Shopify last told them: personal data, kept sealed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cplus.clock import Clock
from cplus.errors import CredentialsUnreadable
from cplus.shopify.hosts import shop_host
from cplus.shopify.sealed_values import SealedValues


class Contacts:
    """The current addresses, in the rows of access tokens: `{contact, contact_at}`.

    They are written only into a row that is there. So they go with the tokens, when the app is
    removed or the shop is erased, and no late webhook brings them back.
    """

    def __init__(self, rows: Any, application_secret: str, clock: Clock) -> None:
        self._rows = rows
        self._sealed = SealedValues(application_secret, "shopify-contacts")
        self._clock = clock

    async def find(self, shop: str) -> list[str]:
        """The addresses, the owner's before the public one; empty if none are known."""
        shop = shop_host(shop)
        row = await self._rows.find_one({"_id": shop}, {"contact": True})
        if row is None or "contact" not in row:
            return []
        try:
            return list(json.loads(self._sealed.open(shop, row["contact"])))
        except CredentialsUnreadable:  # of another secret: Shopify is asked again
            return []

    async def remember(
        self, shop: str, addresses: Sequence[str | None], at: datetime | None = None
    ) -> None:
        """Keeps what Shopify told at that moment (now if None), unless what is there is newer.
        Nothing is kept of a shop that has no tokens."""
        shop, at = shop_host(shop), at or self._clock()
        known = list(dict.fromkeys(filter(None, addresses)))
        newer = [{"contact_at": {"$exists": False}}, {"contact_at": {"$lte": at}}]
        sealed = self._sealed.seal(shop, json.dumps(known).encode())
        await self._rows.update_one(
            {"_id": shop, "$or": newer}, {"$set": {"contact": sealed, "contact_at": at}}
        )
