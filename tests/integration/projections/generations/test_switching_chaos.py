"""Generations under everything at once: who reads never sees less, and nothing counts twice."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from cplus.deadline import Deadline
from cplus.errors import CplusError
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Mongo, PyMongoError, connect
from cplus.projections.checks.repair import repair_shop
from cplus.projections.generations.drop import drop
from cplus.projections.generations.lineage import generation_of, lineage_of
from cplus.projections.generations.lineage_changes import begin
from cplus.projections.generations.rebuild import fill, filler
from cplus.projections.generations.switch import switch_back, switch_over
from cplus.projections.running.runner import Runner
from cplus.settings import Settings
from cplus.subscriptions.checkpoints import checkpoints_of
from tests.conftest import Figures
from tests.integration.crashing import Died
from tests.integration.fold_world import COUNTER
from tests.integration.projections.generations.switching_world import BOTH, holds, nudged, told

SECONDS = 20.0
SHOPS = [f"shop{number}.myshopify.com" for number in range(6)]


class Chaos:
    """Who is at work, each with connections of its own and what chance tells it to do."""

    def __init__(self, settings: Settings, seed: int) -> None:
        self._settings = settings
        self._until = time.monotonic() + SECONDS
        self.chance = random.Random(seed)
        self.did: Counter[str] = Counter()
        self.less: list[tuple[str, int, int]] = []
        """Shop, what was read, and what was read after it."""

    async def all_at_once(self) -> None:
        """Two who write, four runners, three who rebuild, two who read."""
        parts = [self.write] * 2 + [self.run] * 4 + [self.rebuild] * 3 + [self.read] * 2
        await asyncio.gather(*(self._again_and_again(part) for part in parts))

    async def _again_and_again(self, part: Callable[..., Awaitable[None]]) -> None:
        async with self._connected() as mongo:
            known: dict[str, Any] = {}
            while time.monotonic() < self._until:
                try:
                    await part(mongo, EventStore(mongo), known)
                except Died:
                    self.did["deaths"] += 1
                    known.clear()
                except (CplusError, PyMongoError):
                    self.did["refused"] += 1
                await asyncio.sleep(self.chance.uniform(0, 0.02))

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Mongo]:
        mongo = connect(self._settings)
        try:
            yield mongo
        finally:
            await mongo.close()

    def _dies(self, probability: float) -> Callable[[str], None]:
        def at_step(_name: str) -> None:
            if self.chance.random() < probability:
                raise Died

        return at_step

    async def write(self, _mongo: Mongo, store: EventStore, _known: dict[str, Any]) -> None:
        """Tells a few events."""
        await told(store, self.chance.randint(1, 3), self.chance.choice(SHOPS))
        self.did["writes"] += 1

    async def run(self, mongo: Mongo, store: EventStore, known: dict[str, Any]) -> None:
        """Handles nudges, or goes on with a list of generations from long ago."""
        if "runner" not in known or self.chance.random() < 0.05:
            batch = self.chance.choice((2, 7, 50))
            known["runner"] = Runner(
                mongo, store, EventReader(), BOTH, batch=batch, at_step=self._dies(0.004)
            )
            known["targets"] = await known["runner"].driven()
        if self.chance.random() < 0.5:
            heads = await store.heads()
            await nudged(known["runner"], *self.chance.sample(sorted(heads), min(2, len(heads))))
            self.did["nudges"] += 1
        else:
            target = self.chance.choice(known["targets"])
            deadline = Deadline.within(self.chance.choice((0.02, 2.0)))
            shop = self.chance.choice(SHOPS)
            await known["runner"].catch_up(target.projection, shop, deadline=deadline)
            self.did["stale"] += 1

    async def rebuild(self, mongo: Mongo, store: EventStore, _known: dict[str, Any]) -> None:
        """Switches to a new generation or back, drops the others, or puts right a shop."""
        what = self.chance.random()
        if what < 0.5:
            target = await begin(mongo.database, self.chance.choice(BOTH))
            runner = filler(mongo, store, EventReader(), target)
            await fill(runner, target, SHOPS)
            await switch_over(runner, target, at_step=self._dies(0.08))
            self.did["switches"] += 1
        elif what < 0.85:
            await switch_back(mongo, store, EventReader(), BOTH, "counter")
            self.did["back"] += 1
        elif what < 0.93:
            await drop(mongo.database, "counter", timedelta(0))
            self.did["drops"] += 1
        else:
            lineage = await lineage_of(mongo.database, COUNTER)
            live = generation_of(BOTH, lineage, lineage.live)
            await repair_shop(mongo, store, EventReader(), live, self.chance.choice(SHOPS))
            self.did["repairs"] += 1

    async def read(self, mongo: Mongo, _store: EventStore, known: dict[str, Any]) -> None:
        """Reads what is read now, and compares it with what was read before."""
        seen = known.setdefault("seen", defaultdict(int))
        shop = self.chance.choice(SHOPS)
        lineage = await lineage_of(mongo.database, COUNTER)
        rows = mongo.database[lineage.collection(lineage.live)]
        row = await rows.find_one({"_id": f"{shop}/all"})
        if (await lineage_of(mongo.database, COUNTER)).find(lineage.live) is None:
            return  # it was dropped with no time for whoever reads it
        events = row["events"] if row else 0
        if events < seen[shop]:
            self.less.append((shop, seen[shop], events))
        seen[shop] = max(events, seen[shop])
        self.did["reads"] += 1


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(6))
async def test_nobody_reads_less_than_before_whoever_switches_drops_mends_or_dies(
    mongo: Mongo, store: EventStore, settings: Settings, seed: int, figures: Figures
) -> None:
    """Four runners (some with lists of generations from long ago), three who switch to new
    generations and back, drop and put right, and two who write, all of whom die at random steps:
    two who read never see less than before, afterwards one nudge brings every shop to its end, and
    all rows are what the log says."""
    for shop in SHOPS[:3]:
        await told(store, 10, shop)
    chaos = Chaos(settings, seed)
    await chaos.all_at_once()
    assert chaos.less == []
    assert await nudged(Runner(mongo, store, EventReader(), BOTH)) == []
    lineage = await lineage_of(mongo.database, COUNTER)
    at = await checkpoints_of(mongo.database, lineage.collection(lineage.live))
    assert {shop: one.position for shop, one in at.items()} == await store.heads()
    await holds(mongo, store)
    for part in ("writes", "nudges", "stale", "switches", "back", "drops", "reads", "deaths"):
        assert chaos.did[part], part
    figures(**chaos.did)
