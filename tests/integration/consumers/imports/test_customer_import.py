"""Importing a shop's customers from a Shopify that runs here: once, in order, in several runs."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import pytest

from cplus.aws import Aws
from cplus.consumers.batches.leases import Leases
from cplus.consumers.imports.customer_import import handle
from cplus.consumers.imports.importer import Importer
from cplus.deadline import Deadline
from cplus.events.base import Cause, NewEvent, Recorded
from cplus.events.catalogue.customers import CustomerDeleted, CustomerImported, PersonsJoined
from cplus.events.catalogue.imports import ImportEnded, ImportPageLoaded, ImportStarted
from cplus.events.log.commit import Draft
from cplus.events.log.store import EventStore
from cplus.events.names import correlation_ref, import_page_claim, import_stream
from cplus.events.recording import Recorder
from cplus.local.shopify import LastOrder, LocalCustomer, LocalShop, LocalShopify
from cplus.mongo import AutoReconnect
from cplus.privacy.persons import PersonDirectory
from cplus.shopify.oauth import Tokens
from tests.integration.intake import SECRET, Intake, intake, record, soon, tasks
from tests.nudges import Nudges

SHOP = "blue-jam.myshopify.com"


@pytest.fixture(scope="module")
async def shared(mongo_uri: str, aws: Aws, shopify: LocalShopify) -> AsyncIterator[Intake]:
    async with intake(mongo_uri, aws, origin=shopify.origin) as made:
        yield made


@pytest.fixture
def importer(use: Intake) -> Importer:
    parts = use.parts
    return Importer(
        store=parts.store,
        persons=parts.persons,
        listed=parts.listed,
        bodies=parts.bodies,
        credentials=parts.credentials,
        leases=Leases(parts.mongo.database),
        recorder=parts.recorder,
        send=partial(parts.aws.send, parts.settings.import_queue),
        origin=parts.settings.shopify_origin,
        api_version=parts.settings.shopify_api_version,
        page_size=4,
        clock=parts.clock,
    )


def customer(number: int, **given: Any) -> LocalCustomer:
    return LocalCustomer(
        id=number,
        first_name=f"First{number}",
        email=f"Person{number}@example.com",
        phone="+15550100" if number % 2 else None,
        tags=["vip"],
        number_of_orders=2,
        spent="12.50",
        email_marketing="SUBSCRIBED",
        updated_at="2026-02-03T04:05:06Z",
        **given,
    )


async def installed(
    use: Intake,
    shopify: LocalShopify,
    customers: int,
    scope: str = "read_customers,read_orders",
    **shop: Any,
) -> None:
    """The shop with so many customers, and the app installed there."""
    people = [customer(number + 1) for number in range(customers)]
    shopify.add_shop(
        LocalShop(host=SHOP, name="Blue Jam", email="o@jam.example.com", customers=people, **shop)
    )
    code = shopify.grants.code(SHOP, scope)
    app = use.parts.app
    answer = shopify.grants.tokens(
        SHOP,
        {
            "client_id": app.client_id,
            "client_secret": SECRET,
            "code": code,
            "expiring": "1",
        },
    )
    await use.parts.credentials.save(SHOP, Tokens.model_validate(answer))


def asked(import_id: str = "i1", **given: Any) -> Any:
    return record({"shop": SHOP, "import_id": import_id, "cursor": None, "page": 1} | given)


def for_one_page(importer: Importer) -> tuple[Importer, Deadline]:
    """The importer, and a time limit that comes near with each page that it records."""
    now = 0.0

    def recorded() -> datetime:
        nonlocal now
        now = 95
        return importer.clock()

    return replace(importer, clock=recorded), Deadline.within(100, lambda: now)


async def events(use: Intake) -> list[Recorded]:
    commits = await use.parts.store.read(SHOP, 0)
    return [told for events in await use.parts.reader.read(commits) for told in events]


async def imported(use: Intake) -> list[int]:
    return [
        told.event.shopify_customer_id
        for told in await events(use)
        if isinstance(told.event, CustomerImported)
    ]


async def waiting(use: Intake) -> list[dict[str, Any]]:
    return [one.json() for one in await use.drain(use.parts.settings.import_queue)]


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
    assert told[-1] == ImportEnded(import_id="i1", outcome="complete", pages=3)
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
    assert b"xxxx" in await use.parts.bodies.get(commit.cause["ref"])


async def test_a_shop_with_no_customers_is_imported_too(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 0)
    assert await handle([asked()], importer, soon()) == []
    assert [one.event for one in await events(use)] == [
        ImportStarted(import_id="i1"),
        ImportPageLoaded(import_id="i1", page=1, customers=0),
        ImportEnded(import_id="i1", outcome="complete", pages=1),
    ]


async def test_a_doubled_or_late_message_changes_nothing_and_asks_nothing(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10)
    await handle([asked()], importer, soon())
    before = len(await use.parts.store.read(SHOP, 0))
    shopify.fail_next(SHOP, 500)
    try:
        for message in (asked(), asked(cursor="0.4.x", page=2), asked(page=99)):
            assert await handle([message], importer, soon()) == []
    finally:
        shopify._faults.clear()
    assert len(await use.parts.store.read(SHOP, 0)) == before
    assert await waiting(use) == []


async def test_near_the_time_limit_the_cursor_is_handed_on_and_a_fresh_run_goes_on(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10)
    message, runs = asked(correlation_id="install-7", causation_id="commit-7"), 0
    while True:
        runs += 1
        assert await handle([message], *for_one_page(importer)) == []
        left = await waiting(use)
        if not left:
            break
        [again] = left
        assert again["page"] == runs + 1
        assert again["cursor"]
        message = record(again)
    assert runs == 3
    chain = use.parts.store.iterate_ref(SHOP, correlation_ref("install-7"))
    pages = [page async for page in chain]
    assert [page.causation_id for page in pages] == ["commit-7"] * len(pages)
    assert {page.actor for page in pages} == {"system/import"}
    assert len(pages) == (await use.parts.store.head(SHOP)).position > 1
    assert await imported(use) == list(range(1, 11))


async def test_a_doubled_hand_over_neither_doubles_nor_loops(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10)
    await handle([asked()], *for_one_page(importer))
    [again] = await waiting(use)
    for message in (record(again), record(again), asked()):
        assert await handle([message], importer, soon()) == []
    assert await imported(use) == list(range(1, 11))
    assert await waiting(use) == []


async def test_two_runs_of_an_import_never_work_at_the_same_time(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10)
    answers = await asyncio.gather(*(handle([asked()], importer, soon()) for _ in range(3)))
    assert sorted(answers) == [[], ["m"], ["m"]]
    assert await imported(use) == list(range(1, 11))
    assert await handle([asked()], importer, soon()) == [], "the lease was given back"


async def test_imports_of_other_installs_are_not_held_up(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 3)
    answers = await asyncio.gather(
        *(handle([asked(name)], importer, soon()) for name in ("i1", "i2"))
    )
    assert answers == [[], []]
    assert sorted(await imported(use)) == [1, 1, 2, 2, 3, 3]


async def test_a_throttled_run_waits_no_longer_than_it_may_and_hands_on_with_a_delay(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    # 4 customers cost some 20 points: enough for one page, and two more points a second.
    await installed(use, shopify, 10, maximum_available=30, restore_rate=2)
    delays: list[int] = []

    async def send(message: Any, *, group: str, delay: int) -> None:
        delays.append(delay)

    begun = time.monotonic()
    short = replace(importer, send=send)
    assert await handle([asked()], short, Deadline.within(5)) == []
    assert time.monotonic() - begun < 5.0
    assert len(delays) == 1
    assert 1 <= delays[0] <= 900
    assert await imported(use) == [1, 2, 3, 4]


async def test_a_short_throttle_is_waited_for(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10, maximum_available=50, restore_rate=200)
    assert await handle([asked()], importer, soon()) == []
    assert await imported(use) == list(range(1, 11))


async def test_an_uninstalled_shop_ends_its_import(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10)
    await handle([asked()], *for_one_page(importer))
    shopify.grants.revoke(SHOP)
    [again] = await waiting(use)
    assert await handle([record(again)], importer, soon()) == []
    told = [one.event for one in await events(use)]
    assert told[-1] == ImportEnded(import_id="i1", outcome="uninstalled", pages=1)
    assert await handle([record(again)], importer, soon()) == []
    assert len(await use.parts.store.read(SHOP, 0)) == 2


async def test_without_tokens_an_import_ends_at_once(use: Intake, importer: Importer) -> None:
    assert await handle([asked()], importer, soon()) == []
    assert [one.event for one in await events(use)] == [
        ImportStarted(import_id="i1"),
        ImportEnded(import_id="i1", outcome="uninstalled", pages=0),
    ]


async def test_a_missing_scope_ends_the_import_as_refused(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10, scope="read_orders")
    assert await handle([asked()], importer, soon()) == []
    assert (await events(use))[-1].event == ImportEnded(import_id="i1", outcome="refused", pages=0)


async def test_a_token_that_was_refused_is_renewed_once(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10)
    shopify.store.state.installs[SHOP].access.clear()
    assert await handle([asked()], importer, soon()) == []
    assert await imported(use) == list(range(1, 11))


async def test_a_shopify_that_is_down_has_the_message_come_back(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10)
    shopify.fail_next(SHOP, 503)
    assert await handle([asked()], importer, soon()) == ["m"]
    assert await handle([asked()], importer, soon()) == []
    assert await imported(use) == list(range(1, 11))


async def test_a_shopify_that_goes_down_midway_is_asked_again_from_there(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10)
    sent: list[Any] = []

    async def send(message: Any, *, group: str, delay: int) -> None:
        sent.append((message, delay))

    first = replace(importer, send=send)
    original = use.parts.nudger.nudge

    class Nudger:
        async def nudge(self, heads: Any) -> None:
            await original(heads)
            shopify.fail_next(SHOP, 503)

    recorder = Recorder(use.parts.store, use.parts.reader, Nudger())
    assert await handle([asked()], replace(first, recorder=recorder), soon()) == []
    shopify._faults.clear()
    [(message, delay)] = sent
    assert delay > 0
    assert message["page"] == 2
    assert await handle([record(message)], importer, soon()) == []
    assert await imported(use) == list(range(1, 11))


async def deleted(use: Intake) -> list[int]:
    return [
        told.event.shopify_customer_id
        for told in await events(use)
        if isinstance(told.event, CustomerDeleted)
    ]


async def test_who_is_not_in_a_complete_list_any_more_is_deleted(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 6)
    assert await handle([asked("i1")], importer, soon()) == []
    before = await use.parts.persons.resolve(SHOP, shopify_id=2)
    shop = shopify.store.state.shops[SHOP]
    shop.customers = [one for one in shop.customers if one.id not in {2, 6}]
    for import_id in ("i2", "i3"):
        assert await handle([asked(import_id)], importer, soon()) == []
        assert await deleted(use) == [2, 6], "and told once"
        last = (await events(use))[-1].event
        assert last == ImportEnded(import_id=import_id, outcome="complete", pages=1)
    [gone, _] = [one.event for one in await events(use) if isinstance(one.event, CustomerDeleted)]
    assert before is not None
    assert gone == CustomerDeleted(shopify_customer_id=2, person=before.person)


async def test_who_is_created_during_an_import_or_missing_in_a_late_list_stays(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 6)
    assert await handle([asked("i1")], importer, soon()) == []

    def late(answer: dict[str, Any]) -> dict[str, Any]:
        if page := answer["data"].get("customers"):
            page["nodes"] = [one for one in page["nodes"] if one["legacyResourceId"] != "3"]
        return answer

    assert await handle([asked("i2")], *for_one_page(importer)) == []
    await use.parts.persons.resolve(SHOP, shopify_id=99)
    shopify.changed[SHOP] = late
    try:
        for message in await use.drain(use.parts.settings.import_queue):
            assert await handle([message], importer, soon()) == []
        assert await handle([asked("i3")], importer, soon()) == []
    finally:
        shopify.changed.clear()
    assert await deleted(use) == [99], "known before the third list, and Shopify has no such"
    assert (await events(use))[-1].event == ImportEnded(import_id="i3", outcome="complete", pages=2)


async def headers(use: Intake) -> list[dict[str, str]]:
    commits = await use.parts.store.read(SHOP, 0, cause=True)
    return [(commit.cause or {})["headers"] for commit in commits]


async def test_an_older_release_reads_where_an_import_stands(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    """It knows `end_cursor` alone, in three parts, and ends once no customers follow."""
    await installed(use, shopify, 6)
    assert await handle([asked("i1")], importer, soon()) == []
    shop = shopify.store.state.shops[SHOP]
    shop.customers = [one for one in shop.customers if one.id != 2]
    message = asked("i2")
    for _ in range(2):
        assert await handle([message], *for_one_page(importer)) == []
        [left] = await waiting(use)
        message = record(left)
    first, second = (await headers(use))[-2:]
    assert re.fullmatch(r"0\.4\.[^.]+", first["end_cursor"])
    assert first["last"] == "5"
    assert second["end_cursor"] == first["end_cursor"], "the last page, read once more"
    assert second["unlisted"] == "2/"
    assert await handle([message], importer, soon()) == []
    assert await deleted(use) == [2]


async def test_an_import_goes_on_from_where_a_cursor_says_that_the_list_was_read(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    """As some stored commits have it."""
    await installed(use, shopify, 6)
    assert await handle([asked("i1")], importer, soon()) == []
    shop = shopify.store.state.shops[SHOP]
    shop.customers = [one for one in shop.customers if one.id not in {2, 6}]
    began = importer.listed.now()
    await importer.listed.saw(SHOP, [1, 3, 4, 5])
    told = {"cursor": "", "end_cursor": "unlisted/1/", "began": began.isoformat()}
    started = ImportStarted(import_id="i2")
    draft = Draft(
        shop=SHOP,
        claim=import_page_claim("i2", 1),
        source="import",
        actor="system",
        events=[NewEvent(import_stream("i2"), started, began)],
        cause=Cause("import", headers=told),
        refs=[import_stream("i2")],
    )
    await importer.recorder.append([draft])
    assert await handle([asked("i2")], importer, soon()) == []
    assert await deleted(use) == [2, 6]
    assert (await events(use))[-1].event == ImportEnded(import_id="i2", outcome="complete", pages=1)


async def test_many_who_are_gone_are_told_in_several_runs(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 60)
    assert await handle([asked("i1")], replace(importer, page_size=60), soon()) == []
    shopify.store.state.shops[SHOP].customers = []
    message, runs = asked("i2"), 0
    while True:
        runs += 1
        assert await handle([message], *for_one_page(importer)) == []
        left = await waiting(use)
        if not left:
            break
        message = record(left[0])
    assert runs == 4, "the empty list, and three times at most 25"
    assert sorted(await deleted(use)) == list(range(1, 61))


async def test_persons_who_turn_out_to_be_one_are_joined_also_after_a_crash(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 1)
    persons = use.parts.persons
    await persons.resolve(SHOP, shopify_id=1)
    await persons.resolve(SHOP, address="person1@example.com")

    class Dies:
        def __init__(self, directory: PersonDirectory) -> None:
            self.resolve = directory.resolve

        async def join(self, shop: str, person: str, absorbed: str) -> None:
            raise AutoReconnect("the connection broke")

    assert await handle([asked()], replace(importer, persons=Dies(persons)), soon()) == ["m"]
    assert await handle([asked()], importer, soon()) == []
    told = [one.event for one in await events(use)]
    assert sum(isinstance(one, PersonsJoined) for one in told) == 1
    found = await persons.resolve(SHOP, shopify_id=1, address="person1@example.com")
    assert found is not None
    assert found.absorbed == []


@pytest.mark.parametrize(
    "body",
    [
        "no json",
        "{}",
        json.dumps({"shop": "nowhere", "import_id": "i1"}),
        json.dumps({"shop": SHOP}),
        json.dumps({"shop": SHOP, "import_id": "a/b"}),
    ],
)
async def test_a_message_that_names_no_import_fails_alone(
    use: Intake, importer: Importer, body: str
) -> None:
    assert await handle([record(body)], importer, soon()) == ["m"]
    assert await use.parts.store.read(SHOP, 0) == []


async def test_a_run_leaves_no_task_behind(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 10)
    await handle([asked("warm")], importer, soon())
    before = tasks()
    await handle([asked()], *for_one_page(importer))
    shopify.fail_next(SHOP, 503)
    await handle([asked()], importer, soon())
    await asyncio.sleep(0)
    # The Shopify of these tests serves from this process: its tasks are not the app's.
    assert {task for task in tasks() - before if "RequestHandler" not in repr(task)} == set()


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


async def test_what_shopify_refuses_for_good_ends_the_import_as_refused(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 3)
    shopify.fail_next(SHOP, 404)
    assert await handle([asked()], importer, soon()) == []
    assert [one.event for one in await events(use)] == [
        ImportStarted(import_id="i1"),
        ImportEnded(import_id="i1", outcome="refused", pages=0),
    ]
