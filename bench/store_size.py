"""Part of the store's benchmark: what a long log costs, and what walking its chain costs."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from bench.measure import Figure, Work, alternate, figure
from bench.store_bench import Bench, draft
from bench.store_explain import explain
from cplus.events.audit.roots import verify_shop
from cplus.events.base import NewEvent
from cplus.events.catalogue.conversations import ConversationClosed
from cplus.events.log.commit import Draft
from cplus.events.log.store import COMMITS, EventStore
from cplus.mongo import Mongo

SMALL = 10_000
SHOPS = [f"s{number}.myshopify.com" for number in range(20)]
STREAM = "conversation/a"
CORRELATION = "c"
TIMES = 100  # questions in one round


async def size(bench: Bench) -> list[Figure]:
    """Append, stream read and claim look-up at many commits over the same at 10,000; the walk
    over the chain against a bare scan in the same order; what MongoDB examines for each
    question."""
    async with bench.mongo("bench_small") as small, bench.mongo("bench_large") as large:
        claims = await _fill(small, SMALL), await _fill(large, bench.commits)
        stores = EventStore(small), EventStore(large)
        figures = []
        for name, make in (
            ("append", _append),
            ("stream read", _stream),
            ("claim look-up", _claim),
        ):
            pairs = await alternate(
                bench.rounds, make(stores[1], claims[1]), make(stores[0], claims[0])
            )
            costs = [(1 / ours, 1 / theirs) for ours, theirs in pairs]
            figures.append(
                figure(
                    f"{name}, cost at {bench.commits:,} commits",
                    "s",
                    costs,
                    "the same at 10,000",
                    at_most=1.25,
                )
            )
        figures += [await _walk(bench, large), *await _bytes(large)]
        return [*figures, *await explain(bench, "bench_large", SHOPS[0], STREAM, CORRELATION)]


async def _fill(mongo: Mongo, commits: int) -> list[str]:
    """Fills the log; answers some claims of the first shop."""
    store = EventStore(mongo)
    versions = [_version(number) for number in range(1, 21)]
    await store.append(versions)
    claims: list[str] = []
    for _ in range(commits // 1_000):
        drafts = [draft(shop) for shop in SHOPS * (1_000 // len(SHOPS))]
        claims.append(drafts[0].claim)
        await store.append(drafts)
    return claims


def _version(number: int) -> Draft:
    event = ConversationClosed(
        originator_id=STREAM, originator_version=number, timestamp=datetime.now(UTC)
    )
    claim = f"command/{number}"
    return Draft(
        SHOPS[0],
        claim,
        "dashboard",
        "merchant",
        events=[NewEvent.decided(event)],
        correlation_id=CORRELATION,
    )


def _times(ask: Callable[[int], Awaitable[Any]]) -> Work:
    async def work() -> int:
        for number in range(TIMES):
            await ask(number)
        return TIMES

    return work


def _append(store: EventStore, _claims: list[str]) -> Callable[[], Work]:
    def make() -> Work:
        drafts = [draft(SHOPS[0]) for _ in range(TIMES)]
        return _times(lambda number: store.append([drafts[number]]))

    return make


def _stream(store: EventStore, _claims: list[str]) -> Callable[[], Work]:
    return lambda: _times(lambda _: store.stream(SHOPS[0], STREAM))


def _claim(store: EventStore, claims: list[str]) -> Callable[[], Work]:
    asked = itertools.cycle(claims)
    return lambda: _times(lambda _: store.by_claim(SHOPS[0], next(asked)))


async def _walk(bench: Bench, mongo: Mongo) -> Figure:
    log = EventStore(mongo).log
    length = (await log.head(SHOPS[0])).position

    async def ours() -> int:
        if await verify_shop(log, SHOPS[0]) is not None:
            raise RuntimeError("the chain does not hold")
        return length

    async def bare() -> int:
        question = {"shop": SHOPS[0]}
        rows = mongo.database[COMMITS]
        async for _ in rows.find_raw_batches(question, sort=[("position", 1)]):
            pass
        return length

    pairs = await alternate(bench.rounds, lambda: ours, lambda: bare)
    theirs = "a bare scan in the same order, of raw batches"
    return figure(f"audit verify, {length:,} commits", "commits/s", pairs, theirs, at_least=0.9)


async def _bytes(mongo: Mongo) -> list[Figure]:
    """What a commit takes, for docs/scale.md: its document, and its keys in all indexes."""
    await mongo.client.admin.command("fsync")  # sizes are those of the last checkpoint
    said = await mongo.database.command("collStats", "commits")
    values = {
        "as stored": said["avgObjSize"],
        "in the indexes": round(said["totalIndexSize"] / said["count"]),
    }
    return [
        Figure(
            name=f"bytes of a commit, {what}",
            value=value,
            unit="bytes",
            ratio=None,
            baseline="a webhook of 0.8 KB",
            goal="none: for docs/scale.md",
            met=None,
            rounds=1,
            spread=None,
        )
        for what, value in values.items()
    ]
