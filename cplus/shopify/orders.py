"""An order as Shopify tells it: by webhook, or by the Admin API, which the import puts into the
same shape.

Only ids are required. What is in a list and has no id is left out, and what should be a list and is
none is not known: neither must lose the order around it.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from cplus.shopify.payloads import NamesNoShop, Payload
from cplus.shopify.values import MAX_INT64, Count, Currency, Id, Moment, Money, Text, Texts


def _has_id(value: object) -> bool:
    shopify_id = value.get("id") if isinstance(value, dict) else getattr(value, "id", None)
    return type(shopify_id) is int and 0 < shopify_id <= MAX_INT64


def _somebody(value: object) -> object:
    # An order without a customer may have null, or a customer without an id: no reason to lose it.
    return value if _has_id(value) else None


def _with_ids(value: object) -> object:
    return [one for one in value if _has_id(one)] if isinstance(value, list | tuple) else None


def _objects(value: object) -> object:
    if not isinstance(value, list | tuple):
        return None
    return [one for one in value if isinstance(one, dict | Payload)]


class Buyer(Payload):
    """The customer inside an order: only what says who it is."""

    id: Id


class LineItem(Payload):
    """Something that was ordered. Its properties are not read: shoppers enter names into them."""

    id: Id
    title: Text | None = None
    variant_title: Text | None = None
    quantity: Count | None = None
    current_quantity: Count | None = None
    fulfillable_quantity: Count | None = None


class FulfillmentState(Payload):
    """How far a fulfillment is."""

    id: Id
    status: Text | None = None
    shipment_status: Text | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None


class Fulfillment(FulfillmentState):
    """A fulfillment inside an order, with how it can be followed. Not where it goes."""

    tracking_company: Text | None = None
    tracking_number: Text | None = None
    tracking_numbers: Texts = ()
    tracking_url: Text | None = None
    tracking_urls: Texts = ()


class Transaction(Payload):
    """A movement of money."""

    amount: Money | None = None
    currency: Currency | None = None
    kind: Text | None = None
    status: Text | None = None


class Refund(Payload):
    """What was refunded at one time."""

    id: Id
    created_at: Moment | None = None
    processed_at: Moment | None = None
    transactions: Annotated[tuple[Transaction, ...] | None, BeforeValidator(_objects)] = None


class Order(NamesNoShop):
    """orders/create, updated, paid, cancelled, fulfilled and partially_fulfilled.

    Not read, on purpose: addresses, notes, and `order_status_url`, which opens the page of the
    order to whoever has it.
    """

    id: Id
    name: Text | None = None
    order_number: Count | None = None
    email: Text | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None
    cancelled_at: Moment | None = None
    currency: Currency | None = None
    total_price: Money | None = None
    """What it came to when it was placed."""
    current_total_price: Money | None = None
    """What it comes to now, after refunds, returns and edits."""
    financial_status: Text | None = None
    fulfillment_status: Text | None = None
    customer: Annotated[Buyer | None, BeforeValidator(_somebody)] = None
    test: bool | None = None
    line_items: Annotated[tuple[LineItem, ...] | None, BeforeValidator(_with_ids)] = None
    """None if Shopify did not say, as for the two below."""
    fulfillments: Annotated[tuple[Fulfillment, ...] | None, BeforeValidator(_with_ids)] = None
    refunds: Annotated[tuple[Refund, ...] | None, BeforeValidator(_with_ids)] = None


class OrderDeleted(NamesNoShop):
    """orders/delete: only the id is left."""

    id: Id


class FulfillmentChanged(NamesNoShop, FulfillmentState):
    """fulfillments/create and update. Tracking and address are not asked for: the order tells the
    one, and nobody needs the other."""

    order_id: Id


class RefundCreated(NamesNoShop, Refund):
    """refunds/create."""

    order_id: Id


class OrderEdit(Payload):
    """An edit of an order. By how much line items changed is not read: what they are now comes with
    `orders/updated`."""

    id: Id
    order_id: Id


class OrderEdited(NamesNoShop):
    """orders/edited."""

    order_edit: OrderEdit
