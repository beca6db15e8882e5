"""How what was ordered and sent reads on a page, and where it is in Shopify's Admin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cplus.web.kit.i18n import gettext as _
from cplus.web.kit.i18n import translated
from cplus.web.kit.states import words
from cplus.wording import worded


def in_admin(admin: str, shop: str, path: str) -> str:
    """Where something of a shop is in Shopify's Admin, of which `admin` is the origin."""
    return f"{admin}/store/{shop.partition('.')[0]}/{path}"


def shipment(status: str | None, shipment_status: str | None) -> str:
    """How far a parcel is, for people: what the carrier says, or else what the merchant did."""
    if status in _NOT_SENT:
        return translated(_NOT_SENT[status])
    if shipment_status == "failure":
        return _("Delivery failed")
    return words(shipment_status) if shipment_status else _("Fulfilled")


_NOT_SENT: Final[Mapping[str | None, str]] = {
    "cancelled": worded("Fulfillment cancelled"),
    "error": worded("Not fulfilled: an error"),
    "failure": worded("Not fulfilled: it failed"),
    "open": worded("Being fulfilled"),
    "pending": worded("Being fulfilled"),
}
"""Shopify's states of a fulfillment in which nothing was sent, for people."""
