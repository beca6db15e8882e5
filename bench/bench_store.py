"""The log against what MongoDB does bare, and against other ways to keep a log.

`python bench/bench_store.py [--rounds 15] [--commits 1000000] [--only PART …]` writes
bench/results/store.json. Each figure is a ratio in one run. It starts a mongod of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import store_drivers, store_hot, store_others, store_size
from bench.measure import Figure, Work, alternate, figure, write
from bench.store_bench import Bench, document, draft
from cplus.events.log.store import EventStore
from cplus.local.mongod import Mongod

T = TypeVar("T")
Part = Callable[[Bench], Awaitable[list[Figure]]]


async def singles(bench: Bench) -> list[Figure]:
    """One commit a call, by 1, 16 and 64 writers over many shops."""
    figures = []
    async with bench.mongo("bench_singles") as mongo:
        warm, target = EventStore(mongo), mongo.database["bare"]
        for writers, each in ((1, 100), (16, 30), (64, 10)):
            few = [f"s{number}.myshopify.com" for number in range(writers * 4)]
            # Cold: each round a store that has written to no shop yet, and each shop once.
            many = [f"s{number}.myshopify.com" for number in range(writers * each)]

            def ours(
                store: EventStore | None, shops: list[str], writers: int = writers, each: int = each
            ) -> Work:
                drafts = _spread(shops, writers, each, draft)
                chosen = store or EventStore(mongo)
                return lambda: _side_by_side(drafts, lambda one: chosen.append([one]))

            def raw(shops: list[str], writers: int = writers, each: int = each) -> Work:
                rows = _spread(shops, writers, each, document)
                return lambda: _side_by_side(rows, target.insert_one)

            for heads, store, shops, goal in (("warm", warm, few, 0.8), ("cold", None, many, 0.5)):
                pairs = await alternate(
                    bench.rounds, partial(ours, store, shops), partial(raw, shops)
                )
                name = f"single append, {writers} writers, head {heads}"
                theirs = "insert_one of the same document, index on _id only, majority"
                figures.append(figure(name, "commits/s", pairs, theirs, at_least=goal))
    return figures


def _spread(shops: list[str], writers: int, each: int, make: Callable[[str], T]) -> list[list[T]]:
    """For each writer what it writes, over as many shops of its own."""
    own = len(shops) // writers
    return [
        [make(shops[first + turn % own]) for turn in range(each)]
        for first in range(0, len(shops), own)
    ]


async def _side_by_side(parts: list[list[T]], write_one: Callable[[T], Awaitable[Any]]) -> int:
    async def writer(part: list[T]) -> None:
        for one in part:
            await write_one(one)

    await asyncio.gather(*map(writer, parts))
    return sum(map(len, parts))


async def batches(bench: Bench) -> list[Figure]:
    """1,000 commits for 50 shops in one call."""
    shops = [f"s{number}.myshopify.com" for number in range(50)] * 20
    figures = []
    async with bench.mongo("bench_batches") as mongo, bench.mongo("bench_batches_raw") as other:
        store = EventStore(mongo)
        place = itertools.count(1)

        def ours() -> Work:
            drafts = [draft(shop) for shop in shops]

            async def work() -> int:
                return len(await store.append(drafts))

            return work

        def raw(target: Any) -> Work:
            rows = [{**document(shop), "position": next(place)} for shop in shops]

            async def work() -> int:
                return len((await target.insert_many(rows)).inserted_ids)

            return work

        for name, indexes, goal in (("commits", "the same", 0.7), ("bare", "_id only", 0.33)):
            pairs = await alternate(bench.rounds, ours, partial(raw, other.database[name]))
            what = "1,000 commits for 50 shops in one call"
            theirs = f"insert_many of the same documents, indexes: {indexes}"
            figures.append(figure(what, "commits/s", pairs, theirs, at_least=goal))
    return figures


PARTS: dict[str, Part] = {
    "singles": singles,
    "batches": batches,
    "hot": store_hot.hot,
    "size": store_size.size,
    "others": store_others.others,
    "drivers": store_drivers.drivers,
}


async def main(rounds: int, commits: int, only: list[str]) -> None:
    """Runs the parts and writes what they show."""
    with tempfile.TemporaryDirectory(prefix="cplus-bench-") as directory:
        mongod = Mongod(Path(directory))
        await mongod.start()
        try:
            bench = Bench(mongod.uri, rounds, commits)
            found = {name: await PARTS[name](bench) for name in only or PARTS}
        finally:
            await mongod.stop()
    write("store", found, keep=bool(only), driver="motor", commits_at_most=commits)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--commits", type=int, default=1_000_000)
    parser.add_argument("--only", nargs="*", choices=list(PARTS), default=[])
    given = parser.parse_args()
    asyncio.run(main(given.rounds, given.commits, given.only))
