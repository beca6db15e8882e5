"""Orders: a row for each order in Shopify, by its id there. Sums are made on reading.

What an order is, comes with the order, and the newest state of it stands. Its fulfillments and
refunds come with it and also by themselves: of each the state stands that is furthest, whichever
told it. What was ordered, and how each fulfillment can be followed, is as the newest fact says that
tells of it: one that leaves it out, because there is too much of it, takes nothing away. So a fact
that comes late, twice or never makes no difference once the order is told in full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from cplus.events.base import Recorded
from cplus.events.catalogue.orders import (
    OrderChanged,
    OrderDeleted,
    OrderFulfillmentChanged,
    OrderRefunded,
)
from cplus.events.catalogue.privacy import PersonErased
from cplus.events.order_parts import Fulfillment, Refund
from cplus.projections.base import Projection, Row
from cplus.projections.models.facts import MARK, newer, newest, types

_MOST: Final = 50
"""Fulfillments and refunds of an order. The newest stay, by id; which they are depends on no
order."""

_Part = Mapping[str, Any]


def keys(event: Recorded) -> Iterable[str]:
    """The order's id in Shopify; of an erasure, those of all orders of the person."""
    if isinstance(event.event, PersonErased):
        return map(str, event.event.orders)
    return [str(getattr(event.event, "shopify_order_id"))]  # noqa: B009  the other events have it


def evolve(_key: str, row: Row | None, event: Recorded) -> Row | None:
    """The newest state wins. A deleted order stays as a tombstone: Shopify never uses an id
    again, so nothing that comes later brings it back."""
    if row is not None and row["deleted"]:
        return row
    match event.event:
        case OrderDeleted():
            return {"deleted": True}
        case PersonErased(person=person):
            return None if row is None else _without(row, person)
        case OrderFulfillmentChanged() as told:
            return _with(row, [told.fulfillment], [])
        case OrderRefunded() as told:
            return _with(row, [], [told.refund])
        case OrderChanged() as order:
            before = row if row is not None and "at" in row else None
            after = newest(before, event, _told(order, event), rank=_rank(order))
            parts = {name: row[name] for name in _PARTS if name in row} if row else {}
            what = _items(before, order, event) | {"tracking": _tracking(before, order, event)}
            return _with({**after, **parts, **what}, order.fulfillments, order.refunds)
    return row


def _told(order: OrderChanged, event: Recorded) -> dict[str, Any]:
    return {
        "deleted": False,
        "person": order.person,
        "customer": order.shopify_customer_id,
        "name": order.name,
        "currency": order.currency,
        "total_price": order.total_price,
        "financial_status": order.financial_status,
        "fulfillment_status": order.fulfillment_status,
        "cancelled": order.cancelled,
        "test": order.test,
        "created_at": order.created_at or event.occurred_at,
    }


def _items(before: _Part | None, order: OrderChanged, event: Recorded) -> dict[str, Any]:
    """What was ordered, and by which fact that is known: the newest that says how many items there
    are, though what they are may be erased."""
    known = None
    if before is not None and before.get("item_count") is not None:
        known = {name: before[name] for name in _ITEMS} | _teller(before, before.get("items_told"))
    if order.item_count is not None:
        items = None if order.items is None else [dict(one) for one in order.items]
        told = {"items": items, "item_count": order.item_count, **_mark(order, event)}
        known = told if known is None else dict(newer(known, told))
    if known is None:
        return {**dict.fromkeys(_ITEMS), "items_told": None}
    by = {name: value for name, value in known.items() if name not in _ITEMS}
    return {**{name: known[name] for name in _ITEMS}, "items_told": by}


def _tracking(before: _Part | None, order: OrderChanged, event: Recorded) -> list[_Part]:
    """How each fulfillment can be followed, in the order of their ids: as the newest fact says that
    tells of the fulfillment. One that cannot be followed has an entry too, with who said so."""
    known: dict[int, _Part] = {}
    if before is not None:
        for entry in before.get("tracking") or ():
            known[entry["fulfillment"]] = {**entry, **_teller(before, entry)}
    told = {one.fulfillment: one for one in order.tracking or ()}
    for one in order.fulfillments:
        way = told.get(one.id)
        entry = {
            "fulfillment": one.id,
            "company": way and way.company,
            "numbers": list(way.numbers) if way else [],
            "urls": list(way.urls) if way else [],
            **_mark(order, event),
        }
        other = known.get(one.id)
        known[one.id] = entry if other is None else newer(other, entry)
    return [known[shopify_id] for shopify_id in sorted(known)[-_MOST:]]


