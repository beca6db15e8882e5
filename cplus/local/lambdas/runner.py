"""Runs the functions of serverless.yml on this machine, like Lambda on AWS."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import structlog

from cplus.errors import FunctionError, StillBusy
from cplus.local.application import Application, QueueSpec
from cplus.local.lambdas.environment import launch_of
from cplus.local.lambdas.forks import Forks
from cplus.local.lambdas.gateway import Gateway
from cplus.local.lambdas.pool import FunctionStatus, Kill, Pool
from cplus.local.lambdas.queues import UNREACHABLE, Poller, depth, sqs_client
from cplus.local.lambdas.schedules import Schedules

_LOOK = 0.2  # seconds between two checks of the queues
_GRACE = 5.0  # seconds for running batches to finish when the runner stops


class Runner:
    """The functions of an application with all their triggers: HTTP, queues, schedules.

    `environment` overrides each function's own variables of serverless.yml; `endpoint` is the
    address of the local AWS; logs go to `data`/logs. A function has at most `cap` processes, each
    stopped after `idle_seconds` without work; a request waits `slot_seconds` for one. The
    processes share `libraries`, imported once. Start it in the main thread: on Linux what it
    starts dies with the thread that did.
    """

    def __init__(
        self,
        application: Application,
        *,
        environment: Mapping[str, str],
        endpoint: str,
        data: Path,
        port: int = 0,
        host: str = "127.0.0.1",
        cap: int = 2,
        idle_seconds: float = 60.0,
        slot_seconds: float = 30.0,
        libraries: Sequence[str] = (),
    ) -> None:
        self.kills: list[Kill] = []
        self._application = application
        self._endpoint = endpoint
        self._data = data
        self._slot_seconds = slot_seconds
        self._address = (host, port)
        self._queues = {queue.name: queue for queue in application.queues}
        self._forks = Forks(libraries, data / "logs" / "forks.log")
        self._pools = {
            name: Pool(
                launch_of(spec, application, environment, data, self._forks),
                limit=min(cap, spec.reserved_concurrency or cap),
                idle_seconds=idle_seconds,
                killed=self.kills.append,
            )
            for name, spec in application.functions.items()
        }
        routes = {
            route.key: name for name, spec in application.functions.items() for route in spec.routes
        }
        self._gateway = Gateway(routes, self._call, account=application.account)
        self._pollers: list[Poller] = []
        self._intake: list[asyncio.Task[None]] = []
        self._schedules: Schedules | None = None
        self._stack = AsyncExitStack()
        self._client: Any = None
        self._log: Any = None

    @property
    def gateway_url(self) -> str:
        """The address of the HTTP routes; known after `start`."""
        return self._gateway.url

    async def start(self) -> None:
        """Starts listening and reading queues; the queues must exist. Raises OSError if the port
        is taken."""
        try:
            await self._open()
        except BaseException:
            await self.stop()
            raise

    async def _open(self) -> None:
        logs = self._data / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        file = self._stack.enter_context((logs / "runner.log").open("a", encoding="utf-8"))
        self._log = structlog.wrap_logger(
            structlog.WriteLogger(file),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(),
            ],
        )
        self._client = await self._stack.enter_async_context(
            sqs_client(self._endpoint, self._application.region)
        )
        await self._gateway.start(*self._address)
        for name, spec in self._application.functions.items():
            for source in spec.event_sources:
                queue, pool = self._queues[source.queue], self._pools[name]
                poller = Poller(source, queue, pool, self._client, self._log)
                self._pollers.append(poller)
                self._intake.append(asyncio.create_task(poller.run(), name=source.queue))
        self._schedules = Schedules(
            self._application, self._pools, slot_seconds=self._slot_seconds, log=self._log
        )
        self._schedules.start()

    async def stop(self) -> None:
        """Stops all triggers, lets running batches finish, then stops every process."""
        for task in self._intake:
            task.cancel()
        await asyncio.gather(*self._intake, return_exceptions=True)
        self._intake.clear()
        if self._schedules:
            await self._schedules.stop()
        self._gateway.refuse()
        await asyncio.gather(*(poller.finish(_GRACE) for poller in self._pollers))
        await self._gateway.stop()
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))
        await self._forks.close()
        await self._stack.aclose()

    async def invoke(self, name: str, event: Any) -> Any:
        """Runs a function with an event and returns its result.

        Raises KeyError for an unknown name, and FunctionError.
        """
        payload = json.dumps(event).encode()
        return json.loads(await self._pools[name].run(payload, "invoke", wait=self._slot_seconds))

    async def fire_schedules(self, function: str | None = None) -> None:
        """Fires each schedule once, now, or those of one function, and waits for the runs."""
        if self._schedules:
            await self._schedules.fire(function)

    def kill_when_busy(self, function: str, *, after: float = 0.0, times: int = 1) -> None:
        """Kills the process of the next invocations of a function while it is working.

        `after` seconds after the invocation started; if it has finished by then, the next one is
        killed. Kills are recorded in `kills`.
        """
        self._pools[function].kill_when_busy(after, times)

    def status(self) -> dict[str, FunctionStatus]:
        """The current state of each function."""
        return {name: pool.status() for name, pool in self._pools.items()}

    async def idle(self, timeout: float, queues: Collection[str] | None = None) -> None:
        """Waits until nothing is running and `queues` (by default those of the functions) are
        empty.

        That must hold in two checks in a row with no run in between, counting messages in flight
        and delayed ones. Raises StillBusy after `timeout` seconds, with the remaining work.
        """
        read = [
            source.queue
            for spec in self._application.functions.values()
            for source in spec.event_sources
        ]
        names = sorted(set(read if queues is None else queues))
        deadline = time.monotonic() + timeout
        quiet_since: int | None = None
        while True:
            work = await self._work([self._queues[name] for name in names])
            count = sum(pool.invocations for pool in self._pools.values())
            if not work and quiet_since == count:
                return
            quiet_since = None if work else count
            if time.monotonic() >= deadline:
                left = ", ".join(f"{name} ({count:,})" for name, count in sorted(work.items()))
                raise StillBusy(seconds=round(timeout), work=left or "something just ran")
            await asyncio.sleep(_LOOK)

    async def drain(self, timeout: float) -> None:
        """Refuses new requests, stops schedules and waits like `idle`."""
        self._gateway.refuse()
        if self._schedules:
            self._schedules.halt()
        await self.idle(timeout)

    async def _work(self, queues: Collection[QueueSpec]) -> dict[str, int]:
        for poller in self._intake:
            if poller.done():  # a crashed poller would leave its queue full for ever
                poller.result()
        busy = {name: pool.busy for name, pool in self._pools.items() if pool.busy}
        if self._schedules and self._schedules.busy:
            busy["schedules"] = self._schedules.busy
        if busy:  # no need to check the queues then
            return busy
        try:
            depths = await asyncio.gather(*(depth(self._client, queue) for queue in queues))
        except UNREACHABLE as error:
            return {f"queues unreachable: {type(error).__name__}": 1}
        return {queue.name: n for queue, n in zip(queues, depths, strict=True) if n}

    async def _call(self, name: str, payload: bytes, route: str) -> bytes:
        try:
            return await self._pools[name].run(payload, route, wait=self._slot_seconds)
        except FunctionError as error:
            self._log.warning(
                "request_failed", function=name, route=route, error=error.values["error_type"]
            )
            raise
