"""Whose a domain is, and which shops have it: of all shops, one row for each domain.

The log cannot hold this, since nothing in it is unique among shops. A row holds no more than the
domain and its shops, and is made anew by the next checks if it is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cplus.clock import Clock
from cplus.events.catalogue.settings import Holder
from cplus.mongo import Database, DuplicateKeyError

SENDER_DOMAINS: Final = "sender_domains"
"""The collection: `{_id: <domain>, shop, at, added}`: `shop` is whose the domain is, since `at`, if
one proved it; `added` are all shops that have it, whether they proved it or not."""


class DomainRows:
    """The rows."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._rows = database[SENDER_DOMAINS]
        self._clock = clock

    async def holder(self, domain: str, shop: str) -> Holder:
        """Whose the domain is, for this shop."""
        row = await self._rows.find_one({"_id": domain})
        held_by = row.get("shop") if row else None
        return "nobody" if held_by is None else "shop" if held_by == shop else "another"

    async def add(self, domain: str, shop: str) -> None:
        """Notes that the shop has the domain. Repeatable."""
        await self._rows.update_one({"_id": domain}, {"$addToSet": {"added": shop}}, upsert=True)

    async def added(self, domain: str) -> list[str]:
        """The shops that have the domain."""
        row = await self._rows.find_one({"_id": domain}) or {}
        return list(row.get("added", ()))

    async def claim(self, domain: str, shop: str, proves: Callable[[str], bool]) -> Holder:
        """Makes the domain the shop's, which proved it: of nobody, or of a shop that `proves` it no
        more, because the domain has another owner now."""
        own = {"$set": {"shop": shop, "at": self._clock()}}
        free = {"_id": domain, "shop": {"$exists": False}}
        try:
            await self._rows.update_one(free, own, upsert=True)
        except DuplicateKeyError:  # it is somebody's
            pass
        else:
            return "shop"
        found = (await self._rows.find_one({"_id": domain}) or {}).get("shop")
        if found is None or found == shop:
            return "shop" if found else "nobody"
        if proves(found):
            return "another"
        # Unless it changed hands meanwhile.
        await self._rows.update_one({"_id": domain, "shop": found}, own)
        return await self.holder(domain, shop)

    async def release(self, domain: str, shop: str) -> bool:
        """The shop has the domain no more. Whether no shop has it now: the row is gone only then,
        so who adds it meanwhile keeps it. Repeatable."""
        none = {"$unset": {"shop": "", "at": ""}}
        await self._rows.update_one({"_id": domain, "shop": shop}, none)
        await self._rows.update_one({"_id": domain}, {"$pull": {"added": shop}})
        nobody = {"shop": {"$exists": False}, "added": {"$in": [None, []]}}
        await self._rows.delete_one({"_id": domain, **nobody})
        return await self._rows.find_one({"_id": domain}) is None
