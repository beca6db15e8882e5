"""What an import read that is not known yet, as facts: a second import of what did not change
records nothing of it.

Where the read models lag, what they lack is recorded once more; folds make nothing of that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import structlog

from cplus.consumers.imports.importer import Importer
from cplus.consumers.imports.news import is_known_customer, is_known_order
from cplus.consumers.shopify_facts import facts, imported, known
from cplus.consumers.shopify_orders import order_facts
from cplus.errors import InvalidInput
from cplus.events.base import NewEvent
from cplus.events.names import customer_stream
from cplus.shopify.orders import Order
from cplus.shopify.queries import ImportedCustomer

log = structlog.get_logger()


async def customer_facts(
    use: Importer, shop: str, customers: Sequence[ImportedCustomer], now: datetime
) -> list[NewEvent]:
    """What is news of these customers. Raises whatever the directory of persons does."""

    async def one(customer: ImportedCustomer) -> list[NewEvent]:
        address = customer.email.address if customer.email else None
        when = customer.updated_at or now
        person, joined = await known(use.persons.resolve, shop, customer.id, address, when, now)
        told = [*joined, imported(customer, str(person))]
        return facts(customer_stream(customer.id), when, *told, told_at=now)

    # All at once: the directory answers them together.
    told = await asyncio.gather(*map(one, customers))
    persons = [events[-1].event.persons()[0] for events in told]
    rows = await use.rows.known_people(shop, persons)
    return [
        event
        for person, events in zip(persons, told, strict=True)
        # That two are one person is news in any case, and is folded with the fact.
        if len(events) > 1 or not is_known_customer(shop, person, rows.get(person), events[-1])
        for event in events
    ]


async def read_order_facts(
    use: Importer, shop: str, orders: Sequence[Order], now: datetime
) -> tuple[list[NewEvent], int]:
    """What is news of these orders, and how many of them cannot be read. Raises whatever the
    directory of persons does."""
    events, unreadable = list[NewEvent](), 0
    rows = await use.rows.known_orders(shop, [one.id for one in orders])
    for order in orders:
        try:
            told = await order_facts(shop, order, use.persons.resolve, when=now, told_at=now)
        except InvalidInput as error:
            unreadable += 1
            reason = str(error.values["reason"])
            log.warning("order_unreadable", shop=shop, reason=reason)
            continue
        key = str(order.id)
        if len(told) > 1 or not is_known_order(shop, key, rows.get(key), told[-1]):
            events += told
    return events, unreadable
