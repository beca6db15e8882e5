"""Questions about persons: customers and leads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final

from cplus.projections.base import Row
from cplus.projections.models.conversations import CONVERSATIONS
from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.models.orders import ORDERS
from cplus.projections.models.persons import kind_of
from cplus.projections.queries.order_views import order_view
from cplus.projections.queries.paging import bounded, cursor_at, newest_first
from cplus.projections.queries.persons import (
    Family,
    accounts_of,
    conversations_of,
    customer_view,
    load_families,
    merges_of,
)
from cplus.projections.queries.read_models import PAGE, ReadModels
from cplus.projections.queries.row_views import conversation_view
from cplus.projections.queries.spending import bought_by
from cplus.projections.queries.views import (
    Customer,
    CustomerDetail,
    CustomerKind,
    Order,
    Page,
    PersonCounts,
)
from cplus.projections.rows import key_of, row_id

KINDS: Final = {"customers": {"customer"}, "leads": {"lead"}, "all": {"customer", "lead"}}


class CustomerQueries(ReadModels):
    """Questions about persons: customers and leads."""

    async def customers(
        self, shop: str, kind: CustomerKind = "all", cursor: str | None = None, limit: int = PAGE
    ) -> Page[Customer]:
        """Persons, those with the latest news first. A page may hold fewer than `limit`."""
        limit = bounded(limit)
        wanted = {"shop": shop, "lists": kind, **newest_first("changed_at", shop, cursor)}
        found = await self._newest(CUSTOMERS, wanted, "changed_at", limit + 1)
        rows = {key_of(row): row for row in found[:limit]}
        by_person = await load_families(await self._rows(CUSTOMERS), shop, rows)
        # What several rows are together is known only now, and one of them stands for them.
        shown = [
            by_person[person]
            for person in rows
            if by_person[person].person == person and kind_of(by_person[person].row) in KINDS[kind]
        ]
        more = cursor_at("changed_at", found[limit - 1]) if len(found) > limit else None
        return Page(await self._views(shop, shown), more)

    async def orders_of(self, shop: str, person: str) -> Sequence[Order]:
        """The newest 50 orders of a person by any of their ids, the newest first."""
        found = await self.customer(shop, person)
        return found.orders if found else ()

    async def customer(self, shop: str, person: str) -> CustomerDetail | None:
        """A person by any of their ids, with orders and conversations."""
        rows = await self._rows(CUSTOMERS)
        row = await rows.find_one({"_id": row_id(shop, person)})
        if row is None:
            return None
        family = (await load_families(rows, shop, {person: row}))[person]
        customer, *parts = await self._views(shop, [family, *family.parts])
        own = {"shop": shop, "person": {"$in": list(family.persons)}}
        talks, bought = await self._rows(CONVERSATIONS), await self._rows(ORDERS)
        conversations = talks.find(own, sort=[("last_message_at", -1)])
        orders = bought.find(own, sort=[("created_at", -1)])
        return CustomerDetail(
            customer,
            [order_view(row) for row in await orders.limit(PAGE).to_list(PAGE)],
            [conversation_view(row) for row in await conversations.limit(PAGE).to_list(PAGE)],
            parts,
            merges_of(family),
        )

    async def quiet_people(self, shop: str, since: datetime) -> AsyncIterator[str]:
        """Those who are no customers and of whom there is no news since then, longest ago first."""
        collection = await self._rows(CUSTOMERS)
        quiet = {"shop": shop, "lists": "leads", "changed_at": {"$lt": since}}
        async for row in collection.find(quiet, {"shop": 1}, sort=[("changed_at", 1)]):
            yield key_of(row)

    async def known_people(self, shop: str, persons: Sequence[str]) -> dict[str, Row | None]:
        """The row of each person, of all their rows together: None of one who was erased, and
        nothing of one of whom nothing is known."""
        collection = await self._rows(CUSTOMERS)
        wanted = {"_id": {"$in": [row_id(shop, person) for person in persons]}}
        rows = {key_of(row): row async for row in collection.find(wanted)}
        found = await load_families(collection, shop, rows)
        return {person: None if found[person].erased else found[person].row for person in rows}

    async def known_orders(self, shop: str, shopify_ids: Sequence[int]) -> dict[str, Row]:
        """The rows of these orders, by their ids as texts."""
        collection = await self._rows(ORDERS)
        wanted = {"_id": {"$in": [row_id(shop, str(one)) for one in shopify_ids]}}
        return {key_of(row): row async for row in collection.find(wanted)}

    async def person_counts(self, shop: str) -> PersonCounts:
        """How many customers and how many leads the shop has."""
        counts = await self._counts(CUSTOMERS, shop)
        if counts is not None:
            return PersonCounts(counts.get("customers", 0), counts.get("leads", 0))
        collection = await self._rows(CUSTOMERS)
        customers: int = await collection.count_documents({"shop": shop, "lists": "customers"})
        leads: int = await collection.count_documents({"shop": shop, "lists": "leads"})
        found = await collection.find({"shop": shop, "lists": "joined"}).to_list(None)
        rows = {key_of(row): row for row in found}
        by_person = await load_families(await self._rows(CUSTOMERS), shop, rows)
        kinds = [
            kind_of(by_person[person].row) if by_person[person].person == person else "gone"
            for person in rows
        ]
        # They were counted as both, and each is one of the two or neither.
        return PersonCounts(
            customers=customers - sum(kind != "customer" for kind in kinds),
            leads=leads - sum(kind != "lead" for kind in kinds),
        )

    async def _views(self, shop: str, shown: list[Family]) -> list[Customer]:
        accounts = accounts_of(shown)
        persons = list(accounts)
        if not persons:
            return []
        talks, orders = await self._rows(CONVERSATIONS), await self._rows(ORDERS)
        conversations, bought = await asyncio.gather(
            conversations_of(self._mongo, talks, shop, persons),
            bought_by(orders, shop, accounts),
        )
        return [customer_view(family, conversations, bought) for family in shown]
