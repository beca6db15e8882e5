"""Rows of read models for shops of any size, put beside the log, and counted as the runner does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

from bench.models_log import TEXT
from cplus.events.base import NewEvent
from cplus.events.catalogue.conversations import ConversationStarted, MessageReceived
from cplus.events.catalogue.customers import CustomerImported, PersonsJoined
from cplus.events.catalogue.orders import OrderChanged
from cplus.events.catalogue.shops import AppInstalled
from cplus.events.log.commit import Draft
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Mongo
from cplus.projections.base import Projection, Row
from cplus.projections.counting import counts_after
from cplus.projections.groups import ALL
from cplus.projections.models.conversations import CONVERSATIONS
from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.models.messages import MESSAGES
from cplus.projections.models.orders import ORDERS
from cplus.projections.rows import document_of
from cplus.projections.running.runner import Runner
from cplus.projections.testing import fold_all, told
from cplus.subscriptions.checkpoints import move_checkpoint, read_checkpoint

NOW: Final = datetime(2026, 11, 1, 12, tzinfo=UTC)
BATCH: Final = 5_000
APART: Final = timedelta(seconds=97)
JOINED: Final = 100
"""Of so many persons two turned out to be one."""


async def install(mongo: Mongo, shop: str) -> None:
    """A shop whose log every read model has read to its end."""
    event = AppInstalled(
        originator_id=f"shop/{shop}", originator_version=1, timestamp=NOW, shop_name="Bench",
        scopes=("read_customers",), currency="EUR", timezone="Europe/Berlin",
    )  # fmt: skip
    store = EventStore(mongo)
    new = NewEvent.decided(event)
    await store.append([Draft(shop, "install", "install", "merchant", [new])])
    runner = Runner(mongo, store, EventReader(), ALL)
    for projection in ALL:
        await runner.catch_up(projection, shop)


async def put(
    mongo: Mongo, projection: Projection, shop: str, rows: Iterable[tuple[str, Row]]
) -> None:
    """Inserts the rows, and writes their counts into the checkpoint."""
    collection, left = mongo.database[projection.collection], iter(rows)
    before = await read_checkpoint(mongo.database, projection, shop)
    counts = before.counts
    while some := dict(islice(left, BATCH)):
        if projection.counts is not None and counts is not None:
            counts = await counts_after(collection, shop, projection.counts, counts, {}, some)
        documents = [document_of(shop, key, row) for key, row in some.items()]
        await collection.insert_many(documents, ordered=False)
    after = replace(before, counts=counts)
    await move_checkpoint(mongo.database, projection, shop, before, after, NOW)


def _came(number: int, count: int) -> datetime:
    """When one of so many came, the last one now: no two within a minute, as a page writes out each
    minute once."""
    return NOW - (count - number) * APART


def conversations(count: int) -> Iterator[tuple[str, Row]]:
    """So many conversations: three of five are open, and half of those await a reply."""
    row = fold_all(CONVERSATIONS, tuple(map(told, _talk())))["c1"]
    for number in range(count):
        is_open = number % 5 < 3
        yield (
            f"c{number:07}",
            {
                **row,
                "person": f"person/p{number:07}",
                "open": is_open,
                "unanswered": is_open and number % 2 == 0,
                "last_message_at": _came(number, count),
            },
        )


def persons(count: int) -> Iterator[tuple[str, Row]]:
    """So many rows of customers, some of which are one person with the one before."""
    one, two = "person/a", "person/b"
    imported = [
        CustomerImported(
            shopify_customer_id=number, person=person, first_name="Ada", last_name="Brandt",
            email="ada@example.com", tags=("vip",), orders=3, amount_spent="30.00", currency="EUR",
            email_consent="subscribed",
        )
        for number, person in enumerate((one, two), start=1)
    ]  # fmt: skip
    single = fold_all(CUSTOMERS, (told(imported[0]),))[one]
    joined = PersonsJoined(person=one, absorbed=two)
    pair = fold_all(CUSTOMERS, tuple(map(told, (*imported, joined), range(1, 4))))
    for number in range(count):
        row = single
        if number % JOINED < 2:
            row = pair[two] if number % JOINED else pair[one]
            if number % JOINED:
                row = {**row, "merged_into": [f"person/p{number - 1:07}"]}
        yield f"person/p{number:07}", {**row, "changed_at": _came(number, count)}


def orders(persons: int) -> Iterator[tuple[str, Row]]:
    """Two orders of every fifth of so many persons, after what Shopify told on the import."""
    event = OrderChanged(
        shopify_order_id=1, shopify_customer_id=1, person="person/a", name="#1", currency="EUR",
        total_price="9.90", created_at=NOW,
    )  # fmt: skip
    row = fold_all(ORDERS, (told(event),))["1"]
    for number in range(0, persons, 5):
        for key in (f"{number}1", f"{number}2"):
            yield key, {**row, "person": f"person/p{number:07}"}


def messages(conversation: str, count: int) -> Iterator[tuple[str, Row]]:
    """So many messages of a conversation."""
    row = fold_all(MESSAGES, (told(_talk()[1]),))["m1"]
    for number in range(2, count + 2):
        at = NOW + timedelta(seconds=number)
        place = {"conversation_id": conversation, "number": number, "at": at}
        yield f"{conversation}m{number}", {**row, **place}


def _talk() -> tuple[ConversationStarted, MessageReceived]:
    place: dict[str, Any] = {"originator_id": "conversation/c1", "timestamp": NOW}
    return (
        ConversationStarted(
            **place, originator_version=1, person="person/a", channel="email", subject="A lamp"
        ),
        MessageReceived(
            **place, originator_version=2, person="person/a", subject="A lamp", text=TEXT,
            message_id="m1", from_name="Ada Brandt", from_address="ada@example.com",
            rfc_message_id=None,
        ),
    )  # fmt: skip
