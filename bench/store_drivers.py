"""Part of the store's benchmark: PyMongo's own async API against motor, under the same store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial

from bench.measure import Figure, Work, alternate, figure
from bench.store_bench import Bench, draft
from cplus.events.log.store import EventStore

BATCH_SHOPS, BATCH = 50, 1_000


async def drivers(bench: Bench) -> list[Figure]:
    """Single appends with warm heads over many shops, and a batch, by either driver in turn:
    how many a second, and how much of the processor each takes. Motor has threads of its own, so
    on a busy machine the two may differ."""
    figures = []
    async with (
        bench.mongo("bench_pymongo", "pymongo") as ours,
        bench.mongo("bench_motor", "motor") as theirs,
    ):
        stores = EventStore(ours), EventStore(theirs)
        for what, make in (
            ("single append, 1 writers, head warm", partial(_singles, writers=1, each=100)),
            ("single append, 16 writers, head warm", partial(_singles, writers=16, each=30)),
            ("1,000 commits for 50 shops in one call", _batch),
        ):
            cpu: tuple[list[float], list[float]] = [], []
            counted = [
                _counted(make(store), spent) for store, spent in zip(stores, cpu, strict=True)
            ]
            pairs = await alternate(bench.rounds, *counted)
            name, motors = f"PyMongo's async API, {what}", "the same on motor"
            figures.append(figure(name, "commits/s", pairs, motors))
            costs = list(zip(cpu[0][1:], cpu[1][1:], strict=True))  # one round is unheard
            figures.append(figure(f"{name}, processor", "ms a commit", costs, motors))
    return figures


def _counted(make: Callable[[], Work], spent: list[float]) -> Callable[[], Work]:
    """The same work, with the milliseconds of this process's processor that a commit took."""

    def counted() -> Work:
        work = make()

        async def and_count() -> int:
            began = time.process_time()
            done = await work()
            spent.append((time.process_time() - began) * 1_000 / done)
            return done

        return and_count

    return counted


def _singles(store: EventStore, writers: int, each: int) -> Callable[[], Work]:
    """Writers side by side, each over four shops of its own."""

    def make() -> Work:
        parts = [
            [draft(f"w{writer}-{turn % 4}.myshopify.com") for turn in range(each)]
            for writer in range(writers)
        ]

        async def write(part: int) -> None:
            for one in parts[part]:
                await store.append([one])

        async def work() -> int:
            await asyncio.gather(*map(write, range(writers)))
            return writers * each

        return work

    return make


def _batch(store: EventStore) -> Callable[[], Work]:
    def make() -> Work:
        drafts = [draft(f"s{number % BATCH_SHOPS}.myshopify.com") for number in range(BATCH)]

        async def work() -> int:
            return len(await store.append(drafts))

        return work

    return make
