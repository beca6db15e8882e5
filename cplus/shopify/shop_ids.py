"""The ids of shops, as Shopify itself told them when it was asked with a shop's own token.

A webhook's headers are not signed and its body often names its shop only by this id. So the id
outlives the tokens: what is told of a shop after it removed the app is compared with it too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from cplus.shopify.hosts import shop_host

SHOP_IDS: Final = "shop_ids"
"""The collection, a document for each shop: `{_id: host, id}`."""


class ShopIds:
    """The ids that are known."""

    def __init__(self, rows: Any) -> None:
        self._rows = rows

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
        await self._rows.update_one(
            {"_id": shop_host(shop)}, {"$set": {"id": shop_id}}, upsert=True
        )
