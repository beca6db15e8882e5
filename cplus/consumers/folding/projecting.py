"""A batch of nudges: shop by shop, everything that the function folds."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from cplus.consumers.batches.messages import start_by
from cplus.consumers.batches.nudges import each_shop
from cplus.consumers.batches.sqs import SqsRecord
from cplus.deadline import Deadline
from cplus.errors import LogTooShort
from cplus.projections.generations.lineage import Driven
from cplus.projections.running.runner import Runner

log = structlog.get_logger()


async def handle_nudges(
    records: Sequence[SqsRecord], runner: Runner, limit: Deadline, side_by_side: int = 4
) -> list[str]:
    """Looks at each shop that the nudges name, once; answers the ids of the messages that
    failed: those that are no nudge, those of shops that could not be finished well before
    `limit`, when Lambda ends the function, and those whose position the log does not show yet.

    `side_by_side` shops at once: no more than there are connections. A parked shop is no
    failure, for a repeat would change nothing; the sweep looks at it again.
    """
    targets, deadline = await runner.driven(), start_by(limit)

    async def look(shop: str, until: int) -> int:
        done = await look_at(runner, targets, shop, until=until, deadline=deadline)
        return until if done else -1

    return await each_shop(records, look, limit, side_by_side)


async def look_at(
    runner: Runner,
    targets: Sequence[Driven],
    shop: str,
    *,
    until: int | None,
    deadline: Deadline,
) -> bool:
    """Brings the generations up to date in one shop; whether all that are or were read are.

    One that fails does not hold up the others, and is logged. A generation that is being filled
    is left to who fills it until it is near the end.
    """
    complete = True
    for target in targets:
        done = await _catch_up(runner, target, shop, until, deadline)
        complete = complete and (done or not target.filled)
    return complete


async def _catch_up(
    runner: Runner, target: Driven, shop: str, until: int | None, deadline: Deadline
) -> bool:
    projection = target.projection
    said = {"projection": projection.collection, "shop": shop}
    try:
        if not target.filled and not await runner.is_near(projection, shop, until):
            return True
        progress = await runner.catch_up(projection, shop, until=until, deadline=deadline)
    except LogTooShort as error:
        log.warning("log_too_short", projection=projection.collection, **error.values)
        return False
    except Exception as error:  # noqa: BLE001  one projection must not hold up the others
        log.warning("projection_failed", **said, error=type(error).__name__)
        return False
    if progress.commits:
        log.info("projected", **said, position=progress.position, commits=progress.commits)
    return progress.done
