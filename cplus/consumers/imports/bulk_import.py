"""Imports the customers of a large shop by a bulk operation: start, wait, read the file.

How far it is stands in the log, as with pages: that an operation was asked for, that it runs, and
how many bytes of its file are recorded. Nothing is held while Shopify works: its webhook wakes a
run, and a delayed message does where that is lost.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar

import structlog

from cplus.consumers.imports.import_log import ImportLog
from cplus.consumers.imports.importer import BulkPlace, Importer, Place
from cplus.deadline import Deadline
from cplus.errors import (
    AccessDenied,
    CommitTooLarge,
    InvalidDraft,
    ShopifyRefused,
    ShopifyUnavailable,
)
from cplus.shopify import bulk
from cplus.shopify.admin import AdminClient
from cplus.shopify.cursors import cursor_behind
from cplus.shopify.queries import (
    CustomersPage,
    ImportedCustomer,
    customer_of,
    id_of,
)

T = TypeVar("T")
Ask = Callable[[AdminClient, Callable[[], Awaitable[T]]], Awaitable[T]]

log = structlog.get_logger()

TRIES: Final = 3
"""Bulk operations of one import; what is left after the last is read by pages."""

LARGEST_PIECE: Final = 2 * bulk.LONGEST_LINE
"""Bytes that a piece of the file has at most, however few lines that are."""

_UNDER_WAY: Final = frozenset({"CREATED", "RUNNING", "CANCELING"})


class Piece(NamedTuple):
    """Lines of the file that are recorded together."""

    lines: Sequence[bulk.Line]
    last: bool
    """Whether no more follow."""


@dataclass(slots=True)
class BulkImport:
    """The bulk operation of an import, in one run."""

    log: ImportLog
    use: Importer
    ask: Ask[Any]
    deadline: Deadline
    waits: Callable[[], AbstractAsyncContextManager[Any]]
    """Ends what takes longer than the run has."""
    _operation: bulk.Operation | None = None
    _file: AsyncGenerator[Piece, None] | None = field(default=None)

    async def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            await self._file.aclose()
            self._file = None

    async def step(self, client: AdminClient, place: Place) -> Place | None:
        """Where the import stands after the next step; None while Shopify works.

        Raises as `AdminClient.query`, but for what is wrong with the operation: then another is
        started behind what was read, or the rest is read by pages.
        """
        at = _at(place)
        if at.operation is None:
            return await self._start(client, place, at)
        if self._operation is None:
            gid = at.operation
            self._operation = await self.ask(
                client, lambda: bulk.operation(client, gid, deadline=self.deadline)
            )
        found = self._operation
        if found is None:
            return await self._again(place, at, "it is not known any more")
        if found.status in _UNDER_WAY:
            return None
        if found.status == "COMPLETED":
            return await self._read(client, place, at, found.url, found.size)
        if found.error_code == "ACCESS_DENIED":
            return await self._by_pages(place, at, "bulk operations are not allowed")
        if found.status == "FAILED" and found.partial_url:
            return await self._read(client, place, at, found.partial_url, None, partial=True)
        return await self._again(place, at, f"{found.status} {found.error_code or ''}".strip())

    async def _start(self, client: AdminClient, place: Place, at: BulkPlace) -> Place | None:
        query = bulk.customers_query(at.floor)
        gid = await self._unrecorded(client, query, at.since)
        if gid is None:
            try:
                gid = await self.ask(
                    client, lambda: bulk.start(client, query, deadline=self.deadline)
                )
            except bulk.BulkBusy:
                return None
            except (AccessDenied, ShopifyRefused) as error:
                reason = "bulk operations are not allowed"
                if isinstance(error, ShopifyRefused):
                    reason = str(error.values["code"])
                return await self._by_pages(place, at, reason)
        begun = replace(at, operation=gid, offset=0)
        return await self.log.note(place, begun, "a bulk operation of Shopify runs", started=gid)

    async def _unrecorded(
        self, client: AdminClient, query: str, since: datetime | None
    ) -> str | None:
        """An operation that a run of this import started before it ended without a record of it.

        One that an import noted is that import's, and one from before this import decided to start
        one lacks the customers who came since. If Shopify's clock is behind ours, it is not found,
        and another one is started.
        """
        if since is None:
            return None
        for gid in await self.ask(
            client, lambda: bulk.started(client, query, since, deadline=self.deadline)
        ):
            if not await self.log.knows(gid):
                return str(gid)
        return None

    async def _read(
        self,
        client: AdminClient,
        place: Place,
        at: BulkPlace,
        url: str | None,
        size: int | None,
        *,
        partial: bool = False,
    ) -> Place:
        """Records the next piece of the file."""
        if url is None and at.offset:
            return await self._again(place, at, "the file is no longer there")
        try:
            if url is None:  # nothing was found
                piece = Piece((), last=True)
            else:
                if self._file is None:
                    self._file = _pieces(client, url, at.offset, self.use.page_size)
                async with self.waits():
                    piece = await anext(self._file)
        except bulk.FileGone:
            return await self._again(place, at, "the file is no longer there")
        if partial and piece.last and piece.lines and not piece.lines[-1].whole:
            piece = Piece(piece.lines[:-1], last=True)  # cut off: it is read again
        elif piece.last and size is not None:
            end = piece.lines[-1].end if piece.lines else at.offset
            if end != size:
                await self.close()
                raise ShopifyUnavailable(shop=client.shop, reason="a file that ended early")
        after = await self._record(client, place, piece.lines, last=piece.last and not partial)
        if partial and piece.last and after.bulk is not None:
            return await self._again(after, after.bulk, "only a part of it was read")
        return after

    async def _record(
        self, client: AdminClient, place: Place, lines: Sequence[bulk.Line], *, last: bool
    ) -> Place:
        """Records the lines; where no commit holds them, one half after the other, and leaves out
        one that is alone too large."""
        at = _at(place)
        page, ids = _page(client, lines, place.last, last=last)
        rising = all(one < next_ for one, next_ in zip([place.last, *ids], ids, strict=False))
        end = lines[-1].end if lines else at.offset
        behind = replace(at, offset=end, ordered=at.ordered and rising)
        body = b"".join(line.text for line in lines)
        try:
            return await self.log.record(place, page, body, bulk=behind)
        except (CommitTooLarge, InvalidDraft) as error:
            log.warning("import_page_unwritable", shop=client.shop, customers=len(lines))
            if not page.customers:
                raise
            if len(lines) > 1:
                half = len(lines) // 2
                place = await self._record(client, place, lines[:half], last=False)
                return await self._record(client, place, lines[half:], last=last)
            log.error("customer_unwritable", shop=client.shop, error=type(error).__name__)
            page = page.model_copy(update={"customers": (), "skipped": 1})
            return await self.log.record(place, page, body, bulk=behind)

    async def _again(self, place: Place, at: BulkPlace, why: str) -> Place:
        """Another operation behind what was read; by pages after the last try."""
        await self.close()
        self._operation = None
        if at.tries + 1 >= TRIES:
            return await self._by_pages(place, at, why)
        log.warning("import_bulk_again", shop=self.log.shop, reason=why, tries=at.tries + 1)
        floor = place.last if at.ordered else 0
        fresh = BulkPlace(None, 0, at.tries + 1, floor, at.ordered, self.use.clock())
        return await self.log.note(place, fresh, f"the bulk operation is done anew: {why}")

    async def _by_pages(self, place: Place, at: BulkPlace, why: str) -> Place:
        log.warning("import_bulk_by_pages", shop=self.log.shop, reason=why)
        floor = place.last if at.ordered else 0
        by_pages = replace(place, cursor=cursor_behind(floor))
        return await self.log.note(by_pages, None, f"the rest is read by pages: {why}")


def _at(place: Place) -> BulkPlace:
    if place.bulk is None:
        raise AssertionError("the import has no bulk operation")
    return place.bulk


async def _pieces(
    client: AdminClient, url: str, offset: int, size: int
) -> AsyncGenerator[Piece, None]:
    kept, held = list[bulk.Line](), 0
    lines = bulk.lines(client, url, offset)
    try:
        async for line in lines:
            held += len(line.text)
            if len(kept) == size or (kept and held > LARGEST_PIECE):
                yield Piece(kept, last=False)
                kept, held = [], len(line.text)
            kept.append(line)
    finally:
        await lines.aclose()
    yield Piece(kept, last=True)


def _page(
    client: AdminClient, lines: Sequence[bulk.Line], before: int, *, last: bool
) -> tuple[CustomersPage, list[int]]:
    """The customers of the lines, and their ids in the order of the file."""
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
        last=max([before, *ids]),
        skipped=len(lines) - len(customers),
    )
    return page, ids
