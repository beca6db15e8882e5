"""What queries answer about persons: customers and leads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from cplus.projections.queries.views.conversations import Conversation
from cplus.projections.queries.views.orders import Order


@dataclass(frozen=True, slots=True)
class Customer:
    """A person: every row that turned out to be the same one, combined."""

    person: str
    """The id that stays: `person/…`."""
    persons: Sequence[str]
    """Every id of this person, `person` among them."""
    erased_at: datetime | None
    """When the person was erased; None if they were not. Then nothing else is known of them."""
    kind: Literal["customer", "lead", "gone"]
    """`customer`: Shopify knows the person, or they wrote and ordered. `lead`: wrote, and has not
    ordered yet. `gone`: was a customer, was deleted in Shopify, and never wrote."""
    first_name: str | None
    last_name: str | None
    name: str | None
    """First and last name, else the name in the person's last mail."""
    email: str | None
    """As Shopify has it, else the address of the last mail."""
    other_emails: Sequence[str]
    """Those of whom a merchant merged into this person."""
    phone: str | None
    note: str | None
    locale: str | None
    state: str | None
    """Shopify's state of the account in lower case, for example `enabled`."""
    tags: Sequence[str]
    """Those that the customer has in Shopify."""
    own_tags: Sequence[str]
    """The ids of those that the shop put on the person here, also of tags that it has no more."""
    email_consent: str | None
    """Shopify's marketing state in lower case, for example `subscribed`; None when not known."""
    shopify_ids: Sequence[int]
    """Of the customers in Shopify that are this person; the first is the one shown."""
    customer_since: datetime | None
    """When the customer was created in Shopify."""
    orders: int
    """How many orders: what Shopify last told in sum, and what was ordered since."""
    amount_spent: Decimal | None
    """In `currency`; of the same orders as `orders`."""
    currency: str | None
    conversations: int
    first_contact_at: datetime | None
    """When the first conversation began."""
    last_contact_at: datetime | None
    """When the person last wrote."""
    changed_at: datetime
    """When there was last news; lists are in this order, the newest first."""


@dataclass(frozen=True, slots=True)
class Merge:
    """That a merchant said that two persons are one."""

    one: str
    other: str
    """Each by an id that the merge names."""
    at: datetime
    by: str
    """Who, as a commit keeps it."""


@dataclass(frozen=True, slots=True)
class CustomerDetail:
    """A person with everything around them."""

    customer: Customer
    orders: Sequence[Order]
    """The newest 50, the newest first."""
    conversations: Sequence[Conversation]
    """The newest 50, the newest first."""
    parts: Sequence[Customer] = ()
    """Those whom a merchant merged, each as they are without that; empty if nobody was merged."""
    merges: Sequence[Merge] = ()
    """What made them one, the newest first. To take one of them back divides them."""


@dataclass(frozen=True, slots=True)
class PersonCounts:
    """How many persons there are."""

    customers: int
    """Persons whom Shopify knows and did not delete."""
    leads: int
    """Persons who are no customers and wrote."""
