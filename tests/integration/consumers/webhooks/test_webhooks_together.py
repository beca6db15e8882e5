"""A batch of webhooks asks the database for all of them at once."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from pymongo import monitoring

from cplus.aws import Aws
from cplus.bootstrap import Parts
from cplus.consumers.batches.sqs import SqsRecord
from cplus.consumers.webhooks.drafting import Webhooks
from cplus.consumers.webhooks.record import REDELIVERIES, handle
from cplus.envelopes import Stored
from cplus.events.catalogue.customers import CustomerChanged, PersonsJoined
from cplus.mongo import connect
from tests.integration.intake import intake, record, soon
from tests.nudges import Nudges

SHOP = "blue-jam.myshopify.com"


class Asked(monitoring.CommandListener):
    """Notes each command to the database, and the collection that it is for."""

    def __init__(self) -> None:
        self.commands: list[str] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.commands.append(f"{event.command_name} {event.command.get(event.command_name)}")

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


@pytest.fixture(scope="module")
async def world(mongo_uri: str, aws: Aws) -> AsyncIterator[tuple[Webhooks, Asked]]:
    asked = Asked()
    async with intake(mongo_uri, aws) as made:
        mongo = connect(made.parts.settings, [asked])
        parts = Parts(made.parts.settings, mongo=mongo, aws=made.parts.aws, nudger=Nudges())
        rows = mongo.database[REDELIVERIES]
        stored = (parts.recorder, parts.persons, parts.bodies, rows)
        asking = parts.standing, parts.shop_id, parts.shop_ids
        yield Webhooks(*stored, *asking, parts.webhooks.erased, parts.contacts, parts.clock), asked
        await mongo.close()


def queued(
    run: str,
    number: int,
    customer: int,
    email: str | None,
    delivery: str = "",
    triggered: str = "",
) -> SqsRecord:
    body = json.dumps({"id": customer, "email": email, "updated_at": "2026-11-20T12:00:00Z"})
    message = {
        "delivery": delivery or f"{run}-{number}",
        "headers": {
            "x-shopify-topic": "customers/update",
            "x-shopify-shop-domain": SHOP,
            "x-shopify-webhook-id": f"{run}-{number}",
            "x-shopify-triggered-at": triggered,
        },
        "body": base64.b64encode(body.encode()).decode(),
    }
    return record(message, f"{run}-{number}")


async def test_fifty_webhooks_take_as_many_commands_as_one(world: tuple[Webhooks, Asked]) -> None:
    webhooks, asked = world
    # The first of a shop: with the head of the log, and the key that wraps those of its persons.
    assert await handle([queued("one", 1, 99, "bob@example.com")], webhooks, soon()) == []
    persons = ["find persons", "insert persons"]
    keys = ["find keys", "insert keys", "find keys"]  # what is new is read back
    for run, commands in (
        ("first", [*persons, *keys, "insert commits"]),
        ("again", ["find persons", "insert commits"]),
    ):
        asked.commands.clear()
        batch = [queued(run, number, number, f"ann{number}@example.com") for number in range(1, 51)]
        assert await handle(batch, webhooks, soon()) == []
        assert asked.commands == commands


async def test_a_person_who_is_named_in_two_ways_in_a_batch_is_one(
    world: tuple[Webhooks, Asked],
) -> None:
    webhooks, _ = world
    batch = [
        queued("ways", 1, 101, "eve@example.com"),
        queued("ways", 2, 101, None),
        queued("ways", 3, 102, None),
        queued("ways", 4, 103, "ben@example.com"),
    ]
    assert await handle(batch, webhooks, soon()) == []
    commits = (await webhooks.recorder.store.read(SHOP, 0))[-4:]
    told = [one.event for some in await webhooks.recorder.reader.read(commits) for one in some]
    assert not [event for event in told if isinstance(event, PersonsJoined)]
    one, again, *others = [event.person for event in told if isinstance(event, CustomerChanged)]
    assert one == again
    assert len({one, *others}) == 3


async def test_fifty_redeliveries_are_remembered_together(world: tuple[Webhooks, Asked]) -> None:
    webhooks, asked = world

    def batch(delivery: str) -> list[SqsRecord]:
        return [queued("late", n, n, f"ann{n}@example.com", delivery) for n in range(1, 51)]

    assert await handle(batch("first"), webhooks, soon()) == []
    await webhooks.redeliveries.delete_many({})
    for _ in range(2):  # the second time it is SQS that repeats itself
        asked.commands.clear()
        assert await handle(batch("second"), webhooks, soon()) == []
        assert asked.commands[-1] == "insert redeliveries"
        assert len(asked.commands) <= 5
        assert await webhooks.redeliveries.count_documents({}) == 50


async def test_redeliveries_that_cannot_be_remembered_come_back(
    world: tuple[Webhooks, Asked],
) -> None:
    webhooks, _ = world

    def batch(delivery: str) -> list[SqsRecord]:
        known = [queued("lost", n, n, None, delivery) for n in range(1, 4)]
        return [*known, queued(delivery, 9, 9, None)]

    assert await handle(batch("first"), webhooks, soon()) == []
    database = webhooks.redeliveries.database
    refusing = {"collMod": webhooks.redeliveries.name, "validator": {"never": True}}
    await database.command(refusing)
    failed = await handle(batch("second"), webhooks, soon())
    assert failed == ["lost-1", "lost-2", "lost-3"]
    await database.command({**refusing, "validator": {}})
    assert await handle(batch("second"), webhooks, soon()) == []


class Large:
    """A bucket of large bodies that counts how many are read at once."""

    def __init__(self) -> None:
        self.now = self.most = 0

    async def put(self, shop: str, clear: bytes) -> Stored:
        raise AssertionError(f"{shop} stores {len(clear)} bytes that rest in the bucket")

    async def get(self, shop: str, stored: Stored) -> bytes:
        self.now += 1
        self.most = max(self.most, self.now)
        for _ in range(5):
            await asyncio.sleep(0)  # a turn for each of the others
        self.now -= 1
        return json.dumps({"id": int(stored.ref["key"]), "note": "x" * 300_000}).encode()


async def test_large_bodies_do_not_fill_the_memory_together(world: tuple[Webhooks, Asked]) -> None:
    webhooks, _ = world
    bodies = Large()
    batch = []
    for number in range(1, 41):
        message = json.loads(queued("large", number, number, None).body)
        message |= {"body": None, "body_ref": {"bucket": "bodies", "key": str(number)}}
        batch.append(record(message, f"large-{number}"))
    assert await handle(batch, replace(webhooks, bodies=bodies), soon()) == []
    assert bodies.most == 16
    [commit] = (await webhooks.recorder.store.read(SHOP, 0, cause=True))[-1:]
    assert commit.cause is not None
    assert commit.cause["ref"] == {"bucket": "bodies", "key": "40"}


@pytest.mark.parametrize("order", [[0, 1], [1, 0], [0, 1, 0], [1, 0, 1]])
async def test_two_addresses_of_one_second_and_a_redelivery_leave_the_one_told_last(
    world: tuple[Webhooks, Asked], order: list[int]
) -> None:
    webhooks, _ = world
    run = f"second-{order}"
    customer = 9000 + int("".join(map(str, order)))
    addresses = [f"{name}-{customer}@shopper.example" for name in ("old", "new")]
    times = [f"2026-11-20T12:00:00.{part}Z" for part in ("1", "7")]
    for place, one in enumerate(order):
        told = queued(run, one, customer, addresses[one], f"{run}-{place}", times[one])
        assert await handle([told], webhooks, soon()) == []
    resolve = webhooks.persons.resolve
    me = await resolve(SHOP, shopify_id=customer)
    old, new = [await resolve(SHOP, address=one) for one in addresses]
    assert new == me
    assert old != me