def _mark(order: OrderChanged, event: Recorded) -> dict[str, Any]:
    mark = (event.occurred_at, event.told_at, _rank(order), event.id, order.person)
    return dict(zip(_TOLD_BY, mark, strict=True))


def _teller(row: _Part, part: _Part | None) -> dict[str, Any]:
    """Which fact told a part, and of whom; in rows of before, the one that told the order."""
    of = part if part is not None and "by" in part else row
    return {name: of.get(name) for name in _TOLD_BY} | {"rank": of.get("rank", 0)}


def _without(row: Row, person: str) -> Row:
    """Without what the person ordered, and how it is followed. Of what others ordered under the
    same number, theirs stays."""
    if "person" not in row:
        return row
    after = dict(row)
    if _teller(row, row.get("items_told"))["person"] == person:
        after["items"] = None
    after["tracking"] = [
        {**one, "company": None, "numbers": [], "urls": []}
        if _teller(row, one)["person"] == person
        else one
        for one in row.get("tracking") or ()
    ]
    return after


def _with(
    row: Row | None, fulfillments: Iterable[Fulfillment], refunds: Iterable[Refund]
) -> dict[str, Any]:
    """The row with these parts; one that was told before the order itself waits in a row without
    it."""
    after: dict[str, Any] = {"deleted": False, **(row or {})}
    for name, parts, mark in (
        ("fulfillments", fulfillments, _progress),
        ("refunds", refunds, _settled),
    ):
        after[name] = _merged(after.get(name, ()), [dict(part) for part in parts], mark)
    return after


def _merged(
    known: Iterable[_Part], told: Iterable[_Part], mark: Callable[[_Part], tuple[Any, ...]]
) -> list[_Part]:
    """Of each part the state that is furthest; in the order of their ids."""
    by_id: dict[int, _Part] = {}
    for one in (*known, *told):
        other = by_id.get(one["id"])
        by_id[one["id"]] = one if other is None else max(other, one, key=mark)
    return [by_id[shopify_id] for shopify_id in sorted(by_id)[-_MOST:]]


def _progress(one: _Part) -> tuple[Any, ...]:
    """How far a fulfillment is: Shopify's times are in whole seconds."""
    status, shipment = one["status"] or "", one["shipment_status"] or ""
    return (
        one["updated_at"],
        _index(_STATUS, status),
        _index(_SHIPMENT, shipment),
        status,
        shipment,
        one["created_at"] or _NEVER,
    )


def _settled(one: _Part) -> tuple[Any, ...]:
    """How far a refund is: it is made once, and only its money may be on its way for a while."""
    return (
        not one["pending"],
        one["currency"] is not None,
        one["at"] or _NEVER,
        one["amount"],
        one["currency"] or "",
    )


def _index(states: Sequence[str], state: str) -> int:
    return states.index(state) if state in states else 0


def _rank(order: OrderChanged) -> int:
    """How far the order is, if two states of it have the same time: what was paid is not pending
    again, what was fulfilled or cancelled stays so."""
    paid, sent = order.financial_status or "", order.fulfillment_status or ""
    return (100 if order.cancelled else 0) + 10 * _index(_PAYMENT, paid) + _index(_FULFILMENT, sent)


_PARTS: Final = ("fulfillments", "refunds")
_ITEMS: Final = ("items", "item_count")
_TOLD_BY: Final = (*MARK, "person")
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_PAYMENT: Final = (
    *("", "expired", "pending", "authorized", "partially_paid", "paid"),
    *("partially_refunded", "refunded", "voided"),
)
_FULFILMENT: Final = ("", "partial", "fulfilled", "restocked")
_STATUS: Final = ("", "pending", "open", "success", "error", "failure", "cancelled")
_SHIPMENT: Final = (
    *("", "label_printed", "label_purchased", "confirmed", "ready_for_pickup", "in_transit"),
    *("out_for_delivery", "attempted_delivery", "failure", "delivered"),
)


BY_CUSTOMER: Final = (("person", 1), ("customer", 1), ("created_at", -1))
"""The index for what each customer of a person bought since a moment."""

ORDERS = Projection(
    name="orders",
    version=1,
    handles=types(OrderChanged, OrderFulfillmentChanged, OrderRefunded, OrderDeleted, PersonErased),
    opens=types(OrderChanged),
    keys=keys,
    evolve=evolve,
    indexes=(
        (("name", 1),),
        (("person", 1), ("created_at", -1)),
        BY_CUSTOMER,
    ),
)
