"""Does what erasures ask for that are on the queue, each as often as it takes.

The log has the request, and what was done of it; the message only names it. So a message may come
twice, and what one run did not finish the next one goes on with.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import structlog

from cplus.consumers.batches.hand_on import HandOn, HeldElsewhere, Send, work_on
from cplus.consumers.batches.messages import start_by
from cplus.consumers.batches.sqs import SqsRecord
from cplus.deadline import Deadline
from cplus.errors import InvalidInput
from cplus.leases import Lease, Leases
from cplus.privacy.erasing import Erasing, RowsBehind, erase, patient
from cplus.privacy.erasing.shops import ErasingShops, Place, asked_for_shop, erase_shop
from cplus.shopify.hosts import shop_host

log = structlog.get_logger()

RUNS: Final = 100
"""Runs that one erasure may take. More means that it gets nowhere, and somebody has to look."""

PATIENCE: Final = 5.0
"""Seconds that a run waits for the rows of read models, which mostly follow at once."""

_LONGEST: Final = 900  # seconds that a queue holds a message back at most
_ERASURE: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")


@dataclass(frozen=True, slots=True)
class Erasures:
    """What doing erasures needs."""

    erasing: Erasing
    shops: ErasingShops
    leases: Leases
    send: Send
    patience: float = PATIENCE


async def handle(records: Sequence[SqsRecord], use: Erasures, limit: Deadline) -> list[str]:
    """Does the erasures {"shop", "erasure"}; answers the ids of the messages that failed.

    `limit` is when Lambda ends the function: what is not done some time before is handed on to a
    fresh run. A run that finds the erasure in another's hands leaves the message to come back.
    """
    return await work_on(records, partial(work, use, limit), use.send, limit)


async def work(use: Erasures, limit: Deadline, message: Mapping[str, Any]) -> HandOn | None:
    """Does one erasure; answers what is left of it for a fresh run, None if nothing is.

    Raises InvalidInput for a message that names no erasure, NotFound for one that the log does not
    have, HeldElsewhere, and whatever keeps it from being done.
    """
    shop, erasure = shop_host(message.get("shop")), message.get("erasure")
    if not isinstance(erasure, str) or not _ERASURE.fullmatch(erasure):
        raise InvalidInput(reason="the message names no erasure")
    run = message.get("run")
    run = run if type(run) is int else 1
    lease = await use.leases.take(f"erase/{shop}/{erasure}", limit.remaining() + 1.0)
    if lease is None:
        raise HeldElsewhere
    time = asyncio.timeout(start_by(limit).remaining())
    try:
        async with time:
            asked = await asked_for_shop(use.shops.recorder, shop, erasure)
            if asked is None:
                await erase(shop, erasure, use=_waiting(use, limit))
            else:
                place = _place(use.leases, lease)
                await erase_shop(shop, erasure, asked, use=use.shops, place=place)
    except (TimeoutError, RowsBehind) as error:
        if run >= RUNS or (isinstance(error, TimeoutError) and not time.expired()):
            raise
        return _next(shop, erasure, run, error)
    finally:
        # Before the message goes out: who takes it up must not find the lease held.
        await use.leases.release(lease)
    log.info("erased", shop=shop, erasure=erasure, run=run)
    return None


def _waiting(use: Erasures, limit: Deadline) -> Erasing:
    # A run that ended while it waits would have to go on at once, and not after a pause.
    seconds = min(use.patience, limit.remaining() / 4)
    return replace(use.erasing, behind=patient(use.erasing.behind, seconds))


def _next(shop: str, erasure: str, run: int, error: TimeoutError | RowsBehind) -> HandOn:
    """The next run: at once if this one had too little time. Rows that are not there yet may be
    parked: each run waits twice as long for them, so that all runs together take about a day."""
    behind = error.values["collections"] if isinstance(error, RowsBehind) else None
    delay = min(2**run, _LONGEST) if behind else 0
    log.info("erasure_goes_on", shop=shop, erasure=erasure, run=run, behind=behind, delay=delay)
    return HandOn({"shop": shop, "erasure": erasure, "run": run + 1}, group=shop, delay=delay)


def _place(leases: Leases, lease: Lease) -> Place:
    """Where the last run was, as the lease has it, which outlives the run."""

    async def note(after: int, deleted: int) -> None:
        await leases.note(lease, after=after, deleted=deleted)

    return Place(lease.notes.get("after", 0), lease.notes.get("deleted", 0), note)
