"""Questions about which persons a definition means: a page of them, how many, and all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from cplus.events.aggregates.settings import LEAD_DAYS
from cplus.events.segment import Definition, Source
from cplus.projections.base import Row
from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.models.orders import ORDERS
from cplus.projections.models.persons import kind_of
from cplus.projections.queries.customers import KINDS, CustomerQueries
from cplus.projections.queries.leads import LeadQueries, Person
from cplus.projections.queries.paging import bounded, cursor_at, newest_first
from cplus.projections.queries.persons import (
    Family,
    Profile,
    accounts_of,
    load_families,
    profile_of,
    sums_of,
)
from cplus.projections.queries.read_models import PAGE
from cplus.projections.queries.spending import Bought, bought_by
from cplus.projections.queries.views import Customer, FirstOrder, Lead, Page
from cplus.projections.rows import key_of, row_id

CHUNK: Final = 500
"""Rows that are looked at, and in memory, at a time."""
SCAN: Final = 5_000
"""Rows that one page looks at; who is behind them comes with the next page."""
_BY_NEWS: Final = [("shop", 1), ("lists", 1), ("changed_at", -1), ("_id", -1)]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A definition at a moment, for a shop with its time zone."""

    definition: Definition
    now: datetime
    zone: ZoneInfo
    tags: Collection[str] = ()
    """The ids of the tags that the shop has by now."""
    within: int = LEAD_DAYS
    """Up to how many days after a message an order counts as bought after a conversation."""

    def fits(self, one: Customer | Profile) -> bool:
        """Whether the person is meant, as far as it does not depend on orders. Pure."""
        asked = self.definition
        if asked.tag and asked.tag.casefold() not in (tag.casefold() for tag in one.tags):
            return False
        if asked.own_tag and not (asked.own_tag in self.tags and asked.own_tag in one.own_tags):
            return False
        if asked.consent is not None and asked.consent != (one.email_consent or "unknown"):
            return False
        if asked.talked is not None and asked.talked != (one.first_contact_at is not None):
            return False
        since = one.customer_since or one.first_contact_at
        return _within(since, self._begins(asked.known_since), self._ends(asked.known_until))

    def fits_sums(self, orders: int, amount: Decimal | None) -> bool:
        """Whether what they bought in all is as much as is asked for. Pure."""
        asked, spent = self.definition, amount or 0
        return (
            (asked.orders_from is None or orders >= asked.orders_from)
            and (asked.orders_to is None or orders <= asked.orders_to)
            and (asked.spent_from is None or spent >= asked.spent_from)
            and (asked.spent_to is None or spent <= asked.spent_to)
        )

    def fits_lead(self, told: Lead) -> bool:
        """Whether they came as is asked for, and that led to an order or not. Pure."""
        asked, first = self.definition, told.first_order
        if asked.source is not None and told.source != asked.source:
            return False
        if asked.first_order is None:
            return True
        return first is not None and first.bought_after == (asked.first_order == "after")

    def fits_last_order(self, last: datetime | None) -> bool:
        """Whether the last order was placed when it is asked for. Pure."""
        asked = self.definition
        since, until = self._begins(asked.ordered_since), self._ends(asked.ordered_until)
        if not _within(last, since, until):
            return False
        if (days := asked.ordered_within) is not None and not _within(last, self._ago(days), None):
            return False
        days = asked.not_ordered_for
        return days is None or last is None or last < self._ago(days)

    def _ago(self, days: int) -> datetime:
        return self.now - timedelta(days=days)

    def _begins(self, day: date | None) -> datetime | None:
        return datetime.combine(day, time(), self.zone).astimezone(UTC) if day else None

    def _ends(self, day: date | None) -> datetime | None:
        return self._begins(day + timedelta(days=1) if day else None)


class Member(NamedTuple):
    """A person who is meant."""

    customer: Customer
    last_order_at: datetime | None
    """When they placed their last order that is known here and counts."""
    lead: Lead


class _Listed(NamedTuple):
    row: Row
    """Which stands for the person in a list."""
    family: Family


