"""What a merchant needs to know of a customer's latest order, in a few lines of a mail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cplus.projections.queries import Order

_LINES: Final = 5  # parcels; the page has all of them


def order_facts(found: Sequence[Order]) -> list[str]:
    """The latest order: its number, how far it is, and how its parcels can be followed. Nothing if
    none is known."""
    orders = [one for one in found if not one.test]
    if not orders:
        return []
    order = orders[0]
    state = "cancelled" if order.cancelled else _words(order.fulfillment_status or "unfulfilled")
    payment = f", {_words(order.financial_status)}" if order.financial_status else ""
    lines = [f"Latest order: {order.name}, {state}{payment}"]
    for parcel in order.parcels[-_LINES:]:
        number = ", ".join(link.number for link in parcel.links if link.number)
        urls = [link.url for link in parcel.links if link.url]
        said = [parcel.company or "", number, _words(parcel.shipment_status or ""), *urls[:1]]
        told = " · ".join(one for one in said if one)
        if told:
            lines.append(f"Tracking: {told}")
    return lines


def _words(state: str) -> str:
    return state.replace("_", " ").lower()
