"""What queries answer: one frozen value per thing that a page shows. Times are UTC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Generic, Literal, TypeVar

from cplus.events.catalogue.mail import AsideReason

T = TypeVar("T")

ConversationState = Literal["open", "closed", "unanswered", "all"]
CustomerKind = Literal["customers", "leads", "all"]
DeliveryState = Literal["under_way", "arrived", "failed", "all"]
DataRequestState = Literal["open", "exported", "all"]
MailStatus = Literal["written", "sent", "delivered", "bounced", "complained", "rejected"]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of a list, and the way on."""

    items: Sequence[T]
    next: str | None
    """Give it as `cursor` to get what follows; None at the end. Opaque."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as the inbox shows it."""

    id: str
    """Without the stream's prefix `conversation/`."""
    person: str
    """Who talks with the shop: `person/…`, as it was named when the conversation began."""
    subject: str
    channel: str
    """`contact_form` or `email`."""
    from_name: str | None
    """Name of whom replies go to."""
    from_address: str | None
    """Where replies go; None if no address is known."""
    open: bool
    unanswered: bool
    """It is open and the shopper waits for an answer; mail from machines waits for nothing."""
    messages: int
    snippet: str
    """The last message's first 140 characters, on one line."""
    last_message_at: datetime
    last_from: Literal["shopper", "merchant"]
    last_failed: bool
    """The merchant's last mail did not arrive: it bounced or was rejected."""
    last_unproved: bool
    """The last message is a mail whose sender was not proved."""
    started_at: datetime
    closed_at: datetime | None
    """When it was closed; None while it is open."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a conversation."""

    id: str
    conversation_id: str
    number: int
    """Its place in the thread: rising, not without gaps."""
    direction: Literal["in", "out"]
    """`in` from the shopper, `out` from the merchant."""
    text: str
    """Plain text, to be escaped."""
    subject: str
    at: datetime
    from_name: str | None
    """Of the shopper; None on messages of the merchant."""
    from_address: str | None
    """Of the shopper; None too if the mail names no address that can be answered."""
    sent_from: str | None
    """The address in `From:`, if that is another one."""
    proved: bool | None
    """Whether the sender of a mail was proved to be `from_address`; None if nobody could tell."""
    author: str | None
    """Who of the shop wrote it: the id of the user; `merchant` before users were known. None on
    messages of the shopper."""
    to_address: str | None
    """Where a message of the merchant goes."""
    automatic: bool
    """A machine sent it (out of office, for example)."""
    attachments: int
    status: MailStatus | None
    """How far a message of the merchant came; None on messages of the shopper."""
    reason: str | None
    """Why it bounced or was rejected, in SES's words."""
    status_at: datetime | None
    """When the status was reached."""
    ses_message_id: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A mail of the merchant, and its delivery status. Each moment is the earliest one recorded."""

    message_id: str
    conversation_id: str
    person: str
    """Whom it goes to: `person/…`."""
    status: MailStatus
    """The furthest that it came."""
    state: Literal["under_way", "arrived", "failed"]
    reason: str | None
    """Why it bounced or was rejected, in SES's words."""
    written_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    bounced_for_now_at: datetime | None
    bounced_at: datetime | None
    complained_at: datetime | None
    rejected_at: datetime | None
    ses_message_id: str | None


@dataclass(frozen=True, slots=True)
class SetAside:
    """A mail that came in and starts no conversation by itself."""

    message_id: str
    person: str
    """Who wrote it: `person/…`."""
    reason: AsideReason
    from_name: str | None
    from_address: str | None
    """None if the mail names no address that can be answered."""
    proved: bool | None
    """Whether the sender was proved to be `from_address`; None for the contact form."""
    subject: str
    snippet: str
    """The first 140 characters of its text, on one line."""
    at: datetime
    conversation_id: str | None
    """The conversation that the merchant made of it."""


@dataclass(frozen=True, slots=True)
class Customer:
    """A person: every row that turned out to be the same one, combined."""

    person: str
    """The id that stays: `person/…`."""
    persons: Sequence[str]
    """Every id of this person, `person` among them."""
    kind: Literal["customer", "lead", "gone"]
    """`customer`: Shopify knows the person, or they wrote and ordered. `lead`: wrote, and has not
    ordered yet. `gone`: was a customer, was deleted in Shopify, and never wrote."""
    first_name: str | None
    last_name: str | None
    name: str | None
    """First and last name, else the name in the person's last mail."""
    email: str | None
    """As Shopify has it, else the address of the last mail."""
    phone: str | None
    note: str | None
    locale: str | None
    state: str | None
    """Shopify's state of the account in lower case, for example `enabled`."""
    tags: Sequence[str]
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
class Order:
    """An order in Shopify."""

    shopify_id: int
    person: str | None
    name: str
    """As the merchant sees it, for example `#1001`."""
    total_price: str
    """Decimal, in `currency`."""
    currency: str
    financial_status: str | None
    fulfillment_status: str | None
    cancelled: bool
    test: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class CustomerDetail:
    """A person with everything around them."""

    customer: Customer
    orders: Sequence[Order]
    """The newest 50, the newest first."""
    conversations: Sequence[Conversation]
    """The newest 50, the newest first."""


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
    """How far an import of the shop's customers is."""

    id: str
    started_at: datetime | None
    pages: int
    customers: int
    skipped: int
    """Customers that could not be read and were left out."""
    outcome: Literal["complete", "uninstalled", "refused"] | None
    """None while it runs."""
    ended_at: datetime | None


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


@dataclass(frozen=True, slots=True)
class DataRequest:
    """A customer's request for what is kept about them."""

    id: int
    """Shopify's number of it."""
    person: str
    """`person/…`, as they were named when it came."""
    shopify_customer_id: int | None
    email: str | None
    phone: str | None
    at: datetime
    """When it was told."""
    due_at: datetime
    """When the merchant must have answered."""
    exported_at: datetime | None
    """When somebody first downloaded the answer; None as long as it is open."""
    exported_by: str | None
    """Who did, as a commit keeps it."""


@dataclass(frozen=True, slots=True)
class DataRequestCounts:
    """How many requests for data there are."""

    requests: int
    open: int


@dataclass(frozen=True, slots=True)
class Erasure:
    """The erasure of a person."""

    id: str
    person: str
    """`person/…`, as they were named when it was asked for."""
    shopify_customer_id: int | None
    at: datetime
    """When it was asked for."""
    asked_by: str
    """Who did, as a commit keeps it."""
    due_at: datetime
    """When it must be done."""
    erased_at: datetime | None
    """When the log said so first; None until then."""
    position: int | None
    """Where the log said so last."""
    completed_at: datetime | None
    """When nothing was left; None until then."""
    keys: int
    """Keys that were destroyed."""
    objects: int
    """Objects that were deleted."""


@dataclass(frozen=True, slots=True)
class ConversationCounts:
    """How many conversations there are."""

    conversations: int
    open: int
    unanswered: int


@dataclass(frozen=True, slots=True)
class PersonCounts:
    """How many persons there are."""

    customers: int
    """Persons whom Shopify knows and did not delete."""
    leads: int
    """Persons who are no customers and wrote."""
