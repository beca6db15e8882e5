"""The directory of persons on a real MongoDB."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cplus.mongo import Mongo
from cplus.privacy.persons import PersonDirectory

SHOP = "acorn.myshopify.com"
ADA = "Ada@Shopper.example"
DESK, ANN = "desk@example.com", "ann@example.com"


def at(minutes: int) -> datetime:
    return datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=minutes)


MOVED: tuple[dict[str, Any], ...] = (
    {"shopify_id": 1, "address": DESK, "at": at(1)},
    {"shopify_id": 1, "address": ANN, "at": at(2)},
    {"shopify_id": 2, "address": DESK, "at": at(3)},
)
"""The customer 1 gives up an address, and the customer 2 is created with it."""


@pytest.fixture
def persons(mongo: Mongo) -> PersonDirectory:
    return PersonDirectory(mongo.keyring, "a secret")


async def who(persons: PersonDirectory, shop: str = SHOP, **identities: object) -> str:
    found = await persons.resolve(shop, **identities)  # type: ignore[arg-type]
    assert found is not None
    return found.person


async def test_one_address_is_one_person_however_it_is_written(persons: PersonDirectory) -> None:
    assert await who(persons, address=ADA) == await who(persons, address=" ada@shopper.EXAMPLE ")


async def test_a_lead_who_becomes_a_customer_stays_the_same_person(
    persons: PersonDirectory,
) -> None:
    lead = await who(persons, address=ADA)
    assert await who(persons, shopify_id=5, address=ADA) == lead
    assert await who(persons, shopify_id=5) == lead


async def test_shops_share_nobody(persons: PersonDirectory) -> None:
    assert await who(persons, address=ADA) != await who(persons, "birch.myshopify.com", address=ADA)


async def test_nobody_is_nobody(persons: PersonDirectory) -> None:
    assert await persons.resolve(SHOP) is None
    assert await persons.resolve(SHOP, address="") is None


async def test_many_who_ask_at_once_get_one_person(persons: PersonDirectory) -> None:
    answers = await asyncio.gather(*(who(persons, shopify_id=9, address=ADA) for _ in range(20)))
    assert len(set(answers)) == 1


async def test_two_who_turn_out_to_be_one_are_told_until_they_are_joined(
    persons: PersonDirectory,
) -> None:
    lead = await who(persons, address=ADA)
    customer = await who(persons, shopify_id=5)
    kept, absorbed = sorted([lead, customer])
    for _ in range(2):
        found = await persons.resolve(SHOP, shopify_id=5, address=ADA)
        assert found is not None
        assert (found.person, list(found.absorbed)) == (kept, [absorbed])
    await persons.join(SHOP, kept, absorbed)
    await persons.join(SHOP, kept, absorbed)
    assert await who(persons, address=ADA) == await who(persons, shopify_id=5) == kept


async def test_who_looks_for_an_address_makes_nobody_known(persons: PersonDirectory) -> None:
    assert await persons.find(SHOP, "ann@example.com") == []
    assert await persons.find(SHOP, "ann@example.com") == []
    ann = await persons.resolve(SHOP, address="ann@example.com")
    assert ann is not None
    assert await persons.find(SHOP, " Ann@Example.com") == [ann.person]
    await persons.join(SHOP, "person/0", ann.person)
    assert sorted(await persons.find(SHOP, "ann@example.com")) == ["person/0", ann.person]


async def test_no_address_rests_in_the_directory(mongo: Mongo, persons: PersonDirectory) -> None:
    await persons.resolve(SHOP, address=ADA)
    assert "shopper" not in str(await mongo.keyring.persons.find().to_list(None)).lower()


JOINS = [(0, 1), (1, 2), (0, 2)]
"""Of three persons by their ids; two of them make the three one."""


@pytest.mark.parametrize("joins", list(itertools.permutations(JOINS, 2)))
@pytest.mark.parametrize("together", [False, True])
async def test_a_joined_person_is_still_known_by_all_former_ids(
    persons: PersonDirectory, joins: Sequence[tuple[int, int]], together: bool
) -> None:
    first = await who(persons, shopify_id=1)
    second = await who(persons, shopify_id=2)
    third = await who(persons, address=ADA)
    ids = sorted([first, second, third])
    works = [persons.join(SHOP, ids[one], ids[other]) for one, other in joins]
    if together:  # as the messages of one batch are settled
        await asyncio.gather(*works)
    else:
        for work in works:
            await work
    kept, *absorbed = ids
    for identity in ({"shopify_id": 1}, {"shopify_id": 2}, {"address": ADA}):
        found = await persons.resolve(SHOP, **identity)
        assert found is not None
        assert (found.person, found.ids) == (kept, [kept, *absorbed])


@pytest.mark.parametrize("facts", list(itertools.permutations(MOVED)))
async def test_an_address_belongs_to_the_customer_who_has_it_now(
    persons: PersonDirectory, facts: Sequence[dict[str, Any]]
) -> None:
    for fact in facts:
        found = await persons.resolve(SHOP, **fact)
        assert found is not None
        assert not found.absorbed, "two customers are two persons"
    first, second = await who(persons, shopify_id=1), await who(persons, shopify_id=2)
    assert first != second
    assert await who(persons, address=DESK) == second
    assert await who(persons, address=ANN) == first


def told(milliseconds: int) -> dict[str, Any]:
    """A time in whole seconds, and when Shopify told of it."""
    return {"at": at(1), "told_at": at(1) + timedelta(milliseconds=milliseconds)}


ONE_SECOND: tuple[dict[str, Any], ...] = (
    {"shopify_id": 1, "address": DESK, **told(100)},
    {"shopify_id": 1, "address": ANN, **told(300)},
    {"shopify_id": 2, "address": DESK, **told(700)},
)
"""As MOVED, and all in one second."""


@pytest.mark.parametrize("facts", list(itertools.permutations(ONE_SECOND)))
@pytest.mark.parametrize("again", ONE_SECOND)
async def test_of_the_facts_of_one_second_the_one_told_last_counts_in_any_order_and_again(
    persons: PersonDirectory, facts: Sequence[dict[str, Any]], again: dict[str, Any]
) -> None:
    for fact in (*facts, again):
        await who(persons, **fact)
    first, second = await who(persons, shopify_id=1), await who(persons, shopify_id=2)
    assert first != second
    assert await who(persons, address=DESK) == second
    assert await who(persons, address=ANN) == first


async def test_a_fact_that_came_before_changes_nothing_also_if_nobody_said_when_it_was_told(
    persons: PersonDirectory,
) -> None:
    first = await who(persons, shopify_id=1, address=DESK, at=at(1))
    for address in (ANN, DESK, ANN):
        await who(persons, shopify_id=1, address=address, at=at(1))
    assert await who(persons, address=DESK) == first
    assert await who(persons, address=ANN) != first


async def test_old_news_of_an_address_does_not_make_its_new_writer_a_customer(
    persons: PersonDirectory,
) -> None:
    first = await who(persons, **MOVED[0])
    await who(persons, **MOVED[2])
    await who(persons, shopify_id=2, at=at(4))
    stranger = await who(persons, address=DESK)
    for number in (1, 3):
        found = await persons.resolve(SHOP, shopify_id=number, address=DESK, at=at(1))
        assert found is not None
        assert stranger not in found.ids
    assert await who(persons, address=DESK) == stranger
    assert await who(persons, shopify_id=1) == first


async def test_what_a_crash_left_undone_is_done_when_the_same_fact_comes_again(
    mongo: Mongo, persons: PersonDirectory
) -> None:
    first = await who(persons, **ONE_SECOND[0])
    await who(persons, **ONE_SECOND[1])
    # The row of the account was written, and the one of its address was not.
    gone = await mongo.keyring.persons.delete_one({"holder": {"$exists": True}, "ended": None})
    assert gone.deleted_count == 1
    assert await who(persons, **ONE_SECOND[1]) == first
    assert await who(persons, address=ANN) == first


async def test_who_has_an_address_now_is_not_who_once_wrote_from_it(
    persons: PersonDirectory,
) -> None:
    wrote = await who(persons, address=DESK)
    assert await who(persons, **MOVED[0]) == wrote
    assert await who(persons, **MOVED[1]) == wrote
    await who(persons, **MOVED[2])
    found = await persons.resolve(SHOP, address=DESK)
    assert found is not None
    assert wrote not in found.ids


async def test_an_address_that_nobody_has_any_more_is_of_somebody_new(
    persons: PersonDirectory,
) -> None:
    first = await who(persons, **MOVED[0])
    await who(persons, shopify_id=1, at=at(2))
    stranger = await who(persons, address=DESK)
    assert stranger != first
    assert await who(persons, address=DESK) == stranger
    assert await who(persons, shopify_id=1, address=DESK, at=at(1)) == first, "that is old news"
    assert await who(persons, address=DESK) == stranger


async def test_customers_who_swap_their_addresses_stay_themselves(
    persons: PersonDirectory,
) -> None:
    first = await who(persons, shopify_id=1, address=DESK, at=at(1))
    second = await who(persons, shopify_id=2, address=ANN, at=at(1))
    for one, (shopify_id, address) in ((first, (1, ANN)), (second, (2, DESK))):
        assert await who(persons, shopify_id=shopify_id, address=address, at=at(5)) == one
    assert await who(persons, address=ANN) == first
    assert await who(persons, address=DESK) == second


async def test_rows_of_older_releases_say_whose_an_address_is(
    mongo: Mongo, persons: PersonDirectory
) -> None:
    first = await who(persons, shopify_id=1, address=DESK)
    lead = await who(persons, address=ANN)
    mine = {"holder": "", "address": "", "at": "", "ended": ""}
    await mongo.keyring.persons.update_many({}, {"$unset": mine})
    assert await who(persons, address=DESK) == first
    second = await who(persons, shopify_id=2, address=DESK)
    assert second not in {first, lead}
    assert await who(persons, address=DESK) == second
    found = await persons.resolve(SHOP, shopify_id=1, address=ANN)
    assert found is not None
    assert found.ids == sorted([first, lead])


@pytest.mark.parametrize("accounts", [1, 2])
async def test_an_address_that_an_older_release_noted_is_given_up_with_the_next(
    mongo: Mongo, persons: PersonDirectory, accounts: int
) -> None:
    first = await who(persons, shopify_id=1, address=DESK, at=at(1))
    rows = mongo.keyring.persons
    await rows.update_many({}, {"$unset": {"holder": "", "address": "", "at": ""}})
    if accounts == 2:  # an older release took two customers of one address for one person
        other = {"_id": f"{SHOP}/shopify/2", "shop": SHOP, "person": first, "since": at(1)}
        await rows.insert_one(other)
    for _ in range(2):
        assert await who(persons, shopify_id=1, address=ANN, at=at(2)) == first
        assert await who(persons, address=ANN) == first
        assert (await who(persons, address=DESK) == first) == (accounts == 2)
    back = await persons.resolve(SHOP, shopify_id=1, address=DESK, at=at(3))
    assert back is not None
    assert first in back.ids
