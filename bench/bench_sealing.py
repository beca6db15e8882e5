"""Sealed fields: what they cost to write and to read, and what their keys do.

`python bench/bench_sealing.py [--rounds 15] [--only PART …]` writes bench/results/sealing.json. The
baseline of each ratio is the same work on a log in clear, in the same run. It starts a mongod and
an AWS endpoint of its own.
"""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import erasing, models_log
from bench.measure import Figure, Work, alternate, figure, plain, run_parts
from bench.models_rebuild import clean, rebuilding, settings_of
from cplus.aws import Aws, Kms
from cplus.events.base import Cause, NewEvent
from cplus.events.catalogue.customers import CustomerChanged
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import Appended
from cplus.events.log.store import EventStore
from cplus.events.log.store import ensure_indexes as ensure_log_indexes
from cplus.events.reader import EventReader
from cplus.ids import random_id
from cplus.local.aws import KMS_KEY, AwsEndpoint, environment
from cplus.mongo import Mongo, connect
from cplus.privacy.keyring import KMS, LOCAL, Keyring, LocalMaster, Master
from cplus.privacy.keyring import ensure_indexes as ensure_key_indexes
from cplus.projections.base import Projection
from cplus.projections.generations.lineage_changes import ensure_indexes
from cplus.projections.models.conversations import CONVERSATIONS
from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.models.deliveries import DELIVERIES

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
SHOPS = 20
KNOWN = 1_000
"""Persons of whom webhooks tell, in turn."""
EVENTS = 24_000
PERSONS = 100_000
BODY = b'{"id": 1, "note": "' + b"x" * 800 + b'"}'

_CLEAR = "the same on a log in clear"
_numbers = itertools.count()
_RUN = random_id(6)


@dataclass(frozen=True)
class Log:
    """A log, and the keys of what is sealed in it."""

    mongo: Mongo
    keyring: Keyring | None

    @property
    def store(self) -> EventStore:
        """That of a process that has just started."""
        return EventStore(self.mongo, keys=self.keyring)


@dataclass(frozen=True)
class Bench:
    """What the parts use."""

    uri: str
    rounds: int

    @asynccontextmanager
    async def log(
        self, name: str, projections: Sequence[Projection] = (), *, sealed: bool
    ) -> AsyncIterator[Log]:
        """An empty log with a keyring, which is used if it is sealed."""
        settings = settings_of(self.uri, f"bench_{name}_{'sealed' if sealed else 'clear'}")
        keyring = f"{settings.mongo_database}_keyring"
        mongo = connect(settings.model_copy(update={"mongo_keyring_database": keyring}))
        names = (settings.mongo_database, keyring)
        for one in names:
            await mongo.client.drop_database(one)
        await ensure_log_indexes(mongo.database)
        await ensure_key_indexes(mongo.keyring)
        await ensure_indexes(mongo.database, projections)
        try:
            yield Log(mongo, new(mongo) if sealed else None)
        finally:
            for one in names:
                await mongo.client.drop_database(one)
            await mongo.close()


def new(mongo: Mongo, master: Master | None = None) -> Keyring:
    """The keyring of a process that has just started."""
    local = LocalMaster("a secret that is only for benchmarks")
    return Keyring(mongo.keyring, {LOCAL: local} if master is None else {KMS: master})


def webhook(shop: str, person: int | None = None) -> Draft:
    """What a webhook tells of a customer, with its body: a kilobyte and a half."""
    number = next(_numbers)
    customer = number % KNOWN if person is None else person
    event = CustomerChanged(
        shopify_customer_id=customer + 1,
        person=f"person/{customer}",
        first_name="Ada",
        last_name="Brandt",
        email=f"ada{customer}@shopper.example",
        phone="+47 22 00 00 00",
        note="asked for the blue lamp",
        locale="nb",
    )
    return Draft(
        shop=shop,
        claim=f"webhook/customers/update/{_RUN}/{number}",
        source="webhook",
        actor="shopify",
        events=[NewEvent(f"customer/{customer + 1}", event, NOW)],
        cause=Cause("webhook", body=BODY, headers={"x-shopify-topic": "customers/update"}),
        refs=[event.person],
    )


def appending(store: EventStore, drafts: Sequence[Draft], each: int) -> Work:
    """Appends, so many in a call."""

    async def work() -> int:
        for start in range(0, len(drafts), each):
            outcomes = await store.append(drafts[start : start + each])
            assert all(isinstance(outcome, Appended) for outcome in outcomes)
        return len(drafts)

    return work


def _appending_anew(store: EventStore, told: Sequence[tuple[str, int]], each: int) -> Work:
    """Appends new webhooks about these shops and persons."""
    return appending(store, [webhook(*one) for one in told], each)


async def append(bench: Bench) -> list[Figure]:
    """Appends of webhooks about customers whose keys are known to the process."""
    figures = []
    shops = models_log.hosts(50)
    for name, count, each, where in (
        ("one by one", 200, 1, shops[:1]),
        ("in batches of 50", 1_000, 50, shops[:1]),
        ("1,000 for 50 shops in one call", 1_000, 1_000, shops),
    ):
        async with AsyncExitStack() as opened:
            ours, clear = [
                (await opened.enter_async_context(bench.log("append", sealed=sealed))).store
                for sealed in (True, False)
            ]
            each_knows = KNOWN // len(where)
            for store in (ours, clear):
                known = [webhook(shop, person) for shop in where for person in range(each_knows)]
                for start in range(0, len(known), 1_000):
                    await store.append(known[start : start + 1_000])

            told = [(where[at % len(where)], at % each_knows) for at in range(count)]
            sides = [partial(_appending_anew, store, told, each) for store in (ours, clear)]
            pairs = await alternate(bench.rounds, *sides)
        figures.append(
            figure(f"append of webhooks, {name}", "commits/s", pairs, _CLEAR, at_least=0.9)
        )
    return figures