class SegmentQueries(CustomerQueries, LeadQueries):
    """Questions about which persons a definition means."""

    async def members(
        self, shop: str, wanted: Wanted, cursor: str | None = None, limit: int = PAGE
    ) -> Page[Customer]:
        """Persons who are meant, those with the latest news first. A page may hold fewer than
        `limit`, and even none, before the end."""
        limit, found, scanned = bounded(limit), list[_Listed](), 0
        rows = await self._rows(CUSTOMERS)
        while True:
            # Where most are meant, few rows are looked at.
            chunk = CHUNK if scanned else limit + 1
            behind = newest_first("changed_at", shop, cursor)
            listed = {"shop": shop, "lists": wanted.definition.kind, **behind}
            query = rows.find(listed, _READ, sort=_NEWEST, limit=chunk, batch_size=chunk)
            part = await query.hint(_BY_NEWS).to_list(chunk)
            found += await self._meant(shop, part, wanted)
            scanned += len(part)
            if len(found) > limit:
                cursor = cursor_at("changed_at", found[limit - 1].row)
                break
            cursor = cursor_at("changed_at", part[-1]) if len(part) == chunk else None
            if cursor is None or scanned >= SCAN:
                break
        return Page(await self._views(shop, [one.family for one in found[:limit]]), cursor)

    async def all_members(
        self, shop: str, wanted: Wanted, after: str = "", until: str = ""
    ) -> AsyncIterator[list[Member]]:
        """Everybody who is meant, each once, whatever changes meanwhile: in the order of their ids,
        some hundred at a time. `after` and `until` are ids between which to stay."""
        async for part in self._walk(shop, wanted.definition.kind, after, until):
            meant = await self._meant(shop, part, wanted)
            yield await self._members(shop, [one.family for one in meant], wanted.within)

    async def all_member_ids(self, shop: str, wanted: Wanted) -> AsyncIterator[list[str]]:
        """As `all_members`, the ids alone."""
        async for part in self._walk(shop, wanted.definition.kind, "", ""):
            yield [one.family.person for one in await self._meant(shop, part, wanted)]

    async def count_members(self, shop: str, wanted: Wanted) -> int:
        """How many are meant: looks at everybody."""
        return sum([len(ids) async for ids in self.all_member_ids(shop, wanted)])

    async def narrowed(
        self, shop: str, people: Sequence[Customer], wanted: Wanted
    ) -> list[Customer]:
        """Those of the people who are meant."""
        fit = [one for one in people if wanted.fits(one)]
        fit = [one for one in fit if wanted.fits_sums(one.orders, one.amount_spent)]
        if wanted.definition.asks_last_order:
            last = await self._last_orders(shop, [id_ for one in fit for id_ in one.persons])
            fit = [one for one in fit if wanted.fits_last_order(_last(last, one.persons))]
        if wanted.definition.asks_lead:
            asked = {one.person: Person.of(one) for one in fit}
            leads = await self._asked_leads(shop, asked, wanted)
            fit = [one for one in fit if wanted.fits_lead(leads[one.person])]
        return fit

    async def person_ahead(self, shop: str, after: str, rows: int) -> str | None:
        """The id of the person so many rows behind `after`, if there is anybody behind that one."""
        collection = await self._rows(CUSTOMERS)
        query = collection.find({"_id": _ids(shop, after)}, {"_id": 1}, sort=[("_id", 1)])
        found = await query.skip(rows - 1).limit(2).to_list(2)
        # The index alone has the ids.
        return str(found[0]["_id"]).removeprefix(row_id(shop, "")) if len(found) == 2 else None

    async def _walk(self, shop: str, kind: str, after: str, until: str) -> AsyncIterator[list[Row]]:
        rows = await self._rows(CUSTOMERS)
        wanted = {"_id": _ids(shop, after, until), "lists": kind}
        # An index that has the lists would have to sort.
        query = rows.find(wanted, _READ, sort=[("_id", 1)], batch_size=CHUNK).hint([("_id", 1)])
        async with query:
            while part := await query.to_list(CHUNK):
                yield part

    async def _meant(self, shop: str, part: Sequence[Row], wanted: Wanted) -> list[_Listed]:
        """The persons for whom these rows stand, if they are meant."""
        rows, asked = {key_of(row): row for row in part}, wanted.definition
        by_person = await load_families(await self._rows(CUSTOMERS), shop, rows)
        found = [
            _Listed(row, by_person[person])
            for person, row in rows.items()
            if by_person[person].person == person
            and kind_of(by_person[person].row) in KINDS[asked.kind]
        ]
        if not asked.narrowed:
            return found
        # What is not asked for is not made, and the dearest is asked of the fewest: of 100,000
        # persons each step takes seconds.
        if asked.asks_profile:
            found = [one for one in found if wanted.fits(profile_of(one.family))]
        if asked.asks_last_order and found:
            last = await self._last_orders(shop, _persons(one.family for one in found))
            found = [
                one for one in found if wanted.fits_last_order(_last(last, one.family.persons))
            ]
        if asked.asks_sums and found:
            bought = await self._bought(shop, [one.family for one in found])
            sums = [sums_of(one.family, bought) for one in found]
            pairs = zip(found, sums, strict=True)
            found = [one for one, sum_ in pairs if wanted.fits_sums(sum_.orders, sum_.amount)]
        if asked.asks_lead and found:
            bought = await self._bought(shop, [one.family for one in found])
            people = {
                one.family.person: Person(one.family.persons, sums_of(one.family, bought).orders)
                for one in found
            }
            leads = await self._asked_leads(shop, people, wanted)
            found = [one for one in found if wanted.fits_lead(leads[one.family.person])]
        return found

    async def _asked_leads(
        self, shop: str, people: Mapping[str, Person], wanted: Wanted
    ) -> dict[str, Lead]:
        """What is told of each, as far as the definition asks for it."""
        asked, sources, orders = wanted.definition, dict[str, Source](), dict[str, FirstOrder]()
        if asked.source is not None:
            sources = await self.sources(shop, {key: one.persons for key, one in people.items()})
        if asked.first_order is not None:
            orders = await self.first_orders(shop, people, wanted.within)
        return {one: Lead(sources.get(one), orders.get(one)) for one in people}

    async def _members(self, shop: str, families: list[Family], within: int) -> list[Member]:
        views = await self._views(shop, families)
        last = await self._last_orders(shop, _persons(families))
        leads = await self.leads_of(shop, views, within)
        return [Member(one, _last(last, one.persons), leads[one.person]) for one in views]

    async def _bought(self, shop: str, families: Sequence[Family]) -> dict[str, list[Bought]]:
        return await bought_by(await self._rows(ORDERS), shop, accounts_of(families))

    async def _last_orders(self, shop: str, persons: Sequence[str]) -> dict[str, datetime]:
        """When each of the persons placed their last order; no test, and not cancelled."""
        if not persons:
            return {}
        counting = {"deleted": False, "test": False, "cancelled": False}
        found = await self._mongo.aggregate(
            await self._rows(ORDERS),
            [
                {"$match": {"shop": shop, "person": {"$in": sorted(persons)}, **counting}},
                {"$group": {"_id": "$person", "at": {"$max": "$created_at"}}},
            ],
        )
        return {row["_id"]: row["at"] for row in found}


_NEWEST: Final = [("changed_at", -1), ("_id", -1)]
_READ: Final = {"words": 0}


def _ids(shop: str, after: str, until: str = "") -> dict[str, str]:
    """The condition on the ids of a shop's rows behind one, and up to another."""
    end = {"$lte": row_id(shop, until)} if until else {"$lt": f"{shop}0"}  # what follows the `/`
    return {"$gt": row_id(shop, after), **end}


def _persons(families: Iterable[Family]) -> list[str]:
    return [person for family in families for person in family.persons]


def _last(orders: Mapping[str, datetime], persons: Iterable[str]) -> datetime | None:
    return max((orders[one] for one in persons if one in orders), default=None)


def _within(at: datetime | None, since: datetime | None, until: datetime | None) -> bool:
    """Whether it was between the two; what never was is between none."""
    if since is None and until is None:
        return True
    if at is None or (since is not None and at < since):
        return False
    return until is None or at < until
