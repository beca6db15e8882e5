"""A switch between two filled generations of very many shops, while their rows go on moving."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import dataclass

from bench import models_log
from cplus.consumers.folding.projecting import look_at
from cplus.deadline import Deadline
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Mongo
from cplus.projections.generations.lineage import generation_of, lineage_of
from cplus.projections.generations.lineage_changes import begin
from cplus.projections.generations.rebuild import fill, filler
from cplus.projections.generations.switch import switch_over
from cplus.projections.models.conversations import CONVERSATIONS
from cplus.projections.running.runner import Runner

WRITERS = 4


@dataclass(frozen=True)
class Switched:
    """How one switch went."""

    seconds: float
    held: float
    """Seconds of them in which what is read followed the new generation."""
    tries: int
    moved: float
    """Checkpoints of the traffic that moved in a second, meanwhile."""


async def both_filled(mongo: Mongo) -> None:
    """Two generations of the whole log, the first of which is read."""
    store = EventStore(mongo)
    shops = sorted(await store.heads())
    for target in (CONVERSATIONS, await begin(mongo.database, CONVERSATIONS)):
        await fill(filler(mongo, store, EventReader(), target), target, shops, side_by_side=4)


async def switched(mongo: Mongo) -> Switched:
    """Reads from the other one, once the traffic is under way."""
    store = EventStore(mongo)
    lineage = await lineage_of(mongo.database, CONVERSATIONS)
    [other] = [one.number for one in lineage.generations if one.number != lineage.live]
    target = generation_of([CONVERSATIONS], lineage, other)
    ended, going = asyncio.Event(), asyncio.Event()
    moved = itertools.count()
    shops = itertools.cycle(sorted(await store.heads()))

    async def traffic(runner: Runner) -> None:
        while not ended.is_set():
            shop = next(shops)
            [draft] = itertools.islice(models_log.drafts(shop, 1), 1)
            [outcome] = await store.append([draft])
            until = getattr(outcome, "position", None)
            targets = await runner.driven()  # as each batch of nudges does
            deadline = Deadline.within(60)
            assert await look_at(runner, targets, shop, until=until, deadline=deadline)
            if next(moved) == 20:
                going.set()

    runner = Runner(mongo, store, EventReader(), [CONVERSATIONS])
    writers = [asyncio.create_task(traffic(runner)) for _ in range(WRITERS)]
    await going.wait()
    steps: dict[str, list[float]] = {}

    def at_step(name: str) -> None:
        steps.setdefault(name, []).append(time.perf_counter())

    first, began = next(moved), time.perf_counter()
    await switch_over(filler(mongo, store, EventReader(), target), target, at_step=at_step)
    seconds = time.perf_counter() - began
    ended.set()
    await asyncio.gather(*writers)
    # Each of the nudges moves the checkpoints of both generations.
    held = steps["fill_after"][0] - steps["lead"][0]
    pace = 2 * (next(moved) - first) / seconds
    return Switched(seconds, held, len(steps["lead"]), pace)
