"""What the log holds of a shop's reconciliations: what was lost, and up to when nothing is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from cplus.actors import system
from cplus.consumers.erased_shops import last_erasure
from cplus.consumers.imports.importer import GO_ON, Importer
from cplus.consumers.imports.news import News, customer_news, order_news
from cplus.consumers.imports.places import place_behind
from cplus.consumers.shopify_facts import facts, imported, known
from cplus.consumers.shopify_orders import order_facts
from cplus.errors import InvalidInput, NotInstalled
from cplus.events.base import Cause, NewEvent
from cplus.events.catalogue.imports import ImportEnded
from cplus.events.catalogue.shops import AppInstalled, ScopesChanged
from cplus.events.causes import cause_of
from cplus.events.log.commit import Commit, Draft
from cplus.events.log.outcomes import AlreadyRecorded, settled
from cplus.events.names import (
    RECONCILED_REF,
    customer_stream,
    import_stream,
    install_import,
    reconciled_claim,
    reconciliation_claim,
    shop_stream,
)
from cplus.privacy.joining import join
from cplus.privacy.mentions import mentions
from cplus.shopify.orders import Order
from cplus.shopify.queries import ImportedCustomer

OVERLAP: Final = timedelta(hours=27)
"""How far a reconciliation looks back behind the beginning of the one before.

