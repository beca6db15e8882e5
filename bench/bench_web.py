"""Pages of large shops, and what walks over all shops.

`python bench/bench_web.py [--rounds 200] [--only PART …]` writes bench/results/web.json. The rows
are put beside the log, and counted by what the runner counts with. It starts a mongod of its own.
All parts take about twelve minutes on 2 idle cores, most of it to make the rows.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import web_memory, web_rows, web_search, web_segments
from bench.measure import Figure, figure, fresh, run_parts
from bench.web_app import Browser, settings_of
from cplus.bootstrap import Parts, ensure_indexes
from cplus.mongo import Mongo
from cplus.projections.models.conversations import CONVERSATIONS
from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.models.messages import MESSAGES
from cplus.projections.models.orders import ORDERS
from cplus.web.merchant.conversations.thread import PAGE as THREAD_PAGE

LARGE, HUGE = "large.myshopify.com", "huge.myshopify.com"
MANY, VERY_MANY = 100_000, 1_000_000
PAGE = 50
SHORT, LONG = 200, 5_000
THREADS = {SHORT: "c0000000", LONG: "c0000005"}
"""Two of the conversations, by how many messages they get."""
_A_THREAD = THREAD_PAGE.messages
"""Messages of a page of a thread."""
FEW_SHOPS, ALL_SHOPS = 1_000, 10_000

Ask = Callable[[], Awaitable[float]]
"""Asks for something once; the seconds that are to be compared."""


@dataclass(frozen=True)
class Bench:
    """What the parts use."""

    uri: str
    rounds: int

    @asynccontextmanager
    async def parts(self, name: str) -> AsyncIterator[Parts]:
        """The parts over a fresh database with its indexes."""
        settings = settings_of(self.uri, f"bench_web_{name}")
        async with fresh(Parts(settings)) as parts:
            yield parts

    async def pairs(self, ours: Ask, theirs: Ask) -> list[tuple[float, float]]:
        """Milliseconds of both, in turn, whoever begins changing each round; the first rounds,
        in which caches fill, unheard."""
        pairs = []
        for number in range(self.rounds + _UNHEARD):
            if number % 2:
                mine, other = await ours(), await theirs()
            else:
                other, mine = await theirs(), await ours()
            if number >= _UNHEARD:
                pairs.append((mine * 1_000, other * 1_000))
        return pairs


_UNHEARD = 20


@dataclass
class Page:
    """A page of a shop, asked for again and again."""

    browser: Browser
    shop: str
    path: str
    wholes: list[float]

    async def without_rendering(self) -> float:
        """Seconds that the page took, without those of its template."""
        taken = await self.browser.page(self.shop, self.path)
        self.wholes.append(taken.whole * 1_000)
        return taken.whole - taken.rendering


async def _compared(
    bench: Bench, page: Page, what: str, theirs: Ask, baseline: str, at_most: float | None
) -> list[Figure]:
    pairs = await bench.pairs(page.without_rendering, theirs)
    wholes = page.wholes[_UNHEARD:]
    p99 = statistics.quantiles(wholes, n=100, method="inclusive")[98]
    return [
        figure(f"{what}, without rendering", "ms", pairs, baseline, at_most=at_most),
        _plain(f"{what}, whole, median", statistics.median(wholes), "ms", len(wholes)),
        _plain(f"{what}, whole, p99", p99, "ms", len(wholes)),
    ]


def _list(mongo: Mongo, collection: str, wanted: Mapping[str, Any], field: str) -> Ask:
    """The bare query of a list's first page."""

    async def ask() -> float:
        began = time.perf_counter()
        cursor = mongo.database[collection].find(wanted, sort=[(field, -1), ("_id", -1)])
        assert len(await cursor.limit(PAGE + 1).to_list(PAGE + 1)) == PAGE + 1
        return time.perf_counter() - began

    return ask


async def inbox(bench: Bench) -> list[Figure]:
    """The inbox of a shop with 100,000 conversations, and of one with ten times as many."""
    figures = []
    async with bench.parts("inbox") as parts:
        rows = parts.mongo.database[CONVERSATIONS.collection]
        # Indexes are made faster over rows that are there than with each of them.
        await rows.drop_indexes()
        for shop, count in ((LARGE, MANY), (HUGE, VERY_MANY)):
            await web_rows.install(parts.mongo, shop)
            await web_rows.put(parts.mongo, CONVERSATIONS, shop, web_rows.conversations(count))
        await ensure_indexes(parts.settings)
        _settle()
        pages = {shop: Page(Browser(parts), shop, "/inbox", []) for shop in (LARGE, HUGE)}
        for shop, count in ((LARGE, MANY), (HUGE, VERY_MANY)):
            bare = _list(
                parts.mongo,
                CONVERSATIONS.collection,
                {"shop": shop, "open": True},
                "last_message_at",
            )
            what = f"inbox of {count:,} conversations"
            figures += await _compared(bench, pages[shop], what, bare, "its bare list query", 5)
        one, other = pages[HUGE].without_rendering, pages[LARGE].without_rendering
        pairs = await bench.pairs(one, other)
        what = f"inbox of {VERY_MANY:,} conversations, to that of a tenth"
        theirs = f"inbox of {MANY:,} conversations"
        figures.append(figure(what, "ms", pairs, theirs, at_most=1.3))
    return figures


