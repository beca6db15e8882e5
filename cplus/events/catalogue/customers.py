"""Facts about customers and orders (streams `customer/<id>`, `order/<id>`, `import/<id>`).

Facts come from Shopify in any order and any number of times: whoever folds them lets the newest
`occurred_at` win.
"""

from __future__ import annotations

from typing import ClassVar, Literal

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
    """The import read a customer: as CustomerChanged, with what only the Admin API tells."""

    TYPE: ClassVar[str] = "customer.imported"
    shopify_customer_id: int
    person: str
    first_name: Personal[str | None] = None
    last_name: Personal[str | None] = None
    email: Personal[str | None] = None
    phone: Personal[str | None] = None
    note: Personal[str | None] = None
    locale: str | None = None
    state: str | None = None
    tags: tuple[str, ...] = ()
    orders: int = 0
    amount_spent: str = "0.00"
    """Decimal, in `currency`."""
    currency: str | None = None
    email_consent: str | None = None
    """Shopify's marketing state in lower case, for example `subscribed`."""
    created_at: Instant | None = None


class CustomerConsentChanged(Event):
    """The customer allowed or forbade marketing mail."""

    TYPE: ClassVar[str] = "customer.consent_changed"
    shopify_customer_id: int
    person: str
    email_consent: str


class CustomerDeleted(Event):
    """Shopify deleted the customer."""

    TYPE: ClassVar[str] = "customer.deleted"
    shopify_customer_id: int
    person: str


class PersonsJoined(Event):
    """Two persons turned out to be one."""

    TYPE: ClassVar[str] = "persons.joined"
    person: str
    """The one that stays."""
    absorbed: str
    """The one that is now another name for it."""


class OrderChanged(Event):
    """Shopify says what an order is now (webhook `orders/create`, `updated`, …)."""

    TYPE: ClassVar[str] = "order.changed"
    shopify_order_id: int
    person: str | None = None
    """Who ordered; None for an order that names nobody."""
    name: str
    """As the merchant sees it, for example `#1001`."""
    currency: str
    total_price: str
    """Decimal, in `currency`."""
    financial_status: str | None = None
    fulfillment_status: str | None = None
    created_at: Instant | None = None
    cancelled: bool = False
    test: bool = False


class OrderDeleted(Event):
    """Shopify deleted the order."""

    TYPE: ClassVar[str] = "order.deleted"
    shopify_order_id: int


class ImportStarted(Event):
    """The import of a shop's customers began."""

    TYPE: ClassVar[str] = "import.started"
    import_id: str


class ImportPageLoaded(Event):
    """One page of customers was read and recorded."""

    TYPE: ClassVar[str] = "import.page_loaded"
    import_id: str
    page: int
    customers: int
    skipped: int = 0
    """Customers that could not be read, or that no commit can hold."""


class ImportEnded(Event):
    """The import came to its end."""

    TYPE: ClassVar[str] = "import.ended"
    import_id: str
    outcome: Literal["complete", "uninstalled", "refused"]
    pages: int
