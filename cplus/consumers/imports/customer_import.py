"""Imports a shop's customers page by page: one commit for each page, in one run after another.

How far an import is stands in the log: the newest page that was recorded holds the cursor behind
it. What a message says of cursor and page only tells people; a doubled or late message goes on
from the log like any other.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal

import httpx
import structlog

from cplus.clock import Clock
from cplus.consumers.batches.hand_on import HandOn, HeldElsewhere, Send, work_on
from cplus.consumers.batches.leases import Leases
from cplus.consumers.batches.sqs import SqsRecord
from cplus.consumers.webhooks.record import Bodies, Persons
from cplus.consumers.webhooks.translate import facts, imported, known
from cplus.deadline import Deadline
from cplus.errors import (
    AccessDenied,
    AuthFailed,
    CommitTooLarge,
    InvalidDraft,
    InvalidInput,
    NotInstalled,
    ShopifyRefused,
    ShopifyUnavailable,
    Throttled,
)
from cplus.events.base import Cause, Event, NewEvent
from cplus.events.catalogue import (
    ImportEnded,
    ImportPageLoaded,
    ImportStarted,
)
from cplus.events.causes import INLINE, cause_of
from cplus.events.log.commit import Commit, Draft
from cplus.events.log.outcomes import AlreadyRecorded, Appended, settled
from cplus.events.log.store import EventStore
from cplus.events.names import customer_stream, import_page, import_page_claim, import_stream
from cplus.events.recording import Recorder
from cplus.privacy.joining import join, join_recorded
from cplus.shopify.admin import AdminClient
from cplus.shopify.credentials import Credentials
from cplus.shopify.hosts import shop_host
from cplus.shopify.queries import CustomersPage, ImportedCustomer, customers_page

log = structlog.get_logger()

MARGIN: Final = 20.0
"""Seconds before the time limit from which no page is begun; less where the limit is short."""

MAX_DELAY: Final = 900
"""Seconds that SQS delays a message at most."""

_PAUSE: Final = 30  # seconds until a run that got somewhere asks a Shopify that is down again
_SIDE_BY_SIDE: Final = 8
_IMPORT_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")


@dataclass(frozen=True, slots=True)
class Importer:
    """What an import works with."""

    store: EventStore
    persons: Persons
    bodies: Bodies
    credentials: Credentials
    leases: Leases
    recorder: Recorder
    send: Send
    origin: str
    """Where a shop's Admin lives, `https://{shop}`."""
    api_version: str
    page_size: int
    clock: Clock
    inline: int = INLINE
    """Bytes of an answer that rest in the page's commit; larger ones rest in the bucket."""


@dataclass(frozen=True, slots=True)
class Follows:
    """What an import follows from: ids that each of its commits carries."""

    correlation_id: str
    """That of the install; of an import that nobody asked for in the log, its own id."""
    causation_id: str | None
    """The commit of the install."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an import stands."""

    page: int
    """The page that comes next, from 1."""
    cursor: str | None
    ended: bool = False


async def handle(records: Sequence[SqsRecord], use: Importer, limit: Deadline) -> list[str]:
    """Works on each import until it ends or the time does; answers the ids of messages that
    failed.

    `limit` is when Lambda ends the function. A run that finds the import in another's hands leaves
    the message to come back.
    """
    # One at a time by serverless.yml: an import has the whole time.
    return await work_on(records, partial(_work, use, limit), use.send, limit)


