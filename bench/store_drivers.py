"""Part of the store's benchmark: PyMongo's own async API against motor, under the same store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bench.measure import Figure, Work, alternate, figure
from bench.store_bench import Bench, draft
from cplus.events.store import EventStore

WRITERS = ((1, 100), (16, 30))  # how many, and commits of each in one round
BATCH_SHOPS, BATCH = 50, 1_000


async def drivers(bench: Bench) -> list[Figure]:
    """Single appends with warm heads over many shops, and a batch, by either driver in turn."""
    motors = "the same on motor"
    figures = []
    async with (
        bench.mongo("bench_pymongo", "pymongo") as ours,
        bench.mongo("bench_motor", "motor") as theirs,
    ):
        stores = EventStore(ours), EventStore(theirs)
        for writers, each in WRITERS:
            pairs = await alternate(bench.rounds, *(_singles(one, writers, each) for one in stores))
            name = f"PyMongo's async API, single append, {writers} writers, head warm"
            figures.append(figure(name, "commits/s", pairs, motors))
        pairs = await alternate(bench.rounds, *(_batch(one) for one in stores))
        name = "PyMongo's async API, 1,000 commits for 50 shops in one call"
        figures.append(figure(name, "commits/s", pairs, motors))
    return figures


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