A delivery may be a day late: one that is older than what a reconciliation read before it must be
seen against it once more. And Shopify finds changes by a search index that lags, as a rule by
seconds, on bad days by hours: three are allowed.
"""

SETTLES: Final = timedelta(hours=4)
"""Until then Shopify tries to deliver: what changed later is left to the next reconciliation."""

_COMMITS: Final = 20


class Found(NamedTuple):
    """What a reconciliation recorded."""

    lost: int = 0
    """Customers and orders of which a webhook was lost."""
    added: int = 0

    def and_(self, news: Sequence[News]) -> Found:
        """The same, and these."""
        lost, added = news.count(News.LOST), news.count(News.ADDED)
        return Found(self.lost + lost, self.added + added)


class Since(NamedTuple):
    """From where a reconciliation reads."""

    moment: datetime
    day: str
    """The day of the last that came to its end; empty if there was none."""


class _Begun(NamedTuple):
    """An import that was asked for."""

    import_id: str
    position: int
    asked_at: datetime
    newest: Commit | None
    """Its newest commit; None if it has none."""


@dataclass(frozen=True, slots=True)
class ReconcileLog:
    """The commits of one day's reconciliation of a shop."""

    shop: str
    day: str
    use: Importer

    async def since(self) -> Since | None:
        """Up to when everything is in the log, by an import that is complete or a reconciliation
        after it; None while there is neither since the app was installed, or an import is under
        way."""
        imported_from: datetime | None = None
        installed_at = 0
        async for begun in self._imports():
            installed_at = begun.position
            if begun.newest is None:
                continue
            place = place_behind(begun.newest)
            if not place.ended:
                return None
            [ended] = await self.use.recorder.reader.of(begun.newest, ImportEnded)
            if getattr(ended.event, "outcome", "") == "complete":
                began = place.began or begun.asked_at
                imported_from = max(imported_from or began, began)
        if imported_from is None:
            return None
        newest = await self.use.store.by_ref(self.shop, RECONCILED_REF, 1, cause=True)
        if not newest or newest[0].position < installed_at:
            return Since(imported_from - OVERLAP, "")
        headers = (newest[0].cause or {}).get("headers") or {}
        began = datetime.fromisoformat(headers["began"])
        return Since(max(imported_from, began) - OVERLAP, headers["day"])

    async def closed(self) -> dict[str, Any] | None:
        """The message that goes on with the newest import, if that ended as `closed`."""
        async for begun in self._imports():
            if begun.newest is not None:
                commit = begun.newest
                follows = {
                    "correlation_id": commit.correlation,
                    "causation_id": commit.causation_id,
                }
                told = {"shop": self.shop, "import_id": begun.import_id, **follows}
                return {**told, GO_ON: True} if place_behind(commit).closed else None
        return None

    async def _imports(self) -> AsyncIterator[_Begun]:
        """The imports since the app was installed, the newest first."""
        store, reader = self.use.store, self.use.recorder.reader
        commits = store.iterate_ref(
            self.shop, shop_stream(self.shop), newest_first=True, batch=_COMMITS
        )
        async for commit in commits:
            for told in reversed(await reader.of(commit, *_STARTS)):
                name = install_import(told.id)
                newest = await store.by_ref(self.shop, import_stream(name), 1, cause=True)
                asked = commit.position, commit.recorded_at
                yield _Begun(name, *asked, newest[0] if newest else None)
                if isinstance(told.event, AppInstalled):
                    return

    async def customers(
        self,
        behind: int,
        last: int,
        told: Sequence[ImportedCustomer],
        until: datetime,
        answer: bytes,
    ) -> tuple[int, list[News]]:
        """Records which of the customers are news, but for what changed after `until`; answers
        behind which id it goes on. Raises CommitTooLarge or InvalidDraft where no commit holds
        them, and NotInstalled if the shop was erased meanwhile."""
        now, resolve = self.use.clock(), self.use.persons.resolve

        async def one(customer: ImportedCustomer) -> list[NewEvent]:
            address, at = customer.email, customer.updated_at or now
            person, joined = await known(
                resolve, self.shop, customer.id, address.address if address else None, at, now
            )
            told = imported(customer, str(person))
            return facts(customer_stream(customer.id), at, *joined, told, told_at=now)

        await self._check()
        found = await asyncio.gather(*map(one, told))
        await self.use.listed.saw(self.shop, [customer.id for customer in told])
        persons = [getattr(events[-1].event, "person") for events in found]  # noqa: B009
        rows = await self.use.rows.known_people(self.shop, persons)
        news = [
            News.NONE
            if (person in rows and rows[person] is None) or events[-1].occurred_at > until
            else customer_news(self.shop, person, rows.get(person), events[-1])
            for person, events in zip(persons, found, strict=True)
        ]
        return await self._record("customers", behind, last, found, news, answer)

    async def orders(
        self, behind: int, last: int, told: Sequence[Order], until: datetime, answer: bytes
    ) -> tuple[int, list[News]]:
        """The same of orders."""
        now, resolve = self.use.clock(), self.use.persons.resolve

        async def one(order: Order) -> list[NewEvent]:
            try:
                return await order_facts(self.shop, order, resolve, when=now, told_at=now)
            except InvalidInput:
                return []

        await self._check()
        found = [events for events in await asyncio.gather(*map(one, told)) if events]
        keys = [getattr(events[-1].event, "shopify_order_id") for events in found]  # noqa: B009
        rows = await self.use.rows.known_orders(self.shop, keys)
        news = [
            News.NONE
            if events[-1].occurred_at > until
            else order_news(self.shop, str(key), rows.get(str(key)), events[-1])
            for key, events in zip(keys, found, strict=True)
        ]
        return await self._record("orders", behind, last, found, news, answer)

    async def end(self, began: datetime, found: Found) -> bool:
        """Records that nothing from before `began` is missing any more; whether this was news."""
        await self._check()
        headers = {"day": self.day, "began": began.isoformat(), "lost": str(found.lost)}
        draft = Draft(
            shop=self.shop,
            claim=reconciled_claim(self.day),
            source="import",
            actor=system("import"),
            cause=Cause("import", headers=headers),
            refs=[RECONCILED_REF],
            reason="what changed in Shopify was compared with the log",
        )
        [outcome] = await self.use.recorder.append([draft])
        return not isinstance(settled(outcome), AlreadyRecorded)

    async def _check(self) -> None:
        """Shopify may have answered before the shop was erased."""
        erasure = await last_erasure(self.use.store, self.use.credentials.saved_at, self.shop)
        if erasure is not None and not erasure.is_over:
            raise NotInstalled(shop=self.shop)

    async def _record(
        self,
        part: str,
        behind: int,
        last: int,
        found: Sequence[Sequence[NewEvent]],
        news: Sequence[News],
        answer: bytes,
    ) -> tuple[int, list[News]]:
        events: list[NewEvent] = []
        for told, how in zip(found, news, strict=True):
            # That two are one person is news in any case.
            events += told if how is not News.NONE else told[:-1]
        if not events:
            return last, []
        headers = {"day": self.day, "last": str(last)}
        cause = await cause_of(
            "import", self.shop, answer, self.use.bodies, headers=headers, inline=self.use.inline
        )
        beyond = mentions(answer).besides(new for told in found for new in told)
        named = await self.use.persons.named(self.shop, beyond)
        everybody = [person for told in found for new in told for person in new.event.persons()]
        draft = Draft(
            shop=self.shop,
            claim=reconciliation_claim(self.day, part, behind),
            source="import",
            actor=system("import"),
            events=events,
            cause=cause,
            # The page names those too of whom there is no news, or who could not be read.
            about=list(dict.fromkeys([*everybody, *named.persons])),
            strangers=named.strangers,
        )
        [outcome] = await self.use.recorder.append([draft])
        done = settled(outcome)
        await join(self.use.recorder.reader, draft, done, self.use.persons.join)
        if isinstance(done, AlreadyRecorded):
            return await self._recorded(draft.claim), []
        return last, list(news)

    async def _recorded(self, claim: str) -> int:
        """Behind which id it went on after the commit."""
        commit = await self.use.store.by_claim(self.shop, claim, cause=True)
        if commit is None:
            raise AssertionError("a commit does not go away")
        return int(((commit.cause or {}).get("headers") or {})["last"])


_STARTS: Final = (AppInstalled, ScopesChanged)
