"""The shop, as the app sees it: whether what a merchant grants begins an installation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import singledispatchmethod

from cplus.events.aggregates.base import Aggregate
from cplus.events.base import AggregateEvent
from cplus.events.catalogue.shops import AppInstalled


class Shop(Aggregate):
    """Stream `shop/<host>`. That the app was removed, and what the shop is called now, are facts
    of Shopify in the same stream, with no versions: a decision is told what it needs of them."""

    def __init__(self) -> None:
        self.scopes: frozenset[str] = frozenset()
        self.installed_at: datetime | None = None

    def install(
        self,
        *,
        scopes: Sequence[str],
        shop_name: str,
        currency: str | None = None,
        timezone: str | None = None,
        shopify_plan: str | None = None,
        country: str | None = None,
        void_at: datetime | None,
        now: datetime,
    ) -> None:
        """The merchant granted these scopes.

        Each way in through Shopify grants them, also where the app has been there all along:
        that decides nothing, and so the shop's customers are not imported at every sign-in.
        `void_at` is when the grant before was last known to hold no longer, None where it holds.
        """
        if self._holds(void_at) and self.scopes == frozenset(scopes):
            return
        self.trigger_event(
            AppInstalled,
            scopes=tuple(scopes),
            shop_name=shop_name,
            currency=currency,
            timezone=timezone,
            shopify_plan=shopify_plan,
            country=country,
            timestamp=now,
        )

    def _holds(self, void_at: datetime | None) -> bool:
        # An install after that moment is another grant: of two that ask at once, the second
        # finds the first one's.
        return self.installed_at is not None and (void_at is None or void_at < self.installed_at)

    @singledispatchmethod
    def evolve(self, event: AggregateEvent) -> None:
        """Changes the state by one event; events it has no case for change nothing."""

    @evolve.register
    def _(self, event: AppInstalled) -> None:
        self.scopes = frozenset(event.scopes)
        self.installed_at = event.timestamp
