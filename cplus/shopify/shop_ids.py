"""The ids of shops, as Shopify itself told them when it was asked with a shop's own token.

A webhook's headers are not signed and its body often names its shop only by this id. So the id
outlives the tokens: what is told of a shop after it removed the app is compared with it too.

Shopify promises that the host NAME.myshopify.com of a shop never changes. A shop that comes by
another one all the same has the id of one that is known: that is noted, for somebody to look at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import structlog

from cplus.shopify.hosts import shop_host

SHOP_IDS: Final = "shop_ids"
"""The collection, a document for each shop: `{_id: host, id}`."""

RENAMED: Final = "renamed_shops"
"""The collection of hosts of shops that were known by another before: `{_id: host, before, id,
at}`."""

log = structlog.get_logger()


class Renamed(NamedTuple):
    """A shop that is known by two hosts."""

    shop: str
    """By which it came last."""
    before: str
    shop_id: int
    at: datetime
    """When that was seen first."""


class ShopIds:
    """The ids that are known."""

    def __init__(
        self, rows: Any, renamed: Any, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._rows = rows
        self._renamed = renamed
        self._now = now

    async def find(self, shop: str) -> int | None:
        """The id of the shop; None if it was never told."""
        row = await self._rows.find_one({"_id": shop_host(shop)})
        return row["id"] if row else None

    async def known(self, shops: Sequence[str]) -> set[str]:
        """Those of the shops whose id was told."""
        found = self._rows.find({"_id": {"$in": list(shops)}}, {"_id": True})
        return {row["_id"] async for row in found}

    async def remember(self, shop: str, shop_id: int) -> None:
        """Notes what Shopify told of the shop."""
        host = shop_host(shop)
        await self._rows.update_one({"_id": host}, {"$set": {"id": shop_id}}, upsert=True)
        await self.compare(host, shop_id)

    async def other_host(self, shop: str, shop_id: int) -> str | None:
        """Another host than this one by which the shop with this id is known."""
        row = await self._rows.find_one({"id": shop_id, "_id": {"$ne": shop}}, {"_id": True})
        return row["_id"] if row else None

    async def compare(self, shop: str, shop_id: int) -> None:
        """Notes that the shop with this id came by another host than before, if it did. `shop` and
        `shop_id` must be from one and the same signed body, or from Shopify's own answer."""
        before = await self.other_host(shop, shop_id)
        if before is None or await self._renamed.find_one({"_id": before, "before": shop}):
            return
        row = {"before": before, "id": shop_id, "at": self._now()}
        done = await self._renamed.update_one({"_id": shop}, {"$setOnInsert": row}, upsert=True)
        if done.upserted_id is not None:  # once, and not with each webhook
            log.warning("shop_has_another_host", shop=shop, before=before, shop_id=shop_id)

    async def renamed(self, limit: int) -> list[Renamed]:
        """Shops that are known by two hosts, what was seen last first."""
        found = await self._renamed.find({}).sort("at", -1).limit(limit).to_list(limit)
        return [Renamed(row["_id"], row["before"], row["id"], row["at"]) for row in found]


async def ensure_indexes(database: Any) -> None:
    """Makes the index by which a shop is found by its id."""
    await database[SHOP_IDS].create_index("id", name="id")
