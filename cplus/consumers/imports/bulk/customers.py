"""The customers of a large shop, by a bulk operation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cplus.consumers.imports.bulk.operations import FromBulk, Read
from cplus.consumers.imports.importer import BulkPlace, Place
from cplus.shopify import bulk
from cplus.shopify.admin import AdminClient
from cplus.shopify.cursors import cursor_behind
from cplus.shopify.queries import CustomersPage, ImportedCustomer, customer_of, id_of


class CustomersFromBulk(FromBulk[CustomersPage]):
    """The customers of a shop. The import stands at them while `Place.bulk` does."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.size = self.use.page_size

    def reads(self, place: Place) -> bool:
        """Whether the import stands at such an operation."""
        return place.bulk is not None

    def at(self, place: Place) -> BulkPlace:
        """Where the operation stands."""
        if place.bulk is None:
            raise AssertionError("the import has no bulk operation")
        return place.bulk

    def there(self, place: Place, at: BulkPlace) -> Place:
        """The place with the operation at another place of its own."""
        return replace(place, bulk=at)

    def by_pages(self, place: Place, at: BulkPlace) -> Place:
        """The place from which pages go on."""
        return replace(place, bulk=None, cursor=cursor_behind(place.last if at.ordered else 0))

    def last(self, place: Place) -> int:
        """The largest id that was read."""
        return place.last

    def query(self, place: Place) -> str:
        """What Shopify is to put into a file."""
        return bulk.customers_query(self.at(place).floor)

    async def read(
        self, client: AdminClient, place: Place, lines: Sequence[bulk.Line], *, last: bool
    ) -> Read[CustomersPage]:
        """What the lines say."""
        customers: list[ImportedCustomer] = []
        ids: list[int] = []
        for line in lines:
            node = bulk.json_of(line)
            number = id_of(node)
            if number is not None:
                ids.append(number)
            if (one := customer_of(client, node)) is not None:
                customers.append(one)
        page = CustomersPage(
            customers=tuple(customers),
            end_cursor=None,
            has_next=not last,
            last=max([place.last, *ids]),
            skipped=len(lines) - len(customers),
        )
        return Read(page, len(customers), ids, b"".join(line.text for line in lines))

    async def record(self, place: Place, page: CustomersPage, body: bytes, at: BulkPlace) -> Place:
        """Records the page."""
        return await self.log.record(place, page, body, bulk=at)

    def without(self, page: CustomersPage) -> CustomersPage:
        """The page of one customer, who is left out and counted."""
        return page.model_copy(update={"customers": (), "skipped": 1})
