"""The directory of persons after somebody was erased, on a real MongoDB."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import monitoring

from cplus.mongo import Mongo, connect
from cplus.privacy.identities import Resolved
from cplus.privacy.persons import PERSONS, IdentityTaken, PersonDirectory, ensure_indexes
from cplus.privacy.tombstones import KEPT, is_tombstone
from cplus.retries import Retries
from cplus.settings import Settings

SHOP, OTHER = "acorn.myshopify.com", "birch.myshopify.com"
ADA, DESK, NEW = "ada@shopper.example", "desk@example.com", "new@example.com"


def at(minutes: int) -> datetime:
    return datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=minutes)


BEFORE, ERASED, LATER = at(1), at(10), at(20)


@pytest.fixture
def persons(mongo: Mongo) -> PersonDirectory:
    return PersonDirectory(mongo.keyring, "a secret", lambda: LATER)


async def found(persons: PersonDirectory, **asked: Any) -> Resolved:
    answer = await persons.resolve(SHOP, **asked)
    assert answer is not None
    return answer


async def who(persons: PersonDirectory, **asked: Any) -> str:
    return (await found(persons, **asked)).person


async def rows(mongo: Mongo) -> list[dict[str, Any]]:
    return list(await mongo.keyring[PERSONS].find(sort=[("_id", 1)]).to_list(None))


async def a_customer(persons: PersonDirectory) -> str:
    """A customer who had one address, and has another now."""
    await persons.resolve(SHOP, shopify_id=1, address=DESK, at=at(0))
    return await who(persons, shopify_id=1, address=ADA, at=BEFORE)


async def test_what_happened_before_the_erasure_is_theirs_and_a_later_mail_of_somebody_new(
    persons: PersonDirectory,
) -> None:
    ada, ben = await a_customer(persons), await who(persons, address="ben@example.com")
    await persons.forget(SHOP, [ada], ERASED)
    assert await persons.find(SHOP, ADA) == []
    late = {"address": ADA, "happened_at": BEFORE}
    assert await found(persons, **late) == Resolved(ada, erased=True)
    writer = await found(persons, address=ADA, happened_at=LATER)
    assert writer.person not in {ada, ben}
    assert not writer.erased
    assert await who(persons, address=ADA) == writer.person
    assert await persons.find(SHOP, ADA) == [writer.person]
    assert await found(persons, **late) == Resolved(ada, erased=True)
    assert await who(persons, address="ben@example.com") == ben


async def test_an_account_does_not_come_back_by_news_of_it_and_holds_no_address(
    persons: PersonDirectory,
) -> None:
    ada = await a_customer(persons)
    await persons.forget(SHOP, [ada], ERASED)
    for told in (
        {},
        {"happened_at": BEFORE},
        {"happened_at": LATER},
        {"address": ADA, "at": BEFORE},
        {"address": ADA, "at": LATER},
        {"address": NEW, "at": LATER + timedelta(days=400)},
    ):
        assert await found(persons, shopify_id=1, **told) == Resolved(ada, erased=True)
    for address in (ADA, NEW):
        assert await who(persons, address=address, happened_at=LATER) != ada


async def test_an_account_begins_anew_with_an_order_that_is_placed_later(
    persons: PersonDirectory,
) -> None:
    ada = await a_customer(persons)
    await persons.forget(SHOP, [ada], ERASED)
    old = {"shopify_id": 1, "happened_at": BEFORE, "ordered": True}
    assert await who(persons, **old) == ada
    customer = await found(persons, shopify_id=1, happened_at=LATER, ordered=True)
    assert not customer.erased
    assert customer.person != ada
    assert await who(persons, **old) == ada
    assert await who(persons, shopify_id=1) == customer.person
    # With the next news, the address is theirs too, and what was erased is joined with nobody.
    news = await found(persons, shopify_id=1, address=ADA, at=LATER)
    assert news == Resolved(customer.person, [])
    assert await who(persons, address=ADA) == customer.person
    assert await who(persons, address=ADA, happened_at=BEFORE) == ada


async def test_who_wrote_again_and_then_orders_is_one_new_person(persons: PersonDirectory) -> None:
    ada = await a_customer(persons)
    await persons.forget(SHOP, [ada], ERASED)
    writer = await who(persons, address=ADA, happened_at=LATER)
    customer = await who(persons, shopify_id=1, happened_at=LATER, ordered=True)
    news = await found(persons, shopify_id=1, address=ADA, at=LATER)
    assert news.ids == sorted([writer, customer])
    await persons.join(SHOP, *news.ids)
    assert await persons.find(SHOP, ADA) == news.ids


async def test_news_of_an_account_that_came_too_late_is_of_the_lead_who_was_erased(
    persons: PersonDirectory,
) -> None:
    lead = await who(persons, address=ADA)
    await persons.forget(SHOP, [lead], ERASED)
    late = {"shopify_id": 5, "address": ADA, "at": BEFORE}
    for _ in range(2):
        assert await found(persons, **late) == Resolved(lead, erased=True)
    assert await found(persons, shopify_id=5, address=ADA, at=LATER) == Resolved(lead, erased=True)
    # But the account that another one had before is of another person, as it would have been.
    ada = await a_customer(persons)
    await persons.forget(SHOP, [ada], ERASED)
    other = await found(persons, shopify_id=6, address=DESK, at=BEFORE)
    assert not other.erased


async def test_an_address_that_goes_to_another_account_later_is_that_ones(
    persons: PersonDirectory,
) -> None:
    ada = await a_customer(persons)
    await persons.forget(SHOP, [ada], ERASED)
    customer = await found(persons, shopify_id=2, address=ADA, at=LATER)
    assert customer == Resolved(customer.person, [])
    assert customer.person != ada
    assert await who(persons, address=ADA) == customer.person
    assert await who(persons, address=ADA, happened_at=BEFORE) == ada
    # Somebody who is erased in their turn: all news is of the last.
    await persons.forget(SHOP, [customer.person], LATER)
    assert await who(persons, address=ADA, happened_at=BEFORE) == customer.person
    assert await who(persons, shopify_id=1) == ada


async def test_all_ids_are_forgotten_and_nobody_is_joined_with_them(
    mongo: Mongo, persons: PersonDirectory
) -> None:
    one, two, ben = sorted([await who(persons, shopify_id=number) for number in (1, 2, 3)])
    await persons.join(SHOP, one, two)
    await persons.forget(SHOP, [one, two], ERASED)
    before = await rows(mongo)
    assert sum(map(is_tombstone, before)) == 2
    for pair in ((one, two), (one, ben), (two, ben)):
        await persons.join(SHOP, *pair)
    await persons.forget(SHOP, [one, two], LATER)
    assert await rows(mongo) == before
    lead = await who(persons, address=ADA)
    await persons.forget(SHOP, [lead], ERASED)
    writer = await who(persons, address=ADA, happened_at=LATER)
    await persons.join(SHOP, *sorted([lead, writer]))
    assert await persons.find(SHOP, ADA) == [writer]


async def test_who_was_joined_into_another_id_meanwhile_is_not_half_forgotten(
    mongo: Mongo,
) -> None:
    persons = PersonDirectory(mongo.keyring, "a secret", lambda: LATER)
    one, two = sorted([await who(persons, shopify_id=number) for number in (1, 2)])
    await persons.join(SHOP, one, two)
    before = await rows(mongo)
    with pytest.raises(IdentityTaken):
        await persons.forget(SHOP, [two], ERASED)
    assert await rows(mongo) == before


async def test_tombstones_hold_no_address_and_end(mongo: Mongo, persons: PersonDirectory) -> None:
    await ensure_indexes(mongo.keyring)
    ada = await a_customer(persons)
    await persons.forget(SHOP, [ada], ERASED)
    left = await rows(mongo)
    assert "shopper" not in str(left)
    assert {row["_id"].split("/")[1]: row.get("expires_at") for row in left} == {
        "address": ERASED + KEPT,
        "shopify": None,
    }
    expiry = (await mongo.keyring[PERSONS].index_information())["expiry"]
    assert expiry["expireAfterSeconds"] == 0
    assert expiry["partialFilterExpression"] == {"ended": True}
    # An address that somebody has does not end; that it was another's does.
    writer = await who(persons, address=ADA)
    name = [row["_id"] for row in await rows(mongo) if row["person"] == writer]
    assert len(name) == 1
    assert await persons.lapse() == 0
    later = PersonDirectory(mongo.keyring, "a secret", lambda: ERASED + KEPT)
    assert await later.lapse() == 1
    [row] = [row for row in await rows(mongo) if row["person"] == writer]
    assert ada not in str(row)
    assert not row.keys() & {"ended", "expires_at", "lapses_at"}
    assert await who(persons, address=ADA, happened_at=BEFORE) == writer


async def test_to_code_that_knows_of_no_tombstones_they_are_of_nobody(
    mongo: Mongo, persons: PersonDirectory
) -> None:
    ada = await a_customer(persons)
    await persons.forget(SHOP, [ada], ERASED)
    await mongo.keyring[PERSONS].update_many({}, {"$unset": {"erased": ""}})
    later = {"at": LATER + timedelta(days=400)}
    for address in (ADA, NEW):
        assert await who(persons, shopify_id=1, address=address, **later) == ada
        assert await who(persons, address=address) != ada


async def test_a_phone_alone_is_known_and_forgotten_like_an_address(
    mongo: Mongo, persons: PersonDirectory
) -> None:
    asking = await who(persons, phone="+49 30 1234")
    assert await who(persons, phone="+49-30-1234") == asking
    assert await who(persons, phone="+49 30 1234", address=ADA) != asking
    assert await persons.resolve(SHOP, phone="+") is None
    assert "1234" not in str(await rows(mongo))
    await persons.forget(SHOP, [asking], ERASED)
    assert await who(persons, phone="+49 30 1234", happened_at=BEFORE) == asking
    assert await who(persons, phone="+49 30 1234", happened_at=LATER) != asking


async def test_a_shop_is_forgotten_and_no_other(mongo: Mongo, persons: PersonDirectory) -> None:
    await persons.forget(SHOP, [await a_customer(persons)], ERASED)
    await who(persons, address="ben@example.com")
    await persons.resolve(OTHER, address=ADA)
    before = await rows(mongo)
    await persons.forget_shop(SHOP, LATER - timedelta(seconds=1))
    left = [row["since"] for row in await rows(mongo)]
    assert 1 < len(left) < len(before), "who became known after the erasure stays"
    assert min(left) == LATER
    await persons.forget_shop(SHOP, LATER)
    await persons.forget_shop(SHOP, LATER)
    assert [row["shop"] for row in await rows(mongo)] == [OTHER]


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


Work = Callable[[PersonDirectory], Awaitable[Any]]


def elsewhere(settings: Settings, work: Work) -> None:
    """Does something in another thread, with a client of its own."""

    async def run() -> None:
        mongo = connect(settings)
        try:
            await work(PersonDirectory(mongo.keyring, "a secret", lambda: LATER))
        finally:
            await mongo.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, run()).result()


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


async def interrupted(
    settings: Settings, ids: list[str], work: Work, other: Work, then: Work | None = None
) -> None:
    """Does `work`, and after each of its commands in turn the `other`, from the same rows; in the
    end, one of them having forgotten these ids, nobody living has one, and `then` holds."""
    mongo = connect(settings)
    start = await rows(mongo)
    between = Between(lambda: elsewhere(settings, other))
    slow = connect(settings, [between])
    try:
        for number in range(1, 9):
            await mongo.keyring[PERSONS].delete_many({})
            await mongo.keyring[PERSONS].insert_many(start)
            between.left = number
            persons = PersonDirectory(
                slow.keyring, "a secret", lambda: LATER, retries=Retries(10, 0.001, 0.01)
            )
            await work(persons)
            assert not between.failed_with
            if between.left > 0:  # it has no more commands
                assert number > 1
                return
            left = await rows(mongo)
            assert [row for row in left if row["person"] in ids and not is_tombstone(row)] == []
            if then is not None:
                await then(persons)
            for address in (ADA, DESK, NEW, "ben@example.com"):
                assert await persons.find(SHOP, address) != ids[:1]
                assert await who(persons, address=address) not in ids
    finally:
        await mongo.close()
        await slow.close()
    raise AssertionError("it never ended")


@pytest.mark.parametrize("fact", FACTS)
@pytest.mark.parametrize("slow", ["the fact", "the erasure"])
async def test_an_erasure_between_the_steps_of_another_process_leaves_nobody_living(
    one_database: Settings, persons: PersonDirectory, slow: str, fact: dict[str, Any]
) -> None:
    ada, ben = await a_customer(persons), await who(persons, address="ben@example.com")

    async def told(directory: PersonDirectory) -> None:
        await directory.resolve(SHOP, **fact)

    async def forget(directory: PersonDirectory) -> None:
        for person in (ada, ben):
            await directory.forget(SHOP, [person], ERASED)

    both = (told, forget) if slow == "the fact" else (forget, told)
    is_theirs = fact.get("shopify_id") == 2 and fact["at"] == LATER
    await interrupted(one_database, [ada, ben], *both, has_ada if is_theirs else None)


@pytest.mark.parametrize("slow", ["the join", "the erasure"])
async def test_a_join_between_the_steps_of_an_erasure_leaves_nobody_living(
    one_database: Settings, persons: PersonDirectory, slow: str
) -> None:
    ids = sorted([await a_customer(persons), await who(persons, address="ben@example.com")])

    async def join(directory: PersonDirectory) -> None:
        await directory.join(SHOP, *ids)

    async def forget(directory: PersonDirectory) -> None:
        await directory.forget(SHOP, ids, ERASED)

    both = (join, forget) if slow == "the join" else (forget, join)
    await interrupted(one_database, ids, *both)


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
