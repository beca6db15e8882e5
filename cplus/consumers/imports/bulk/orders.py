"""The orders of the last 60 days of a shop that has many, by a bulk operation."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar, Final

from cplus.consumers.imports.bulk.operations import TRIES, FromBulk, Read
from cplus.consumers.imports.importer import BulkPlace, Place
from cplus.shopify import bulk, bulk_orders
from cplus.shopify.admin import AdminClient
from cplus.shopify.order_pages import OrdersPage, order_of
from cplus.shopify.queries import id_of

ORDERS_OF: Final = timedelta(days=60)
"""Older orders need a scope of their own, which Shopify has to approve."""

PIECE: Final = 50
"""Orders that are recorded together, at most."""


def by_bulk(place: Place) -> bool:
    """Whether the orders come by a bulk operation now."""
    return place.bulk_orders is not None and place.bulk_orders.tries < TRIES


class OrdersFromBulk(FromBulk[OrdersPage]):
    """The orders of a shop, with the customers there."""

    grouped: ClassVar[bool] = True

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.size = min(self.use.page_size, PIECE)

    def since(self, place: Place) -> datetime:
        """Orders that were placed since then are asked for."""
        return (place.began or self.use.clock()) - ORDERS_OF

    async def begin(self, place: Place) -> Place:
        """Notes that the orders come by a bulk operation."""
        at = BulkPlace(None, since=self.use.clock())
        return await self.log.note(place, self.there(place, at), "there are many orders")

    def reads(self, place: Place) -> bool:
        """Whether the import stands at such an operation."""
        return by_bulk(place)

    def at(self, place: Place) -> BulkPlace:
        """Where the operation stands."""
        if place.bulk_orders is None:
            raise AssertionError("the import has no bulk operation for orders")
        return place.bulk_orders

    def there(self, place: Place, at: BulkPlace) -> Place:
        """The place with the operation at another place of its own."""
        return replace(place, bulk_orders=at)

    def by_pages(self, place: Place, at: BulkPlace) -> Place:
        """The place from which pages go on. That no operation is started again stays noted."""
        pages, last = _orders(place)
        behind = (pages, last if at.ordered else 0)
        return replace(place, orders=behind, bulk_orders=BulkPlace(None, tries=TRIES))

    def last(self, place: Place) -> int:
        """The largest id that was read."""
        return _orders(place)[1]

    def query(self, place: Place) -> str:
        """What Shopify is to put into a file."""
        return bulk_orders.orders_query(self.at(place).floor, self.since(place))

    def lines(self, client: AdminClient, url: str, offset: int) -> AsyncGenerator[bulk.Line, None]:
        """The orders of the file."""
        return bulk_orders.grouped(bulk.lines(client, url, offset))

    async def step(self, client: AdminClient, place: Place) -> Place | None:
        """As of every bulk operation. A file whose line items are apart from their orders, against
        Shopify's promise, is not read on: the pages begin anew."""
        try:
            return await super().step(client, place)
        except bulk_orders.NotGrouped:
            apart = self.there(place, replace(self.at(place), ordered=False))
            return await self.give_up(apart, "line items that do not follow their order")

    async def read(
        self, client: AdminClient, place: Place, lines: Sequence[bulk.Line], *, last: bool
    ) -> Read[OrdersPage]:
        """What the lines say, and what moved with the refunds of their orders."""
        nodes = [bulk_orders.node_of(line) for line in lines]
        ids = [number for node in nodes if (number := id_of(node)) is not None]
        moved, answers = await self._moved(client, [node for node in nodes if node is not None])
        orders = [
            one
            for node in nodes
            if node is not None
            if (one := order_of(client, bulk_orders.with_moves(node, moved))) is not None
        ]
        skipped = len(lines) - len(orders)
        page = OrdersPage(tuple(orders), not last, max([self.last(place), *ids]), skipped)
        body = b"".join([*(line.text for line in lines), *answers])
        return Read(page, len(orders), ids, body)

    async def _moved(
        self, client: AdminClient, nodes: Sequence[dict[str, Any]]
    ) -> tuple[dict[str, Any], list[bytes]]:
        """What moved with the refunds of these orders, by their ids; and the answers that said
        so."""
        wanted = [gid for node in nodes for gid in bulk_orders.refunds_of(node)]
        moved, answers = dict[str, Any](), list[bytes]()
        for start in range(0, len(wanted), bulk_orders.MOST_REFUNDS):
            some = wanted[start : start + bulk_orders.MOST_REFUNDS]
            moved |= await self.asker.ask(client, partial(self._asked, client, some))
            answers.append(self.asker.received + b"\n")
        return moved, answers

    async def _asked(self, client: AdminClient, some: Sequence[str]) -> dict[str, Any]:
        return await bulk_orders.moves(client, some, deadline=self.deadline)

    async def record(self, place: Place, page: OrdersPage, body: bytes, at: BulkPlace) -> Place:
        """Records the page."""
        return await self.log.record_orders(place, page, body, bulk=at)

    def without(self, page: OrdersPage) -> OrdersPage:
        """The page of one order, which is left out and counted."""
        return page._replace(orders=(), skipped=1)


def _orders(place: Place) -> tuple[int, int]:
    if place.orders is None:
        raise AssertionError("the import has not come to the orders")
    return place.orders
