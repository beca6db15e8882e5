"""What queries answer about orders: what was ordered, sent and refunded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from cplus.events.segment import Source

"""How somebody came to the shop: by what they wrote first, or because the merchant wrote."""


@dataclass(frozen=True, slots=True)
class OrderItem:
    """A line item of an order."""

    title: str
    variant: str | None
    quantity: int
    """How many were ordered."""
    current: int
    """How many are left of them after edits, refunds and returns."""
    unfulfilled: int
    """How many are still to be sent."""


class TrackingLink(NamedTuple):
    """A way to follow a parcel: a number, an address, or both."""

    number: str | None
    url: str | None


@dataclass(frozen=True, slots=True)
class Parcel:
    """What was sent together: a fulfillment in Shopify."""

    status: str | None
    """Shopify's status in lower case, for example `success`."""
    shipment_status: str | None
    """What the carrier said last, for example `in_transit`."""
    at: datetime | None
    """When it was sent."""
    company: str | None
    links: Sequence[TrackingLink]


@dataclass(frozen=True, slots=True)
class OrderRefund:
    """Money that was given back."""

    at: datetime | None
    amount: str
    """Decimal, in `currency`."""
    currency: str
    pending: bool
    """Whether some of it is still on its way."""


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
    items: Sequence[OrderItem]
    """The first 50."""
    more_items: int
    """Line items that are not among `items`."""
    parcels: Sequence[Parcel]
    """The newest 50, in the order in which they were made."""
    refunds: Sequence[OrderRefund]
    """The newest 50, in the order in which they were made, without those that moved no money."""


@dataclass(frozen=True, slots=True)
class Lead:
    """How somebody came, and whether that led to an order."""

    source: Source | None
    """How the first conversation with them began that is no spam; None if there was none."""
    first_order: FirstOrder | None
    """None if there is none, or an earlier one may be missing here."""


@dataclass(frozen=True, slots=True)
class FirstOrder:
    """What somebody ordered first, whatever became of it."""

    order: Order
    said_at: datetime | None
    """When the last message before it was written, by them or to them; None if there was none."""
    within: int
    """Up to how many days after that message it counts as bought after a conversation."""

    @property
    def days(self) -> int:
        """Whole days from that message to the order; 0 if there was none."""
        return (self.order.created_at - self.said_at).days if self.said_at else 0

    @property
    def bought_after(self) -> bool:
        """Whether it counts as bought after a conversation."""
        if self.said_at is None:
            return False
        return self.order.created_at - self.said_at <= timedelta(days=self.within)
