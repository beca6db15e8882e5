"""Imports what a bulk operation of Shopify brings: start, wait, read the file.

How far it is stands in the log, as with pages: that an operation was asked for, that it runs, and
how many bytes of its file are recorded. Nothing is held while Shopify works: its webhook wakes a
run, and a delayed message does where that is lost.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar, Final, Generic, NamedTuple, TypeVar

import structlog

from cplus.consumers.imports.asking import Asker
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

P = TypeVar("P")

log = structlog.get_logger()

TRIES: Final = 3
"""Bulk operations of one kind and import; what is left after the last is read by pages."""

LARGEST_PIECE: Final = 2 * bulk.LONGEST_LINE
"""Bytes that a piece of the file has at most, however few lines that are."""

_UNDER_WAY: Final = frozenset({"CREATED", "RUNNING", "CANCELING"})


class Piece(NamedTuple):
    """Lines of the file that are recorded together."""

    lines: Sequence[bulk.Line]
    last: bool
    """Whether no more follow."""


class Read(NamedTuple, Generic[P]):
    """What lines of the file say."""

    page: P
    held: int
    """How many objects are in the page."""
    ids: list[int]
    """Of the objects, in the order of the file."""
    body: bytes
    """The lines, and what else was asked for."""


class FromBulk(ABC, Generic[P]):
    """What a bulk operation brings for an import, in one run."""

    grouped: ClassVar[bool] = False
    """Whether the lines of what belongs to an object follow its own."""
    size: int
    """Objects that are recorded together, at most."""

    def __init__(
        self,
        into: ImportLog,
        use: Importer,
        asker: Asker,
        deadline: Deadline,
        waits: Callable[[], AbstractAsyncContextManager[Any]],
    ) -> None:
        self.log, self.use, self.asker, self.deadline = into, use, asker, deadline
        self._waits = waits  # ends what takes longer than the run has
        self._operation: bulk.Operation | None = None
        self._file: AsyncGenerator[Piece, None] | None = None

    @abstractmethod
    def reads(self, place: Place) -> bool:
        """Whether the import stands at such an operation."""

    @abstractmethod
    def at(self, place: Place) -> BulkPlace:
        """Where the operation stands."""

    @abstractmethod
    def there(self, place: Place, at: BulkPlace) -> Place:
        """The place with the operation at another place of its own."""

    @abstractmethod
    def by_pages(self, place: Place, at: BulkPlace) -> Place:
        """The place from which pages go on."""

    @abstractmethod
    def last(self, place: Place) -> int:
        """The largest id that was read."""

    @abstractmethod
    def query(self, place: Place) -> str:
        """What Shopify is to put into a file."""

    def lines(self, client: AdminClient, url: str, offset: int) -> AsyncGenerator[bulk.Line, None]:
        """The objects of the file."""
        return bulk.lines(client, url, offset)

    @abstractmethod
    async def read(
        self, client: AdminClient, place: Place, lines: Sequence[bulk.Line], *, last: bool
    ) -> Read[P]:
        """What the lines say; the last of all with `last`."""

    @abstractmethod
    async def record(self, place: Place, page: P, body: bytes, at: BulkPlace) -> Place:
        """Records the page; the place behind it, as the log has it. Raises CommitTooLarge or
        InvalidDraft where no commit holds it."""

    @abstractmethod
    def without(self, page: P) -> P:
        """The page of one object, which is left out and counted."""

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
        at = self.at(place)
        if at.operation is None:
            return await self._start(client, place, at)
        if self._operation is None:
            gid = at.operation
            self._operation = await self.asker.ask(
                client, lambda: bulk.operation(client, gid, deadline=self.deadline)
            )
        found = self._operation
        if found is None:
            return await self.again(place, "it is not known any more")
        if found.status in _UNDER_WAY:
            return None
        if found.status == "COMPLETED":
            return await self._read(client, place, found.url, found.size)
        if found.error_code == "ACCESS_DENIED":
            return await self.give_up(place, "bulk operations are not allowed")
        if found.status == "FAILED" and found.partial_url:
            return await self._read(client, place, found.partial_url, None, partial=True)
        return await self.again(place, f"{found.status} {found.error_code or ''}".strip())

    async def _start(self, client: AdminClient, place: Place, at: BulkPlace) -> Place | None:
        query = self.query(place)
        gid = await self._unrecorded(client, query, at.since)
        if gid is None:
            try:
                gid = await self.asker.ask(
                    client,
                    lambda: bulk.start(client, query, grouped=self.grouped, deadline=self.deadline),
                )
            except bulk.BulkBusy:
                return None
            except (AccessDenied, ShopifyRefused) as error:
                reason = "bulk operations are not allowed"
                if isinstance(error, ShopifyRefused):
                    reason = str(error.values["code"])
                return await self.give_up(place, reason)
        begun = self.there(place, replace(at, operation=gid, offset=0))
        return await self.log.note(place, begun, "a bulk operation of Shopify runs", started=gid)

    async def _unrecorded(
        self, client: AdminClient, query: str, since: datetime | None
    ) -> str | None:
        """An operation that a run of this import started before it ended without a record of it.

        One that an import noted is that import's, and one from before this import decided to start
        one lacks what came since. If Shopify's clock is behind ours, it is not found, and another
        one is started.
        """
        if since is None:
            return None
        for gid in await self.asker.ask(
            client, lambda: bulk.started(client, query, since, deadline=self.deadline)
        ):
            if not await self.log.knows(gid):
                return str(gid)
        return None

    async def _read(
        self,
        client: AdminClient,
        place: Place,
        url: str | None,
        size: int | None,
        *,
        partial: bool = False,
    ) -> Place:
        """Records the next piece of the file."""
        at = self.at(place)
        if url is None and at.offset:
            return await self.again(place, "the file is no longer there")
        try:
            if url is None:  # nothing was found
                piece = Piece((), last=True)
            else:
                if self._file is None:
                    self._file = self._pieces(client, url, at.offset)
                async with self._waits():
                    piece = await anext(self._file)
        except bulk.FileGone:
            return await self.again(place, "the file is no longer there")
        if partial and piece.last and piece.lines and not piece.lines[-1].whole:
            piece = Piece(piece.lines[:-1], last=True)  # cut off: it is read again
        elif piece.last and size is not None:
            end = piece.lines[-1].end if piece.lines else at.offset
            if end != size:
                await self.close()
                raise ShopifyUnavailable(shop=client.shop, reason="a file that ended early")
        after = await self._record(client, place, piece.lines, last=piece.last and not partial)
        if partial and piece.last and self.reads(after):
            return await self.again(after, "only a part of it was read")
        return after

    async def _pieces(
        self, client: AdminClient, url: str, offset: int
    ) -> AsyncGenerator[Piece, None]:
        kept, held = list[bulk.Line](), 0
        lines = self.lines(client, url, offset)
        try:
            async for line in lines:
                held += len(line.text)
                if len(kept) == self.size or (kept and held > LARGEST_PIECE):
                    yield Piece(kept, last=False)
                    kept, held = [], len(line.text)
                kept.append(line)
        finally:
            await lines.aclose()
        yield Piece(kept, last=True)

    async def _record(
        self, client: AdminClient, place: Place, lines: Sequence[bulk.Line], *, last: bool
    ) -> Place:
        """Records the lines; where no commit holds them, one half after the other, and leaves out
        one that is alone too large."""
        at = self.at(place)
        page, held, ids, body = await self.read(client, place, lines, last=last)
        known = [self.last(place), *ids]
        rising = all(one < next_ for one, next_ in zip(known, ids, strict=False))
        end = lines[-1].end if lines else at.offset
        behind = replace(at, offset=end, ordered=at.ordered and rising)
        try:
            return await self.record(place, page, body, behind)
        except (CommitTooLarge, InvalidDraft) as error:
            log.warning("import_page_unwritable", shop=client.shop, objects=len(lines))
            if not held:
                raise
            if len(lines) > 1:
                half = len(lines) // 2
                place = await self._record(client, place, lines[:half], last=False)
                return await self._record(client, place, lines[half:], last=last)
            log.error("object_unwritable", shop=client.shop, error=type(error).__name__)
            return await self.record(place, self.without(page), body, behind)

    async def again(self, place: Place, why: str) -> Place:
        """Another operation behind what was read; by pages after the last try."""
        await self.close()
        self._operation = None
        at = self.at(place)
        if at.tries + 1 >= TRIES:
            return await self.give_up(place, why)
        log.warning("import_bulk_again", shop=self.log.shop, reason=why, tries=at.tries + 1)
        floor = self.last(place) if at.ordered else 0
        fresh = BulkPlace(None, 0, at.tries + 1, floor, at.ordered, self.use.clock())
        behind = self.there(place, fresh)
        return await self.log.note(place, behind, f"the bulk operation is done anew: {why}")

    async def give_up(self, place: Place, why: str) -> Place:
        """Leaves the rest to pages."""
        await self.close()
        log.warning("import_bulk_by_pages", shop=self.log.shop, reason=why)
        by_pages = self.by_pages(place, self.at(place))
        return await self.log.note(place, by_pages, f"the rest is read by pages: {why}")
