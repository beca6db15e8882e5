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
from cplus.events.base import Recorded
from cplus.events.catalogue.shops import AppInstalled, AppUninstalled
from cplus.events.log.store import EventStore
from cplus.events.names import INSTALLED_REF, SHOP_ERASED_REF, shop_stream
from cplus.events.reasons import Code, Reason
from cplus.events.recording import Recorder

NOT_INSTALLED: Final = Reason(
    Code.NOT_INSTALLED, "the shop was erased, and the app was not installed since"
)
FROM_BEFORE: Final = Reason(Code.FROM_BEFORE, "it happened before the shop was erased")

REMEMBERED: Final = timedelta(minutes=1)
"""How long a process takes it that a shop which is not erased still is not."""

_NEWEST: Final = 50  # commits about a shop, in which its last installation or removal is looked for

SavedAt = Callable[[str], Awaitable[datetime | None]]
"""When the access tokens of a shop were stored that there are."""


class Erasure(NamedTuple):
    """The last erasure of a shop."""

    at: datetime
    is_over: bool
    """Whether the app was installed again."""


async def is_removed(shop: str, recorder: Recorder) -> bool:
    """Whether the log's last word is that the app was removed."""
    last = list[Recorded]()
    newest = await recorder.store.by_ref(shop, shop_stream(shop), _NEWEST)
    for events in await recorder.reader.read(newest, [AppInstalled, AppUninstalled]):
        last += events
    newest_first = sorted(last, key=lambda one: one.occurred_at, reverse=True)
    return bool(newest_first) and isinstance(newest_first[0].event, AppUninstalled)


async def last_erasure(store: EventStore, saved_at: SavedAt | None, shop: str) -> Erasure | None:
    """The last erasure of a shop; None if it never was erased. Without `saved_at`, the log alone
    says whether the app was installed again."""
    erased = await store.by_ref(shop, SHOP_ERASED_REF, 1)
    if not erased:
        return None
    at = erased[0].recorded_at
    installed = await store.by_ref(shop, INSTALLED_REF, 1)
    if installed and installed[0].position > erased[0].position:
        return Erasure(at, is_over=True)
    # Who installs the app stores its tokens first, and Shopify tells of the shop from then on: the
    # log may not know yet.
    saved = await saved_at(shop) if saved_at else None
    return Erasure(at, is_over=saved is not None and saved > at)


class ErasedShops:
    """Knows which shops were erased, and asks the log once in a minute for each that has the app.

    A shop that removed the app, or was erased, is asked for each time: so an erasure, which comes
    after a removal, counts at once in every process, and so does an installation.
    """

    def __init__(self, recorder: Recorder, saved_at: SavedAt, clock: Clock) -> None:
        self._recorder = recorder
        self._saved_at = saved_at
        self._clock = clock
        self._known: dict[str, tuple[datetime, Erasure | None]] = {}
        self._asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def objection(self, shop: str, happened_at: datetime) -> Reason | None:
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
            erasure = await last_erasure(self._recorder.store, self._saved_at, shop)
            over = erasure is None or erasure.is_over
            if over and not await is_removed(shop, self._recorder):
                self._known[shop] = now + REMEMBERED, erasure
            return erasure
