"""What Shopify says of an order, as facts in the log: shared by webhooks and the import."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, Protocol, TypeVar
from urllib.parse import urlsplit

from cplus.clock import to_milliseconds
from cplus.consumers.shopify_facts import Resolve, facts, known
from cplus.errors import InvalidInput
from cplus.events.base import NewEvent
from cplus.events.catalogue.orders import OrderChanged, OrderFulfillmentChanged, OrderRefunded
from cplus.events.names import order_stream
from cplus.events.order_parts import Fulfillment, LineItem, Refund, Tracking
from cplus.shopify import orders

MOST: Final = 50
"""Line items, fulfillments and refunds of one order that are kept."""
_MOST_PARCELS: Final = 10  # numbers and addresses of one fulfillment
_TITLE: Final = 255  # letters, as in Shopify
_NUMBER: Final = 100
_URL: Final = 2000
_REFUNDED: Final = {"success": False, "pending": True}
"""The states of a transaction in which money goes back, and whether it is still on its way."""


class _HasId(Protocol):
    @property
    def id(self) -> int: ...


T = TypeVar("T", bound=_HasId)


async def order_facts(
    shop: str,
    order: orders.Order,
    resolve: Resolve,
    *,
    when: datetime,
    told_at: datetime | None,
) -> list[NewEvent]:
    """What Shopify says that the order is, and who turned out to be one person by it.

    `when` is when it was so, if the order does not say when it was updated; `told_at` is when
    Shopify told of it. Raises InvalidInput without a currency or a total, and whatever the
    directory of persons raises.
    """
    # What refunds and edits have left of it is what counts as spent.
    total = order.current_total_price or order.total_price
    if order.currency is None or total is None:
        field = "currency" if order.currency is None else "total_price"
        raise InvalidInput(reason=f"{field} is missing")
    at, buyer = order.updated_at or when, order.customer
    # The order's own address may be another's (a gift, a colleague): it says who ordered only
    # where the order has no customer.
    person, joined = await known(
        *(resolve, shop, buyer.id if buyer else None, None if buyer else order.email),
        happened_at=order.created_at or at,
        ordered=order.created_at is not None,
    )
    # With nobody under whose key they could be sealed, they could never be erased.
    named = person is not None
    fact = OrderChanged(
        shopify_order_id=order.id,
        shopify_customer_id=buyer.id if buyer else None,
        person=person,
        name=order.name or f"#{order.order_number or order.id}",
        currency=order.currency,
        total_price=total,
        financial_status=order.financial_status,
        fulfillment_status=order.fulfillment_status,
        created_at=order.created_at,
        cancelled=order.cancelled_at is not None,
        test=bool(order.test),
        items=_items(order) if named else None,
        item_count=None if order.line_items is None else len(order.line_items),
        tracking=_tracking(order) if named else None,
        fulfillments=tuple(_fulfillment(one, at) for one in _newest(order.fulfillments)),
        refunds=tuple(_refund(one, order.currency) for one in _newest(order.refunds)),
    )
    return facts(order_stream(order.id), at, *joined, fact, told_at=told_at)


def fulfillment_fact(told: orders.FulfillmentChanged, when: datetime) -> OrderFulfillmentChanged:
    """What Shopify says that a fulfillment is; `when`, if it does not say when it was updated."""
    return OrderFulfillmentChanged(
        shopify_order_id=told.order_id, fulfillment=_fulfillment(told, when)
    )


def refund_fact(told: orders.RefundCreated) -> OrderRefunded:
    """What Shopify says was refunded."""
    return OrderRefunded(shopify_order_id=told.order_id, refund=_refund(told, None))


def _newest(parts: Iterable[T] | None) -> Sequence[T]:
    """The newest by their ids, each once."""
    by_id = {one.id: one for one in parts or ()}
    return [by_id[shopify_id] for shopify_id in sorted(by_id)[-MOST:]]


def _items(order: orders.Order) -> tuple[LineItem, ...] | None:
    if order.line_items is None:
        return None
    return tuple(
        LineItem(
            id=one.id,
            title=_text(one.title, _TITLE) or "",
            variant=_text(one.variant_title, _TITLE),
            quantity=quantity,
            current=quantity if one.current_quantity is None else one.current_quantity,
            unfulfilled=one.fulfillable_quantity,
        )
        for one in order.line_items[:MOST]
        for quantity in [one.quantity if one.quantity is not None else one.current_quantity or 0]
    )


def _tracking(order: orders.Order) -> tuple[Tracking, ...] | None:
    if order.fulfillments is None:
        return None
    told = [_tracking_of(one) for one in _newest(order.fulfillments)]
    return tuple(one for one in told if one.company or one.numbers or one.urls)


def _tracking_of(one: orders.Fulfillment) -> Tracking:
    numbers = one.tracking_numbers or [one.tracking_number or ""]
    urls = one.tracking_urls or [one.tracking_url or ""]
    # A number or an address that is cut leads nowhere.
    found = [number for told in numbers if 0 < len(number := told.strip()) <= _NUMBER]
    return Tracking(
        fulfillment=one.id,
        company=_text(one.tracking_company, _TITLE),
        numbers=tuple(dict.fromkeys(found))[:_MOST_PARCELS],
        urls=tuple(dict.fromkeys(filter(_is_link, map(str.strip, urls))))[:_MOST_PARCELS],
    )


def _is_link(url: str) -> bool:
    """Whether a page may lead there: apps write into it what they like."""
    if not 0 < len(url) <= _URL or not url.isprintable() or any(map(str.isspace, url)):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    # "https://carrier.example@evil.example/" leads to the second.
    named = bool(parts.hostname) and parts.username is None
    return parts.scheme in {"http", "https"} and named


def _fulfillment(one: orders.FulfillmentState, when: datetime) -> Fulfillment:
    return Fulfillment(
        id=one.id,
        status=_text(one.status, _TITLE),
        shipment_status=_text(one.shipment_status, _TITLE),
        created_at=one.created_at,
        updated_at=to_milliseconds(one.updated_at or one.created_at or when),
    )


def _refund(one: orders.Refund, currency: str | None) -> Refund:
    moved = [
        transaction
        for transaction in one.transactions or ()
        if (transaction.kind or "").lower() == "refund"
        and (transaction.status or "").lower() in _REFUNDED
    ]
    sums: dict[str | None, Decimal] = {}
    for transaction in moved:
        told = transaction.currency or currency
        sums[told] = sums.get(told, Decimal()) + Decimal(transaction.amount or "0")
    # Money moves in the currency in which it was paid. A refund that is told alone has no order's.
    which = min(sums, key=str, default=currency)
    return Refund(
        id=one.id,
        at=one.processed_at or one.created_at,
        amount=f"{sums.get(which, Decimal()):f}",
        currency=which,
        pending=any(_REFUNDED[(transaction.status or "").lower()] for transaction in moved),
    )


def _text(text: str | None, most: int) -> str | None:
    return (text or "").strip()[:most] or None
