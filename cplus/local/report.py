"""What `cplus up` prints: the parts, where to look, and live counts."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import SecretStr
from rich.console import Console
from rich.live import Live
from rich.text import Text

from cplus.counts import counted

if TYPE_CHECKING:
    from cplus.local.aws import AwsEndpoint
    from cplus.local.stack import Stack

_LOOK = 1.0  # seconds between two readings of the counts
_SAY = 60.0  # seconds between two lines of them where there is no terminal to rewrite one

NAMES = {
    "mongod": "MongoDB",
    "aws": "AWS endpoint",
    "shopify": "local Shopify",
    "functions": "functions",
    "demo": "demo shops",
}


@dataclass(frozen=True)
class Counts:
    """What went through: commits, redeliveries, how far the slowest reader of the log is, how many
    readers stand still, counted once for each shop, and how many messages nobody could work on."""

    recorded: int
    repeated: int
    projected: int
    parked: int = 0
    dead_letters: int = 0

    @property
    def lag(self) -> int:
        """Commits that the slowest reader is behind."""
        return self.recorded - self.projected

    @property
    def _dead(self) -> str:
        return counted(self.dead_letters, "dead letter")

    def __str__(self) -> str:
        return (
            f"recorded {self.recorded:,} · repeated {self.repeated:,} · "
            f"projected {self.projected:,} · lag {self.lag:,}"
            + (f" · {self.parked:,} parked" if self.parked else "")
            + (f" · {self._dead}" if self.dead_letters else "")
        )


class Watch:
    """Reads the counts of a running stack, again and again."""

    def __init__(
        self, uri: str, database: str, aws: AwsEndpoint | None = None, *, patience: float = 3.0
    ) -> None:
        from cplus.bootstrap import Parts
        from cplus.settings import Settings

        self._parts = Parts(Settings(mongo_uri=SecretStr(uri), mongo_database=database))
        self._aws = aws  # None where nobody asks for dead letters
        self._patience = patience  # seconds, much shorter than the driver's own

    async def counts(self) -> Counts | None:
        """The counts now; None while MongoDB does not answer."""
        from cplus.consumers.reactions.registry import REACTIONS
        from cplus.consumers.webhooks.record import REDELIVERIES
        from cplus.mongo import PyMongoError
        from cplus.projections.groups import ALL
        from cplus.projections.lag.sums import totals

        try:
            async with asyncio.timeout(self._patience):
                parts = self._parts
                sums = await totals(parts.mongo, parts.store, ALL, reactions=REACTIONS)
                rows = parts.mongo.database[REDELIVERIES]
                repeated = await rows.estimated_document_count()
        except (PyMongoError, TimeoutError):
            return None
        dead = await self._dead_letters()
        return Counts(sums.recorded, repeated, sums.passed, sums.parked, dead)

    async def _dead_letters(self) -> int:
        if self._aws is not None:
            with contextlib.suppress(OSError, ValueError):  # it is being started again
                return sum((await self._aws.dead_letters()).values())
        return 0

    async def close(self) -> None:
        """Ends the connections."""
        await self._parts.close()


def say_part(console: Console, name: str, seconds: float) -> None:
    """One line: the part, and the seconds that it took."""
    console.print(f"  [green]✓[/green] {NAMES.get(name, name):<16} {seconds:5.1f} s")


def say_lost(console: Console, lost: Mapping[str, int]) -> None:
    """What a kill of the emulator lost: its queues live in memory."""
    for queue, count in sorted(lost.items()):
        messages = counted(count, "message")
        console.print(
            f"  [yellow]![/yellow] the emulator lost up to {messages} on queue {queue}",
            highlight=False,
        )


def say_dead_letters(console: Console, held: Mapping[str, int]) -> None:
    """The queues that hold dead letters, which outlive stop and kill."""
    for queue, count in sorted(held.items()):
        letters = counted(count, "dead letter is", "dead letters are")
        console.print(f"  [yellow]![/yellow] {letters} kept on queue {queue}", highlight=False)


def say_where(console: Console, places: Mapping[str, str]) -> None:
    """Where to look, an address to a line; addresses are never broken or shortened."""
    console.print()
    width = max(map(len, places), default=0)
    for name, address in places.items():
        console.print(f"  {name:<{width}}  {address}", soft_wrap=True, highlight=False)
    console.print()


def say_links(console: Console, links: Mapping[str, str]) -> None:
    """The sign-in link of each shop, below its name: they are long."""
    if not links:
        return
    console.print("  To sign in, each link once, within 15 minutes:")
    for shop, link in links.items():
        console.print(f"    {shop}", highlight=False)
        console.print(f"      {link}", soft_wrap=True, highlight=False)
    console.print()


def say(console: Console, text: str) -> None:
    """One line."""
    console.print(f"  {text}", soft_wrap=True, highlight=False, markup=False)


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
    watch = Watch(stack.info.mongo, stack.info.database, stack.aws)
    task = asyncio.create_task(_show(console, watch))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        await watch.close()


async def _show(console: Console, watch: Watch) -> None:
    if not console.is_terminal:
        await _say(console, watch)
        return
    with Live(console=console, auto_refresh=False) as line:
        while True:
            counts = await watch.counts()
            line.update(Text(f"  {counts or 'MongoDB does not answer'}"), refresh=True)
            await asyncio.sleep(_LOOK)


async def _say(console: Console, watch: Watch) -> None:
    said: Counts | None = None
    while True:
        counts = await watch.counts()
        if counts and counts != said:
            console.print(f"  {counts}", highlight=False)
            said = counts
        await asyncio.sleep(_SAY)
