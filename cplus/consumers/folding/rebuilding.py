"""A rebuild fanned out over Lambda: one message for each shop, handed on until its log is folded.
`fanning_out` sends them.

How far a shop is stands in the generation's checkpoints and nowhere else, so a message that comes
twice or goes astray does no harm: two that work on one shop lose to the fence of its checkpoint,
and running the command again sends messages for what is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Self

import structlog

from cplus.consumers.batches.hand_on import HandOn, Send, work_on
from cplus.consumers.batches.messages import start_by
from cplus.consumers.batches.sqs import SqsRecord
from cplus.deadline import Deadline
from cplus.errors import InvalidInput
from cplus.projections.base import Projection
from cplus.projections.generations.lineage import NotInThisCode, generation_of, read_lineages
from cplus.projections.generations.rebuild import fill_slice
from cplus.projections.running.runner import Runner
from cplus.shopify.hosts import shop_host

log = structlog.get_logger()


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
        named: dict[str, Any] = {field.name: message.get(field.name) for field in fields(cls)}
        for name, value in named.items():
            if type(value) is not (int if name in ("version", "generation") else str):
                raise InvalidInput(reason=f"the message names no {name}")
        shop_host(named["shop"])
        return cls(**named)


async def handle(
    records: Sequence[SqsRecord], runner: Runner, send: Send, limit: Deadline
) -> list[str]:
    """Folds the log of each message's shop into its generation, to where it ends now; answers the
    ids of the messages that failed.

    What is not done well before `limit`, when Lambda ends the function, is handed on by `send`. A
    message whose generation was dropped, is of code that is not here, or is filled by a later
    fan-out, is done with a line in the log.
    """
    return await work_on(records, partial(_fill, runner, start_by(limit)), send, limit)


async def _fill(runner: Runner, deadline: Deadline, message: Mapping[str, Any]) -> HandOn | None:
    task = Task.of(message)
    said = {"projection": task.projection, "generation": task.generation, "shop": task.shop}
    while not deadline.passed():
        # Each time, for a generation may be dropped or its fan-out stopped at any moment.
        target = await _target(runner, task)
        if isinstance(target, str):
            log.info("rebuild_void", **said, reason=target)
            return None
        if await fill_slice(runner, target, task.shop, deadline):
            log.info("rebuild_shop_done", **said)
            return None
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
