"""How what was ordered and sent reads on a page, and where it is in Shopify's Admin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cplus.web.kit.text import words


def in_admin(admin: str, shop: str, path: str) -> str:
    """Where something of a shop is in Shopify's Admin, of which `admin` is the origin."""
    return f"{admin}/store/{shop.partition('.')[0]}/{path}"


def shipment(status: str | None, shipment_status: str | None) -> str:
    """How far a parcel is, for people: what the carrier says, or else what the merchant did."""
    if status in _NOT_SENT:
        return _NOT_SENT[status]
    if shipment_status == "failure":
        return "Delivery failed"
    return words(shipment_status) if shipment_status else "Fulfilled"


_NOT_SENT: Final[Mapping[str | None, str]] = {
    "cancelled": "Fulfillment cancelled",
    "error": "Not fulfilled: an error",
    "failure": "Not fulfilled: it failed",
    "open": "Being fulfilled",
    "pending": "Being fulfilled",
}
"""Shopify's states of a fulfillment in which nothing was sent, for people."""
