"""Imports the orders, once the customers are there: in pages, or by a bulk operation if they are
many."""

from __future__ import annotations

import structlog

from cplus.consumers.imports.bulk.orders import OrdersFromBulk, by_bulk
from cplus.consumers.imports.import_log import ImportLog
from cplus.consumers.imports.importer import Place
from cplus.errors import (
    AccessDenied,
    CommitTooLarge,
    InvalidDraft,
    ShopifyRefused,
    UnreadableAnswer,
)
from cplus.shopify.admin import AdminClient
from cplus.shopify.bulk_orders import orders_count
from cplus.shopify.order_pages import OrdersPage, orders_page

log = structlog.get_logger()


class OrderImport:
    """The orders of an import, in one run."""

    def __init__(self, by_bulk: OrdersFromBulk) -> None:
        self._bulk = by_bulk
        self._counted = False

    async def close(self) -> None:
        """Closes the file of the bulk operation."""
        await self._bulk.close()

    async def step(self, client: AdminClient, place: Place, *, last_try: bool) -> Place | None:
        """Records the next orders; None while it waits for Shopify. If Shopify refuses them, or
        tells them in a way that cannot be read (on the last try), the import is complete with its
        customers: they are there. Raises as AdminClient.query otherwise."""
        into = self._bulk.log
        try:
            if by_bulk(place):
                return await self._bulk.step(client, place)
            if await self._are_many(client, place):
                return await self._bulk.begin(place)
            page = await self._page(client, place)
        except AccessDenied as error:
            return await into.end_without_orders(place, "denied", error)
        except ShopifyRefused as error:
            return await into.end_without_orders(place, "refused", error)
        except UnreadableAnswer as error:
            if not last_try:
                raise
            return await into.end_without_orders(place, "unreadable", error)
        return await _record_pieces(into, place, page, self._bulk.asker.received)

    async def _page(self, client: AdminClient, place: Place) -> OrdersPage:
        behind, since, deadline = (
            self._bulk.last(place),
            self._bulk.since(place),
            self._bulk.deadline,
        )
        return await self._bulk.asker.ask(
            client, lambda: orders_page(client, behind, since, deadline=deadline)
        )

    async def _are_many(self, client: AdminClient, place: Place) -> bool:
        """Whether a bulk operation is the better way for the orders, of which none was read yet."""
        begun = self._bulk.last(place) or place.bulk_orders
        # An import that an older release began does not know since when it asks for orders.
        if begun or place.began is None or self._counted:
            return False
        self._counted, since, deadline = True, self._bulk.since(place), self._bulk.deadline
        try:
            count = await self._bulk.asker.ask(
                client, lambda: orders_count(client, since, deadline=deadline)
            )
        except (UnreadableAnswer, ShopifyRefused) as error:
            log.warning("import_uncounted", shop=client.shop, reason=type(error).__name__)
            return False
        return count.number > self._bulk.use.bulk_orders_over


async def _record_pieces(into: ImportLog, place: Place, page: OrdersPage, answer: bytes) -> Place:
    """Records the page, which Shopify told in `answer`; where no commit holds it, one half after
    the other. One that is alone too large is left out and counted. Answers where the import then
    stands, and raises NotInstalled as `record_orders` does."""
    try:
        return await into.record_orders(place, page, answer)
    except (CommitTooLarge, InvalidDraft) as error:
        orders = sorted(page.orders, key=lambda order: order.id)
        log.warning("import_page_unwritable", shop=into.shop, orders=len(orders))
        if not orders:
            raise
        if len(orders) == 1:
            log.error("order_unwritable", shop=into.shop, error=type(error).__name__)
            left = page._replace(orders=(), skipped=page.skipped + 1)
            return await into.record_orders(place, left, answer)
        half = len(orders) // 2
        # A run that ends in between goes on behind the first half.
        first = OrdersPage(tuple(orders[:half]), True, orders[half - 1].id, 0)
        place = await _record_pieces(into, place, first, answer)
        return await _record_pieces(into, place, page._replace(orders=tuple(orders[half:])), answer)
