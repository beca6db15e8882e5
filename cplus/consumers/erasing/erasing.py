"""Does what erasures ask for that are on the queue, each as often as it takes.

The log has the request, and what was done of it; the message only names it. So a message may come
twice, and what one run did not finish the next one goes on with.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import structlog

from cplus.actors import system
from cplus.clock import Clock
from cplus.consumers.batches.hand_on import HandOn, HeldElsewhere, Send, work_on
from cplus.consumers.batches.leases import Leases
from cplus.consumers.batches.messages import start_by
from cplus.consumers.batches.sqs import SqsRecord
from cplus.deadline import Deadline
from cplus.errors import InvalidInput
from cplus.events.audit.questions import all_ids
from cplus.events.catalogue.privacy import ErasureRequested
from cplus.events.names import erasure_stream
from cplus.events.recording import Recorder
from cplus.privacy.erasing import erase
from cplus.privacy.keyring import Keyring
from cplus.shopify.hosts import shop_host

log = structlog.get_logger()

RUNS: Final = 100
"""Runs that one erasure may take. More means that it gets nowhere, and somebody has to look."""

_ERASURE: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
_COMMITS: Final = 5  # of an erasure that are read to find its request, which is the first


@dataclass(frozen=True, slots=True)
class Erasing:
    """What erasing needs."""

    recorder: Recorder
    keyring: Keyring
    leases: Leases
    send: Send
    clock: Clock


async def handle(records: Sequence[SqsRecord], use: Erasing, limit: Deadline) -> list[str]:
    """Does the erasures {"shop", "erasure"}; answers the ids of the messages that failed.

    `limit` is when Lambda ends the function: what is not done some time before is handed on to a
    fresh run. A run that finds the erasure in another's hands leaves the message to come back.
    """
    return await work_on(records, partial(work, use, limit), use.send, limit)


async def work(use: Erasing, limit: Deadline, message: Mapping[str, Any]) -> HandOn | None:
    """Does one erasure; answers what is left of it for a fresh run, None if nothing is.

    Raises InvalidInput for a message that names no erasure of the log, HeldElsewhere, and whatever
    keeps it from being done.
    """
    shop, erasure = shop_host(message.get("shop")), message.get("erasure")
    if not isinstance(erasure, str) or not _ERASURE.fullmatch(erasure):
        raise InvalidInput(reason="the message names no erasure")
    run = message.get("run")
    run = run if type(run) is int else 1
    asked = await find_request(use.recorder, shop, erasure)
    lease = await use.leases.take(f"erase/{shop}/{erasure}", limit.remaining() + 1.0)
    if lease is None:
        raise HeldElsewhere
    time = asyncio.timeout(start_by(limit).remaining())
    try:
        async with time:
            await _erase(use, shop, asked)
    except TimeoutError:
        if not time.expired() or run >= RUNS:
            raise
        log.info("erasure_goes_on", shop=shop, erasure=erasure, run=run)
        return HandOn({"shop": shop, "erasure": erasure, "run": run + 1}, group=shop)
    finally:
        # Before the message goes out: who takes it up must not find the lease held.
        await use.leases.release(lease)
    log.info("erased", shop=shop, erasure=erasure, run=run)
    return None


async def find_request(recorder: Recorder, shop: str, erasure: str) -> ErasureRequested:
    """What was asked for; raises InvalidInput if the shop's log has no such erasure."""
    commits = await recorder.store.page_of_ref(shop, erasure_stream(erasure), limit=_COMMITS)
    for events in await recorder.reader.read(commits, [ErasureRequested]):
        for recorded in events:
            asked = recorded.event
            if isinstance(asked, ErasureRequested) and asked.erasure == erasure:
                return asked
    raise InvalidInput(reason="the log of this shop has no such erasure")


async def _erase(use: Erasing, shop: str, asked: ErasureRequested) -> None:
    persons = await all_ids(use.recorder.store, use.recorder.reader, shop, [asked.person])
    await erase(
        use.recorder,
        use.keyring,
        shop,
        sorted(persons),
        request=asked.erasure,
        actor=system("erase"),
        clock=use.clock,
    )