def conversations(shop: str, events: int) -> Iterator[Draft]:
    """Conversations, of which every second event holds personal fields."""
    return models_log.drafts(shop, events // models_log.EACH)


def customers(shop: str, events: int) -> Iterator[Draft]:
    """Facts about customers, each about another person."""
    return (webhook(shop, person) for person in range(events))


def _rebuilding_anew(bench: Bench, log: Log, projection: Projection) -> Work:
    """Rebuilds in a process that has just started: no key is in its memory."""
    keys = new(log.mongo) if log.keyring else None
    settings = settings_of(bench.uri, log.mongo.database.name)
    return rebuilding(log.mongo, settings, projection=projection, keys=keys)


async def rebuild(bench: Bench) -> list[Figure]:
    """Rebuilds of the same events, sealed and clear."""
    figures = []
    for what, projection, make, goal in (
        ("opens nothing: deliveries", DELIVERIES, conversations, 0.9),
        ("opens half of the events: conversations", CONVERSATIONS, conversations, 0.55),
        ("opens every event, of another person each: customers", CUSTOMERS, customers, 0.55),
    ):
        async with AsyncExitStack() as opened:
            logs = [
                await opened.enter_async_context(bench.log("rebuild", [projection], sealed=sealed))
                for sealed in (True, False)
            ]
            for log in logs:
                store = log.store
                for shop in models_log.hosts(SHOPS):
                    drafts = list(make(shop, EVENTS // SHOPS))
                    await appending(store, drafts, 500)()

            sides = [partial(_rebuilding_anew, bench, log, projection) for log in logs]
            pairs = await alternate(bench.rounds, *sides)
            for log in logs:
                await clean(log.mongo, projection)
        name = f"rebuild of {EVENTS:,} events, {SHOPS} shops, that {what}"
        figures.append(figure(name, "events/s", pairs, _CLEAR, at_least=goal))
    return figures


async def keys(bench: Bench) -> list[Figure]:
    """The keys of many persons, made, and read at once and singly by a new process."""
    async with bench.log("keys", sealed=True) as log:
        mongo, shop = log.mongo, "bench.myshopify.com"
        made, began = list[str](), time.perf_counter()
        making = new(mongo)
        for start in range(0, PERSONS, 500):
            wanted = [f"person/{number}" for number in range(start, start + 500)]
            made += [key.id for key in (await making.to_seal(shop, wanted, 0)).values()]
        to_make = time.perf_counter() - began
        pairs, few = [], made[:: PERSONS // 200]
        for _ in range(min(bench.rounds, 5)):
            process = new(mongo)
            began = time.perf_counter()
            assert len(await process.to_open(made)) == PERSONS
            bulk = (time.perf_counter() - began) / PERSONS
            process = new(mongo)
            began = time.perf_counter()
            for one in few:
                await process.to_open([one])
            singly = (time.perf_counter() - began) / len(few)
            pairs.append((bulk * 1e6, singly * 1e6))
        found = figure(
            f"keys of {PERSONS:,} persons read in bulk", "µs each", pairs, "read one by one"
        )
        return [found, plain("new keys, 500 at once", to_make / PERSONS * 1e6, "µs each")]


async def kms(bench: Bench) -> list[Figure]:
    """How often a process that writes and reads the logs of many shops asks KMS."""
    with tempfile.TemporaryDirectory(prefix="cplus-bench-") as folder:
        endpoint = AwsEndpoint(Path(folder))
        await endpoint.start()
        os.environ.update(environment(endpoint.endpoint))
        aws = Aws()
        try:
            async with bench.log("kms", sealed=True) as log:
                shops = models_log.hosts(SHOPS)
                first = new(log.mongo, Kms(aws, KMS_KEY))
                await EventStore(log.mongo, keys=first).append([webhook(shop) for shop in shops])
                before = await endpoint.calls()
                second = new(log.mongo, Kms(aws, KMS_KEY))
                store = EventStore(log.mongo, keys=second)
                await store.append([webhook(shop) for shop in shops])
                for shop in shops:
                    await EventReader(keys=second).read(await store.read(shop, 0))
                after = await endpoint.calls()
        finally:
            await aws.close()
            await endpoint.stop()
    asked = {name: after[name] - before.get(name, 0) for name in after if name.startswith("kms")}
    count = sum(asked.values())
    name = f"calls of KMS by a process that writes and reads {SHOPS} shops"
    return [Figure(name, count, "calls", None, "", "at most 1", count <= 1, 1, None)]


async def erase(bench: Bench) -> list[Figure]:
    """How long it takes to erase a person."""
    return await erasing.measured(bench.uri, bench.rounds)


PARTS: dict[str, Callable[[Bench], Awaitable[list[Figure]]]] = {
    "append": append,
    "rebuild": rebuild,
    "keys": keys,
    "kms": kms,
    "erase": erase,
}


if __name__ == "__main__":
    run_parts("sealing", PARTS, Bench, about=__doc__, rounds=15)
