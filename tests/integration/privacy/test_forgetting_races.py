"""A person is forgotten whole, wherever that is cut off and whatever others do meanwhile."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Coroutine, Iterator
from threading import Thread
from typing import Any

import pytest
from pymongo import monitoring

from cplus.mongo import Mongo, connect
from cplus.privacy.identities import Resolved
from cplus.privacy.persons import PERSONS, PersonDirectory
from cplus.privacy.tombstones import is_tombstone
from cplus.retries import Retries
from cplus.settings import Settings
from tests.integration.privacy.directory_world import (
    ADA,
    BEFORE,
    DESK,
    ERASED,
    LATER,
    NEW,
    SHOP,
    a_customer,
    at,
    found,
    rows,
    who,
)


@pytest.fixture
def persons(mongo: Mongo) -> PersonDirectory:
    return PersonDirectory(mongo.keyring, "a secret", lambda: LATER)


async def test_what_was_forgotten_halfway_is_forgotten_by_the_next_call(
    mongo: Mongo, persons: PersonDirectory
) -> None:
    ada, directory = await a_customer(persons), mongo.keyring[PERSONS]
    # The account names an address whose row is not there yet: the process that inserts it is late.
    await persons.resolve(SHOP, shopify_id=1, address=NEW, at=at(2))
    [new] = await directory.find({"holder": {"$exists": True}, "ended": None}).to_list(None)
    await directory.delete_one({"_id": new["_id"]})
    living = await rows(mongo)
    await persons.forget(SHOP, [ada], ERASED)
    done = {row["_id"]: row for row in await rows(mongo)}
    assert new["_id"] in done
    for count in range(len(living)):
        for some in itertools.combinations(living, count):
            await directory.delete_many({})
            await directory.insert_many(living)
            await directory.insert_one(done[new["_id"]])
            for row in some:
                await directory.replace_one({"_id": row["_id"]}, done[row["_id"]])
            await persons.forget(SHOP, [ada], ERASED)
            assert {row["_id"]: row for row in await rows(mongo)} == done


async def test_an_address_that_was_given_to_an_account_just_when_it_was_erased_is_erased_too(
    mongo: Mongo, persons: PersonDirectory
) -> None:
    ada, directory = await a_customer(persons), mongo.keyring[PERSONS]
    fact: dict[str, Any] = {"shopify_id": 1, "address": NEW, "at": at(2)}
    await persons.resolve(SHOP, **fact)
    [new] = await directory.find({"holder": {"$exists": True}, "ended": None}).to_list(None)
    await persons.forget(SHOP, [ada], ERASED)
    # Another process had read the rows before, and wrote the address's first.
    await directory.replace_one({"_id": new["_id"]}, new)
    assert await found(persons, **fact) == Resolved(ada, erased=True)
    assert all(map(is_tombstone, await rows(mongo)))
    assert await who(persons, address=NEW) != ada


class Between(monitoring.CommandListener):
    """Does something once, when the database has answered the n-th command: what another process
    does that is faster."""

    def __init__(self, work: Callable[[], None]) -> None:
        self.left = 0
        self.failed_with: list[BaseException] = []
        self._work = work

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        pass

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        if event.command_name in {"find", "update", "insert"}:
            self.left -= 1
            if self.left == 0:
                try:
                    self._work()
                except BaseException as error:  # noqa: BLE001  the driver only prints it
                    self.failed_with.append(error)

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


Work = Callable[[PersonDirectory], Coroutine[Any, Any, Any]]


@pytest.fixture
def elsewhere(one_database: Settings) -> Iterator[Callable[[Work], None]]:
    """Does something as another process, with a client and a loop of its own, and waits for it."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()

    def wait(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result()

    async def made() -> Mongo:
        return connect(one_database)

    mongo = wait(made())
    directory = PersonDirectory(mongo.keyring, "a secret", lambda: LATER)
    yield lambda work: wait(work(directory))
    wait(mongo.close())
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


FACTS: list[dict[str, Any]] = [
    {"shopify_id": 1, "address": NEW, "at": at(2)},
    {"shopify_id": 1, "address": DESK, "at": at(2)},
    {"shopify_id": 1, "address": NEW, "at": LATER},
    {"shopify_id": 1, "at": at(2)},
    {"shopify_id": 7, "address": "ben@example.com", "at": at(2)},
    {"shopify_id": 7, "address": "ben@example.com", "at": LATER},
    {"shopify_id": 2, "address": ADA, "at": at(2)},
    {"shopify_id": 2, "address": ADA, "at": LATER},
    {"address": ADA, "happened_at": BEFORE},
]


async def has_ada(persons: PersonDirectory) -> None:
    """The customer 2 has the address, and nobody else."""
    assert await persons.find(SHOP, ADA) == [await who(persons, shopify_id=2)]


class Interrupted:
    """Does something, and after each of its commands in turn what another process does, from the
    same rows."""

    def __init__(self, mongo: Mongo, settings: Settings, elsewhere: Callable[[Work], None]) -> None:
        self._mongo = mongo
        self._settings = settings
        self._elsewhere = elsewhere

    async def check(
        self, ids: list[str], work: Work, other: Work, then: Work | None = None
    ) -> None:
        """In the end, one of them having forgotten these ids, nobody living has one, and `then`
        holds."""
        start, rows_now = await rows(self._mongo), self._mongo.keyring[PERSONS]
        between = Between(lambda: self._elsewhere(other))
        slow = connect(self._settings, [between])
        retries = Retries(10, 0.001, 0.01)
        persons = PersonDirectory(slow.keyring, "a secret", lambda: LATER, retries=retries)
        try:
            for number in range(1, 9):
                await rows_now.delete_many({})
                await rows_now.insert_many(start)
                between.left = number
                await work(persons)
                assert not between.failed_with
                if between.left > 0:  # it has no more commands
                    assert number > 1
                    return
                await self._nobody_has(ids, persons)
                if then is not None:
                    await then(persons)
        finally:
            await slow.close()
        raise AssertionError("it never ended")

    async def _nobody_has(self, ids: list[str], persons: PersonDirectory) -> None:
        left = [row for row in await rows(self._mongo) if not is_tombstone(row)]
        assert [row for row in left if row["person"] in ids] == []
        addresses = (ADA, DESK, NEW, "ben@example.com")
        found = await asyncio.gather(*(persons.find(SHOP, address) for address in addresses))
        assert not {*ids} & {one for some in found for one in some}


@pytest.fixture
def interrupted(
    mongo: Mongo, one_database: Settings, elsewhere: Callable[[Work], None]
) -> Interrupted:
    return Interrupted(mongo, one_database, elsewhere)


@pytest.mark.parametrize("fact", FACTS)
@pytest.mark.parametrize("slow", ["the fact", "the erasure"])
async def test_an_erasure_between_the_steps_of_another_process_leaves_nobody_living(
    interrupted: Interrupted, persons: PersonDirectory, slow: str, fact: dict[str, Any]
) -> None:
    ada, ben = await a_customer(persons), await who(persons, address="ben@example.com")

    async def told(directory: PersonDirectory) -> None:
        await directory.resolve(SHOP, **fact)

    async def forget(directory: PersonDirectory) -> None:
        for person in (ada, ben):
            await directory.forget(SHOP, [person], ERASED)

    both = (told, forget) if slow == "the fact" else (forget, told)
    is_theirs = fact.get("shopify_id") == 2 and fact["at"] == LATER
    await interrupted.check([ada, ben], *both, has_ada if is_theirs else None)


@pytest.mark.parametrize("slow", ["the join", "the erasure"])
async def test_a_join_between_the_steps_of_an_erasure_leaves_nobody_living(
    interrupted: Interrupted, persons: PersonDirectory, slow: str
) -> None:
    ids = sorted([await a_customer(persons), await who(persons, address="ben@example.com")])

    async def join(directory: PersonDirectory) -> None:
        await directory.join(SHOP, *ids)

    async def forget(directory: PersonDirectory) -> None:
        await directory.forget(SHOP, ids, ERASED)

    both = (join, forget) if slow == "the join" else (forget, join)
    await interrupted.check(ids, *both)


async def test_many_processes_at_once_leave_nobody_living(
    mongo: Mongo, persons: PersonDirectory
) -> None:
    ada = await a_customer(persons)
    others = [
        PersonDirectory(mongo.keyring, "a secret", retries=Retries(50, 0.001, 0.02))
        for _ in range(6)
    ]

    async def write(directory: PersonDirectory, seed: int) -> None:
        choice = random.Random(seed)
        for minute in range(2, 20):
            address = choice.choice([ADA, DESK, NEW, f"{seed}@example.com"])
            await directory.resolve(SHOP, shopify_id=1, address=address, at=at(minute))

    await asyncio.gather(
        *(write(one, seed) for seed, one in enumerate(others)),
        persons.forget(SHOP, [ada], ERASED),
    )
    assert all(map(is_tombstone, await rows(mongo)))
