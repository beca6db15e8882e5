"""What the stack says of itself: its parts, where to look, and what it has done so far."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pymongo
from pymongo.errors import PyMongoError
from rich.console import Console
from rich.live import Live
from rich.text import Text

from cplus.projections.generations import GENERATIONS, Lineage

if TYPE_CHECKING:
    from cplus.local.stack import Stack

_LOOK = 1.0  # seconds between two readings of the counts
_SAY = 5.0  # seconds between two lines of them where there is no terminal to rewrite one

NAMES = {
    "mongod": "MongoDB",
    "aws": "AWS endpoint",
    "shopify": "local Shopify",
    "functions": "functions",
    "demo": "demo shops",
}


@dataclass(frozen=True)
class Counts:
    """What went through: commits, redeliveries, and how far the slowest projection is."""

    recorded: int
    repeated: int
    projected: int

    @property
    def lag(self) -> int:
        """Positions that the slowest projection is behind."""
        return self.recorded - self.projected

    def __str__(self) -> str:
        return (
            f"recorded {self.recorded:,} · repeated {self.repeated:,} · "
            f"projected {self.projected:,} · lag {self.lag:,}"
        )


class Watch:
    """Reads the counts of a running stack; blocking, and made to be asked again and again."""

    def __init__(self, uri: str, database: str) -> None:
        self._client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
            uri, serverSelectionTimeoutMS=1_000, maxPoolSize=1
        )
        self._database = self._client[database]

    def counts(self) -> Counts | None:
        """The counts now; None while MongoDB does not answer."""
        try:
            head = self._heads()
            projected = self._projected(head)
            repeated = self._database["redeliveries"].estimated_document_count()
        except PyMongoError:
            return None
        recorded = sum(head.values())
        # Commits may come between the questions: nobody is ahead of what was recorded.
        return Counts(recorded, repeated, min(projected, recorded))

    def close(self) -> None:
        """Ends the connection."""
        self._client.close()

    def _heads(self) -> dict[str, int]:
        # Positions have no gap, so that of a shop's newest commit is the number of its commits.
        newest = self._database["commits"].aggregate(
            [
                {"$sort": {"shop": -1, "position": -1}},  # the index, read backwards
                {"$group": {"_id": "$shop", "position": {"$first": "$position"}}},
            ]
        )
        return {row["_id"]: row["position"] for row in newest}

    def _projected(self, head: Mapping[str, int]) -> int:
        sums: Counter[str] = Counter()
        filling = self._filling()
        for row in self._database["checkpoints"].find({}, {"_id": 1, "shop": 1, "position": 1}):
            projection = str(row["_id"]).partition("/")[0]
            if projection in filling:
                continue
            sums[projection] += min(row["position"], head.get(row["shop"], 0))
        return min(sums.values(), default=0)

    def _filling(self) -> set[str]:
        """The collections that `cplus rebuild` fills, which nobody reads yet."""
        lineages = map(Lineage.of, self._database[GENERATIONS].find({}))
        return {
            lineage.collection(one.number)
            for lineage in lineages
            for one in lineage.generations
            if not one.filled
        }


def say_part(console: Console, name: str, seconds: float) -> None:
    """One line: the part, and the seconds that it took."""
    console.print(f"  [green]✓[/green] {NAMES.get(name, name):<16} {seconds:5.1f} s")


def say_lost(console: Console, lost: Mapping[str, int]) -> None:
    """What a kill of the emulator lost: its queues live in memory."""
    for queue, count in sorted(lost.items()):
        messages = "message" if count == 1 else "messages"
        console.print(
            f"  [yellow]![/yellow] the emulator lost up to {count} {messages} on queue {queue}",
            highlight=False,
        )


def say_where(console: Console, places: Mapping[str, str]) -> None:
    """Where to look, an address to a line; addresses are never broken or shortened."""
    console.print()
    for name, address in places.items():
        console.print(f"  {name:<22} {address}", soft_wrap=True, highlight=False)
    console.print()


async def timed(console: Console, name: str, work: Awaitable[None]) -> None:
    """Does the work and says its seconds."""
    started = time.perf_counter()
    await work
    say_part(console, name, time.perf_counter() - started)


@contextlib.asynccontextmanager
async def live(console: Console, stack: Stack, *, quiet: bool) -> AsyncIterator[None]:
    """Shows the counts as long as it is entered, unless it shall be quiet."""
    if quiet:
        yield
        return
    watch = Watch(stack.info.mongo, stack.info.database)
    task = asyncio.create_task(_show(console, watch))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        watch.close()


async def _show(console: Console, watch: Watch) -> None:
    if not console.is_terminal:
        await _say(console, watch)
        return
    with Live(console=console, auto_refresh=False) as line:
        while True:
            counts = await asyncio.to_thread(watch.counts)
            line.update(Text(f"  {counts or 'MongoDB does not answer'}"), refresh=True)
            await asyncio.sleep(_LOOK)


async def _say(console: Console, watch: Watch) -> None:
    said: Counts | None = None
    while True:
        counts = await asyncio.to_thread(watch.counts)
        if counts and counts != said:
            console.print(f"  {counts}", highlight=False)
            said = counts
        await asyncio.sleep(_SAY)
