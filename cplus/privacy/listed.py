"""Which customers of the directory Shopify's lists had, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cplus.clock import Clock, utc_now
from cplus.mongo import Database
from cplus.privacy.persons import PERSONS


@dataclass(frozen=True, slots=True)
class Known:
    """A customer of the directory."""

    shopify_id: int
    person: str


class ListedCustomers:
    """Marks in the directory's rows: when a list last had the customer, and who is gone."""

    def __init__(self, keyring: Database, clock: Clock = utc_now) -> None:
        self._persons = keyring[PERSONS]
        self._clock = clock

    def now(self) -> datetime:
        """The time by the clock of the directory."""
        return self._clock()

    async def saw(self, shop: str, shopify_ids: Sequence[int]) -> None:
        """A list of Shopify's has these customers now."""
        # A time, and not which list it was: lists may be read side by side.
        await self._mark(shop, shopify_ids, {"$max": {"listed_at": self._clock()}})

    async def gone(self, shop: str, shopify_ids: Sequence[int]) -> None:
        """These customers are known to be deleted: nobody need ask for them again."""
        await self._mark(shop, shopify_ids, {"$set": {"gone": True}})

    async def unseen(self, shop: str, began: datetime, after: str, limit: int) -> list[Known]:
        """Customers whom no list had since `began`, in the order of their ids as texts behind
        `after`. Who became known since then is not among them: the list that began then may have
        passed their place before they were created."""
        found = self._persons.find(
            {
                "_id": {"$gt": _name(shop, after), "$lt": f"{shop}/shopify0"},
                "since": {"$lt": began},
                "listed_at": {"$not": {"$gte": began}},
                "gone": {"$ne": True},
            },
            {"person": 1},
        )
        rows = await found.sort("_id", 1).limit(limit).to_list(limit)
        return [Known(int(row["_id"].rpartition("/")[2]), row["person"]) for row in rows]

    async def _mark(self, shop: str, shopify_ids: Sequence[int], change: dict[str, object]) -> None:
        if shopify_ids:
            names = [_name(shop, str(one)) for one in shopify_ids]
            await self._persons.update_many({"_id": {"$in": names}}, change)


def _name(shop: str, shopify_id: str) -> str:
    return f"{shop}/shopify/{shopify_id}"
