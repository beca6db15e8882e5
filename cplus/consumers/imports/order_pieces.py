"""Records a page of orders: one that nobody can read or store is left out, the others are not."""

from __future__ import annotations

import structlog

from cplus.consumers.imports.import_log import ImportLog
from cplus.consumers.imports.importer import Place
from cplus.errors import CommitTooLarge, InvalidDraft
from cplus.shopify.order_pages import OrdersPage

log = structlog.get_logger()


async def record_pieces(into: ImportLog, place: Place, page: OrdersPage, answer: bytes) -> Place:
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
        place = await record_pieces(into, place, first, answer)
        return await record_pieces(into, place, page._replace(orders=tuple(orders[half:])), answer)
