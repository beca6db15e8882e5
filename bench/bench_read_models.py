"""Read models: how fast they are folded anew, against a bare scan and another library, and how
soon a row is there.

`python bench/bench_read_models.py [--rounds 5] [--events 200000] [--only PART …]` writes
bench/results/read_models.json. It starts a mongod of its own. All parts take about 15 minutes on
2 idle cores, half of it the one with 1,000,000 events.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import models_log, models_others, models_switch
from bench.measure import Figure, Work, alternate, figure, write
from bench.models_rebuild import alone, clean, rebuilding, settings_of
from cplus.consumers.folding.projecting import look_at
from cplus.deadline import Deadline
from cplus.events.log.store import EventStore
from cplus.events.log.store import ensure_indexes as ensure_log_indexes
from cplus.events.reader import EventReader
from cplus.local.mongod import Mongod
from cplus.mongo import IndexModel, Mongo, connect
from cplus.projections.base import Projection
from cplus.projections.generations.lineage_changes import ensure_indexes
from cplus.projections.groups import PROJECT_CONVERSATIONS
from cplus.projections.models.conversations import CONVERSATIONS
from cplus.projections.running.runner import Runner
from cplus.settings import Settings

SHOPS = 20


@dataclass(frozen=True)
class Bench:
    """What the parts use."""

    uri: str
    rounds: int
    events: int

    def settings(self, name: str) -> Settings:
        """For a database."""
        return settings_of(self.uri, name)

    @asynccontextmanager
    async def log(self, events: int, shops: int = SHOPS) -> AsyncIterator[Mongo]:
        """A database with a log of conversations."""
        mongo = connect(self.settings(f"bench_models_{events}"))
        await mongo.client.drop_database(mongo.database.name)
        await ensure_log_indexes(mongo.database)
        await ensure_indexes(mongo.database, [CONVERSATIONS])
        await models_log.make(mongo, events, shops)
        try:
            yield mongo
        finally:
            await mongo.client.drop_database(mongo.database.name)
            await mongo.close()


def bare(mongo: Mongo, rows: list[dict[str, Any]], events: int, number: int) -> Work:
    """Reads the same commits by a bare cursor, then inserts the same rows. Each time into a new
    collection: neither side drops anything while it is timed."""

    async def work() -> int:
        database, name = mongo.database, f"bare{number}"
        indexes = [IndexModel([("shop", 1), *keys]) for keys in CONVERSATIONS.indexes]
        await database[name].create_indexes(indexes)
        cursor = database["commits"].find({}, {"cause": 0, "prev": 0, "hash": 0}, batch_size=4_000)
        while await cursor.to_list(4_000):
            pass
        for start in range(0, len(rows), 4_000):
            await database[name].insert_many(rows[start : start + 4_000])
        return events

    return work


async def rebuild(bench: Bench) -> list[Figure]:
    """One worker against a bare scan, and two workers against one."""
    figures = []
    async with bench.log(bench.events) as mongo:
        settings = bench.settings(mongo.database.name)
        events = await rebuilding(mongo, settings)()
        rows, numbers = await _rows(mongo), itertools.count()
        pairs = await alternate(
            bench.rounds,
            lambda: rebuilding(mongo, settings),
            lambda: bare(mongo, rows, events, next(numbers)),
        )
        shape = f"{events:,} events, {events / len(rows):.0f} a row, {SHOPS} shops, clear fields"
        figures.append(
            figure(
                f"rebuild of conversations, 1 worker: {shape}",
                "events/s",
                pairs,
                "cursor over the same commits, then insert_many of the same rows, same indexes",
                at_least=0.9,
            )
        )
        await clean(mongo)
        pairs = await alternate(
            bench.rounds,
            lambda: rebuilding(mongo, settings, 2),
            lambda: rebuilding(mongo, settings),
        )
        figures.append(
            figure("rebuild, 2 workers", "events/s", pairs, "1 worker, as it is on 2 cores")
        )
    return figures


async def _rows(mongo: Mongo) -> list[dict[str, Any]]:
    [lineage] = await mongo.database["generations"].find({}).to_list(None)
    name = f"{CONVERSATIONS.collection}.g{lineage['live']}"
    return list(await mongo.database[name].find({}).to_list(None))


async def others(bench: Bench) -> list[Figure]:
    """The same events through the projection runner of `eventsourcing` on SQLite."""
    events = bench.events // 2
    theirs = f"ProjectionRunner of eventsourcing, rows on SQLite, the {events:,} events in memory"
    figures = []
    async with bench.log(events) as mongo:
        settings = bench.settings(mongo.database.name)
        with tempfile.TemporaryDirectory(prefix="cplus-bench-") as directory:
            files = (Path(directory) / f"{number}.db" for number in itertools.count())
            for workers in (1, 2):
                pairs = await alternate(
                    bench.rounds,
                    partial(rebuilding, mongo, settings, workers),
                    lambda: models_others.Library(next(files), events).project,
                )
                what = f"rebuild of {events:,} events, workers: {workers}"
                figures.append(figure(what, "events/s", pairs, theirs))
                await clean(mongo)
    return figures


async def soon(bench: Bench) -> list[Figure]:
    """From an append to the row, with a hot projector."""
    figures = []
    for shops in (1, 100, 1_000):
        async with bench.log(0, 1) as mongo:
            store = EventStore(mongo)
            runner = Runner(mongo, store, EventReader(), [CONVERSATIONS])
            targets = await runner.driven()
            waits: list[float] = []
            talks = [models_log.talks(shop) for shop in models_log.hosts(shops)]
            for draft in (next(talk) for _ in range(1 + max(600 // shops, 5)) for talk in talks):
                [outcome] = await store.append([draft])
                appended = time.perf_counter()
                position = getattr(outcome, "position", None)
                deadline = Deadline.within(60)
                assert await look_at(runner, targets, draft.shop, until=position, deadline=deadline)
                waits.append(time.perf_counter() - appended)
            # What each shop's first one takes is left out: its log and its rows began with it.
            waits = waits[shops:]
            marks = statistics.quantiles(waits, n=100)
            for name, mark, most in (("p50", marks[49], None), ("p99", marks[98], 20)):
                what = f"from an acknowledged append to the row, no queue, {shops} shops, {name}"
                value = round(mark * 1000, 2)
                figures.append(_plain(what, value, "ms", len(waits), at_most=most))
    return figures


async def pace(bench: Bench) -> list[Figure]:
    """How many events a second one projector keeps up with, by what it folds of them."""
    return [
        await _pace(bench, (CONVERSATIONS,), "folds conversations"),
        await _pace(bench, PROJECT_CONVERSATIONS, "folds all that project-conversations does"),
    ]


async def _pace(bench: Bench, projections: Sequence[Projection], folds: str) -> Figure:
    rates = []
    for _ in range(bench.rounds):
        async with bench.log(6_000, 100) as mongo:
            await ensure_indexes(mongo.database, projections)
            store = EventStore(mongo)
            runner = Runner(mongo, store, EventReader(), projections)
            targets = await runner.driven()
            heads = await store.heads()
            places = asyncio.Semaphore(4)
            deadline = Deadline.within(600)

            async def one(
                shop: str, position: int, runner: Runner = runner, targets: Any = targets,
                places: asyncio.Semaphore = places, deadline: Deadline = deadline,
            ) -> None:  # fmt: skip
                async with places:
                    await look_at(runner, targets, shop, until=position, deadline=deadline)

            began = time.perf_counter()
            # Ten commits behind each nudge, as a queue hands them over when it is busy.
            for position in range(10, max(heads.values()) + 10, 10):
                await asyncio.gather(
                    *(one(shop, min(position, head)) for shop, head in heads.items())
                )
            rates.append(6_000 / (time.perf_counter() - began))
    what = f"pace of a projector that {folds}, 100 shops, 10 commits a nudge, 4 side by side"
    return _plain(what, round(statistics.median(rates)), "events/s", len(rates))


async def size(bench: Bench) -> list[Figure]:
    """Whether the rate and the memory stay as the log grows tenfold; each rebuild in a process
    of its own, both logs there all the time."""
    large = bench.events * 5
    small = large // 10
    rates, peaks = [], []
    async with bench.log(small) as one, bench.log(large) as other:
        for number in range(bench.rounds):
            databases = [other.database.name, one.database.name]
            found = {}
            for name in reversed(databases) if number % 2 else databases:
                found[name] = await alone(bench.uri, name)
            (fast, high), (fast_small, high_small) = (found[name] for name in databases)
            rates.append((fast, fast_small))
            peaks.append((high, high_small))
    what, theirs = f"rebuild of {large:,} events", f"rebuild of {small:,} events"
    return [
        figure(what, "events/s", rates, theirs, at_least=0.9),
        figure(f"peak memory, {what}", "MiB", peaks, theirs, at_most=1.3),
    ]


async def switch(bench: Bench) -> list[Figure]:
    """From one generation of 10,000 shops to the other and back, while their rows move."""
    shops = 10_000
    async with bench.log(shops * models_log.EACH, shops) as mongo:
        await models_switch.both_filled(mongo)
        rounds = [await models_switch.switched(mongo) for _ in range(bench.rounds)]
    what = f"switch of {shops:,} shops under writes"

    def told(name: str, values: Iterable[float], unit: str) -> Figure:
        return _plain(name, round(statistics.median(values), 2), unit, len(rounds))

    return [
        told(what, (one.seconds for one in rounds), "s"),
        told(f"{what}, while the old rows follow", (one.held for one in rounds), "s"),
        told(f"{what}, tries", (one.tries for one in rounds), "tries"),
        told(f"{what}, checkpoints that move", (one.moved for one in rounds), "a second"),
    ]


def _plain(
    name: str, value: float, unit: str, rounds: int, *, at_most: float | None = None
) -> Figure:
    goal, met = "none: as it is", None
    if at_most is not None:
        goal, met = f"at most {at_most:g} {unit}", value <= at_most
    return Figure(name, value, unit, None, "", goal, met, rounds, None)


PARTS: dict[str, Callable[[Bench], Awaitable[list[Figure]]]] = {
    "rebuild": rebuild,
    "others": others,
    "soon": soon,
    "pace": pace,
    "size": size,
    "switch": switch,
}


async def main(rounds: int, events: int, only: list[str]) -> None:
    """Runs the parts and writes what they show."""
    with tempfile.TemporaryDirectory(prefix="cplus-bench-") as directory:
        mongod = Mongod(Path(directory))
        await mongod.start()
        try:
            bench = Bench(mongod.uri, rounds, events)
            found = {name: await PARTS[name](bench) for name in PARTS if not only or name in only}
            write("read_models", found, keep=bool(only), events=events)
        finally:
            if mongod.child:
                await mongod.child.stop(grace=0.0)


def options() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--only", nargs="*", default=[], choices=sorted(PARTS))
    return parser.parse_args()


if __name__ == "__main__":
    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))  # warnings
    given = options()
    asyncio.run(main(given.rounds, given.events, given.only))
