"""What a shop pays (stream `billing/<host>`): decisions of the account, and facts from Shopify."""

from __future__ import annotations

from typing import ClassVar

from cplus.events.base import AggregateEvent, Event, Instant


class AccountOpened(AggregateEvent):
    """The shop's account was opened, with its free allowance."""

    TYPE: ClassVar[str] = "billing.account_opened"
    plan: str
    conversations: int
    """Free conversations per calendar month (UTC). Recorded, so that a shop keeps its allowance if
    new shops get less."""


class AllowanceReached(AggregateEvent):
    """The free conversations of the month are used up."""

    TYPE: ClassVar[str] = "billing.allowance_reached"
    month: str
    """The month in UTC, for example `2026-11`."""
    conversations: int
    """What the plan allows."""


class AllowanceFreed(AggregateEvent):
    """Conversations of the month were marked as spam: it is no longer used up."""

    TYPE: ClassVar[str] = "billing.allowance_freed"
    month: str
    """The month in UTC, for example `2026-11`."""
    conversations: int
    """What the plan allows."""


class CapApproached(Event):
    """More than 90 % of what a subscription may cost at most in this cycle was used
    (`app_subscriptions/approaching_capped_amount`)."""

    TYPE: ClassVar[str] = "billing.cap_approached"
    subscription_id: str
    """Shopify's global id, `gid://shopify/AppSubscription/…`."""
    balance_used: str | None = None
    """Decimal, in `currency`."""
    capped_amount: str | None = None
    currency: str | None = None


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
