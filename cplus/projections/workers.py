"""Processes that fill a generation, each one shop at a time."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.synchronize import Event
from typing import Any, Final

import structlog

from cplus.events.store import EventStore
from cplus.loop import run
from cplus.mongo import Mongo, connect
from cplus.projections.base import Projection
from cplus.projections.rebuild import fill, filler
from cplus.settings import Settings

_here: Final[dict[str, tuple[Mongo, Event]]] = {}


async def fill_in_processes(
    settings: Settings,
    target: Projection,
    shops: Sequence[str],
    workers: int,
    stopped: asyncio.Event,
) -> None:
    """Folds the logs of the shops into the generation, up to where they end now. Ends early when
    `stopped` is set. The processes end with this one, however it ends."""
    context = multiprocessing.get_context("spawn")
    halt = context.Event()
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(
        workers, mp_context=context, initializer=_begin, initargs=(settings, halt)
    ) as pool:
        work: asyncio.Future[list[None]] = asyncio.gather(
            *(loop.run_in_executor(pool, _fill_one, target, shop) for shop in shops)
        )
        waiting = asyncio.ensure_future(stopped.wait())
        try:
            both: set[asyncio.Future[Any]] = {work, waiting}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            halt.set()  # those at work end after a slice, those that wait begin nothing
            waiting.cancel()
            await asyncio.wait([work])
        work.result()


def _begin(settings: Settings, halt: Event) -> None:
    """What a process does first."""
    # Ctrl-C goes to all of the terminal's processes: the parent tells these when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    threading.Thread(target=_end_with_parent, daemon=True).start()

    async def connected() -> Mongo:
        return connect(settings)

    _here["connection"] = (run(connected()), halt)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _fill_one(target: Projection, shop: str) -> None:
    mongo, halt = _here["connection"]
    if halt.is_set():
        return
    runner = filler(mongo, EventStore(mongo), target)
    run(fill(runner, target, [shop], stopped=halt.is_set, side_by_side=1))
