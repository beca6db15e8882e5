"""What `cplus rebuild --on-lambda` does: sends a message for each shop, and waits until the
function `rebuild` has folded them all."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final, Protocol

from cplus.aws import Depth
from cplus.consumers.folding.rebuilding import Task
from cplus.counts import counted
from cplus.deadline import Deadline
from cplus.errors import CplusError
from cplus.events.log.store import EventStore
from cplus.ids import random_id
from cplus.mongo import Mongo
from cplus.projections.base import Projection
from cplus.projections.generations.lineage import lineage_of
from cplus.projections.generations.lineage_changes import begin_run, end_run
from cplus.projections.generations.switch import GenerationDropped
from cplus.subscriptions.checkpoints import Checkpoint, checkpoints_of

LOOK: Final = 1.0
"""Seconds between two looks at the checkpoints; more where a look takes long."""
QUIET: Final = 90.0
"""Seconds with no news after which the queue is asked whether anything is still on its way; SQS
counts its messages with a minute's delay."""
_SIDE_BY_SIDE: Final = 8
_NAMED: Final = 10


class ShopsLeft(CplusError):
    """{name}: {unfilled} not filled, and no message is on its way there ({shops}); dead letters in
    the queue `rebuild`: {dead}. The log of the function `rebuild` says why. Fix that, then run
    the same command to continue."""


class Queue(Protocol):
    """The queue `rebuild`."""

    async def send(self, message: Mapping[str, Any], *, group: str, delay: int = 0) -> None:
        """Raises whatever the queue raises."""

    async def depth(self) -> Depth:
        """How many messages there are; raises whatever the queue raises."""


async def fan_out(
    mongo: Mongo,
    store: EventStore,
    target: Projection,
    shops: Sequence[str],
    queue: Queue,
    stopped: asyncio.Event,
    *,
    look: float = LOOK,
    quiet: float = QUIET,
) -> int:
    """Has the function `rebuild` fold the logs of the shops, the first ones first, and waits until
    each has passed where its log ends now or is parked; answers how many messages became dead
    letters meanwhile, about.

    Ends early when `stopped`; what is on the queue then is void. Killed, it leaves the functions
    at work. Either way the next call sends messages for what is left. Raises ShopsLeft after
    `quiet` seconds with no news and no message on its way, GenerationDropped, and whatever the
    queue raises.
    """
    now_at = await store.heads()
    heads = {shop: now_at.get(shop, 0) for shop in shops}
    left = await _left(mongo, target, heads, parked=True)
    before = (await queue.depth()).dead
    run = random_id()
    await begin_run(mongo.database, target, run)
    try:
        await _send(target, run, left, queue, stopped)
        lost = await _wait(mongo, target, heads, left, queue, stopped, look, quiet)
        if lost:
            dead = (await queue.depth()).dead - before
            raise _shops_left(target, lost, max(dead, 0))
    finally:
        await end_run(mongo.database, target, run)
    return max((await queue.depth()).dead - before, 0)


async def _wait(
    mongo: Mongo,
    target: Projection,
    heads: Mapping[str, int],
    left: Mapping[str, int],
    queue: Queue,
    stopped: asyncio.Event,
    look: float,
    quiet: float,
) -> Mapping[str, int]:
    """Looks at the checkpoints until every shop has come to `heads`; answers what is left where
    no message is on its way there any more, and nothing where it was `stopped`."""
    until = Deadline.within(quiet)
    while not stopped.is_set():
        looked = time.monotonic()
        left, last = await _left(mongo, target, heads), left
        # With very many shops a look is work of the database, too.
        pause = max(look, 5 * (time.monotonic() - looked))
        if not left:
            break
        if (await lineage_of(mongo.database, target)).find(target.generation) is None:
            raise GenerationDropped(name=target.name, collection=target.collection)
        if left != last:
            until = Deadline.within(quiet)
        elif until.passed() and not (await queue.depth()).waiting:
            return left
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), pause)
    return {}


def _shops_left(target: Projection, left: Mapping[str, int], dead: int) -> ShopsLeft:
    return ShopsLeft(
        name=target.name,
        count=len(left),
        unfilled=counted(len(left), "shop is", "shops are"),
        shops=", ".join([*sorted(left)[:_NAMED], *(["…"] if len(left) > _NAMED else [])]),
        dead=dead,
    )


async def _left(
    mongo: Mongo, target: Projection, heads: Mapping[str, int], *, parked: bool = False
) -> dict[str, int]:
    """The position of each shop that has not come to `heads`; of the parked ones only if asked:
    they wait for other code."""
    checkpoints = await checkpoints_of(mongo.database, target.collection)
    at = {shop: checkpoints.get(shop, Checkpoint()) for shop in heads}
    return {
        shop: one.position
        for shop, one in at.items()
        if one.position < heads[shop] and (parked or not one.parked)
    }


async def _send(
    target: Projection, run: str, left: Mapping[str, int], queue: Queue, stopped: asyncio.Event
) -> None:
    waiting = list(left)[::-1]

    async def work() -> None:
        try:
            while waiting and not stopped.is_set():
                shop = waiting.pop()
                task = Task(target.name, target.version, target.generation, shop, run)
                await queue.send(asdict(task), group=shop)
        except BaseException:
            waiting.clear()  # the others stop, too
            raise

    for outcome in await asyncio.gather(
        *(work() for _ in range(_SIDE_BY_SIDE)), return_exceptions=True
    ):
        if isinstance(outcome, BaseException):
            raise outcome
