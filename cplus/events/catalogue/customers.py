"""Facts about customers (stream `customer/<id>`), and who turned out to be one person.

Facts arrive from Shopify in any order and any number of times: folds let the newest `occurred_at`
win.
"""

from __future__ import annotations

from typing import ClassVar

from cplus.events.base import Event, Instant, Personal


class CustomerChanged(Event):
    """Shopify says what a customer is now (webhook `customers/create`, `update`, …)."""

    TYPE: ClassVar[str] = "customer.changed"
    shopify_customer_id: int
    person: str
    first_name: Personal[str | None] = None
    last_name: Personal[str | None] = None
    email: Personal[str | None] = None
    phone: Personal[str | None] = None
    note: Personal[str | None] = None
    locale: str | None = None
    state: str | None = None
    currency: str | None = None
    created_at: Instant | None = None


class CustomerImported(Event):
    """The import read a customer: as CustomerChanged, with fields that only the Admin API has."""

    TYPE: ClassVar[str] = "customer.imported"
    VERSION: ClassVar[int] = 3
    shopify_customer_id: int
    person: str
    first_name: Personal[str | None] = None
    last_name: Personal[str | None] = None
    email: Personal[str | None] = None
    phone: Personal[str | None] = None
    note: Personal[str | None] = None
    locale: str | None = None
    state: str | None = None
    tags: Personal[tuple[str, ...] | None] = None
    """Merchants write names into them. In clear in events of versions 1 and 2."""
    orders: int = 0
    last_order: int | None = None
    """Shopify's id of the newest of them; None if there is none, and for events of version 1."""
    amount_spent: str = "0.00"
    """Decimal, in `currency`."""
    currency: str | None = None
    email_consent: str | None = None
    """Shopify's marketing state in lower case, for example `subscribed`."""
    created_at: Instant | None = None


class CustomerConsentChanged(Event):
    """The customer changed their consent to email marketing."""

    TYPE: ClassVar[str] = "customer.consent_changed"
    shopify_customer_id: int
    person: str
    email_consent: str


class CustomerTagsChanged(Event):
    """Tags were added to a customer, or removed (webhook `customer.tags_added`, `tags_removed`).
    Merchants write names into them."""

    TYPE: ClassVar[str] = "customer.tags_changed"
    shopify_customer_id: int
    person: str
    added: Personal[tuple[str, ...] | None] = None
    removed: Personal[tuple[str, ...] | None] = None


class CustomerSpendChanged(Event):
    """Shopify says what a customer bought in all (webhook `customers/purchasing_summary`)."""

    TYPE: ClassVar[str] = "customer.spend_changed"
    shopify_customer_id: int
    person: str
    orders: int
    amount_spent: str
    """Decimal, in `currency`."""
    currency: str | None = None


class CustomerDeleted(Event):
    """Shopify deleted the customer."""

    TYPE: ClassVar[str] = "customer.deleted"
    VERSION: ClassVar[int] = 2
    shopify_customer_id: int
    person: str
    merged_into: int | None = None
    """The customer in Shopify who has taken over what this one had; None if nobody did, and for
    events of version 1."""


class PersonsJoined(Event):
    """Two persons turned out to be one."""

    TYPE: ClassVar[str] = "persons.joined"
    person: str
    """The one that stays."""
    absorbed: str
    """The one that is now an alias of it."""


UPCASTS = {
    (CustomerDeleted.TYPE, 1): dict,
    (CustomerImported.TYPE, 1): dict,
    (CustomerImported.TYPE, 2): dict,
}
"""Version 2 says into whom a customer was merged, and which order is the newest; None where version
1 did not. Version 3 seals the tags."""
