"""Whose a domain is: of all shops, one row for each domain that a shop proved.

The log cannot hold this, since nothing in it is unique among shops. A row holds no more than the
domain and its shop, and is made anew from DNS by the next check if it is lost.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from cplus.clock import Clock
from cplus.events.catalogue.settings import Holder
from cplus.mongo import Database, DuplicateKeyError

SENDER_DOMAINS: Final = "sender_domains"
"""The collection: `{_id: <domain>, shop, at}`."""


class DomainRows:
    """The rows."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._rows = database[SENDER_DOMAINS]
        self._clock = clock

    async def holder(self, domain: str, shop: str) -> Holder:
        """Whose the domain is, for this shop."""
        row = await self._rows.find_one({"_id": domain})
        return "nobody" if row is None else "shop" if row["shop"] == shop else "another"

    async def claim(
        self, domain: str, shop: str, proves: Callable[[str], Awaitable[bool]]
    ) -> Holder:
        """Makes the domain the shop's, which proved it: of nobody, or of a shop that `proves` it no
        more, because the domain has another owner now."""
        row = {"_id": domain, "shop": shop, "at": self._clock()}
        try:
            await self._rows.insert_one(row)
        except DuplicateKeyError:
            pass
        else:
            return "shop"
        found = await self._rows.find_one({"_id": domain})
        if found is None or found["shop"] == shop:
            return "shop" if found else "nobody"
        if await proves(found["shop"]):
            return "another"
        # Unless it changed hands meanwhile.
        await self._rows.replace_one({"_id": domain, "shop": found["shop"]}, row)
        return await self.holder(domain, shop)

    async def release(self, domain: str, shop: str) -> None:
        """The domain is the shop's no more, if it was."""
        await self._rows.delete_one({"_id": domain, "shop": shop})
