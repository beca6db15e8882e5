"""What `cplus up` prints: the parts, where to look, and live counts."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pydantic import SecretStr
from rich.console import Console
from rich.live import Live
from rich.text import Text

from cplus.counts import counted
from cplus.local import waiting

if TYPE_CHECKING:
    from cplus.local.aws import AwsEndpoint
    from cplus.local.stack import Stack

_LOOK = 1.0  # seconds between two readings of the counts
_SAY = 60.0  # seconds between two lines of counts if the output is not a terminal

NAMES = {
    "mongod": "MongoDB",
    "aws": "AWS endpoint",
    "shopify": "local Shopify",
    "functions": "functions",
    "demo": "demo shops",
}


@dataclass(frozen=True)
class Counts:
    """Counts so far: commits, redeliveries, the position of the slowest reader, parked readers
    (counted once per shop), and dead letters."""

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
    """Reads the counts of a running stack."""

    def __init__(
        self, uri: str, database: str, aws: AwsEndpoint | None = None, *, patience: float = 3.0
    ) -> None:
        from cplus.bootstrap import Parts
        from cplus.settings import Settings

        self._parts = Parts(Settings(mongo_uri=SecretStr(uri), mongo_database=database))
        self._aws = aws  # None if dead letters are not needed
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
            with contextlib.suppress(OSError, ValueError):  # it is being restarted
                return sum((await self._aws.dead_letters()).values())
        return 0

    async def close(self) -> None:
        """Ends the connections."""
        await self._parts.close()


def say_part(console: Console, name: str, seconds: float) -> None:
    """Prints one line: the part, and the seconds that it took."""
    console.print(f"  [green]✓[/green] {NAMES.get(name, name):<16} {seconds:5.1f} s")


def say_waiting(console: Console, name: str, seconds: float) -> None:
    """Prints one line: the part that is still being waited for, and for how many seconds."""
    console.print(f"  [dim]…[/dim] still waiting for {NAMES.get(name, name)}: {seconds:.0f} s")


def say_lost(console: Console, lost: Mapping[str, int]) -> None:
    """Prints what a kill of the emulator lost: its queues are in memory."""
    for queue, count in sorted(lost.items()):
        messages = counted(count, "message")
        console.print(
            f"  [yellow]![/yellow] the emulator lost up to {messages} on queue {queue}",
            highlight=False,
        )


def say_dead_letters(console: Console, held: Mapping[str, int]) -> None:
    """Prints the queues with dead letters, which survive stop and kill."""
    for queue, count in sorted(held.items()):
        letters = counted(count, "dead letter is", "dead letters are")
        console.print(f"  [yellow]![/yellow] {letters} kept on queue {queue}", highlight=False)


def say_where(console: Console, places: Mapping[str, str]) -> None:
    """Prints where to look, one address per line; addresses are never wrapped or shortened."""
    console.print()
    width = max(map(len, places), default=0)
    for name, address in places.items():
        console.print(f"  {name:<{width}}  {address}", soft_wrap=True, highlight=False)
    console.print()


def say_links(console: Console, links: Mapping[str, str]) -> None:
    """Prints the sign-in link of each shop below its name, because links are long."""
    if not links:
        return
    console.print("  To sign in, each link once, within 15 minutes:")
    for shop, link in links.items():
        console.print(f"    {shop}", highlight=False)
        console.print(f"      {link}", soft_wrap=True, highlight=False)
    console.print()


def say(console: Console, text: str) -> None:
    """Prints one line."""
    console.print(f"  {text}", soft_wrap=True, highlight=False, markup=False)


async def timed(console: Console, name: str, work: Awaitable[None]) -> None:
    """Does the work and prints how many seconds it took."""
    say_part(console, name, await waiting.timed(work, partial(say_waiting, console, name)))


@contextlib.asynccontextmanager
async def live(console: Console, stack: Stack, *, quiet: bool) -> AsyncIterator[None]:
    """Shows the counts while the block runs, unless `quiet`."""
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
