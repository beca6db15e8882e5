"""Switching: another generation is read from now on, in one write.

How it knows that no reader will see time run backwards, whatever runners are at work meanwhile,
stands in `cplus.projections.generations.leader`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

import structlog

from cplus.errors import CplusError
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Mongo
from cplus.projections.base import Projection
from cplus.projections.generations.lineage import (
    Lineage,
    NothingBefore,
    SwitchedMeanwhile,
    generation_of,
    lineage_of,
    read_lineages,
)
from cplus.projections.generations.lineage_changes import give_back, lead, switch
from cplus.projections.generations.rebuild import fill, filler
from cplus.projections.running.runner import Runner
from cplus.retries import Retries
from cplus.subscriptions.checkpoints import Checkpoint, checkpoints_of, mark

log = structlog.get_logger()

RETRIES: Final = Retries(tries=50, pause=0.02, longest=0.4)
STEPS: Final = ("fill", "lead", "mark", "fill_behind", "switch", "fill_after", "give_back")
"""Everything that a switch does, in this order, but for `give_back`, which it does in place of what
is left where it fails."""


class CannotSwitch(CplusError):
    """{name} cannot be switched: {collection} is parked in {shops}. Fix the projection, then
    run `cplus rebuild {name}` to continue."""


class TooBusyToSwitch(CplusError):
    """{name} could not be switched in {tries} attempts: other processes kept taking the lead from
    the new generation, as code without its version does (`lead_taken_back` in the log). It is
    complete; run `cplus rebuild {name}` to try again."""


class GenerationDropped(CplusError):
    """{collection} was dropped while it was filled; `cplus rebuild {name}` starts a new one."""


async def switch_over(
    runner: Runner,
    target: Projection,
    *,
    at_step: Callable[[str], None] = lambda _step: None,
    retries: Retries = RETRIES,
) -> Lineage:
    """Reads from the generation from now on, once it is at or past the one that is read now in
    every shop; answers the lineage after it.

    `at_step` is called with the name of each step before it is taken (see STEPS), for tests that
    crash there. Raises CannotSwitch, GenerationDropped, TooBusyToSwitch.
    """
    once = partial(_switch_over_once, runner, target, at_step)
    try:
        return await retries.of(once, SwitchedMeanwhile, projection=target.name)
    except SwitchedMeanwhile:
        raise TooBusyToSwitch(name=target.name, tries=retries.tries) from None


async def _switch_over_once(
    runner: Runner, target: Projection, at_step: Callable[[str], None]
) -> Lineage:
    """Raises SwitchedMeanwhile if others took the lead, beside what `switch_over` raises."""
    database = runner.mongo.database
    lineage = await lineage_of(database, target)
    if lineage.live == target.generation:
        return lineage
    if lineage.find(target.generation) is None:
        raise GenerationDropped(name=target.name, collection=target.collection)
    at_step("fill")
    await _bring_up(runner, lineage, target, await runner.store.heads())
    at_step("lead")
    lineage = await lead(database, lineage, target.generation)
    await _switch(runner, lineage, target, at_step)
    log.info("generation_switched", projection=target.name, collection=target.collection)
    at_step("fill_after")
    # A runner with the list from before the switch may have left it behind the log.
    lineage = await lineage_of(database, target)
    await _bring_up(runner, lineage, target, await runner.store.heads())
    return lineage


async def _switch(
    runner: Runner, lineage: Lineage, target: Projection, at_step: Callable[[str], None]
) -> None:
    """Switches to the generation that leads; gives the lead back where that fails."""
    database = runner.mongo.database
    try:
        at_step("mark")
        await mark(database, lineage.collection(lineage.live), lineage.term)
        at_step("fill_behind")
        if not await _bring_up(runner, lineage, target, {}):
            raise SwitchedMeanwhile(name=target.name)
        at_step("switch")
        await switch(database, lineage)
    except (Exception, asyncio.CancelledError):
        at_step("give_back")
        await give_back(database, lineage)
        raise


async def _bring_up(
    runner: Runner, lineage: Lineage, target: Projection, heads: Mapping[str, int]
) -> bool:
    """Folds what the generation is behind `heads` and behind the one that is read; whether it is
    nowhere behind that one now. Raises CannotSwitch where it is parked behind it."""
    at, read = await _positions(runner, lineage, target)
    ends = {shop: max(_of(read, shop).position, heads.get(shop, 0)) for shop in read.keys() | heads}
    await fill(runner, target, sorted(shop for shop in ends if _of(at, shop).position < ends[shop]))
    at, read = await _positions(runner, lineage, target)
    left = {shop: _of(at, shop) for shop in read if _of(at, shop).position < read[shop].position}
    if parked := sorted(shop for shop, one in left.items() if one.parked):
        raise CannotSwitch(name=target.name, collection=target.collection, shops=", ".join(parked))
    return not left


async def _positions(
    runner: Runner, lineage: Lineage, target: Projection
) -> tuple[dict[str, Checkpoint], dict[str, Checkpoint]]:
    """The checkpoints of the generation, and of the one that is read, which are read first: so the
    other is not found further behind than it is."""
    database = runner.mongo.database
    read = await checkpoints_of(database, lineage.collection(lineage.live))
    return await checkpoints_of(database, target.collection), read


def _of(checkpoints: Mapping[str, Checkpoint], shop: str) -> Checkpoint:
    return checkpoints.get(shop, Checkpoint())


async def switch_back(
    mongo: Mongo,
    store: EventStore,
    reader: EventReader,
    projections: Sequence[Projection],
    name: str,
) -> Lineage:
    """Reads from the generation before the last switch again, which stayed current. Raises
    NothingBefore, NotInThisCode, CannotSwitch, TooBusyToSwitch."""
    lineage = (await read_lineages(mongo.database)).get(name)
    if lineage is None or lineage.find(lineage.before) is None:
        raise NothingBefore(name=name)
    assert lineage.before is not None  # noqa: S101  it was found
    target = generation_of(projections, lineage, lineage.before)
    return await switch_over(filler(mongo, store, reader, target), target)
