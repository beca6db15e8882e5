"""A rebuild fanned out over Lambda: one message for each shop, handed on until its log is folded.

How far a shop is stands in the generation's checkpoints and nowhere else, so a message that comes
twice or goes astray does no harm: two that work on one shop lose to the fence of its checkpoint,
and whoever runs the command again sends messages for what is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from typing import Any, Final, Protocol, Self

import structlog

from cplus.aws import Depth
from cplus.consumers.hand_on import HandOn, Send, WorkOutcome, work_on
from cplus.consumers.sqs import SqsRecord
from cplus.counts import counted
from cplus.errors import CplusError, InvalidInput
from cplus.events.store import EventStore
from cplus.ids import random_id
from cplus.mongo import Mongo
from cplus.projections.base import Projection
from cplus.projections.checkpoints import Checkpoint, read_checkpoints
from cplus.projections.generations import (
    NotInThisCode,
    begin_run,
    end_run,
    generation_of,
    read_lineages,
)
from cplus.projections.rebuild import fill_slice
from cplus.projections.runner import Runner
from cplus.shopify.hosts import shop_host

log = structlog.get_logger()

LOOK: Final = 1.0
"""Seconds between two looks at the checkpoints; more where a look takes long."""
QUIET: Final = 90.0
"""Seconds with no news after which the queue is asked whether anything is still on its way; SQS
counts its messages with a minute's delay."""
_SIDE_BY_SIDE: Final = 8
_NAMED: Final = 10


class ShopsLeft(CplusError):
    """{name}: {unfilled} not filled and no message is on its way there ({shops}); dead letters of
    the queue `rebuild` meanwhile: {dead}. The log of the function `rebuild` says why; mend that,
    and the same command goes on."""


class Queue(Protocol):
    """The queue `rebuild`."""

    async def send(self, message: Mapping[str, Any], *, group: str, delay: int = 0) -> None:
        """Raises whatever the queue raises."""

    async def depth(self) -> Depth:
        """How many messages there are; raises whatever the queue raises."""


@dataclass(frozen=True, slots=True)
class Task:
    """One shop of one generation, to be filled."""

    projection: str
    version: int
    generation: int
    shop: str
    run: str
    """The fan-out that it belongs to."""

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Self:
        """The task that a message is; raises InvalidInput."""
        named = {field.name: message.get(field.name) for field in fields(cls)}
        for name, value in named.items():
            if type(value) is not (int if name in ("version", "generation") else str):
                raise InvalidInput(reason=f"the message names no {name}")
        shop_host(named["shop"])
        return cls(**named)  # type: ignore[arg-type]


async def handle(
    records: Sequence[SqsRecord], runner: Runner, send: Send, deadline: float
) -> list[str]:
    """Folds the log of each message's shop into its generation, to where it ends now; answers the
    ids of the messages that failed.

    What is not done at `deadline`, a moment of `time.monotonic()`, is handed on by `send`. A
    message whose generation was dropped, is of code that is not here, or is filled by a later
    fan-out, is done with a line in the log.
    """
    return await work_on(records, partial(_fill, runner, deadline), send)


async def _fill(runner: Runner, deadline: float, message: Mapping[str, Any]) -> WorkOutcome:
    task = Task.of(message)
    said = {"projection": task.projection, "generation": task.generation, "shop": task.shop}
    while time.monotonic() < deadline:
        # Each time, for a generation may be dropped or its fan-out stopped at any moment.
        target = await _target(runner, task)
        if isinstance(target, str):
            log.info("rebuild_void", **said, reason=target)
            return True
        if await fill_slice(runner, target, task.shop, deadline):
            log.info("rebuild_shop_done", **said)
            return True
    return HandOn(message, task.shop)


async def _target(runner: Runner, task: Task) -> Projection | str:
    """What the task fills, or why it is void."""
    lineage = (await read_lineages(runner.mongo.database)).get(task.projection)
    found = lineage and lineage.find(task.generation)
    if not lineage or not found or found.version != task.version:
        return "no_such_generation"
    if found.run != task.run:
        return "not_wanted_any_more"
    try:
        return generation_of(runner.projections, lineage, task.generation)
    except NotInThisCode:
        return "not_in_this_code"


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
    `quiet` seconds with no news and no message on its way, and whatever the queue raises.
    """
    now_at = await store.heads()
    heads = {shop: now_at.get(shop, 0) for shop in shops}
    left = await _left(mongo, target, heads, parked=True)
    before = (await queue.depth()).dead
    run = random_id()
    await begin_run(mongo.database, target, run)
    try:
        await _send(target, run, left, queue, stopped)
        moved = time.monotonic()
        while not stopped.is_set():
            looked = time.monotonic()
            left, last = await _left(mongo, target, heads), left
            # With very many shops a look is work of the database, too.
            pause = max(look, 5 * (time.monotonic() - looked))
            if not left:
                break
            now = time.monotonic()
            if left != last:
                moved = now
            elif now - moved >= quiet and not (depth := await queue.depth()).waiting:
                named = [*sorted(left)[:_NAMED], *(["…"] if len(left) > _NAMED else [])]
                raise ShopsLeft(
                    name=target.name,
                    count=len(left),
                    unfilled=counted(len(left), "shop is", "shops are"),
                    shops=", ".join(named),
                    dead=max(depth.dead - before, 0),
                )
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), pause)
    finally:
        await end_run(mongo.database, target, run)
    return max((await queue.depth()).dead - before, 0)


async def _left(
    mongo: Mongo, target: Projection, heads: Mapping[str, int], *, parked: bool = False
) -> dict[str, int]:
    """The position of each shop that has not come to `heads`; of the parked ones only if asked:
    they wait for other code."""
    checkpoints = await read_checkpoints(mongo.database, [target])
    at = {shop: checkpoints.get((target.collection, shop), Checkpoint()) for shop in heads}
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
