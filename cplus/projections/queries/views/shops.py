"""What queries answer about a shop: the app in it, its imports, and what it pays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Subscription:
    """What the shop pays for the app."""

    id: str
    """Shopify's global id."""
    name: str
    status: str
    """Shopify's status in lower case, for example `active`."""
    price: str | None
    """Decimal, in `currency`."""
    capped_amount: str | None
    currency: str | None
    interval: str | None
    plan: str | None
    created_at: datetime | None
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class BillingAccount:
    """What the shop may use of the app at no charge."""

    plan: str
    """For example `free`."""
    conversations: int
    """How many may begin in a calendar month of UTC."""
    reached: str | None
    """The last month in which as many began, for example `2026-11`."""


@dataclass(frozen=True, slots=True)
class CustomerImport:
    """How far an import of the shop's customers and orders is."""

    id: str
    started_at: datetime | None
    pages: int
    customers: int
    skipped: int
    """Customers that could not be read and were left out."""
    total: int | None
    """How many customers the shop had when it began; None if that is not known."""
    awaits_list: bool
    """Whether Shopify is putting the list together that it reads from."""
    orders: int | None
    """Orders that were read after the customers; None before the first were."""
    orders_skipped: int
    """Orders that could not be read and were left out."""
    outcome: Literal["complete", "uninstalled", "refused"] | None
    """What became of the customers; None while it runs."""
    orders_outcome: Literal["complete", "denied", "refused", "unreadable"] | None
    """What became of the orders; None while it runs, and if it did not come to them."""
    ended_at: datetime | None

    @property
    def has_customers(self) -> bool:
        """Whether all customers are there; orders may follow."""
        return self.outcome == "complete" or self.orders is not None


@dataclass(frozen=True, slots=True)
class Setup:
    """What the merchant did of the first steps in the app."""

    code: str | None = None
    """Of the newest test whether mail reaches the app."""
    announced_at: datetime | None = None
    received_at: datetime | None = None
    """When a mail with the code of a test came last."""
    shown: bool = True
    """Whether the first steps are shown in the inbox."""
    shown_by: str | None = None
    """Who said so, if anybody did: the actor of the commit."""
    shown_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop and whether the app is installed."""

    host: str
    installed: bool
    """False also if the shop is known only from webhooks of Shopify."""
    installed_at: datetime | None
    """When it was last installed or given new scopes; None after it was removed."""
    uninstalled_at: datetime | None
    scopes: Sequence[str]
    name: str | None
    currency: str | None
    timezone: str | None
    """IANA name, for example `Europe/Berlin`."""
    shopify_plan: str | None
    country: str | None
    last_import: CustomerImport | None
    setup: Setup

    def lacks(self, scope: str) -> bool:
        """Whether the merchant does not grant the app this scope for reading: what may write may
        read too. False where nobody said what is granted."""
        writes = scope.replace("read_", "write_", 1)
        return bool(self.scopes) and {scope, writes}.isdisjoint(self.scopes)


@dataclass(frozen=True, slots=True)
class WaitingMail:
    """A shop whose mail waits, and why."""

    shop: str
    paused_since: datetime | None
    """None if its sending is not paused."""
    by_operator: bool
    cause: str
    """Why it was paused, in the words of SES."""
    limited_at: datetime | None
    """When it last reached what it may send in a day."""
    limit_of: str
    limit: int
