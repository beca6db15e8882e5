"""Shops and what they pay (streams `shop/<host>`, `billing/<host>`): decisions and facts."""

from __future__ import annotations

from typing import ClassVar

from cplus.events.base import AggregateEvent, Event, Instant


class AppInstalled(AggregateEvent):
    """The merchant installed the app, or gave it new scopes.

    Until aggregates decided it, it was recorded with no version.
    """

    TYPE: ClassVar[str] = "app.installed"
    scopes: tuple[str, ...]
    shop_name: str
    currency: str | None = None
    timezone: str | None = None
    """IANA name, for example `Europe/Berlin`."""
    shopify_plan: str | None = None
    country: str | None = None


class AppUninstalled(Event):
    """The merchant removed the app."""

    TYPE: ClassVar[str] = "app.uninstalled"


class ShopChanged(Event):
    """Shopify says what the shop is now (webhook `shop/update`)."""

    TYPE: ClassVar[str] = "shop.changed"
    shop_name: str
    currency: str | None = None
    timezone: str | None = None
    shopify_plan: str | None = None
    country: str | None = None


class AccountOpened(AggregateEvent):
    """The shop's account at the app began, with what it may use at no charge."""

    TYPE: ClassVar[str] = "billing.account_opened"
    plan: str
    conversations: int
    """How many may begin in a calendar month of UTC. Recorded, so that a shop keeps what it was
    promised when others are promised less."""


class AllowanceReached(AggregateEvent):
    """As many conversations began in the month as the plan allows at no charge."""

    TYPE: ClassVar[str] = "billing.allowance_reached"
    month: str
    """Of UTC, for example `2026-11`."""
    conversations: int
    """What the plan allows."""


class SubscriptionChanged(Event):
    """Shopify says what a subscription to the app is now (`app_subscriptions/update`)."""

    TYPE: ClassVar[str] = "billing.subscription_changed"
    subscription_id: str
    """Shopify's global id, `gid://shopify/AppSubscription/…`."""
    name: str
    status: str
    """Shopify's status in lower case, for example `active`."""
    price: str | None = None
    """Decimal, in `currency`."""
    capped_amount: str | None = None
    currency: str | None = None
    interval: str | None = None
    plan: str | None = None
    created_at: Instant | None = None
