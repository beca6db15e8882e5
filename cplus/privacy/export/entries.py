"""What an export lists: one frozen value for each thing. Times are UTC. docs/privacy.md shows the
shape that they have in JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Details:
    """What Shopify said that the customer is, from a time on."""

    at: datetime
    shopify_customer_id: int
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    note: str | None
    locale: str | None
    state: str | None
    currency: str | None
    tags: Sequence[str] | None
    """None if it was not said."""
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class Consent:
    """What Shopify said of the consent to email marketing, from a time on."""

    at: datetime
    shopify_customer_id: int
    email_marketing: str


@dataclass(frozen=True, slots=True)
class TagsTold:
    """Tags that the shop added to the customer, or removed."""

    at: datetime
    shopify_customer_id: int | None
    """None for tags of this app."""
    added: Sequence[str]
    removed: Sequence[str]


@dataclass(frozen=True, slots=True)
class Sum:
    """What Shopify said that the customer bought in all, from a time on."""

    at: datetime
    shopify_customer_id: int
    orders: int
    amount_spent: str
    currency: str | None


@dataclass(frozen=True, slots=True)
class Order:
    """An order, as Shopify last said."""

    at: datetime
    shopify_order_id: int
    name: str
    total_price: str
    currency: str
    financial_status: str | None
    fulfillment_status: str | None
    created_at: datetime | None
    cancelled: bool
    test: bool
    items: Sequence[Mapping[str, Any]] | None
    """What was ordered; None if it was not said, as for the two below."""
    item_count: int | None
    """How many there are; `items` has at most 50 of them."""
    tracking: Sequence[Mapping[str, Any]] | None
    """How what was sent can be followed."""
    fulfillments: Sequence[Mapping[str, Any]]
    refunds: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class FileOf:
    """A file of a message; `/messages/<message>/files/<id>` of the app has its bytes."""

    id: str
    name: str
    content_type: str
    size: int
    cid: str | None
    """The Content-ID by which the HTML of the mail names it."""


@dataclass(frozen=True, slots=True)
class Written:
    """A message of the person, or one of the shop to them."""

    at: datetime
    direction: Literal["in", "out", "note"]
    """`in` from the person, `out` from the shop, `note` by the shop about them and to nobody."""
    conversation: str | None
    """None for mail that started no conversation."""
    subject: str
    text: str
    from_name: str | None
    from_address: str | None
    sent_from: str | None
    to_address: str | None
    cc: Sequence[str]
    """Who else got a message of the shop, as `bcc`: whom the person's data went to."""
    bcc: Sequence[str]
    rfc_message_id: str | None
    """The Message-ID that the person's mail program gave it."""
    in_reply_to: str | None
    """The Message-ID of the mail that a reply of the shop answers."""
    attachments: int
    automatic: bool
    message: str
    """Its id."""
    files: Sequence[FileOf]
    """Those that are kept apart from the mail; none of mail from before that."""


@dataclass(frozen=True, slots=True)
class MailOut:
    """A mail of the app to the person that is no reply of the shop."""

    at: datetime
    purpose: str
    to_address: str | None


@dataclass(frozen=True, slots=True)
class AddressNote:
    """That mail is not sent to an address of the person any more, or is again."""

    at: datetime
    address: str | None
    reason: str | None
    """Why it is not; None if it is again."""


@dataclass(frozen=True, slots=True)
class BlockNote:
    """That the shop holds mail from an address of the person back."""

    at: datetime
    address: str


@dataclass(frozen=True, slots=True)
class NoteOn:
    """A note of the shop on the person, also one that was removed since."""

    at: datetime
    note: str
    """Its id."""
    text: str | None


@dataclass(frozen=True, slots=True)
class Request:
    """A request for what is kept."""

    at: datetime
    request_id: int
    email: str | None
    phone: str | None
    due_at: datetime


@dataclass(frozen=True, slots=True)
class ErasureAsked:
    """A request to erase what is kept."""

    at: datetime
    email: str | None
    phone: str | None
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that was done with the person's data."""

    at: datetime
    actor: str
    """Who did it, as the log keeps it: `merchant/<user>`, `operator/<name>`, `system/<function>`,
    `shopify`, `shopper` (the person), `ses` (the email service)."""
    did: str
    """What, in words that follow a name."""
    type: str
    """The event's stored type."""
    position: int
    """Where it stands in the shop's log."""


Entry: TypeAlias = (
    AddressNote
    | BlockNote
    | Consent
    | Details
    | ErasureAsked
    | MailOut
    | NoteOn
    | Order
    | Request
    | Sum
    | TagsTold
    | Written
)
