"""A batch of nudges: shop by shop, everything that the function folds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import structlog

from cplus.consumers.sqs import SqsRecord
from cplus.errors import InvalidInput, LogTooShort
from cplus.projections.generations import Driven
from cplus.projections.runner import Runner
from cplus.shopify.hosts import shop_host

log = structlog.get_logger()


def deadline_in(remaining: float) -> float:
    """The moment of `time.monotonic()` after which no work should begin, for a function that
    has `remaining` seconds left: a fifth of them, at most 10 seconds, is left for what runs."""
    return time.monotonic() + remaining - min(10.0, 0.2 * remaining)


async def handle_nudges(
    records: Sequence[SqsRecord], runner: Runner, deadline: float, side_by_side: int = 4
) -> list[str]:
    """Looks at each shop that the nudges name, once; answers the ids of the messages that
    failed: those that are no nudge, those of shops that could not be finished before
    `deadline`, and those whose position the log does not show yet.

    `side_by_side` shops at once: no more than there are connections. A parked shop is no
    failure, for a repeat would change nothing; the sweep looks at it again.
    """
    failed: list[str] = []
    nudged: dict[str, list[tuple[int, str]]] = {}
    for record in records:
        try:
            shop, position = _nudge(record)
        except InvalidInput as error:
            log.error("nudge_unreadable", message_id=record.message_id, reason=str(error))
            failed.append(record.message_id)
        else:
            nudged.setdefault(shop, []).append((position, record.message_id))
    if not nudged:
        return failed
    places = asyncio.Semaphore(side_by_side)
    targets = await runner.driven()

    async def attempt(shop: str) -> bool:
        async with places:
            until = max(position for position, _ in nudged[shop])
            return await look_at(runner, targets, shop, until=until, deadline=deadline)

    finished = await asyncio.gather(*map(attempt, nudged))
    for shop, done in zip(nudged, finished, strict=True):
        if not done:
            failed += [message_id for _, message_id in nudged[shop]]
    return failed


async def look_at(
    runner: Runner,
    targets: Sequence[Driven],
    shop: str,
    *,
    until: int | None,
    deadline: float,
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
    runner: Runner, target: Driven, shop: str, until: int | None, deadline: float
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


def _nudge(record: SqsRecord) -> tuple[str, int]:
    message = record.json()
    position = message.get("position")
    if not isinstance(position, int) or isinstance(position, bool):
        raise InvalidInput(reason="the nudge names no position")
    return shop_host(message.get("shop")), position
