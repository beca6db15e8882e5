"""What the log holds of one import: a commit for each page, and where the import stands."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, Literal

import structlog

from cplus.actors import system
from cplus.consumers.erased_shops import last_erasure
from cplus.consumers.imports.importer import Follows, Importer, Place
from cplus.consumers.shopify_facts import facts, known
from cplus.errors import (
    AccessDenied,
    AuthFailed,
    NotInstalled,
    ShopifyRefused,
)
from cplus.events.base import Cause, Event, NewEvent
from cplus.events.catalogue.customers import CustomerDeleted, CustomerImported
from cplus.events.catalogue.imports import ImportEnded, ImportPageLoaded, ImportStarted
from cplus.events.causes import cause_of
from cplus.events.log.commit import Commit, Draft
from cplus.events.log.outcomes import AlreadyRecorded, Appended, settled
from cplus.events.names import customer_stream, import_page, import_page_claim, import_stream
from cplus.privacy.joining import join, join_recorded
from cplus.privacy.listed import Known
from cplus.shopify.queries import CustomersPage, ImportedCustomer

log = structlog.get_logger()

_IN_CURSOR: Final = "unlisted/"  # where some stored commits have it


class ImportLog:
    """The commits of one import."""

    def __init__(self, shop: str, import_id: str, follows: Follows, use: Importer) -> None:
        self._shop = shop
        self._id = import_id
        self._follows = follows
        self._use = use
        self._stream = import_stream(import_id)

    async def place(self) -> Place:
        """Where the log says that the import stands."""
        newest = await self._use.store.by_ref(self._shop, self._stream, 1)
        if not newest:
            return Place(1, None, began=self._use.listed.now())
        commit = await self._use.store.by_claim(self._shop, newest[0].claims[0], cause=True)
        if commit is None:
            raise AssertionError("a commit does not go away")
        await join_recorded(self._use.recorder.reader, commit, self._use.persons.join)
        return _behind(commit)

    async def record(self, place: Place, page: CustomersPage, answer: bytes) -> Place:
        """Appends the page, which Shopify told in `answer`; the place behind it, as the log has
        it. Raises CommitTooLarge or InvalidDraft where no commit holds it, and NotInstalled if the
        shop was erased meanwhile."""
        await self._check()
        now = self._use.clock()
        await self._use.listed.saw(self._shop, [one.id for one in page.customers])
        behind = await self._after(place, page)
        events: list[NewEvent] = []
        for customer, told in zip(
            page.customers, await self._imported(page.customers, now), strict=True
        ):
            when = customer.updated_at or now
            events += facts(customer_stream(customer.id), when, *told, told_at=now)
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
        if behind.ended:
            marks.append(ImportEnded(import_id=self._id, outcome="complete", pages=place.page))
        events += facts(self._stream, now, *marks)
        outcome = await self._append(place, events, await self._cause(place, behind, answer))
        if isinstance(outcome, AlreadyRecorded):
            return await self.place()
        log.info("import_page", shop=self._shop, import_id=self._id, page=place.page)
        return behind

    async def _check(self) -> None:
        """Shopify may have answered before the shop was erased. Raises NotInstalled if it was."""
        use = self._use
        erasure = await last_erasure(use.store, use.credentials.saved_at, self._shop)
        if erasure is not None and not erasure.is_over:
            raise NotInstalled(shop=self._shop)

    async def _after(self, place: Place, page: CustomersPage) -> Place:
        """The place behind the page."""
        unlisted = None
        if not page.has_next and await self.unlisted(place, "", 1):
            unlisted = (place.page, "")
        return replace(
            place,
            page=place.page + 1,
            cursor=place.cursor if unlisted else page.end_cursor,
            ended=not page.has_next and unlisted is None,
            last=page.last,
            unlisted=unlisted,
        )

    async def unlisted(self, place: Place, after: str, limit: int) -> list[Known]:
        """Customers who were known when the import began and are not in the list."""
        if place.began is None:
            return []
        return await self._use.listed.unseen(self._shop, place.began, after, limit)

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
            ended=after is None,
            unlisted=None if after is None else (pages, after),
        )
        if behind.ended:
            ended = ImportEnded(import_id=self._id, outcome="complete", pages=pages)
            events += facts(self._stream, now, ended)
        headers = self._headers(place, behind)
        outcome = await self._append(place, events, Cause("import", headers=headers))
        await self._use.listed.gone(self._shop, [one.shopify_id for one in gone])
        if isinstance(outcome, AlreadyRecorded):
            return await self.place()
        log.info("import_gone", shop=self._shop, import_id=self._id, customers=len(gone))
        return behind

    async def _imported(
        self, customers: Sequence[ImportedCustomer], now: datetime
    ) -> list[list[Event]]:
        async def one(customer: ImportedCustomer) -> list[Event]:
            address = customer.email.address if customer.email else None
            person, joined = await known(
                self._use.persons.resolve,
                self._shop,
                customer.id,
                address,
                customer.updated_at or now,
                now,
            )
            return [*joined, _imported(customer, str(person))]

        # All at once: the directory answers them together.
        return list(await asyncio.gather(*map(one, customers)))

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
            shop=self._shop,
            import_id=self._id,
            outcome=outcome,
            reason=str(reason),
        )

    def _headers(self, place: Place, behind: Place) -> dict[str, str]:
        # Older releases read `end_cursor` too: what they do not know has headers of its own.
        headers = {"cursor": place.cursor or "", "end_cursor": behind.cursor or ""}
        if behind.began:
            headers["began"] = behind.began.isoformat()
        if behind.last:
            headers["last"] = str(behind.last)
        if behind.unlisted:
            pages, after = behind.unlisted
            headers["unlisted"] = f"{pages}/{after}"
        return headers

    async def _cause(self, place: Place, behind: Place, body: bytes) -> Cause:
        headers = self._headers(place, behind)
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
        persons = [person for new in events for person in new.event.persons()]
        draft = Draft(
            shop=self._shop,
            claim=import_page_claim(self._id, place.page),
            source="import",
            actor=system("import"),
            events=events,
            cause=cause,
            refs=list(dict.fromkeys([self._stream, *persons])),
            correlation_id=self._follows.correlation_id,
            causation_id=self._follows.causation_id,
        )
        [outcome] = await self._use.recorder.append([draft])
        done = settled(outcome)
        await join(self._use.recorder.reader, draft, done, self._use.persons.join)
        return done


def _behind(commit: Commit) -> Place:
    """The place behind a page's commit, which was read with its cause."""
    page = import_page(commit.claims[0])
    ended = ImportEnded.TYPE in commit.types
    headers = (commit.cause or {}).get("headers") or {}
    began = headers.get("began")
    cursor, looked = headers.get("end_cursor") or "", headers.get("unlisted") or ""
    if cursor.startswith(_IN_CURSOR):
        cursor, looked = "", cursor.removeprefix(_IN_CURSOR)
    pages, _, after = looked.partition("/")
    return Place(
        page + 1,
        cursor or None,
        ended,
        datetime.fromisoformat(began) if began else None,
        int(headers.get("last") or 0),
        (int(pages), after) if pages else None,
    )


def _imported(customer: ImportedCustomer, person: str) -> CustomerImported:
    """The event that a customer of the import is."""
    spent, email, phone = customer.spent, customer.email, customer.phone
    return CustomerImported(
        shopify_customer_id=customer.id,
        person=person,
        first_name=customer.first_name,
        last_name=customer.last_name,
        email=email.address if email else None,
        phone=phone.number if phone else None,
        note=customer.note,
        locale=customer.locale,
        state=customer.state.lower() if customer.state else None,
        tags=customer.tags,
        orders=customer.number_of_orders,
        last_order=customer.last_order.id if customer.last_order else None,
        amount_spent=spent.amount if spent else "0.00",
        currency=spent.currency if spent else None,
        email_consent=email.marketing_state.lower() if email else None,
        created_at=customer.created_at,
    )