async def people(bench: Bench) -> list[Figure]:
    """The customers page and the settings page of a shop with 100,000 persons, some of whom were
    joined."""
    figures = []
    async with bench.parts("people") as parts:
        await web_rows.install(parts.mongo, LARGE)
        await web_rows.put(parts.mongo, CUSTOMERS, LARGE, web_rows.persons(MANY))
        await web_rows.put(parts.mongo, CONVERSATIONS, LARGE, web_rows.conversations(MANY))
        await web_rows.put(parts.mongo, ORDERS, LARGE, web_rows.orders(MANY))
        _settle()
        browser = Browser(parts)
        bare = _list(
            parts.mongo, CUSTOMERS.collection, {"shop": LARGE, "lists": "all"}, "changed_at"
        )
        for name in ("customers", "settings"):
            what = f"{name} page at {MANY:,} persons"
            theirs = "the bare list query of customers"
            page = Page(browser, LARGE, f"/{name}", [])
            figures += await _compared(bench, page, what, bare, theirs, 5)
    return figures


async def thread(bench: Bench) -> list[Figure]:
    """The newest page of a thread of 5,000 messages, to its bare query and to a thread that is one
    page."""
    async with bench.parts("thread") as parts:
        await web_rows.install(parts.mongo, LARGE)
        await web_rows.put(parts.mongo, CONVERSATIONS, LARGE, web_rows.conversations(1_000))
        for count, conversation in THREADS.items():
            rows = web_rows.messages(conversation, count)
            await web_rows.put(parts.mongo, MESSAGES, LARGE, rows)
        _settle()
        browser = Browser(parts)
        long, short = (
            Page(browser, LARGE, f"/conversations/{THREADS[count]}", []) for count in (LONG, SHORT)
        )
        wanted = {"shop": LARGE, "conversation_id": THREADS[LONG], "number": {"$gt": 0}}

        async def bare() -> float:
            began = time.perf_counter()
            cursor = parts.mongo.database[MESSAGES.collection].find(
                wanted, sort=[("number", -1)], limit=_A_THREAD + 1, batch_size=_A_THREAD + 1
            )
            assert len(await cursor.to_list(_A_THREAD + 1)) == _A_THREAD + 1
            return time.perf_counter() - began

        what = f"thread of {LONG:,} messages, newest page"
        figures = await _compared(bench, long, what, bare, "the bare query of its messages", None)
        pairs = await bench.pairs(long.without_rendering, short.without_rendering)
        theirs = f"thread of {SHORT} messages"
        figures.append(figure(f"{what}, to a short one", "ms", pairs, theirs, at_most=1.3))
        keys = await _keys_examined(parts, wanted)
        figures.append(_plain(f"{what}, keys of the index that are read", keys, "keys", 1))
    return figures


async def _keys_examined(parts: Parts, wanted: Mapping[str, Any]) -> int:
    plan = await parts.mongo.database.command(
        "explain",
        {
            "find": MESSAGES.collection,
            "filter": wanted,
            "sort": {"number": -1},
            "limit": _A_THREAD + 1,
        },
        verbosity="executionStats",
    )
    keys: int = plan["executionStats"]["totalKeysExamined"]
    return keys


async def memory(bench: Bench) -> list[Figure]:
    """The peak of what walks over 10,000 shops, to 1,000; each walk in a process of its own."""
    figures = []
    async with bench.parts("few") as few, bench.parts("all") as many:
        await web_memory.fill(few.mongo, FEW_SHOPS)
        await web_memory.fill(many.mongo, ALL_SHOPS)
        for what in ("lag", "sweep"):
            pairs = []
            for number in range(_WALKS):
                found = {}
                for parts in (few, many) if number % 2 else (many, few):
                    name = parts.settings.mongo_database
                    found[name] = await web_memory.peak_of(bench.uri, name, what)
                pairs.append(
                    (found[many.settings.mongo_database], found[few.settings.mongo_database])
                )
            name = f"peak memory, {what} over {ALL_SHOPS:,} shops"
            theirs = f"the same over {FEW_SHOPS:,} shops"
            figures.append(figure(name, "MiB", pairs, theirs, at_most=1.1))
            small = statistics.median(other for _, other in pairs)
            name = f"peak memory, {what} over {FEW_SHOPS:,} shops"
            figures.append(_plain(name, small, "MiB", len(pairs)))
    return figures


_WALKS = 3


async def search(bench: Bench) -> list[Figure]:
    """Search in a shop with 100,000 conversations, of 1,000,000 in all."""
    async with bench.parts("search") as parts:
        return await web_search.measure(parts, bench.rounds)


async def segments(bench: Bench) -> list[Figure]:
    """Everybody whom a segment means, in a shop with 100,000 persons."""
    async with bench.parts("segments") as parts:
        return await web_segments.measure(parts)


def _settle() -> None:
    """What was prepared stays: the garbage collector need not scan it while something is timed."""
    gc.collect()
    gc.freeze()


def _plain(name: str, value: float, unit: str, rounds: int) -> Figure:
    return Figure(name, round(value, 2), unit, None, "", "none: as it is", None, rounds, None)


PARTS: dict[str, Callable[[Bench], Awaitable[list[Figure]]]] = {
    "inbox": inbox,
    "people": people,
    "thread": thread,
    "search": search,
    "segments": segments,
    "memory": memory,
}


if __name__ == "__main__":
    run_parts("web", PARTS, Bench, about=__doc__, rounds=200)
