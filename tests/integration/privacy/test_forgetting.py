"""The directory of persons after somebody was erased, on a real MongoDB."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cplus.mongo import Mongo
from cplus.privacy.identities import Resolved
from cplus.privacy.persons import PERSONS, IdentityTaken, PersonDirectory, ensure_indexes
from cplus.privacy.tombstones import KEPT, is_tombstone
from tests.integration.privacy.directory_world import (
    ADA,
    BEFORE,
    DESK,
    ERASED,
    LATER,
    NEW,
    OTHER,
    SHOP,
    a_customer,
    found,
    rows,
    who,
)


@pytest.fixture
def persons(mongo: Mongo) -> PersonDirectory:
    return PersonDirectory(mongo.keyring, "a secret", lambda: LATER)


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


async def test_a_shop_forgets_whom_a_clock_ahead_made_known(
    mongo: Mongo, persons: PersonDirectory
) -> None:
    before = await who(persons, address="ben@example.com")
    await persons.note_shop(SHOP, "e1")
    await persons.note_shop(SHOP, "e1")
    await who(persons, address="cleo@example.com")  # while it was decided
    until = LATER - timedelta(seconds=1)
    await persons.forget_shop(SHOP, "another", until)
    assert len(await rows(mongo)) == 2
    await persons.forget_shop(SHOP, "e1", until)
    assert len(await rows(mongo)) == 1
    assert await who(persons, address="ben@example.com") != before


async def test_a_shop_is_forgotten_and_no_other(mongo: Mongo, persons: PersonDirectory) -> None:
    await persons.forget(SHOP, [await a_customer(persons)], ERASED)
    await who(persons, address="ben@example.com")
    await persons.resolve(OTHER, address=ADA)
    before = await rows(mongo)
    await persons.forget_shop(SHOP, "e1", LATER - timedelta(seconds=1))
    left = [row["since"] for row in await rows(mongo)]
    assert 1 < len(left) < len(before), "who became known after the erasure stays"
    assert min(left) == LATER
    await persons.forget_shop(SHOP, "e1", LATER)
    await persons.forget_shop(SHOP, "e1", LATER)
    assert [row["shop"] for row in await rows(mongo)] == [OTHER]