async def _work(use: Importer, limit: Deadline, message: Mapping[str, Any]) -> HandOn | None:
    shop = shop_host(message.get("shop"))
    import_id = message.get("import_id")
    if not isinstance(import_id, str) or not _IMPORT_ID.fullmatch(import_id):
        raise InvalidInput(reason="the message names no import")
    lease = await use.leases.take(f"import/{shop}/{import_id}", limit.remaining() + 1.0)
    if lease is None:
        raise HeldElsewhere
    try:
        return await _Run(shop, import_id, _follows(message, import_id), use, limit).work()
    finally:
        # Before the message goes out: who takes it up must not find the lease held.
        await use.leases.release(lease)


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
        self._stream = import_stream(import_id)
        self._received = b""  # the newest answer of the Admin API, as it came
        self._renewed = False
        self._first = use.page_size

    async def work(self) -> HandOn | None:
        """Loads pages until the import or the time ends; answers what is left."""
        place = first = await self._place()
        if place.ended:
            return None
        async with httpx.AsyncClient(timeout=10.0, event_hooks={"response": [self._keep]}) as http:
            try:
                client = await self._client(http)
                while not place.ended:
                    if self._begins_until.passed():
                        return self._rest(place, 0)
                    page = await self._page(client, place)
                    place = await self._take(place, page)
            except Throttled as throttled:
                return self._rest(place, min(math.ceil(throttled.retry_after), MAX_DELAY))
            except (NotInstalled, AuthFailed, ShopifyRefused) as error:
                await self._end(place, error)
            except (ShopifyUnavailable, TimeoutError):
                if place == first:
                    raise  # not one page: the queue counts the tries
                return self._rest(place, _PAUSE)
        return None

    def _rest(self, place: Place, delay: int) -> HandOn:
        message = {
            "shop": self._shop,
            "import_id": self._id,
            "cursor": place.cursor,
            "page": place.page,
            "correlation_id": self._follows.correlation_id,
            "causation_id": self._follows.causation_id,
        }
        return HandOn(message, self._shop, delay)

    async def _keep(self, response: httpx.Response) -> None:
        self._received = await response.aread()

    async def _client(self, http: httpx.AsyncClient, rejected: str | None = None) -> AdminClient:
        token = await self._use.credentials.get_access_token(self._shop, rejected=rejected)
        return AdminClient(http, self._use.origin, self._use.api_version, self._shop, token)

    async def _page(self, client: AdminClient, place: Place) -> CustomersPage:
        """The next page. A refused token is renewed once; waits end before the time does."""
        try:
            async with asyncio.timeout(self._waits_until.remaining()):
                return await customers_page(
                    client, self._first, place.cursor, deadline=self._begins_until
                )
        except AuthFailed as error:
            if self._renewed or isinstance(error, AccessDenied):
                raise  # a new token would be denied too
        self._renewed = True
        fresh = await self._client(client.http, rejected=client.access_token)
        client.access_token = fresh.access_token
        return await self._page(client, place)

    async def _place(self) -> Place:
        """Where the log says that the import stands."""
        newest = await self._use.store.by_ref(self._shop, self._stream, 1)
        if not newest:
            return Place(1, None)
        commit = await self._use.store.by_claim(self._shop, newest[0].claims[0], cause=True)
        if commit is None:
            raise AssertionError("a commit does not go away")
        await join_recorded(commit, self._use.persons.join)
        return _behind(commit)

    async def _take(self, place: Place, page: CustomersPage) -> Place:
        """Records the page; where no commit holds it, asks for half as many customers next, and
        leaves out one that is alone too large. Answers where the import then stands."""
        try:
            after = await self._record(place, page)
        except (CommitTooLarge, InvalidDraft) as error:
            held = len(page.customers)
            log.warning("import_page_unwritable", shop=self._shop, customers=held)
            if held == 0:
                raise
            if held + page.skipped > 1:
                self._first = (held + page.skipped) // 2
                return place
            log.error("customer_unwritable", shop=self._shop, error=type(error).__name__)
            after = await self._record(
                place, page.model_copy(update={"customers": (), "skipped": 1})
            )
        self._first = min(2 * self._first, self._use.page_size)
        return after

    async def _record(self, place: Place, page: CustomersPage) -> Place:
        """Appends the page; the place behind it, as the log has it."""
        now = self._use.clock()
        events: list[NewEvent] = []
        for customer, told in zip(
            page.customers, await self._imported(page.customers), strict=True
        ):
            when = customer.updated_at or now
            events += facts(customer_stream(customer.id), when, *told)
        marks: list[Event] = [
            ImportPageLoaded(
                import_id=self._id,
                page=place.page,
                customers=len(page.customers),
                skipped=page.skipped,
            )
        ]
        if place.page == 1:
            marks.insert(0, ImportStarted(import_id=self._id))
        if not page.has_next:
            marks.append(ImportEnded(import_id=self._id, outcome="complete", pages=place.page))
        events += facts(self._stream, now, *marks)
        outcome = await self._append(
            place, events, await self._cause(place, page.end_cursor, self._received)
        )
        if isinstance(outcome, AlreadyRecorded):
            return await self._place()
        log.info("import_page", shop=self._shop, import_id=self._id, page=place.page)
        return Place(place.page + 1, page.end_cursor, ended=not page.has_next)

    async def _imported(self, customers: Sequence[ImportedCustomer]) -> list[list[Event]]:
        places = asyncio.Semaphore(_SIDE_BY_SIDE)

        async def one(customer: ImportedCustomer) -> list[Event]:
            async with places:
                address = customer.email.address if customer.email else None
                person, joined = await known(
                    self._use.persons.resolve, self._shop, customer.id, address
                )
            return [*joined, imported(customer, str(person))]

        return list(await asyncio.gather(*map(one, customers)))

    async def _end(self, place: Place, error: NotInstalled | AuthFailed | ShopifyRefused) -> None:
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
        log.warning("import_refused", shop=self._shop, import_id=self._id, outcome=outcome)

    async def _cause(self, place: Place, end_cursor: str | None, body: bytes) -> Cause:
        headers = {"cursor": place.cursor or "", "end_cursor": end_cursor or ""}
        return await cause_of(
            "import",
            self._shop,
            body,
            self._use.bodies,
            headers=headers,
            inline=self._use.inline,
        )

    async def _append(
        self, place: Place, events: Sequence[NewEvent], cause: Cause
    ) -> Appended | AlreadyRecorded:
        persons = [getattr(new.event, "person", None) for new in events]
        draft = Draft(
            shop=self._shop,
            claim=import_page_claim(self._id, place.page),
            source="import",
            actor="system",
            events=events,
            cause=cause,
            refs=list(dict.fromkeys([self._stream, *(one for one in persons if one)])),
            correlation_id=self._follows.correlation_id,
            causation_id=self._follows.causation_id,
        )
        [outcome] = await self._use.recorder.append([draft])
        done = settled(outcome)
        await join(draft, done, self._use.persons.join)
        return done


def _behind(commit: Commit) -> Place:
    """The place behind a page's commit, which was read with its cause."""
    page = import_page(commit.claims[0])
    ended = any(document["type"] == ImportEnded.TYPE for document in commit.documents)
    headers = (commit.cause or {}).get("headers") or {}
    return Place(page + 1, headers.get("end_cursor") or None, ended)
