"""How people came, and what they bought first, against what a few lines of Python say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from cplus.mongo import Mongo
from cplus.projections.base import Projection
from cplus.projections.models.conversations import CONVERSATIONS
from cplus.projections.models.messages import MESSAGES
from cplus.projections.models.orders import ORDERS
from cplus.projections.queries import Queries
from cplus.projections.queries.leads import Person

SHOP, OTHER = "acorn.myshopify.com", "birch.myshopify.com"
NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
PEOPLE = 150
WITHIN = 30


class World:
    """Rows of conversations, messages and orders, as folds store them, of so many people."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.talks, self.mails, self.orders = list[Any](), list[Any](), list[Any]()
        self.people: dict[str, Person] = {}
        for number in range(PEOPLE):
            ids = [f"person/{number}{end}" for end in "ab"[: random.choice((1, 1, 2))]]
            for _ in range(random.randrange(4)):
                self._talk(random.choice(ids))
            own = [self._order(random.choice(ids)) for _ in range(random.randrange(4))]
            counting = sum(not one["cancelled"] and not one["test"] for one in own)
            unknown = random.choice((0, 0, 0, 1))  # orders that only Shopify's sum has
            self.people[ids[0]] = Person(ids, counting + unknown)

    def _at(self) -> datetime:
        return NOW + timedelta(hours=self.random.randrange(24 * 120))

    def _talk(self, person: str) -> None:
        key, begun = f"c{len(self.talks)}", self._at()
        told = {"person": person, "started_at": begun, "last_message_at": begun}
        told |= {"channel": self.random.choice(("email", "contact_form"))}
        told |= self.random.choice(({}, {}, {"by": "merchant"}))
        told |= self.random.choice(({}, {}, {"spam": False}, {"spam": True}))
        self.talks.append({"_id": f"{SHOP}/{key}", "shop": SHOP, **told})
        for number in range(1, self.random.randrange(2, 6)):
            at = begun + timedelta(hours=self.random.randrange(24 * 50))
            mail = {"conversation_id": key, "at": at, "number": number}
            mail |= {"direction": self.random.choice(("in", "out", "note"))}
            mail |= {"status": self.random.choice(("written", "sent", "delivered", "rejected"))}
            mail |= {"automatic": self.random.random() < 0.2}
            if mail["direction"] == "out" and self.random.random() < 0.3:
                mail["send_at"] = at + timedelta(hours=self.random.randrange(200))
            self.mails.append({"_id": f"{SHOP}/{key}-{number}", "shop": SHOP, **mail})

    def _order(self, person: str) -> dict[str, Any]:
        number = len(self.orders)
        order = {
            "_id": f"{SHOP}/{number:06}",
            "shop": SHOP,
            "person": person,
            "name": f"#{number}",
            "total_price": "1.00",
            "currency": "EUR",
            "created_at": self._at(),
            "financial_status": None,
            "fulfillment_status": None,
            "deleted": False,
            "cancelled": self.random.random() < 0.2,
            "test": self.random.random() < 0.2,
        }
        self.orders.append(order)
        return order

    def talks_of(self, person: str) -> list[Any]:
        ids = self.people[person].persons
        return [one for one in self.talks if one["person"] in ids and not one.get("spam")]

    def source(self, person: str) -> str | None:
        """How the first of their conversations began."""
        found = sorted(self.talks_of(person), key=lambda one: (one["started_at"], one["_id"]))
        if not found:
            return None
        return str(found[0].get("by", found[0]["channel"]))

    def first(self, person: str) -> tuple[str, datetime | None] | None:
        """Their first order, and when somebody wrote last before it."""
        own = [one for one in self.orders if one["person"] in self.people[person].persons]
        own = [one for one in own if not one["test"]]
        if not own or self.people[person].orders > sum(not one["cancelled"] for one in own):
            return None
        first = min(own, key=lambda one: (one["created_at"], one["_id"]))
        return first["name"], max(self._said(person, first["created_at"]), default=None)

    def _said(self, person: str, before: datetime) -> Iterator[datetime]:
        talks = [
            one["_id"].partition("/")[2]
            for one in self.talks_of(person)
            if one["started_at"] < before
        ]
        for mail in self.mails:
            if mail["conversation_id"] not in talks or mail["automatic"]:
                continue
            gone = mail["direction"] == "out" and mail["status"] not in {"written", "rejected"}
            at = mail.get("send_at", mail["at"])
            if (mail["direction"] == "in" or gone) and max(at, mail["at"]) < before:
                yield at


@pytest.fixture
def projections() -> tuple[Projection, ...]:
    return (CONVERSATIONS, MESSAGES, ORDERS)


async def test_random_histories_say_what_a_reader_of_them_would_say(
    mongo: Mongo,
) -> None:
    world, queries = World(Random(7)), Queries(mongo)
    for projection, rows in (
        (CONVERSATIONS, world.talks),
        (MESSAGES, world.mails),
        (ORDERS, world.orders),
    ):
        await mongo.database[projection.collection].insert_many(rows)
    people = world.people
    sources = await queries.sources(SHOP, {one: told.persons for one, told in people.items()})
    assert sources == {one: came for one in people if (came := world.source(one))}
    assert set(sources.values()) == {"merchant", "email", "contact_form"}
    orders = await queries.first_orders(SHOP, people, WITHIN)
    told = {person: (one.order.name, one.said_at) for person, one in orders.items()}
    assert told == {one: first for one in people if (first := world.first(one))}
    days = timedelta(days=WITHIN)
    after = [one for one in orders.values() if one.bought_after]
    assert after == [
        one for one in orders.values() if one.said_at and one.order.created_at - one.said_at <= days
    ]
    assert 0 < len(after) < len(told)
    # One by one they say the same, and of another shop nothing is said.
    for person in list(people)[:20]:
        alone = await queries.first_orders(SHOP, {person: people[person]}, WITHIN)
        assert alone.get(person) == orders.get(person)
    assert await queries.first_orders(OTHER, people, WITHIN) == {}
    assert await queries.sources(OTHER, {one: told.persons for one, told in people.items()}) == {}
