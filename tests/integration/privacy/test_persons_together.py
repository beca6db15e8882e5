"""Many questions to the directory of persons at once: one query, and the answers of one by one."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pymongo
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from pymongo import monitoring

from cplus.ids import random_id
from cplus.mongo import Mongo, connect
from cplus.privacy.identities import Resolved
from cplus.privacy.persons import PERSONS, PersonDirectory, ensure_indexes
from cplus.settings import Settings

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
SHOP, OTHER = "acorn.myshopify.com", "birch.myshopify.com"

Question = tuple[str, int | None, str | None, datetime | None]
"""(shop, Shopify's id, address, since when the account has it)"""

Way = Callable[[PersonDirectory, Sequence[Question]], Awaitable[list[Resolved | None]]]
"""How the questions of a batch are asked."""


class Server(monitoring.CommandListener):
    """Notes what the database is asked. Between a find and the insert after it, another process
    may be faster: with `faster`, its rows are there once the first find is answered."""

    def __init__(self, uri: str, database: str) -> None:
        self.asked: list[str] = []
        self.filters: list[Mapping[str, Any]] = []
        self.faster: list[dict[str, Any]] = []
        self._uri = uri
        self._database = database

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.asked.append(event.command_name)
        if event.command_name == "find":
            self.filters.append(event.command["filter"])

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        if event.command_name == "find" and self.faster:
            rows, self.faster = self.faster, []
            with pymongo.MongoClient[dict[str, Any]](self._uri) as client:
                client[self._database][PERSONS].insert_many(rows)

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


@pytest.fixture(scope="module")
async def worlds(mongo_uri: str) -> AsyncIterator[list[tuple[Mongo, Server]]]:
    """Two keyrings, and what each is asked."""
    made = []
    for _ in range(2):
        name = f"test_{random_id(12)}"
        server = Server(mongo_uri, name)
        given = Settings(
            mongo_uri=SecretStr(mongo_uri), mongo_database=name, mongo_keyring_database=name
        )
        made.append((connect(given, [server]), server))
    yield made
    for mongo, _ in made:
        await mongo.client.drop_database(mongo.keyring.name)
        await mongo.close()


async def emptied(worlds: list[tuple[Mongo, Server]]) -> list[PersonDirectory]:
    """A directory of nobody in each keyring."""
    for mongo, _ in worlds:
        await mongo.keyring[PERSONS].delete_many({})
    return [PersonDirectory(mongo.keyring, "a secret") for mongo, _ in worlds]


async def ask(persons: PersonDirectory, question: Question) -> Resolved | None:
    shop, shopify_id, address, at = question
    # What has a time is an order with an account: that also begins anew who was erased.
    ordered = address is None and at is not None
    told = {"happened_at": at, "ordered": True} if ordered else {"at": at, "happened_at": at}
    return await persons.resolve(shop, shopify_id=shopify_id, address=address, **told)


async def together(persons: PersonDirectory, some: Sequence[Question]) -> list[Resolved | None]:
    return list(await asyncio.gather(*(ask(persons, one) for one in some)))


async def one_by_one(persons: PersonDirectory, some: Sequence[Question]) -> list[Resolved | None]:
    return [await ask(persons, one) for one in some]


async def joined_at_once(
    persons: PersonDirectory, some: Sequence[Question]
) -> list[Resolved | None]:
    answers = []
    for one in some:
        answers.append(await ask(persons, one))
        await join_all(persons, [one], answers[-1:])
    return answers


async def join_all(persons: PersonDirectory, some: Sequence[Question], told: list[Any]) -> None:
    for (shop, *_), one in zip(some, told, strict=True):
        for absorbed in one.absorbed if one else ():
            await persons.join(shop, one.person, absorbed)


questions = st.tuples(
    st.sampled_from([SHOP, SHOP, OTHER]),
    st.one_of(st.none(), st.integers(1, 4)),
    st.one_of(st.none(), st.sampled_from(["", "ada@shopper.example", " ADA@shopper.example"]),
              st.sampled_from(["ben@shopper.example", "eve@shopper.example"])),
    st.one_of(st.none(), st.integers(-3, 3).map(lambda days: NOW + timedelta(days))),
)  # fmt: skip
batches_of = st.lists(questions, min_size=1, max_size=8)
scripts = st.lists(batches_of, min_size=1, max_size=3)
erasures = st.lists(st.integers(0, 7), max_size=3)
"""Of each batch, the place of the answer whose person is erased after it."""


async def joined(mongo: Mongo, ids: list[str]) -> set[str]:
    """All ids of these persons."""
    rows = await mongo.keyring[PERSONS].find().to_list(None)
    all_of = [{row["person"], *row.get("former", ())} for row in rows]
    return set(ids).union(*(some for some in all_of if not some.isdisjoint(ids)))


def examples(count: int) -> settings:
    left_out = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    return settings(max_examples=count, suppress_health_check=left_out)


async def played(
    mongo: Mongo, way: Way, batches: list[list[Question]], erased: Sequence[int] = ()
) -> tuple[Any, list[Any]]:
    """The answers of a directory that knows nobody, and its rows in the end."""
    await mongo.keyring[PERSONS].delete_many({})
    # In no order, and the same each time: of two persons, the one with the smaller id stays.
    ids = (hashlib.sha256(b"%d" % number).hexdigest() for number in itertools.count())
    persons = PersonDirectory(mongo.keyring, "a secret", lambda: NOW, new_id=ids.__next__)
    answers = []
    for batch, place in itertools.zip_longest(batches, erased[: len(batches)]):
        answers.append(told := await way(persons, batch))
        await join_all(persons, batch, told)
        if place is not None and place < len(batch) and (one := told[place]):
            await persons.forget(batch[place][0], await joined(mongo, one.ids), NOW)
    return answers, await mongo.keyring[PERSONS].find(sort=[("_id", 1)]).to_list(None)


@given(scripts, erasures)
@examples(60)
async def test_together_and_one_by_one_give_the_same_persons(
    worlds: list[tuple[Mongo, Server]], batches: list[list[Question]], erased: list[int]
) -> None:
    [(mongo, _), (other, _)] = worlds
    mine = await played(mongo, together, batches, erased)
    assert mine == await played(other, one_by_one, batches, erased)


@given(scripts)
@examples(40)
async def test_a_batch_joins_the_persons_that_its_messages_would_have_joined_one_by_one(
    worlds: list[tuple[Mongo, Server]], batches: list[list[Question]]
) -> None:
    [(mongo, _), (other, _)] = worlds
    _, rows = await played(mongo, together, batches)
    _, at_once = await played(other, joined_at_once, batches)
    assert [(row["_id"], row["person"]) for row in rows] == [
        (row["_id"], row["person"]) for row in at_once
    ]


def everybody(count: int) -> list[Question]:
    return [(SHOP, number, f"ada{number}@shopper.example", None) for number in range(1, count + 1)]


async def test_a_batch_of_new_persons_takes_one_find_and_one_insert(
    worlds: list[tuple[Mongo, Server]],
) -> None:
    [persons, _], [(_, server), _] = await emptied(worlds), worlds
    for commands in (["find", "insert"], ["find"]):
        server.asked.clear()
        answers = await together(persons, everybody(150))
        assert server.asked == commands
        assert len({one.person for one in answers if one}) == 150


async def test_one_batch_that_names_a_person_in_two_ways_means_one_person(
    worlds: list[tuple[Mongo, Server]],
) -> None:
    [persons, _] = await emptied(worlds)
    ada = "ada@shopper.example"
    told = await together(
        persons, [(SHOP, 1, ada, None), (SHOP, None, ada, None), (SHOP, 1, None, None)]
    )
    assert len({one.person for one in told if one}) == 1
    # Both are known, and only now turn out to be one: to whoever says so, and who asks after.
    ben = "ben@shopper.example"
    told = await together(
        persons,
        [(SHOP, 2, None, None), (SHOP, None, ben, None), (SHOP, 2, ben, None), (SHOP, 2, "", None)],
    )
    assert [len(one.absorbed) for one in told if one] == [0, 0, 1, 0]


async def test_two_workers_with_the_same_new_persons_give_them_the_same_ids(
    worlds: list[tuple[Mongo, Server]],
) -> None:
    [one, _], [(mongo, _), _] = await emptied(worlds), worlds
    other = PersonDirectory(mongo.keyring, "a secret")
    mine, theirs = await asyncio.gather(
        together(one, everybody(40)), together(other, everybody(40)[::-1])
    )
    assert mine == theirs[::-1]
    assert not any(answer.absorbed for answer in mine if answer)


async def test_only_who_was_overtaken_looks_again_and_no_person_is_split(
    worlds: list[tuple[Mongo, Server]],
) -> None:
    [persons, _], [(mongo, server), _] = await emptied(worlds), worlds
    # Another process has recorded the customer 2, and is about to record the address.
    faster = {"shop": SHOP, "person": "person/faster"}
    server.faster = [{"_id": f"{SHOP}/shopify/2", **faster}]
    server.asked.clear()
    first, second, third = await together(persons, everybody(3))
    assert first is not None
    assert second is not None
    assert third is not None
    assert (second.person, second.ids) == ("person/faster", ["person/faster"])
    assert len({first.person, "person/faster", third.person}) == 3
    assert server.asked == ["find", "insert", "insert", "find", "find", "update", "insert"]
    assert await mongo.keyring[PERSONS].count_documents({"person": "person/faster"}) == 2
    assert await together(persons, everybody(3)) == [first, second, third]


async def test_a_join_looks_only_at_those_whom_it_joins(
    worlds: list[tuple[Mongo, Server]],
) -> None:
    [persons, _], [(mongo, server), _] = await emptied(worlds), worlds
    await ensure_indexes(mongo.keyring)
    for first in (0, 2):  # so that others were joined before
        answers = await together(persons, everybody(300))
        one, other = sorted(found.person for found in answers[first : first + 2] if found)
        server.filters.clear()
        await persons.join(SHOP, one, other)
        for asked in server.filters:
            question = {"find": PERSONS, "filter": asked}
            told = await mongo.keyring.command("explain", question, verbosity="executionStats")
            assert told["executionStats"]["totalKeysExamined"] <= 20
