"""Imports a shop's customers page by page: one commit for each page, in one run after another.

How far an import is stands in the log: the newest page that was recorded holds the cursor behind
it. What a message says of cursor and page only tells people; a doubled or late message goes on
from the log like any other.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

import structlog

from cplus.consumers.batches.hand_on import HandOn, work_on
from cplus.consumers.batches.sqs import SqsRecord
from cplus.consumers.imports.asking import Asker
from cplus.consumers.imports.bulk.customers import CustomersFromBulk
from cplus.consumers.imports.bulk.orders import OrdersFromBulk, by_bulk
from cplus.consumers.imports.import_log import ImportLog
from cplus.consumers.imports.importer import GO_ON, BulkPlace, Follows, Importer, Place
from cplus.consumers.imports.order_import import OrderImport
from cplus.deadline import Deadline
from cplus.errors import (
    AddressRefused,
    AuthFailed,
    CommitTooLarge,
    InvalidDraft,
    InvalidInput,
    NotInstalled,
    ShopifyRefused,
    ShopifyUnavailable,
    Throttled,
)
from cplus.privacy.listed import Known
from cplus.shopify.admin import AdminClient
from cplus.shopify.bulk import customers_count
from cplus.shopify.hosts import shop_host
from cplus.shopify.queries import CustomersPage, customer_exists, customers_page

Work = Callable[[Deadline, Mapping[str, Any]], Awaitable[HandOn | None]]

log = structlog.get_logger()

MARGIN: Final = 20.0
"""Seconds before the time limit from which no page is begun; less where the limit is short."""

MAX_DELAY: Final = 900
"""Seconds that SQS delays a message at most."""

_LOOKS: Final = 25  # customers that one commit tells of as gone, at most
_PAUSE: Final = 30  # seconds until a Shopify that is down is asked again; twice that the next time
_FAILED_RUNS: Final = 12  # on end without one page, some two hours: then the queue counts the tries
_CLOSED_RUNS: Final = 3 * 24 * 4  # on end that Shopify refused, one each MAX_DELAY: three days
_HELD: Final = 60  # seconds until a message is looked at again whose shop is in another's hands
_IMPORT_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")


async def handle(
    records: Sequence[SqsRecord],
    use: Importer,
    limit: Deadline,
    others: Mapping[str, Work] = MappingProxyType({}),
) -> list[str]:
    """Works on each import until it ends or the time does; answers the ids of messages that
    failed. `others` do other messages of the queue, by a field that only those have.

    `limit` is when Lambda ends the function. One run works on a shop at a time, whatever imports
    it has: the message of another is sent again, to be looked at later.
    """

    # One at a time by serverless.yml: an import has the whole time.
    async def work(message: dict[str, Any]) -> HandOn | None:
        for field, other in others.items():
            if field in message:
                return await other(limit, message)
        return await _work(use, limit, message)

    return await work_on(records, work, use.send, limit)


async def _work(use: Importer, limit: Deadline, message: Mapping[str, Any]) -> HandOn | None:
    shop = shop_host(message.get("shop"))
    import_id = message.get("import_id")
    if not isinstance(import_id, str) or not _IMPORT_ID.fullmatch(import_id):
        raise InvalidInput(reason="the message names no import")
    run = _Run(shop, import_id, _follows(message, import_id), use, limit)
    goes_on = message.get(GO_ON) is True
    held_for = limit.remaining() + 1.0
    lease = await use.leases.take(f"import/{shop}", held_for)
    if lease is None:
        log.info("import_held_elsewhere", shop=shop, import_id=import_id)
        return HandOn(dict(message), shop, math.ceil(min(_HELD, held_for)))
    try:
        counts = (_number(message, name) for name in ("failed", "polls", "refused"))
        return await run.work(*counts, goes_on=goes_on)
    finally:
        # Before the message goes out: who takes it up must not find the lease held.
        await use.leases.release(lease)


def _number(message: Mapping[str, Any], name: str) -> int:
    found = message.get(name)
    return found if isinstance(found, int) and found > 0 else 0


def _reason(error: Exception) -> str:
    return str(getattr(error, "values", {}).get("reason", type(error).__name__))


def _follows(message: Mapping[str, Any], import_id: str) -> Follows:
    correlation_id, causation_id = message.get("correlation_id"), message.get("causation_id")
    return Follows(
        correlation_id if isinstance(correlation_id, str) and correlation_id else import_id,
        causation_id if isinstance(causation_id, str) and causation_id else None,
    )


class _Run:
    """One run of one import, under its lease."""

    def __init__(
        self, shop: str, import_id: str, follows: Follows, use: Importer, limit: Deadline
    ) -> None:
        self._shop = shop
        self._id = import_id
        self._follows = follows
        self._use = use
        self._begins_until = limit.with_margin(MARGIN, 0.3)
        self._waits_until = limit.with_margin(MARGIN / 2, 0.15)
        self._log = ImportLog(shop, import_id, follows, use)
        self._asker = Asker(shop, use, self._waits_until)
        self._first = use.page_size
        self._counted = False
        self._failed = 0  # runs on end that came to no page, before this one came to one
        parts = (self._log, use, self._asker, self._begins_until)
        self._bulk = CustomersFromBulk(*parts, self._waits)
        self._orders = OrderImport(OrdersFromBulk(*parts, self._waits))

    def _waits(self) -> asyncio.Timeout:
        return asyncio.timeout(self._waits_until.remaining())

    async def work(
        self, failed: int, polls: int, refused: int, *, goes_on: bool = False
    ) -> HandOn | None:
        """Loads pages until the import or the time ends; answers what is left. Of the runs before,
        `failed` came to no page because Shopify was down, `refused` because it refused the call,
        and `polls` only saw that a bulk operation is under way. With `goes_on`, an import that
        ended as `closed` goes on."""
        self._failed = failed
        place = await self._log.place()
        goes_on = goes_on and place.closed
        if place.ended and not goes_on:
            return None
        place = first = replace(place, ended=False, closed=False)
        client: AdminClient | None = None
        async with self._asker.http() as http:
            try:
                client = await self._asker.client(http)
                while not place.ended:
                    if self._begins_until.passed():
                        return self._rest(place, 0)
                    after = await self._step(client, place)
                    if after is None:
                        delay = min(_HELD * 2 ** min(polls, 10), MAX_DELAY)
                        return self._rest(place, delay, polls=polls + 1)
                    place, polls, self._failed = after, 0, 0
            except Throttled as throttled:
                return self._rest(place, min(math.ceil(throttled.retry_after), MAX_DELAY))
            except (NotInstalled, AuthFailed, ShopifyRefused) as error:
                await self._log.end(place, error)
                await self._asker.leave(client, place, error)
            except AddressRefused as error:
                stands = place == first
                # One that had ended like this is asked for again the next day.
                new = not (goes_on and stands)
                return await self._refused(place, error, refused if stands else 0, new=new)
            except (ShopifyUnavailable, TimeoutError) as error:
                log.warning("import_interrupted", shop=self._shop, reason=_reason(error))
                failed = failed + 1 if place == first else 1
                if failed > _FAILED_RUNS:
                    raise
                return self._rest(place, min(_PAUSE * 2 ** (failed - 1), MAX_DELAY), failed)
            finally:
                await self._bulk.close()
                await self._orders.close()
        return None

    async def _refused(
        self, place: Place, error: AddressRefused, before: int, *, new: bool
    ) -> HandOn | None:
        """What is left, if Shopify refused the call. Somebody may have to mend the allowlist of
        addresses first, for hours or a weekend: the queue counts no tries. A shop that Shopify
        closed is refused for good."""
        if before < _CLOSED_RUNS:
            return self._rest(place, MAX_DELAY, refused=before + 1) if new else None
        await self._log.end_closed(place, error)
        return None

    async def _step(self, client: AdminClient, place: Place) -> Place | None:
        """Where the import stands after the next page; None while it waits for Shopify."""
        if place.unlisted is not None:
            return await self._look(client, place, place.unlisted[1])
        if place.bulk is not None:
            return await self._bulk.step(client, place)
        if not self._counted and not by_bulk(place):
            # In a later run too, for what its cheap answer says of the budget: the first page of
            # each run would be throttled.
            self._counted = True
            if await self._is_large(client) and place.page == 1:
                at = BulkPlace(None, since=self._use.clock())
                return await self._log.note(place, replace(place, bulk=at), "")
        if place.orders is not None:
            return await self._orders.step(client, place, last_try=self._failed >= _FAILED_RUNS)
        return await self._take(place, await self._page(client, place))

    async def _is_large(self, client: AdminClient) -> bool:
        """Whether a bulk operation is the better way; notes how many customers there are."""
        try:
            count = await self._asker.ask(
                client, lambda: customers_count(client, deadline=self._begins_until)
            )
        except ShopifyRefused as refused:
            log.warning("import_uncounted", shop=self._shop, reason=str(refused.values["code"]))
            return False
        self._log.total = count.number if count.exact else None
        return count.number > self._use.bulk_over

    def _rest(
        self, place: Place, delay: int, failed: int = 0, polls: int = 0, refused: int = 0
    ) -> HandOn:
        message = {
            "shop": self._shop,
            "import_id": self._id,
            "cursor": place.cursor,
            "page": place.page,
            "correlation_id": self._follows.correlation_id,
            "causation_id": self._follows.causation_id,
            "failed": failed,
            "polls": polls,
            "refused": refused,
        }
        return HandOn(message, self._shop, delay)

    async def _page(self, client: AdminClient, place: Place) -> CustomersPage:
        """The next page."""
        return await self._asker.ask(
            client,
            lambda: customers_page(
                client,
                self._first,
                place.cursor,
                last=place.last,
                deadline=self._begins_until,
            ),
        )

    async def _look(self, client: AdminClient, place: Place, after: str) -> Place:
        """Asks Shopify for some of those who were known and are not in its list, and records who is
        gone: a list may lag, and deleting cannot be undone. Answers where the import then stands.
        """
        some = await self._log.unlisted(place, after, _LOOKS)
        gone = [one for one in some if not await self._exists(client, one)]
        last = str(some[-1].shopify_id) if len(some) == _LOOKS else None
        return await self._log.record_gone(place, gone, last)

    async def _exists(self, client: AdminClient, one: Known) -> bool:
        return await self._asker.ask(
            client, lambda: customer_exists(client, one.shopify_id, deadline=self._begins_until)
        )

    async def _take(self, place: Place, page: CustomersPage) -> Place:
        """Records the page; where no commit holds it, asks for half as many customers next, and
        leaves out one that is alone too large. Answers where the import then stands."""
        try:
            after = await self._log.record(place, page, self._asker.received)
        except (CommitTooLarge, InvalidDraft) as error:
            held = len(page.customers)
            log.warning("import_page_unwritable", shop=self._shop, customers=held)
            if held == 0:
                raise
            if held + page.skipped > 1:
                self._first = (held + page.skipped) // 2
                return place
            log.error("customer_unwritable", shop=self._shop, error=type(error).__name__)
            after = await self._log.record(
                place, page.model_copy(update={"customers": (), "skipped": 1}), self._asker.received
            )
        self._first = min(2 * self._first, self._use.page_size)
        return after
