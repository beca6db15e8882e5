"""What an import from a Shopify that runs here records of a shop's customers: all, and once."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from cplus.consumers.imports.customer_import import handle
from cplus.consumers.imports.importer import Importer
from cplus.events.catalogue.customers import CustomerImported, PersonsJoined
from cplus.events.catalogue.imports import (
    ImportEnded,
    ImportOrdersLoaded,
    ImportPageLoaded,
    ImportStarted,
)
from cplus.events.log.store import EventStore
from cplus.events.recording import Recorder
from cplus.local.shopify import LastOrder, LocalShop, LocalShopify
from cplus.mongo import AutoReconnect
from cplus.privacy.persons import PersonDirectory
from tests.integration.consumers.imports.import_world import (
    SHOP,
    asked,
    customer,
    events,
    imported,
    installed,
    waiting,
)
from tests.integration.intake import Intake, soon
from tests.nudges import Nudges


async def test_an_import_records_every_customer_once_page_by_page(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10)
    assert await handle([asked()], importer, soon()) == []
    assert await imported(use) == list(range(1, 11))
    told = [one.event for one in await events(use)]
    assert isinstance(told[0], ImportStarted | CustomerImported)
    assert [one.customers for one in told if isinstance(one, ImportPageLoaded)] == [4, 4, 2]
    assert sum(isinstance(one, ImportStarted) for one in told) == 1
    assert told[-1] == ImportEnded(import_id="i1", outcome="complete", pages=3, orders="complete")
    assert await waiting(use) == []
    assert {nudge["shop"] for nudge in await use.nudges()} == {SHOP}


async def test_a_customer_comes_with_what_only_the_admin_api_tells(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 1)
    await handle([asked()], importer, soon())
    [told] = [one for one in await events(use) if isinstance(one.event, CustomerImported)]
    event = told.event
    assert isinstance(event, CustomerImported)
    assert (event.first_name, event.email) == ("First1", "Person1@example.com")
    assert (event.tags, event.orders, event.amount_spent) == (("vip",), 2, "12.50")
    assert (event.currency, event.email_consent, event.state) == ("USD", "subscribed", "disabled")
    assert told.occurred_at.isoformat() == "2026-02-03T04:05:06+00:00"
    by_mail = await use.parts.persons.resolve(SHOP, address="person1@EXAMPLE.com")
    assert by_mail is not None
    assert (by_mail.person, by_mail.absorbed) == (event.person, [])


async def test_a_pages_cause_is_the_answer_as_it_came(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 5)
    await handle([asked()], importer, soon())
    commit = await use.parts.store.by_claim(SHOP, "import/i1/1", cause=True)
    assert commit is not None
    assert commit.cause is not None
    assert commit.cause["kind"] == "import"
    [cause] = await use.parts.reader.causes([commit])
    assert cause is not None
    assert cause.body is not None
    nodes = json.loads(cause.body)["data"]["customers"]["nodes"]
    assert [node["legacyResourceId"] for node in nodes] == ["1", "2", "3", "4"]
    assert "shpat_" not in repr(cause)


async def test_a_large_page_rests_in_the_bucket(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 3)
    shopify.add_shop(
        LocalShop(
            host=SHOP,
            name="Blue Jam",
            email="o@jam.example.com",
            customers=[customer(number, note="x" * 100_000) for number in (1, 2, 3)],
        )
    )
    await handle([asked()], importer, soon())
    commit = await use.parts.store.by_claim(SHOP, "import/i1/1", cause=True)
    assert commit is not None
    assert commit.cause is not None
    assert commit.cause["body"] is None
    [cause] = await use.parts.reader.causes([commit])
    assert cause
    assert cause.stored
    assert cause.stored.opens
    assert b"xxxx" in await use.parts.bodies.get(SHOP, cause.stored)


async def test_a_shop_with_no_customers_is_imported_too(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 0)
    assert await handle([asked()], importer, soon()) == []
    assert [one.event for one in await events(use)] == [
        ImportStarted(import_id="i1", total=0),
        ImportPageLoaded(import_id="i1", page=1, customers=0),
        ImportOrdersLoaded(import_id="i1", page=2, orders=0),
        ImportEnded(import_id="i1", outcome="complete", pages=1, orders="complete"),
    ]


async def test_persons_who_turn_out_to_be_one_are_joined_also_after_a_crash(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 1)
    persons = use.parts.persons
    await persons.resolve(SHOP, shopify_id=1)
    await persons.resolve(SHOP, address="person1@example.com")

    class Dies:
        def __init__(self, directory: PersonDirectory) -> None:
            self.resolve, self.named = directory.resolve, directory.named

        async def join(self, shop: str, person: str, absorbed: str) -> None:
            raise AutoReconnect("the connection broke")

    assert await handle([asked()], replace(importer, persons=Dies(persons)), soon()) == ["m"]
    assert await handle([asked()], importer, soon()) == []
    told = [one.event for one in await events(use)]
    assert sum(isinstance(one, PersonsJoined) for one in told) == 1
    found = await persons.resolve(SHOP, shopify_id=1, address="person1@example.com")
    assert found is not None
    assert found.absorbed == []


async def test_a_page_too_large_for_a_commit_is_recorded_in_smaller_ones(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10)
    small = Recorder(EventStore(use.parts.mongo, max_commit=3_500), use.parts.reader, Nudges())
    wide = replace(importer, recorder=small, page_size=8)
    assert await handle([asked()], wide, soon()) == []
    assert await imported(use) == list(range(1, 11))
    pages = [one.event for one in await events(use) if isinstance(one.event, ImportPageLoaded)]
    assert len(pages) > 2
    assert {page.skipped for page in pages} == {0}


async def test_one_customer_that_no_commit_holds_is_skipped_and_counted(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10)
    people = [customer(number + 1) for number in range(10)]
    people[4] = people[4].model_copy(update={"tags": ["x" * 60_000]})
    people[9] = people[9].model_copy(update={"tags": ["x" * 60_000]})
    shopify.add_shop(
        LocalShop(host=SHOP, name="Blue Jam", email="o@jam.example.com", customers=people)
    )
    small = Recorder(EventStore(use.parts.mongo, max_commit=50_000), use.parts.reader, Nudges())
    assert await handle([asked()], replace(importer, recorder=small, inline=1_000), soon()) == []
    assert await imported(use) == [1, 2, 3, 4, 6, 7, 8, 9]
    told = [one.event for one in await events(use)]
    assert sum(one.skipped for one in told if isinstance(one, ImportPageLoaded)) == 2
    assert isinstance(told[-1], ImportEnded)
    assert told[-1].outcome == "complete"


@pytest.mark.parametrize("page_size", [4, 1])
async def test_a_customer_with_an_unreadable_field_is_skipped_and_counted(
    use: Intake, importer: Importer, shopify: LocalShopify, page_size: int
) -> None:
    await installed(use, shopify, 10)
    people = [customer(number + 1) for number in range(10)]
    people[4] = people[4].model_copy(update={"updated_at": "0000-00-00T00:00:00Z"})
    shopify.add_shop(
        LocalShop(host=SHOP, name="Blue Jam", email="o@jam.example.com", customers=people)
    )
    assert await handle([asked()], replace(importer, page_size=page_size), soon()) == []
    assert await imported(use) == [1, 2, 3, 4, 6, 7, 8, 9, 10]
    told = [one.event for one in await events(use)]
    assert sum(one.skipped for one in told if isinstance(one, ImportPageLoaded)) == 1


async def test_a_sum_is_recorded_with_the_last_order_that_is_in_it(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 0)
    people = [customer(1, last_order=LastOrder(id=99, name="#9")), customer(2)]
    shopify.add_shop(
        LocalShop(host=SHOP, name="Blue Jam", email="o@jam.example.com", customers=people)
    )
    assert await handle([asked()], importer, soon()) == []
    told = [one.event for one in await events(use)]
    sums = {one.shopify_customer_id: one for one in told if isinstance(one, CustomerImported)}
    assert [(sums[n].orders, sums[n].last_order) for n in (1, 2)] == [(2, 99), (2, None)]
