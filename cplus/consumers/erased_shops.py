"""What Shopify tells of a shop that was erased: it is not kept, and makes nobody known.

Shopify asks once that a shop be erased. What comes late (a webhook that is sent back from the dead
letters, a page that an import asked for before) would stay for good.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from weakref import WeakValueDictionary

from cplus.clock import Clock
from cplus.events.log.store import EventStore
from cplus.events.names import INSTALLED_REF, SHOP_ERASED_REF

NOT_INSTALLED: Final = "the shop was erased, and the app was not installed since"
FROM_BEFORE: Final = "it happened before the shop was erased"

REMEMBERED: Final = timedelta(minutes=1)
"""How long a process takes it that a shop which is not erased still is not."""

SavedAt = Callable[[str], Awaitable[datetime | None]]
"""When the access tokens of a shop were stored that there are."""


class Erasure(NamedTuple):
    """The last erasure of a shop."""

    at: datetime
    is_over: bool
    """Whether the app was installed again."""


async def last_erasure(store: EventStore, saved_at: SavedAt, shop: str) -> Erasure | None:
    """The last erasure of a shop; None if it never was erased."""
    erased = await store.by_ref(shop, SHOP_ERASED_REF, 1)
    if not erased:
        return None
    at = erased[0].recorded_at
    installed = await store.by_ref(shop, INSTALLED_REF, 1)
    if installed and installed[0].position > erased[0].position:
        return Erasure(at, is_over=True)
    # Who installs the app stores its tokens first, and Shopify tells of the shop from then on: the
    # log may not know yet.
    saved = await saved_at(shop)
    return Erasure(at, is_over=saved is not None and saved > at)


class ErasedShops:
    """Knows which shops were erased, and asks the log once in a minute for each that has the app.

    That a shop is erased is asked each time: so an installation counts at once, in every process.
    """

    def __init__(self, store: EventStore, saved_at: SavedAt, clock: Clock) -> None:
        self._store = store
        self._saved_at = saved_at
        self._clock = clock
        self._known: dict[str, tuple[datetime, Erasure | None]] = {}
        self._asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def objection(self, shop: str, happened_at: datetime) -> str | None:
        """Why nothing is kept of what happened in the shop at that time; None if it is."""
        erasure = await self._last(shop)
        if erasure is None:
            return None
        if not erasure.is_over:
            return NOT_INSTALLED
        return FROM_BEFORE if happened_at < erasure.at else None

    async def _last(self, shop: str) -> Erasure | None:
        # A batch asks for all of its webhooks at once.
        lock = self._asking.setdefault(shop, asyncio.Lock())
        async with lock:
            now = self._clock()
            until, erasure = self._known.get(shop, (now, None))
            if now < until:
                return erasure
            erasure = await last_erasure(self._store, self._saved_at, shop)
            if erasure is None or erasure.is_over:
                self._known[shop] = now + REMEMBERED, erasure
            return erasure
