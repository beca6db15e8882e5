"""The shop: decides whether a merchant's grant is an installation."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import singledispatchmethod

from cplus.events.aggregates.base import Aggregate
from cplus.events.base import AggregateEvent
from cplus.events.catalogue.privacy import ShopErased
from cplus.events.catalogue.shops import AppInstalled


class Shop(Aggregate):
    """Stream `shop/<host>`. Uninstalls and the shop's name are Shopify's facts in the same stream,
    without versions: a decision gets what it needs from them as arguments."""

    def __init__(self) -> None:
        self.scopes: frozenset[str] = frozenset()
        self.installed_at: datetime | None = None
        self.erased = False
        """Whether it was erased, and the app not installed since."""

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
        changed: Collection[str] | None = None,
    ) -> None:
        """The merchant granted these scopes.

        Every sign-in through Shopify grants them, even if the app is already installed: that
        decides nothing, so customers are not imported at every sign-in. `void_at` is the last
        moment at which the previous grant was known to be void, None if it is valid. `changed` are
        the scopes to which the merchant changed it since without installing again, None if to none.
        """
        known = self.scopes if changed is None else frozenset(changed)
        if self._holds(void_at) and known == frozenset(scopes):
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

    def erase(self, *, erasure: str, asked_at: datetime, now: datetime) -> None:
        """Everything about the shop is erased, as was asked for at that time: unless the app was
        installed again since, which decides nothing."""
        if self.installed_at is None or self.installed_at <= asked_at:
            self.trigger_event(ShopErased, erasure=erasure, timestamp=now)

    def _holds(self, void_at: datetime | None) -> bool:
        # An install after that moment is a newer grant: of two concurrent ones, the second finds
        # the first.
        return self.installed_at is not None and (void_at is None or void_at < self.installed_at)

    @singledispatchmethod
    def evolve(self, event: AggregateEvent) -> None:
        """Changes the state by one event; events it has no case for change nothing."""

    @evolve.register
    def _(self, event: AppInstalled) -> None:
        self.scopes = frozenset(event.scopes)
        self.installed_at = event.timestamp
        self.erased = False

    @evolve.register
    def _(self, _event: ShopErased) -> None:
        self.scopes = frozenset()
        self.installed_at = None
        self.erased = True
