"""What the counts of a shop's rows promise, where the rows are folded, repaired and asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cplus.events.base import Event, NewEvent
from cplus.events.catalogue.conversations import ConversationClosed, ConversationStarted
from cplus.events.catalogue.customers import CustomerChanged, CustomerDeleted, PersonsJoined
from cplus.events.catalogue.merges import PersonsMerged, PersonsUnmerged
from cplus.events.catalogue.shops import AppUninstalled
from cplus.events.log.commit import Draft
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Mongo
from cplus.projections.base import Projection
from cplus.projections.checks.repair import repair_shop
from cplus.projections.checks.verify import Difference, verify_shop
from cplus.projections.generations.lineage_changes import begin
from cplus.projections.generations.rebuild import fill
from cplus.projections.models.conversations import CONVERSATIONS
from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.queries import ConversationCounts, PersonCounts, Queries
from cplus.projections.running.runner import Runner
from cplus.subscriptions.checkpoints import CHECKPOINTS, checkpoint_id, read_checkpoint
from tests.integration.fold_world import COUNTER, NOW, SHOP, write


@pytest.fixture
def projections() -> tuple[Projection, ...]:
    return (COUNTER, CONVERSATIONS, CUSTOMERS)


async def fold(mongo: Mongo, store: EventStore, projection: Projection, batch: int = 2) -> None:
    await Runner(mongo, store, EventReader(), [projection], batch=batch).catch_up(projection, SHOP)


async def counts(mongo: Mongo, projection: Projection) -> object:
    return (await read_checkpoint(mongo.database, projection, SHOP)).counts


async def tell(store: EventStore, *events: Event) -> None:
    start = (await store.head(SHOP)).position
    for number, event in enumerate(events, start=start + 1):
        new = NewEvent("facts/1", event, NOW)
        await store.append([Draft(SHOP, f"told/{number}", "webhook", "shopify", [new])])


def customer(number: int) -> CustomerChanged:
    return CustomerChanged(shopify_customer_id=number, person=f"person/{number}")


async def test_persons_who_turn_out_to_be_one_are_counted_once(
    mongo: Mongo, store: EventStore
) -> None:
    queries = Queries(mongo)
    await tell(store, *map(customer, range(1, 6)))
    await fold(mongo, store, CUSTOMERS)
    assert await queries.person_counts(SHOP) == PersonCounts(customers=5, leads=0)
    # In batches of their own, so that rows of a person change that are not loaded for it.
    await tell(store, PersonsJoined(person="person/2", absorbed="person/3"))
    await fold(mongo, store, CUSTOMERS)
    await tell(store, PersonsJoined(person="person/1", absorbed="person/3"))
    await fold(mongo, store, CUSTOMERS)
    assert await queries.person_counts(SHOP) == PersonCounts(customers=3, leads=0)
    # One of three is deleted in Shopify; then the other two: nobody is left of that person.
    await tell(store, CustomerDeleted(shopify_customer_id=3, person="person/3"))
    await fold(mongo, store, CUSTOMERS)
    assert await queries.person_counts(SHOP) == PersonCounts(customers=3, leads=0)
    # What is told of a customer under another of the person's ids counts for that person.
    await tell(store, CustomerDeleted(shopify_customer_id=2, person="person/1"))
    await tell(store, CustomerDeleted(shopify_customer_id=1, person="person/3"))
    await fold(mongo, store, CUSTOMERS)
    assert await queries.person_counts(SHOP) == PersonCounts(customers=2, leads=0)
    assert (await verify_shop(mongo, store, EventReader(), CUSTOMERS, SHOP)).differences == []


async def test_whom_a_merchant_merged_counts_once_until_that_is_taken_back(
    mongo: Mongo, store: EventStore
) -> None:
    queries = Queries(mongo)
    await tell(store, *map(customer, range(1, 5)))
    said: list[tuple[type[PersonsMerged | PersonsUnmerged], int, int, int]]
    said = [(PersonsMerged, 1, 2, 3), (PersonsMerged, 2, 3, 2), (PersonsMerged, 1, 3, 2)]
    said += [(PersonsUnmerged, 2, 3, 2), (PersonsUnmerged, 1, 2, 3), (PersonsUnmerged, 1, 3, 4)]
    versions = dict.fromkeys([(1, 2), (2, 3), (1, 3)], 0)
    for kind, one, other, left in said:
        versions[one, other] += 1
        event = kind(
            originator_id=f"merge/{one}+{other}",
            originator_version=versions[one, other],
            timestamp=NOW,
            person=f"person/{one}",
            absorbed=f"person/{other}",
        )
        new = NewEvent.decided(event)
        await store.append([Draft(SHOP, f"{one}{other}{new.version}", "dashboard", "m", [new])])
        await fold(mongo, store, CUSTOMERS)
        assert await queries.person_counts(SHOP) == PersonCounts(customers=left, leads=0)
    assert (await verify_shop(mongo, store, EventReader(), CUSTOMERS, SHOP)).differences == []


async def test_counts_that_an_older_release_left_behind_are_not_shown(
    mongo: Mongo, store: EventStore
) -> None:
    place: dict[str, Any] = {"originator_id": "conversation/c1", "timestamp": NOW}
    started = ConversationStarted(
        **place, originator_version=1, person="person/a", channel="email", subject="A lamp"
    )
    closed = ConversationClosed(**place, originator_version=2)
    queries = Queries(mongo)
    for version, event in enumerate((started, closed), start=1):
        new = NewEvent("conversation/c1", event, NOW, version)
        await store.append([Draft(SHOP, f"told/{version}", "command", "m", [new])])
        # The older release is at work when the conversation is closed.
        await fold(mongo, store, CONVERSATIONS if event is started else uncounted(CONVERSATIONS))
    assert await counts(mongo, CONVERSATIONS) is None
    assert await queries.conversation_counts(SHOP) == ConversationCounts(1, 0, 0)
    new_one = await begin(mongo.database, CONVERSATIONS)
    await fill(Runner(mongo, store, EventReader(), [CONVERSATIONS]), new_one, [SHOP])
    assert await counts(mongo, new_one) == {"conversations": 1}


def uncounted(projection: Projection) -> Projection:
    """The projection as a release knows it that does not count."""
    return replace(projection, counts=None)


async def test_a_shop_folded_before_counts_is_counted_when_its_rows_are_repaired(
    mongo: Mongo, store: EventStore
) -> None:
    await write(store, *[AppUninstalled() for _ in range(5)])
    await fold(mongo, store, uncounted(COUNTER))
    await write(store, AppUninstalled())
    await fold(mongo, store, COUNTER)
    assert await counts(mongo, COUNTER) is None
    assert await repair_shop(mongo, store, EventReader(), COUNTER, SHOP) == []
    assert await counts(mongo, COUNTER) == {"events": 12, "rows": 4}
    await write(store, AppUninstalled())
    await fold(mongo, store, COUNTER)
    assert await counts(mongo, COUNTER) == {"events": 14, "rows": 4}


async def test_a_wrong_count_is_found_and_repaired(mongo: Mongo, store: EventStore) -> None:
    await write(store, *[AppUninstalled() for _ in range(5)])
    await fold(mongo, store, COUNTER)
    await mongo.database[CHECKPOINTS].update_one(
        {"_id": checkpoint_id(COUNTER.collection, SHOP)}, {"$inc": {"counts.numbers.rows": 1}}
    )
    wrong = [Difference(SHOP, "", "miscounted", ["rows"])]
    found = await verify_shop(mongo, store, EventReader(), COUNTER, SHOP)
    assert found.differences == wrong
    assert await repair_shop(mongo, store, EventReader(), COUNTER, SHOP) == wrong
    assert (await verify_shop(mongo, store, EventReader(), COUNTER, SHOP)).differences == []
    assert await counts(mongo, COUNTER) == {"events": 10, "rows": 4}
