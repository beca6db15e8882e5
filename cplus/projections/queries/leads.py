"""How people came to the shop, and whether their first order came after a conversation. Both are
made on reading, of rows that need not have come in any order, of one person or of some hundred."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from cplus.events.segment import Source
from cplus.projections.models.conversations import CONVERSATIONS
from cplus.projections.models.messages import MESSAGES
from cplus.projections.models.orders import ORDERS
from cplus.projections.queries.order_views import order_view
from cplus.projections.queries.read_models import ReadModels
from cplus.projections.queries.views import Customer, FirstOrder, Lead
from cplus.projections.rows import key_of

_PART: Final = 1_000
"""Conversations whose messages are asked for at a time, and rows in memory."""
_NOT_SENT: Final = ("written", "rejected")


class Person(NamedTuple):
    """Of whom is asked."""

    persons: Sequence[str]
    """All of their ids."""
    orders: int
    """How many orders they have in all: if more than are known here, the first may be missing."""

    @classmethod
    def of(cls, customer: Customer) -> Person:
        """The person of a page."""
        return cls(customer.persons, customer.orders)


class _Talk(NamedTuple):
    started_at: datetime
    id: str
    source: Source


class _First(NamedTuple):
    at: datetime
    row: str
    """The id of the order's row."""
    counting: int
    """How many of their orders count."""


class LeadQueries(ReadModels):
    """Questions about how people came, and what they ordered first."""

    async def leads_of(
        self, shop: str, customers: Sequence[Customer], within: int
    ) -> dict[str, Lead]:
        """How each of them came, and their first order, see `first_orders`; nothing of somebody who
        was erased."""
        people = {one.person: Person.of(one) for one in customers if one.erased_at is None}
        sources, orders = await asyncio.gather(
            self.sources(shop, {key: one.persons for key, one in people.items()}),
            self.first_orders(shop, people, within),
        )
        return {
            one.person: Lead(sources.get(one.person), orders.get(one.person)) for one in customers
        }

    async def sources(self, shop: str, people: Mapping[str, Sequence[str]]) -> dict[str, Source]:
        """How the first conversation with each began that is no spam; `people` are all of their
        ids. Who had none is left out."""
        talks = await self._talks(shop, people)
        return {person: min(own).source for person, own in talks.items()}

    async def first_orders(
        self, shop: str, people: Mapping[str, Person], within: int
    ) -> dict[str, FirstOrder]:
        """The first order of each that is no test, whatever became of it, with the last message
        before it. Left out is who has none, or of whom nobody can say which one it was. `within`:
        up to how many days after the message it counts as bought after a conversation."""
        found = await self._firsts(shop, {person: one.persons for person, one in people.items()})
        firsts = {
            person: first
            for person, first in found.items()
            if people[person].orders <= first.counting
        }
        if not firsts:
            return {}
        rows = await self._rows(ORDERS)
        orders, talks = await asyncio.gather(
            rows.find({"_id": {"$in": [one.row for one in firsts.values()]}}).to_list(None),
            self._talks(shop, {person: people[person].persons for person in firsts}),
        )
        placed = {row["_id"]: order_view(row) for row in orders}
        begun = {
            talk.id: person
            for person, own in talks.items()
            for talk in own
            if talk.started_at < firsts[person].at
        }
        said = await self._said(shop, begun, {person: one.at for person, one in firsts.items()})
        return {
            person: FirstOrder(placed[first.row], said.get(person), within)
            for person, first in firsts.items()
            if first.row in placed
        }

    async def _talks(
        self, shop: str, people: Mapping[str, Sequence[str]]
    ) -> dict[str, list[_Talk]]:
        by_id = _by_id(people)
        rows = await self._rows(CONVERSATIONS)
        wanted = {"shop": shop, "person": {"$in": sorted(by_id)}, "spam": {"$ne": True}}
        read = {"shop": 1, "person": 1, "started_at": 1, "channel": 1, "by": 1}
        found: dict[str, list[_Talk]] = {}
        async for row in rows.find(wanted, read, batch_size=_PART).hint(_BY_PERSON):
            source: Source = "contact_form" if row["channel"] == "contact_form" else "email"
            source = "merchant" if row.get("by") == "merchant" else source
            talk = _Talk(row["started_at"], key_of(row), source)
            found.setdefault(by_id[row["person"]], []).append(talk)
        return found

    async def _firsts(self, shop: str, people: Mapping[str, Sequence[str]]) -> dict[str, _First]:
        by_id = _by_id(people)
        wanted = {"shop": shop, "person": {"$in": sorted(by_id)}, "deleted": False, "test": False}
        first = {"$min": {"at": "$created_at", "row": "$_id"}}
        counting = {"$sum": {"$cond": ["$cancelled", 0, 1]}}
        grouped = {"$group": {"_id": "$person", "first": first, "counting": counting}}
        found: dict[str, _First] = {}
        for row in await self._mongo.aggregate(
            await self._rows(ORDERS), [{"$match": wanted}, grouped]
        ):
            person, one = by_id[row["_id"]], _First(**row["first"], counting=row["counting"])
            before = found.get(person, one._replace(counting=0))
            found[person] = min(before, one)._replace(counting=before.counting + one.counting)
        return found

    async def _said(
        self, shop: str, talks: Mapping[str, str], before: Mapping[str, datetime]
    ) -> dict[str, datetime]:
        """When the last message went out that did before that moment; `talks` are the persons of
        the conversations."""
        found: dict[str, datetime] = {}
        rows = await self._rows(MESSAGES)
        for part in _parts(list(talks)):
            wanted = {
                "shop": shop,
                "conversation_id": {"$in": part},
                "at": {"$lt": max(before[talks[one]] for one in part)},
                "number": {"$gt": 0},
                **_SAID,
            }
            async for row in rows.find(wanted, _READ, batch_size=_PART).hint(_BY_PLACE):
                person, at = talks[row["conversation_id"]], row.get("send_at") or row["at"]
                if at < before[person] and (person not in found or at > found[person]):
                    found[person] = at
        return found


_SAID: Final[dict[str, Any]] = {
    "automatic": False,
    "$or": [{"direction": "in"}, {"direction": "out", "status": {"$nin": _NOT_SENT}}],
}
"""What a person wrote to another: no note, nothing automatic, and nothing that never left."""
_BY_PLACE: Final = [(name, 1) for name in ("shop", "conversation_id", "at", "number", "_id")]
"""The threads, each in its order; the index by direction would have to sort."""
_BY_PERSON: Final = [("shop", 1), ("person", 1), ("last_message_at", -1)]
_READ: Final = {"conversation_id": 1, "at": 1, "send_at": 1}


def _by_id(people: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {one: person for person, persons in people.items() for one in persons}


def _parts(items: Sequence[str]) -> Iterable[Sequence[str]]:
    return (items[at : at + _PART] for at in range(0, len(items), _PART))
