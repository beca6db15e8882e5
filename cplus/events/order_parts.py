"""What the events of an order are made of. It is stored within them, so a change of it is a new
version of each event that holds it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from cplus.events.base import Instant


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LineItem(_Part):
    """Something that was ordered."""

    id: int
    title: str
    variant: str | None = None
    """For example `Blue / L`."""
    quantity: int
    """How many were ordered."""
    current: int
    """How many are left of them after edits, refunds and returns."""
    unfulfilled: int | None = None
    """How many are still to be sent; None if Shopify did not say."""


class Fulfillment(_Part):
    """A parcel, or whatever else was sent together."""

    id: int
    status: str | None = None
    """Shopify's status, for example `success` or `cancelled`."""
    shipment_status: str | None = None
    """What the carrier said last, for example `in_transit` or `delivered`."""
    created_at: Instant | None = None
    updated_at: Instant
    """Of two states of a fulfillment the one that was updated later is the newer."""


class Tracking(_Part):
    """How a fulfillment can be followed. It leads to a delivery, and so to an address."""

    fulfillment: int
    """The id of the fulfillment."""
    company: str | None = None
    numbers: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    """Addresses that begin with `http://` or `https://`."""


class Refund(_Part):
    """Money that was given back, or that is on its way."""

    id: int
    at: Instant | None = None
    amount: str
    """Decimal, in `currency`."""
    currency: str | None = None
    pending: bool = False
    """Whether some of it is still on its way."""
