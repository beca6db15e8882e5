"""Segments of a large shop: how long it takes to find everybody whom a definition means."""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from bench import web_rows
from bench.measure import Figure, figure
from cplus.bootstrap import Parts
from cplus.events.segment import Definition
from cplus.projections.base import Row
from cplus.projections.models.conversations import CONVERSATIONS
from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.models.messages import MESSAGES
from cplus.projections.models.orders import ORDERS
from cplus.projections.queries.segments import Wanted

SHOP: Final = "large.myshopify.com"
MANY: Final = 100_000
ROUNDS: Final = 3
GOAL: Final = 10.0
"""Seconds for everybody."""
SHAPES: Final = {
    "everybody": Definition(),
    "a tag": Definition(tag="vip"),
    "a number of orders": Definition(orders_from=1),
    "the last order": Definition(ordered_within=365),
    "a tag, orders and the last order": Definition(tag="vip", orders_from=1, ordered_within=365),
    "how they came": Definition(source="email"),
    "bought after a conversation": Definition(first_order="after"),
}
"""What definitions ask for, by what a figure calls it."""


def _talks(count: int) -> Iterator[tuple[str, Row]]:
    """One of every second person, before their orders."""
    for number, (key, row) in enumerate(web_rows.conversations(count)):
        if number % 2 == 0:
            yield key, {**row, "started_at": web_rows.NOW - timedelta(days=5)}


def _messages(count: int) -> Iterator[tuple[str, Row]]:
    """Four in each."""
    for number in range(0, count, 2):
        talk = f"c{number:07}"
        for key, row in web_rows.messages(talk, 4):
            yield key, {**row, "at": web_rows.NOW - timedelta(days=4)}


async def measure(parts: Parts, count: int = MANY, rounds: int = ROUNDS) -> list[Figure]:
    """Seconds to count the members of segments of a shop with so many persons, each next to
    reading the rows alone."""
    await web_rows.install(parts.mongo, SHOP)
    await web_rows.put(parts.mongo, CUSTOMERS, SHOP, web_rows.persons(count))
    await web_rows.put(parts.mongo, ORDERS, SHOP, web_rows.orders(count))
    await web_rows.put(parts.mongo, CONVERSATIONS, SHOP, _talks(count))
    await web_rows.put(parts.mongo, MESSAGES, SHOP, _messages(count))
    rows = parts.mongo.database[CUSTOMERS.collection]

    async def bare() -> int:
        return len(await rows.find({"shop": SHOP}, {"words": 0}).to_list(None))

    figures = []
    for name, definition in SHAPES.items():
        moment, zone = web_rows.NOW + timedelta(days=1), ZoneInfo("Europe/Berlin")
        wanted = Wanted(definition, moment, zone)

        async def members(wanted: Wanted = wanted) -> int:
            return await parts.queries.count_members(SHOP, wanted)

        pairs, found = list[tuple[float, float]](), 0
        for number in range(rounds + 1):
            first, second = (members, bare) if number % 2 else (bare, members)
            one, other = await _timed(first), await _timed(second)
            ours, theirs = (one, other) if number % 2 else (other, one)
            found = ours[1]
            if number:
                pairs.append((ours[0], theirs[0]))
        what = f"segment by {name}: {found:,} members of {count:,} persons"
        figures.append(figure(what, "s", pairs, "reading the rows alone"))
        median = statistics.median(ours for ours, _ in pairs)
        goal = f"at most {GOAL:g} s"
        figures.append(
            Figure(f"{what}, whole", round(median, 2), "s", None, "", goal, median <= GOAL,
                   len(pairs), None)
        )  # fmt: skip
    return figures


async def _timed(work: Callable[[], Awaitable[int]]) -> tuple[float, int]:
    began = time.perf_counter()
    found = await work()
    return time.perf_counter() - began, found
