"""Which customers Shopify's lists had, on a real MongoDB."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cplus.mongo import Mongo
from cplus.privacy.listed import ListedCustomers
from cplus.privacy.persons import PersonDirectory

SHOP = "acorn.myshopify.com"
START = datetime(2026, 11, 1, tzinfo=UTC)


class Hours:
    """A clock that stands, until it is set."""

    def __init__(self) -> None:
        self.passed = 0

    def __call__(self) -> datetime:
        return START + timedelta(hours=self.passed)


@pytest.fixture
def hours() -> Hours:
    return Hours()


@pytest.fixture
async def listed(mongo: Mongo, hours: Hours) -> ListedCustomers:
    """Of a shop of which the directory has known the customers 1 to 4 from the start."""
    persons = PersonDirectory(mongo.keyring, "a secret", hours)
    for number in range(1, 5):
        await persons.resolve(SHOP, shopify_id=number)
    return ListedCustomers(mongo.keyring, hours)


async def unseen(listed: ListedCustomers, began: datetime) -> list[int]:
    return [one.shopify_id for one in await listed.unseen(SHOP, began, "", 25)]


async def test_two_lists_at_once_miss_only_whom_neither_had(
    listed: ListedCustomers, hours: Hours
) -> None:
    hours.passed = 1
    first = listed.now()
    await listed.saw(SHOP, [1, 2])
    hours.passed = 2
    second = listed.now()
    await listed.saw(SHOP, [1])
    hours.passed = 3
    await listed.saw(SHOP, [3])
    await listed.saw(SHOP, [2, 3])
    assert await unseen(listed, first) == await unseen(listed, second) == [4]


async def test_who_was_in_an_earlier_list_only_is_asked_for(
    listed: ListedCustomers, hours: Hours
) -> None:
    hours.passed = 1
    await listed.saw(SHOP, [1, 2, 3, 4])
    hours.passed = 2
    began = listed.now()
    await listed.saw(SHOP, [1, 3])
    assert await unseen(listed, began) == [2, 4]
    await listed.gone(SHOP, [2])
    assert await unseen(listed, began) == [4]


async def test_a_list_that_is_marked_late_takes_back_no_later_one(
    listed: ListedCustomers, hours: Hours
) -> None:
    hours.passed = 2
    began = listed.now()
    await listed.saw(SHOP, [1, 2, 3, 4])
    hours.passed = 1
    await listed.saw(SHOP, [1, 2])
    assert await unseen(listed, began) == []


async def test_who_was_erased_is_not_asked_for_until_they_order_again(
    mongo: Mongo, listed: ListedCustomers, hours: Hours
) -> None:
    persons = PersonDirectory(mongo.keyring, "a secret", hours)
    hours.passed = 1
    erased = await persons.resolve(SHOP, shopify_id=2)
    assert erased is not None
    await persons.forget(SHOP, erased.ids, hours())
    hours.passed = 2
    assert await unseen(listed, listed.now()) == [1, 3, 4]
    await persons.resolve(SHOP, shopify_id=2, ordered=True)
    assert await unseen(listed, listed.now()) == [1, 3, 4], "known since then"
    hours.passed = 3
    assert await unseen(listed, listed.now()) == [1, 2, 3, 4]
