"""Processes that fill a generation side by side, shop by shop."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing.synchronize import Event
from typing import TYPE_CHECKING, Final

from cplus.errors import CplusError
from cplus.logs import configure_command
from cplus.loop import run, together
from cplus.mongo import Mongo, connect
from cplus.privacy.sealed_log import SealedLog, sealed_log
from cplus.projections.base import Projection
from cplus.projections.generations.rebuild import SIDE_BY_SIDE, fill, filler
from cplus.projections.running.runner import Runner
from cplus.settings import Settings

if TYPE_CHECKING:
    from cplus.aws import Aws


class WorkerGone(CplusError):
    """A process of the rebuild of {name} ended early: killed, or out of memory. Nothing is lost:
    run the same command to continue, with fewer --workers if memory ran out."""


_here: Final[dict[str, tuple[Mongo, SealedLog, Event]]] = {}
_NO_OPTIONS: Final[Mapping[str, str]] = {}


async def fill_in_processes(
    settings: Settings,
    runner: Runner,
    target: Projection,
    shops: Sequence[str],
    workers: int,
    stopped: asyncio.Event,
    *,
    aws: Mapping[str, str] = _NO_OPTIONS,
) -> None:
    """Folds the logs of the shops into the generation, up to where they end now, in this process
    and `workers` - 1 more; a process that is free takes the next shop. Ends early when
    `stopped` is set. The processes end with this one, however it ends. `aws` has the options of
    AWS's clients."""
    context = multiprocessing.get_context("spawn")
    halt = context.Event()
    loop = asyncio.get_running_loop()
    left = iter(shops)

    async def halt_when_stopped() -> None:
        await stopped.wait()
        halt.set()

    with ProcessPoolExecutor(
        workers - 1, mp_context=context, initializer=_begin, initargs=(settings, halt, dict(aws))
    ) as pool:

        async def in_another() -> None:
            while shops := list(islice(left, SIDE_BY_SIDE)):
                await loop.run_in_executor(pool, _fill, target, shops)

        halting = asyncio.ensure_future(halt_when_stopped())
        # This one folds from the first moment on: the others take a while to start.
        here = fill(runner, target, left, stopped=halt.is_set)
        try:
            await together(here, *(in_another() for _ in range(workers - 1)))
        except BrokenProcessPool:
            raise WorkerGone(name=target.name) from None
        finally:
            halt.set()  # those at work end after a slice, and whatever they take next at once
            halting.cancel()


def _begin(settings: Settings, halt: Event, aws: Mapping[str, str]) -> None:
    """What a process does first."""
    # Ctrl-C goes to all of the terminal's processes: the parent tells these when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    configure_command(settings)
    threading.Thread(target=_end_with_parent, daemon=True).start()

    async def connected() -> Mongo:
        return connect(settings)

    def clients() -> Aws:
        from cplus.aws import Aws

        return Aws(**aws)

    mongo = run(connected())
    _here["connection"] = (mongo, sealed_log(settings, mongo, clients), halt)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _fill(target: Projection, shops: Sequence[str]) -> None:
    mongo, log, halt = _here["connection"]
    runner = filler(mongo, log.store, log.reader, target)
    run(fill(runner, target, shops, stopped=halt.is_set))
