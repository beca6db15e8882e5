"""Shops (stream `shop/<host>`): that the app is there, and what Shopify says of the shop."""

from __future__ import annotations

from typing import ClassVar

from cplus.events.base import AggregateEvent, Event


class AppInstalled(AggregateEvent):
    """The merchant installed the app, or gave it new scopes.

    Before aggregates decided it, it was recorded without a version.
    """

    TYPE: ClassVar[str] = "app.installed"
    scopes: tuple[str, ...]
    shop_name: str
    currency: str | None = None
    timezone: str | None = None
    """IANA name, for example `Europe/Berlin`."""
    shopify_plan: str | None = None
    country: str | None = None


class ScopesChanged(Event):
    """The merchant grants the app other scopes, without installing it again (webhook
    `app/scopes_update`)."""

    TYPE: ClassVar[str] = "app.scopes_changed"
    scopes: tuple[str, ...]
    previous: tuple[str, ...] = ()


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


class BulkOperationFinished(Event):
    """A bulk operation of Shopify ended, well or not (webhook `bulk_operations/finish`)."""

    TYPE: ClassVar[str] = "shop.bulk_operation_finished"
    operation: str
    """Shopify's global id."""
    status: str | None = None
    """In lower case, for example `completed`."""
    error_code: str | None = None
