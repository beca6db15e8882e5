"""Whom a search of customers finds, by names, addresses, phone numbers and orders."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from cplus.events.base import Recorded
from cplus.events.catalogue.orders import OrderChanged
from cplus.events.catalogue.privacy import PersonErased
from cplus.mongo import Mongo
from cplus.projections.base import Projection
from cplus.projections.groups import ALL
from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.models.orders import ORDERS
from cplus.projections.queries import CustomerKind, Queries
from cplus.projections.queries.search import scan
from cplus.projections.words import phrases_of
from tests.unit.projections.models.told_events import (
    NOW,
    STARTED,
    fold,
    imported,
    joined,
    received,
    recorded,
    thread,
)

SHOP, OTHER = "acorn.myshopify.com", "birch.myshopify.com"


@pytest.fixture
def projections() -> tuple[Projection, ...]:
    return ALL


@pytest.fixture
def queries(mongo: Mongo) -> Queries:
    return Queries(mongo)


async def put(
    mongo: Mongo, projection: Projection, rows: Mapping[str, Any], shop: str = SHOP
) -> None:
    documents = [{"_id": f"{shop}/{key}", "shop": shop, **row} for key, row in rows.items()]
    await mongo.database[projection.collection].insert_many(documents)


async def found(queries: Queries, query: str, kind: CustomerKind = "all") -> list[str]:
    page = await queries.find_people(SHOP, phrases_of(query, 12)[0], kind)
    return [one.person for one in page.items]


def people(*more: Recorded) -> dict[str, Any]:
    told: dict[str, Any] = {"first_name": "Zoë", "last_name": "Müller"}
    told |= {"email": "zoe@example.com", "phone": "+4915112345"}
    known = imported(1, 1, **told)
    return fold(CUSTOMERS, [*thread(STARTED, received("m1")), known, *more])


async def test_people_are_found_by_what_they_are_called_and_where_they_are_reached(
    mongo: Mongo, queries: Queries
) -> None:
    await put(mongo, CUSTOMERS, people())
    await put(mongo, CUSTOMERS, people(), OTHER)
    for query in (
        "zoe muller",
        "MÜL",
        "zoe@example.com",
        "+4915112345",
        '"zoe muller"',
        "zoe exam",
    ):
        assert await found(queries, query) == ["person/a"], query
    for query in ("zoe brandt", '"muller zoe"', "zoe@example.org", "nobody", "?!"):
        assert await found(queries, query) == [], query
    assert await found(queries, "zoe", "leads") == []


async def test_two_who_are_one_are_found_once_by_what_either_is_called(
    mongo: Mongo, queries: Queries
) -> None:
    one = imported(1, 1, person="person/a", first_name="Ada")
    two = imported(2, 2, person="person/b", first_name="Bea", last_name="Adams")
    await put(mongo, CUSTOMERS, fold(CUSTOMERS, [one, two, joined(3, "person/a", "person/b")]))
    assert await found(queries, "bea adams") == ["person/a"]
    assert await found(queries, "ad") == ["person/a"]


async def test_who_was_erased_is_not_found_and_has_no_words(mongo: Mongo, queries: Queries) -> None:
    gone = recorded(PersonErased(erasure="e1", person="person/a"), 9, 9)
    rows = people(gone)
    assert rows["person/a"].get("words") == []
    await put(mongo, CUSTOMERS, rows)
    assert await found(queries, "zoe") == []


@pytest.mark.parametrize("name", ["#1001", "1001", " 1001 ", "##1001"])
async def test_an_order_is_found_by_its_number(mongo: Mongo, queries: Queries, name: str) -> None:
    await put(mongo, CUSTOMERS, people())
    order = OrderChanged(
        shopify_order_id=5, shopify_customer_id=1, person="person/a", name="#1001", currency="EUR",
        total_price="9.90", created_at=NOW,
    )  # fmt: skip
    await put(mongo, ORDERS, fold(ORDERS, [recorded(order, 1)]))
    found = await queries.people_of_order(SHOP, name)
    assert [one.person for one in found] == ["person/a"]
    assert await queries.people_of_order(SHOP, "1002") == []
    assert await queries.people_of_order(OTHER, name) == []
    assert await queries.people_of_order(SHOP, "") == []


async def test_so_many_with_the_same_words_are_walked_in_steps(
    mongo: Mongo, queries: Queries
) -> None:
    [row] = fold(CUSTOMERS, [imported(1, 1)]).values()
    rows = {}
    for number in range(2 * scan.CHUNK + 1_500):
        words = ["ada", "zoe"] if number == 3 else ["ada"] if number % 2 else ["zoe"]
        news = NOW + timedelta(minutes=number)
        rows[f"person/{number:05}"] = {**row, "words": words, "changed_at": news}
    await put(mongo, CUSTOMERS, rows)
    phrases, _ = phrases_of("ada zoe ", 12)
    page = await queries.find_people(SHOP, phrases)
    assert page.items == []
    assert page.next is not None
    page = await queries.find_people(SHOP, phrases, cursor=page.next)
    assert [one.person for one in page.items] == ["person/00003"]
    assert page.next is None
    begins, _ = phrases_of("zo ad ", 12)
    assert (await queries.find_people(SHOP, begins)).items == []
    some = await queries.find_people(SHOP, phrases_of("ad", 12)[0], limit=5)
    assert len(some.items) == 5
