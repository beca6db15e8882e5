"""What pages are answered, and that every question is answered from an index."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, get_args

import pytest

from cplus.errors import InvalidInput
from cplus.events.base import Recorded
from cplus.events.catalogue.orders import OrderChanged
from cplus.mongo import Mongo
from cplus.projections.base import Projection
from cplus.projections.groups import ALL
from cplus.projections.models.conversations import CONVERSATIONS
from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.models.deliveries import DELIVERIES
from cplus.projections.models.messages import MESSAGES
from cplus.projections.models.metrics import METRICS
from cplus.projections.models.orders import ORDERS
from cplus.projections.models.set_aside import SET_ASIDE
from cplus.projections.models.shops import SHOPS
from cplus.projections.queries import (
    Conversation,
    ConversationCounts,
    ConversationState,
    DeliveryState,
    Figures,
    Filter,
    PersonCounts,
    Queries,
)
from cplus.subscriptions.checkpoints import CHECKPOINTS
from tests.samples import MAIL_ASIDE
from tests.unit.projections.models.told_events import (
    CLOSED,
    DAY,
    FATES,
    STARTED,
    at,
    changed,
    fold,
    imported,
    joined,
    moved,
    received,
    recorded,
    reply,
    thread,
)

SHOP, OTHER = "acorn.myshopify.com", "birch.myshopify.com"
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


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


async def talks(mongo: Mongo, count: int, shop: str = SHOP) -> None:
    """`count` conversations: every third is answered, every fourth closed, pairs at one time."""
    rows = {}
    for number in range(count):
        said = [STARTED, received("m1")] + [reply("m2")] * (number % 3 == 0)
        row = fold(CONVERSATIONS, thread(*said, *[CLOSED] * (number % 4 == 0)))["c1"]
        rows[f"c{number:03}"] = {**row, "last_message_at": NOW + timedelta(minutes=number // 2)}
    await put(mongo, CONVERSATIONS, rows, shop)


@pytest.mark.parametrize("state", ["all", "open", "closed", "unanswered"])
async def test_the_inbox_is_paged_without_gaps_and_without_repeats(
    mongo: Mongo, queries: Queries, state: ConversationState
) -> None:
    await talks(mongo, 30)
    await talks(mongo, 5, OTHER)
    found: list[Conversation] = []
    cursor = None
    while True:
        page = await queries.list_conversations(SHOP, state, cursor, limit=7)
        assert len(page.items) <= 7
        found += page.items
        cursor = page.next
        if cursor is None:
            break
    numbers = {
        "all": set(range(30)),
        "open": {n for n in range(30) if n % 4},
        "closed": {n for n in range(30) if not n % 4},
        "unanswered": {n for n in range(30) if n % 4 and n % 3},
    }[state]
    longest_first = state == "unanswered"
    assert [one.id for one in found] == [
        f"c{n:03}" for n in sorted(numbers, reverse=not longest_first)
    ]


@pytest.mark.parametrize("state", ["all", "unanswered"])
async def test_the_inbox_is_paged_back_as_it_was_paged_on(
    mongo: Mongo, queries: Queries, state: ConversationState
) -> None:
    await talks(mongo, 30)
    pages = [await queries.list_conversations(SHOP, state, limit=7)]
    while pages[-1].next:
        pages.append(await queries.list_conversations(SHOP, state, pages[-1].next, limit=7))
    assert pages[0].previous is None
    for before, page in pairwise(pages):
        back = await queries.list_conversations(SHOP, state, page.previous, limit=7)
        assert [one.id for one in back.items] == [one.id for one in before.items]
        assert (back.previous is None) == (before.previous is None)
        on = await queries.list_conversations(SHOP, state, back.next, limit=7)
        assert [one.id for one in on.items] == [one.id for one in page.items]


async def test_what_has_waited_since_before_that_was_kept_comes_first(
    mongo: Mongo, queries: Queries
) -> None:
    rows = {f"c{n}": fold(CONVERSATIONS, thread(STARTED, received("m1")))["c1"] for n in range(5)}
    old = {name: {k: v for k, v in row.items() if k != "waiting_since"} if name < "c3" else row
           for name, row in rows.items()}  # fmt: skip
    await put(mongo, CONVERSATIONS, old)
    found, cursor = list[str](), None
    while True:
        page = await queries.list_conversations(SHOP, "unanswered", cursor, limit=2)
        found += [one.id for one in page.items]
        if page.next is None:
            break
        cursor = page.next
    assert found == ["c0", "c1", "c2", "c3", "c4"]
    back = await queries.list_conversations(SHOP, "unanswered", page.previous, limit=3)
    assert [one.id for one in back.items] == ["c1", "c2", "c3"]
    assert back.previous
    first = await queries.list_conversations(SHOP, "unanswered", back.previous, limit=3)
    assert [one.id for one in first.items] == ["c0"]


async def test_conversations_are_found_by_what_staff_did_with_them(
    mongo: Mongo, queries: Queries
) -> None:
    made = fold(CONVERSATIONS, thread(STARTED, received("m1")))["c1"]
    day = NOW - timedelta(days=2)
    told: dict[str, dict[str, Any]] = {
        "plain": {},
        "adas": {"assignee": "ada", "tags": ["t1", "t2"], "priority": "high"},
        "bens": {"assignee": "ben", "tags": ["t2"], "has_files": True, "last_message_at": day},
        "off": {"assignee": "ada", "snoozed": True, "unanswered": False},
        "done": {"assignee": "ada", "open": False, "unanswered": False},
        "spam": {"assignee": "ada", "spam": True, "unanswered": False},
    }
    await put(mongo, CONVERSATIONS, {name: {**made, **more} for name, more in told.items()})

    async def found(**wanted: Any) -> set[str]:
        page = await queries.list_conversations(SHOP, Filter(**wanted))
        return {one.id for one in page.items}

    assert await found(state="open") == {"plain", "adas", "bens"}
    assert await found(state="mine", member="ada") == {"adas"}
    assert await found(state="unassigned") == {"plain"}
    assert await found(state="snoozed") == {"off"}
    assert await found(state="closed") == {"done"}
    assert await found(state="spam") == {"spam"}
    assert await found(state="all", assignee="ada") == {"adas", "off", "done"}
    assert await found(state="open", assignee="") == {"plain"}
    assert await found(tag="t2") == {"adas", "bens"}
    assert await found(priority="high") == {"adas"}
    assert await found(priority="normal") == {"plain", "bens", "off", "done"}
    assert await found(has_files=True) == {"bens"}
    assert await found(until=NOW - timedelta(days=1)) == {"bens"}
    assert await found(since=NOW - timedelta(days=1), tag="t2") == {"adas"}
    assert await queries.count_mine(SHOP, "ada") == 1
    counts = await queries.conversation_counts(SHOP)
    assert (counts.open, counts.snoozed, counts.assigned, counts.spam) == (4, 1, 2, 1)


@pytest.mark.parametrize("cursor", ["", "x", "é", "W10", "WzEsIDJd", "WzEwZTk5XQ", "A" * 9_999])
async def test_a_cursor_that_cannot_be_read_is_refused(queries: Queries, cursor: str) -> None:
    with pytest.raises(InvalidInput):
        await queries.list_conversations(SHOP, "all", cursor)
    with pytest.raises(InvalidInput):
        await queries.messages_of(SHOP, "c1", cursor)
    with pytest.raises(InvalidInput):
        await queries.newest_messages_of(SHOP, "c1", cursor)
    with pytest.raises(InvalidInput):
        await queries.customers(SHOP, "all", cursor)
    with pytest.raises(InvalidInput):
        await queries.deliveries(SHOP, "all", cursor)
    with pytest.raises(InvalidInput):
        await queries.metrics(SHOP, NOW.date(), NOW.date(), cursor)


async def test_messages_come_in_the_order_of_the_thread(mongo: Mongo, queries: Queries) -> None:
    events = thread(STARTED, received("m9"), reply("m5"), CLOSED, received("m1"), reply("m2"))
    await put(mongo, MESSAGES, fold(MESSAGES, events))
    # A fact that came before its message has no place yet.
    await put(mongo, MESSAGES, {"m7": {"conversation_id": "c1", "rank": 1, "status": "sent"}})
    first = await queries.messages_of(SHOP, "c1", limit=3)
    rest = await queries.messages_of(SHOP, "c1", first.next, limit=3)
    assert [m.id for m in (*first.items, *rest.items)] == ["m9", "m5", "m1", "m2"]
    assert rest.next is None
    assert [m.status for m in first.items] == [None, "written", None]


async def test_the_newest_messages_of_a_long_thread_are_one_question_of_an_index(
    mongo: Mongo, queries: Queries
) -> None:
    said = fold(MESSAGES, thread(STARTED, received("m1")))["m1"]
    told = {n: {**said, "number": n, "at": NOW + timedelta(seconds=n)} for n in range(1, 5_001)}
    await put(mongo, MESSAGES, {f"m{n}": row for n, row in told.items()})
    # A fact that came before its message has no place yet.
    await put(mongo, MESSAGES, {"early": {"conversation_id": "c1", "rank": 1, "status": "sent"}})
    await mongo.database.command({"profile": 2})
    newest = await queries.newest_messages_of(SHOP, "c1")
    earlier = await queries.newest_messages_of(SHOP, "c1", newest.next)
    await mongo.database.command({"profile": 0})
    assert [one.number for one in newest.items] == list(range(4_801, 5_001))
    assert [one.number for one in earlier.items] == list(range(4_601, 4_801))
    rows = {"ns": {"$regex": rf"{MESSAGES.collection}$"}}
    asked = await mongo.database["system.profile"].find(rows).to_list(None)
    assert [entry["op"] for entry in asked] == ["query", "query"]
    assert all(entry["keysExamined"] <= 202 for entry in asked)
    assert not any(entry.get("hasSortStage") for entry in asked)


async def test_a_thread_read_backwards_is_the_whole_thread_once(
    mongo: Mongo, queries: Queries
) -> None:
    said = fold(MESSAGES, thread(STARTED, received("m1")))["m1"]
    await put(mongo, MESSAGES, {f"m{n}": {**said, "number": n * 3} for n in range(1, 8)})
    found: list[int] = []
    cursor = None
    while True:
        page = await queries.newest_messages_of(SHOP, "c1", cursor, limit=3)
        found = [*(one.number for one in page.items), *found]
        cursor = page.next
        if cursor is None:
            break
    assert found == [3, 6, 9, 12, 15, 18, 21]
    # The same cursor also reads on from where a page ended.
    last = await queries.newest_messages_of(SHOP, "c1", limit=3)
    assert last.next is not None
    after = await queries.messages_of(SHOP, "c1", last.next)
    assert [one.number for one in after.items] == [18, 21]


async def mails(mongo: Mongo, count: int, shop: str = SHOP) -> None:
    """`count` answers, pairs at one time: every third bounced, every fourth of the rest arrived."""
    rows = {}
    for number in range(count):
        written = thread(STARTED, received("m1"), reply("m2"))[2]
        fates = [FATES[4]] * (number % 3 == 0) or [FATES[2]] * (number % 4 == 0)
        row = fold(DELIVERIES, [written, *fates])["m2"]
        rows[f"m{number:03}"] = {**row, "written_at": NOW + timedelta(minutes=number // 2)}
    await put(mongo, DELIVERIES, {**rows, "early": fold(DELIVERIES, [FATES[2]])["m2"]}, shop)


@pytest.mark.parametrize("state", ["all", "under_way", "arrived", "failed"])
async def test_deliveries_are_paged_without_gaps_and_without_repeats(
    mongo: Mongo, queries: Queries, state: DeliveryState
) -> None:
    await mails(mongo, 24)
    await mails(mongo, 4, OTHER)
    page = await queries.deliveries(SHOP, state, limit=5)
    found = list(page.items)
    while page.next:
        page = await queries.deliveries(SHOP, state, page.next, limit=5)
        found += page.items
    failed, arrived = set(range(0, 24, 3)), {n for n in range(0, 24, 4) if n % 3}
    numbers = {"all": set(range(24)), "failed": failed, "arrived": arrived}
    numbers["under_way"] = numbers["all"] - failed - arrived
    wanted = sorted(numbers[state], reverse=True)
    assert [one.message_id for one in found] == [f"m{number:03}" for number in wanted]


async def test_the_days_between_two_are_paged_the_newest_first(
    mongo: Mongo, queries: Queries
) -> None:
    talk = [moved(one, -DAY * n) for n in range(9) for one in thread(STARTED)]
    days = [
        recorded(one.event.model_copy(update={"originator_id": f"conversation/{n}"}),
                 -DAY * n, n + 1, f"conversation/{n}", 1)
        for n, one in enumerate(talk)
    ]  # fmt: skip
    await put(mongo, METRICS, fold(METRICS, days))
    await put(mongo, METRICS, fold(METRICS, days[:1]), OTHER)
    today = NOW.date()
    first, last = today - timedelta(days=7), today - timedelta(days=1)
    page = await queries.metrics(SHOP, first, last, limit=3)
    found = list(page.items)
    while page.next:
        page = await queries.metrics(SHOP, first, last, page.next, limit=3)
        found += page.items
    assert [one.day for one in found] == [last - timedelta(days=n) for n in range(7)]
    assert {one.figures.conversations for one in found} == {1}
    assert (await queries.metrics_total(SHOP)).conversations == 9
    shown, total = await queries.metrics_with_total(SHOP, UTC, first, last)
    assert [one.day for one in shown] == [one.day for one in found]
    assert shown == await queries.metrics_in(SHOP, UTC, first, last)
    assert total == await queries.metrics_total(SHOP)
    assert await queries.metrics_total("cedar.myshopify.com") == Figures()
    assert not (await queries.metrics(SHOP, last, first)).items


async def test_persons_who_are_one_are_listed_once_in_the_right_list(
    mongo: Mongo, queries: Queries
) -> None:
    events = [
        *thread(STARTED, received("m1")),  # person/a is a lead, and turns out to be customer b
        changed(10, 10, person="person/b", first_name="Ada"),
        joined(11, "person/a", "person/b"),
        imported(12, 12, customer=9, person="person/c", first_name="Bea"),
        *[
            recorded(event.event.model_copy(update={"person": "person/d"}), 1, 20 + event.number)
            for event in thread(STARTED, received("m2", from_name="Dora"))
        ],
    ]
    await put(mongo, CUSTOMERS, fold(CUSTOMERS, events))
    order = {"name": "#1", "currency": "EUR", "total_price": "12.50", "deleted": False}
    order |= {"financial_status": "paid", "fulfillment_status": None, "created_at": NOW}
    kept = {**order, "person": "person/b", "cancelled": False, "test": False}
    await put(mongo, ORDERS, {"1": kept, "2": {**kept, "total_price": "0.75"}})
    await put(mongo, ORDERS, {"3": {**kept, "cancelled": True}, "4": {"deleted": True}})
    talk = fold(CONVERSATIONS, thread(STARTED, received("m1")))
    await put(mongo, CONVERSATIONS, talk)

    everyone = await queries.customers(SHOP)
    assert [one.name for one in everyone.items] == ["Bea", "Ada", "Dora"]
    customers = await queries.customers(SHOP, "customers")
    assert [one.person for one in customers.items] == ["person/c", "person/a"]
    leads = await queries.customers(SHOP, "leads")
    assert [one.name for one in leads.items] == ["Dora"]
    assert await queries.person_counts(SHOP) == PersonCounts(customers=2, leads=1)
    counted = ConversationCounts(conversations=1, open=1, unanswered=1)
    assert await queries.conversation_counts(SHOP) == counted

    for person in ("person/a", "person/b"):
        detail = await queries.customer(SHOP, person)
        assert detail is not None
        shown = detail.customer
        assert (shown.person, shown.orders, shown.amount_spent) == (
            "person/a",
            2,
            Decimal("13.25"),
        )
        assert shown.conversations == len(detail.conversations) == 1
        assert sorted(order.shopify_id for order in detail.orders) == [1, 2, 3]
    assert await queries.customer(SHOP, "person/z") is None
    assert await queries.customer(OTHER, "person/a") is None


async def test_the_shop_and_its_last_import_are_told_together(
    mongo: Mongo, queries: Queries
) -> None:
    assert await queries.shop(SHOP) is None
    end = {"at": NOW, "by": "x/0", "outcome": "complete", "pages": 4}
    done = {"started_at": NOW, "last_page": 4, "pages": 4, "customers": 900, "end": end}
    running = {**done, "started_at": NOW + timedelta(hours=1), "end": None}
    await put(mongo, SHOPS, {"import/i1": done, "import/i2": running})
    shop = await queries.shop(SHOP)
    assert shop is not None
    assert not shop.installed
    assert shop.last_import is not None
    assert (shop.last_import.id, shop.last_import.outcome) == ("i2", None)


async def test_what_was_bought_is_the_newest_sum_and_the_orders_after_it(
    mongo: Mongo, queries: Queries
) -> None:
    sums = {"orders": 5, "amount_spent": "500.00", "currency": "USD"}
    events = [
        imported(1, -DAY, customer=7, **sums)._replace(told_at=NOW),
        changed(2, 1, customer=8, person="person/b"),
    ]
    await put(mongo, CUSTOMERS, fold(CUSTOMERS, events))

    def order(minutes: int, **fields: Any) -> Recorded:
        place: dict[str, Any] = {
            "shopify_order_id": 100 + minutes,
            "created_at": at(minutes),
            "name": "#1",
        }
        usual = {"person": "person/a", "shopify_customer_id": 7, "currency": "USD"}
        told = OrderChanged(**(place | usual | {"total_price": "40.00"} | fields))
        return recorded(told, minutes, 100 + minutes)

    dinars = {"person": "person/b", "shopify_customer_id": 8, "currency": "KWD"}
    orders = [
        order(-3),
        order(-2, shopify_customer_id=None),
        order(2),
        order(3),
        *(order(minutes, total_price="12.345", **dinars) for minutes in (-9, 8, 9)),
    ]
    await put(mongo, ORDERS, fold(ORDERS, orders))
    shown = {one.person: one for one in (await queries.customers(SHOP)).items}
    first, second = shown["person/a"], shown["person/b"]
    assert (first.orders, first.amount_spent, first.currency) == (7, Decimal("580.00"), "USD")
    assert (second.orders, str(second.amount_spent), second.currency) == (3, "37.035", "KWD")


async def test_positions_are_those_of_the_checkpoints(mongo: Mongo, queries: Queries) -> None:
    row = {
        "_id": f"{CUSTOMERS.collection}/{SHOP}",
        "projection": "customers",
        "shop": SHOP,
        "position": 7,
        "seq": 9,
        "parked": None,
    }
    await mongo.database[CHECKPOINTS].insert_one(row)
    read = await queries.positions_of(SHOP)
    assert (read["customers"], read["messages"]) == (7, 0)
    assert await queries.position_of(SHOP, ("customers",)) == 7
    assert await queries.position_of(SHOP, ("customers", "messages")) == 0
    assert (await queries.positions_of(OTHER))["customers"] == 0


async def test_every_list_walks_an_index_and_sorts_nothing(mongo: Mongo, queries: Queries) -> None:
    await talks(mongo, 60)
    await mails(mongo, 30)
    await put(mongo, METRICS, fold(METRICS, thread(STARTED, received("m1"))))
    await put(mongo, MESSAGES, fold(MESSAGES, thread(STARTED, *[received("m1")], reply("m2"))))
    people = [changed(n, n, customer=n, person=f"person/{n}") for n in range(1, 30)]
    await put(mongo, CUSTOMERS, fold(CUSTOMERS, [*people, joined(40, "person/1", "person/2")]))
    aside = [
        recorded(MAIL_ASIDE.model_copy(update={"message_id": f"m{n}"}), n, n) for n in range(9)
    ]
    await put(mongo, SET_ASIDE, fold(SET_ASIDE, aside))
    await mongo.database.command({"profile": 2})
    apart = await queries.set_aside(SHOP, limit=3)
    await queries.set_aside(SHOP, apart.next, limit=3)
    tagged = Filter(tag="t1")
    for state in (*get_args(ConversationState), Filter("mine", member="ada"), tagged):
        page = await queries.list_conversations(SHOP, state, limit=3)
        page = await queries.list_conversations(SHOP, state, page.next, limit=3)
        await queries.list_conversations(SHOP, state, page.previous, limit=3)
    await queries.count_mine(SHOP, "ada")
    await queries.messages_of(SHOP, "c1")
    await queries.newest_messages_of(SHOP, "c1")
    listed = await queries.customers(SHOP, "customers", limit=3)
    await queries.customers(SHOP, "customers", listed.next, limit=3)
    person = await queries.customer(SHOP, "person/1")
    assert person is not None
    order: dict[str, Any] = {
        "person": "person/1",
        "name": "#1",
        "total_price": "1.00",
        "currency": "EUR",
    }
    order |= {"financial_status": None, "fulfillment_status": None, "cancelled": False}
    order |= {
        "_id": f"{SHOP}/1",
        "shop": SHOP,
        "test": False,
        "created_at": NOW + timedelta(days=900),
    }
    order |= {"deleted": False, "customer": None}
    await (await queries._rows(ORDERS)).insert_one(order)
    assert (await queries.leads_of(SHOP, [person.customer], 30))["person/1"].first_order is not None
    await queries.billing(SHOP)
    await queries.shop(SHOP)
    for arrival in ("all", "under_way", "arrived", "failed"):
        sent = await queries.deliveries(SHOP, arrival, limit=3)
        await queries.deliveries(SHOP, arrival, sent.next, limit=3)
    await queries.metrics(SHOP, NOW.date(), NOW.date())
    await queries.metrics_total(SHOP)
    await queries.conversation_counts(SHOP)
    await queries.person_counts(SHOP)
    await queries.positions_of(SHOP)
    await mongo.database.command({"profile": 0})
    profile = mongo.database["system.profile"]
    told = await profile.find({"ns": {"$regex": r"\.v1$|checkpoints"}}).to_list(None)
    assert len(told) > 20
    for entry in told:
        plan = entry.get("planSummary", "")
        assert "COLLSCAN" not in plan, entry["command"]
        assert not entry.get("hasSortStage"), entry["command"]
