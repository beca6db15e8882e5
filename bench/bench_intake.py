"""Taking in: webhooks, pages of an import and mails into the log, against what MongoDB does bare.

`python bench/bench_intake.py [--rounds 60] [--only PART …]` writes bench/results/intake.json. Each
ratio is to an `insert_many` of the very same commits in the same run. It starts a mongod of its
own, and logs as a function does, to nowhere. All parts take about two minutes on 2 idle cores.
"""

from __future__ import annotations

import gc
import itertools
import statistics
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import intake_input
from bench.intake_input import BEFORE, CUSTOMERS, MAILS, WEBHOOKS, taking
from bench.measure import Figure, Work, alternate, figure, run_parts
from cplus.bootstrap import Parts
from cplus.events.log.store import COMMITS

KNOWN = 1_000
"""Customers that are known before, where they are."""

Make = Callable[[Parts, str, int], Work]
"""(parts, name of the run, number of the first customer) -> the work of one batch."""
Document = dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """What the parts use."""

    uri: str
    rounds: int

    async def pairs(self, make: Make, size: int, *, known: bool) -> list[tuple[float, float]]:
        """Milliseconds that each of a batch takes, and each of the same commits inserted bare."""
        async with (
            self._parts("given", make, size, known) as given,
            self._parts("taken", make, size, known) as ours,
            taking(self.uri, "bench_intake_bare") as bare,
        ):

            def batch(parts: Parts, number: int) -> Work:
                first = number * size
                return make(parts, f"run{number}", first % KNOWN if known else first)

            rows = [
                await _recorded(given, batch(given, number)) for number in range(self.rounds + 1)
            ]
            numbers, inputs = itertools.count(), iter(rows)
            _settle()
            rates = await alternate(
                self.rounds,
                lambda: batch(ours, next(numbers)),
                lambda: _inserting(bare, next(inputs), size),
            )
        return [(1_000 / mine, 1_000 / other) for mine, other in rates]

    @asynccontextmanager
    async def _parts(self, name: str, make: Make, size: int, known: bool) -> AsyncIterator[Parts]:
        async with taking(self.uri, f"bench_intake_{name}") as parts:
            if known:
                for first in range(0, KNOWN, size):
                    await make(parts, BEFORE, first)()
            yield parts


async def _recorded(parts: Parts, work: Work) -> list[Document]:
    """The commits that the work makes, as they are stored."""
    before = await parts.store.heads()
    await work()
    after = await parts.store.heads()
    news = [{"shop": shop, "position": {"$gt": before.get(shop, 0)}} for shop in after]
    cursor = parts.mongo.database[COMMITS].find({"$or": news}, sort=[("shop", 1), ("position", 1)])
    return list(await cursor.to_list(None))


def _inserting(parts: Parts, rows: list[Document], size: int) -> Work:
    async def work() -> int:
        await parts.mongo.database[COMMITS].insert_many(rows)
        return size

    return work


def _settle() -> None:
    """What was prepared stays: the garbage collector need not scan it while something is timed."""
    gc.collect()
    gc.freeze()


def _figures(
    what: str, size: int, pairs: list[tuple[float, float]], at_most: float | None = None
) -> list[Figure]:
    """The cost of each to the bare insert, and the slowest batches."""
    theirs = "insert_many of the same commits, same indexes, majority"
    batches = [mine * size for mine, _ in pairs]
    p99 = statistics.quantiles(batches, n=100, method="inclusive")[98]
    plain = Figure(
        f"{what}, p99 of a batch", round(p99, 2), "ms", None, "", "none: as it is", None,
        len(pairs), None,
    )  # fmt: skip
    return [figure(what, "ms each", pairs, theirs, at_most=at_most), plain]


async def webhooks(bench: Bench) -> list[Figure]:
    """A batch of webhooks that each tell of another customer of one shop, and of ten shops."""
    figures = []
    for who, known, shops, goal in (
        ("known customers", True, 1, 4),
        ("new customers", False, 1, 6),
        ("known customers of 10 shops", True, 10, None),
    ):
        make = partial(intake_input.webhooks, shops=shops)
        pairs = await bench.pairs(make, WEBHOOKS, known=known)
        figures += _figures(f"a batch of {WEBHOOKS} webhooks, {who}", WEBHOOKS, pairs, goal)
    return figures


async def imports(bench: Bench) -> list[Figure]:
    """A page of an import, from Shopify's answer to the log; one commit."""
    figures = []
    for who, known in (("known", True), ("new", False)):
        pairs = await bench.pairs(intake_input.page, CUSTOMERS, known=known)
        figures += _figures(f"an import page of {CUSTOMERS} {who} customers", CUSTOMERS, pairs)
    return figures


async def mails(bench: Bench) -> list[Figure]:
    """A batch of mails that each start a conversation; they rest in memory and not in S3."""
    figures = []
    for who, known in (("who wrote before", True), ("who are new", False)):
        pairs = await bench.pairs(intake_input.mails, MAILS, known=known)
        figures += _figures(f"a batch of {MAILS} mails of persons {who}", MAILS, pairs)
    return figures


PARTS: dict[str, Callable[[Bench], Awaitable[list[Figure]]]] = {
    "webhooks": webhooks,
    "imports": imports,
    "mails": mails,
}


if __name__ == "__main__":
    run_parts("intake", PARTS, Bench, about=__doc__, rounds=60)
