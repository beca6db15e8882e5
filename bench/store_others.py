"""Part of the store's benchmark: other ways to keep a log, side by side. No goals: a comparison."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from eventsourcing.persistence import StoredEvent
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore

from bench.measure import Figure, Work, alternate, figure
from bench.store_bench import BODY, Bench, document, draft
from cplus.events.log.store import EventStore
from cplus.mongo import Mongo, PyMongoError, is_transient

SHOP = "one.myshopify.com"
SINGLES = 100  # of one round
BATCH = 500


async def others(bench: Bench) -> list[Figure]:
    """One shop, written one by one, by 16 writers at once, and in a batch."""
    figures = []
    async with bench.mongo("bench_others") as mongo, bench.mongo("bench_counter") as counter:
        with tempfile.TemporaryDirectory(prefix="cplus-bench-") as directory:
            store = EventStore(mongo)
            recorder = _recorder(Path(directory, "events.sqlite"))
            sqlite = "the eventsourcing library's SQLite recorder, in this process"
            transaction = "a transaction that counts up and inserts, in MongoDB"
            for name, ours, theirs, baseline in (
                ("one by one", _ours(store, 1), _sqlite(recorder, 1), sqlite),
                ("one by one", _ours(store, 1), _counted(counter, 1), transaction),
                ("16 writers", _ours(store, 16), _counted(counter, 16), transaction),
                ("one batch", _ours_batch(store), _sqlite(recorder, BATCH), sqlite),
            ):
                pairs = await alternate(bench.rounds, ours, theirs)
                figures.append(figure(f"one shop, {name}", "commits/s", pairs, baseline))
            recorder.datastore.close()
    return figures


def _ours(store: EventStore, writers: int) -> Callable[[], Work]:
    def make() -> Work:
        left = iter([draft(SHOP) for _ in range(SINGLES)])

        async def writer() -> None:
            for one in left:
                await store.append([one])

        async def work() -> int:
            await asyncio.gather(*(writer() for _ in range(writers)))
            return SINGLES

        return work

    return make


def _ours_batch(store: EventStore) -> Callable[[], Work]:
    def make() -> Work:
        drafts = [draft(SHOP) for _ in range(BATCH)]

        async def work() -> int:
            return len(await store.append(drafts))

        return work

    return make


def _recorder(path: Path) -> SQLiteApplicationRecorder:
    recorder = SQLiteApplicationRecorder(SQLiteDatastore(str(path)))
    recorder.create_table()
    return recorder


def _sqlite(recorder: SQLiteApplicationRecorder, batch: int) -> Callable[[], Work]:
    stream = uuid4()
    versions = itertools.count(1)

    def make() -> Work:
        count = SINGLES if batch == 1 else BATCH
        events = [_stored(stream, next(versions)) for _ in range(count)]

        async def work() -> int:
            for start in range(0, count, batch):
                recorder.insert_events(events[start : start + batch])
            return count

        return work

    return make


def _stored(stream: UUID, version: int) -> StoredEvent:
    return StoredEvent(stream, version, "webhook", BODY)


def _counted(mongo: Mongo, writers: int) -> Callable[[], Work]:
    counters, target = mongo.database["counters"], mongo.database["commits"]

    async def insert(row: dict[str, Any]) -> None:
        async def both(session: Any) -> None:
            counter = await counters.find_one_and_update(
                {"_id": SHOP},
                {"$inc": {"n": 1}},
                upsert=True,
                return_document=True,
                session=session,
            )
            row["position"] = counter["n"]
            await target.insert_one(row, session=session)

        while True:
            try:
                return await mongo.transaction(both)
            except PyMongoError as error:
                if not is_transient(error):
                    raise

    def make() -> Work:
        left = iter([document(SHOP) for _ in range(SINGLES)])

        async def writer() -> None:
            for row in left:
                await insert(row)

        async def work() -> int:
            await asyncio.gather(*(writer() for _ in range(writers)))
            return SINGLES

        return work

    return make
