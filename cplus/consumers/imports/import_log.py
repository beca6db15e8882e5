"""What the log holds of one import: a commit for each page, and where the import stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

import structlog

from cplus.actors import system
from cplus.consumers.erased_shops import last_erasure
from cplus.consumers.imports.importer import BulkPlace, Follows, Importer, Place
from cplus.consumers.imports.places import headers_of, place_behind
from cplus.consumers.imports.read_facts import customer_facts, read_order_facts
from cplus.consumers.shopify_facts import facts
from cplus.errors import (
    AccessDenied,
    AuthFailed,
    NotInstalled,
    ShopifyError,
    ShopifyRefused,
)
from cplus.events.base import Cause, Event, NewEvent
from cplus.events.catalogue.customers import CustomerDeleted
from cplus.events.catalogue.imports import (
    ImportEnded,
    ImportOrdersLoaded,
    ImportPageLoaded,
    ImportStarted,
)
from cplus.events.causes import cause_of
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import AlreadyRecorded, Appended, settled
from cplus.events.names import (
    bulk_operation_ref,
    customer_stream,
    import_page_claim,
    import_stream,
)
from cplus.privacy.joining import join, join_recorded
from cplus.privacy.listed import Known
from cplus.privacy.mentions import mentions
from cplus.shopify.order_pages import OrdersPage
from cplus.shopify.queries import CustomersPage

log = structlog.get_logger()

OrdersMissing: TypeAlias = Literal["denied", "refused", "unreadable"]
"""Why an import ends without all orders, as in ImportEnded."""


class ImportLog:
    """The commits of one import."""

    def __init__(self, shop: str, import_id: str, follows: Follows, use: Importer) -> None:
        self.shop = shop
        self.total: int | None = None
        """How many customers the shop has, if that was counted."""
        self._id = import_id
        self._follows = follows
        self._use = use
        self._stream = import_stream(import_id)

    async def place(self) -> Place:
        """Where the log says that the import stands."""
        newest = await self._use.store.by_ref(self.shop, self._stream, 1)
        if not newest:
            return Place(1, None, began=self._use.listed.now())
        commit = await self._use.store.by_claim(self.shop, newest[0].claims[0], cause=True)
        if commit is None:
            raise AssertionError("a commit does not go away")
        await join_recorded(self._use.recorder.reader, commit, self._use.persons.join)
        return place_behind(commit)

    async def record(
        self, place: Place, page: CustomersPage, answer: bytes, *, bulk: BulkPlace | None = None
    ) -> Place:
        """Appends the page, which Shopify told in `answer`; the place behind it, as the log has
        it. With `bulk`, it is a piece of the file of a bulk operation, which stands there
        afterwards. Raises CommitTooLarge or InvalidDraft where no commit holds it, and
        NotInstalled if the shop was erased meanwhile."""
        await self._check()
        now = self._use.clock()
        await self._use.listed.saw(self.shop, [one.id for one in page.customers])
        behind = await self._after(place, page, bulk)
        events = await customer_facts(self._use, self.shop, page.customers, now)
        marks: list[Event] = [
            ImportPageLoaded(
                import_id=self._id,
                page=place.page,
                customers=len(page.customers),
                skipped=page.skipped,
            )
        ]
        if place.page == 1:
            marks.insert(0, ImportStarted(import_id=self._id, total=self.total))
        events += facts(self._stream, now, *marks)
        cause = await self._cause(place, behind, answer)
        outcome = await self._append(place, events, cause, received=answer)
        if isinstance(outcome, AlreadyRecorded):
            return await self.place()
        log.info("import_page", shop=self.shop, import_id=self._id, page=place.page)
        return behind

    async def note(
        self, place: Place, behind: Place, why: str, *, started: str | None = None
    ) -> Place:
        """Appends that the import stands at `behind` now, with nothing read. `started` is a bulk
        operation that runs now, so that what Shopify says of it finds the import."""
        await self._check()
        behind = replace(behind, page=place.page + 1)
        events: list[NewEvent] = []
        if place.page == 1:
            begun = ImportStarted(import_id=self._id, total=self.total, bulk=True)
            events = facts(self._stream, self._use.clock(), begun)
        cause = Cause("import", headers=headers_of(place, behind))
        refs = [] if started is None else [bulk_operation_ref(started)]
        outcome = await self._append(place, events, cause, refs, why)
        if isinstance(outcome, AlreadyRecorded):
            return await self.place()
        log.info("import_bulk", shop=self.shop, import_id=self._id, page=place.page)
        return behind

    async def knows(self, operation: str) -> bool:
        """Whether any import of the shop noted this bulk operation."""
        return bool(await self._use.store.by_ref(self.shop, bulk_operation_ref(operation), 1))

    async def _check(self) -> None:
        """Shopify may have answered before the shop was erased. Raises NotInstalled if it was."""
        use = self._use
        erasure = await last_erasure(use.store, use.credentials.saved_at, self.shop)
        if erasure is not None and not erasure.is_over:
            raise NotInstalled(shop=self.shop)

    async def _after(self, place: Place, page: CustomersPage, bulk: BulkPlace | None) -> Place:
        """The place behind the page."""
        unlisted = None
        if not page.has_next and await self.unlisted(place, "", 1):
            unlisted = (place.page, "")
        return replace(
            place,
            page=place.page + 1,
            cursor=place.cursor if unlisted else page.end_cursor,
            last=page.last,
            unlisted=unlisted,
            orders=None if page.has_next or unlisted else (place.page, 0),
            bulk=bulk if page.has_next else None,
        )

    async def unlisted(self, place: Place, after: str, limit: int) -> list[Known]:
        """Customers who were known when the import began and are not in the list."""
        if place.began is None:
            return []
        return await self._use.listed.unseen(self.shop, place.began, after, limit)

    async def record_gone(self, place: Place, gone: Sequence[Known], after: str | None) -> Place:
        """Appends that these customers are deleted: they are not in the list, and Shopify has none
        of that id. `after` is the last that was looked at; None if there are no more."""
        await self._check()
        now = self._use.clock()
        pages, _ = place.unlisted or (0, "")
        events: list[NewEvent] = []
        for one in gone:
            deleted = CustomerDeleted(shopify_customer_id=one.shopify_id, person=one.person)
            events += facts(customer_stream(one.shopify_id), now, deleted)
        behind = replace(
            place,
            page=place.page + 1,
            cursor=place.cursor if after is not None else None,
            unlisted=None if after is None else (pages, after),
            orders=(pages, 0) if after is None else None,
        )
        headers = headers_of(place, behind)
        cause = Cause("import", headers=headers)
        outcome = await self._append(place, events, cause, reason="nobody is gone")
        await self._use.listed.gone(self.shop, [one.shopify_id for one in gone])
        if isinstance(outcome, AlreadyRecorded):
            return await self.place()
        log.info("import_gone", shop=self.shop, import_id=self._id, customers=len(gone))
        return behind

    async def record_orders(
        self, place: Place, page: OrdersPage, answer: bytes, *, bulk: BulkPlace | None = None
    ) -> Place:
        """Appends some orders, with which the import ends if no more follow. One without a currency
        or a total is left out and counted. With `bulk`, they are a piece of the file of a bulk
        operation, which stands there afterwards. Raises as `record` does."""
        await self._check()
        now = self._use.clock()
        pages, _ = place.orders or (0, 0)
        behind = replace(
            place,
            page=place.page + 1,
            ended=not page.has_next,
            orders=(pages, page.last) if page.has_next else None,
            bulk_orders=(bulk or place.bulk_orders) if page.has_next else None,
        )
        events, unreadable = await read_order_facts(self._use, self.shop, page.orders, now)
        skipped = page.skipped + unreadable
        read = len(page.orders) + page.skipped - skipped
        mark = ImportOrdersLoaded(import_id=self._id, page=place.page, orders=read, skipped=skipped)
        events += facts(self._stream, now, mark)
        if behind.ended:
            events += facts(self._stream, now, self._complete(pages, "complete"))
        cause = await self._cause(place, behind, answer)
        outcome = await self._append(place, events, cause, received=answer)
        if isinstance(outcome, AlreadyRecorded):
            return await self.place()
        told = {"shop": self.shop, "import_id": self._id, "page": place.page}
        log.info("import_orders", **told, skipped=skipped)
        return behind

    async def end_without_orders(
        self, place: Place, why: OrdersMissing, error: ShopifyError
    ) -> Place:
        """Appends that the import is complete with its customers, and why orders are missing."""
        await self._check()
        pages, _ = place.orders or (0, 0)
        behind = replace(place, page=place.page + 1, ended=True, orders=None, bulk_orders=None)
        cause = Cause("import", headers=headers_of(place, behind) | {"refusal": str(error)})
        events = facts(self._stream, self._use.clock(), self._complete(pages, why))
        outcome = await self._append(place, events, cause)
        if isinstance(outcome, AlreadyRecorded):
            return await self.place()
        log.warning("import_without_orders", shop=self.shop, import_id=self._id, outcome=why)
        return behind

    def _complete(self, pages: int, orders: Literal["complete"] | OrdersMissing) -> ImportEnded:
        return ImportEnded(import_id=self._id, outcome="complete", pages=pages, orders=orders)

    async def end(self, place: Place, error: NotInstalled | AuthFailed | ShopifyRefused) -> None:
        """Records that the shop lets us read no further; a new install imports anew."""
        refused = isinstance(error, AccessDenied | ShopifyRefused)
        outcome: Literal["refused", "uninstalled"] = "refused" if refused else "uninstalled"
        marks: list[Event] = [
            ImportEnded(import_id=self._id, outcome=outcome, pages=place.page - 1)
        ]
        if place.page == 1:
            marks.insert(0, ImportStarted(import_id=self._id))
        cause = Cause("import", headers={"cursor": place.cursor or "", "refusal": str(error)})
        await self._append(place, facts(self._stream, self._use.clock(), *marks), cause)
        reason = error.values.get("code") or error.values.get("reason") or type(error).__name__
        log.warning(
            "import_refused",
            shop=self.shop,
            import_id=self._id,
            outcome=outcome,
            reason=str(reason),
        )

    async def end_closed(self, place: Place, error: ShopifyError) -> None:
        """Records that Shopify takes no call for the shop. A message that says so goes on here."""
        await self._check()
        behind = replace(place, page=place.page + 1, ended=True, closed=True)
        marks: list[Event] = [
            ImportEnded(import_id=self._id, outcome="closed", pages=place.page - 1)
        ]
        if place.page == 1:
            marks.insert(0, ImportStarted(import_id=self._id))
        cause = Cause("import", headers=headers_of(place, behind) | {"refusal": str(error)})
        await self._append(place, facts(self._stream, self._use.clock(), *marks), cause)
        log.warning("import_closed", shop=self.shop, import_id=self._id)

    async def _cause(self, place: Place, behind: Place, body: bytes) -> Cause:
        headers = headers_of(place, behind)
        return await cause_of(
            "import",
            self.shop,
            body,
            self._use.bodies,
            headers=headers,
            inline=self._use.inline,
        )

    async def _append(
        self,
        place: Place,
        events: Sequence[NewEvent],
        cause: Cause,
        refs: Sequence[str] = (),
        reason: str | None = None,
        received: bytes = b"",
    ) -> Appended | AlreadyRecorded:
        persons = [person for new in events for person in new.event.persons()]
        # An answer also names whom it was not read for: of what could not be read, of who has the
        # address that an order has.
        named = await self._use.persons.named(self.shop, mentions(received).besides(events))
        draft = Draft(
            shop=self.shop,
            claim=import_page_claim(self._id, place.page),
            source="import",
            actor=system("import"),
            events=events,
            cause=cause,
            refs=list(dict.fromkeys([self._stream, *persons, *refs])),
            correlation_id=self._follows.correlation_id,
            causation_id=self._follows.causation_id,
            reason=None if events else reason,
            about=named.persons,
            strangers=named.strangers,
        )
        [outcome] = await self._use.recorder.append([draft])
        done = settled(outcome)
        await join(self._use.recorder.reader, draft, done, self._use.persons.join)
        return done
