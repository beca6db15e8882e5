"""Runs the functions of serverless.yml on this machine, as Lambda does on AWS."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import uuid
from collections.abc import Collection, Coroutine, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import structlog

from cplus.errors import FunctionError, StillBusy
from cplus.local.application import Application, FunctionSpec, QueueSpec, Schedule
from cplus.local.lambdas.gateway import Gateway
from cplus.local.lambdas.pool import FunctionStatus, Kill, Pool
from cplus.local.lambdas.queues import Poller, depth, sqs_client
from cplus.local.lambdas.worker import Launch

_LOOK = 0.2  # seconds between two looks at the queues
# A failed asynchronous run is tried twice more. AWS waits 1 and 2 minutes; seconds.
_RETRIES = (1.0, 2.0)
_GRACE = 5.0  # seconds that running batches have to end when the runner stops


class Runner:
    """The functions of an application, and all their ways in: HTTP, queues, schedules.

    `environment` goes over each function's own variables of serverless.yml; `endpoint` is the
    address of AWS's stand-in; logs go to `data`/logs. A function has `cap` processes at most,
    each ended after `idle_seconds` without work; a request waits `slot_seconds` for one. Start
    it in the main thread: on Linux the processes die with the thread that started them.
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
        python: str = sys.executable,
    ) -> None:
        self.kills: list[Kill] = []
        self._application = application
        self._endpoint = endpoint
        self._data = data
        self._slot_seconds = slot_seconds
        self._address = (host, port)
        self._queues = {queue.name: queue for queue in application.queues}
        self._pools = {
            name: Pool(
                _launch(spec, application, environment, data, python),
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
        self._runs: set[asyncio.Task[None]] = set()
        self._background = 0
        self._stack = AsyncExitStack()
        self._client: Any = None
        self._log: Any = None

    @property
    def gateway_url(self) -> str:
        """Where the HTTP routes are served; known after `start`."""
        return self._gateway.url

    async def start(self) -> None:
        """Starts to listen and to read queues; the queues must be there. Raises OSError when
        the port is taken."""
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
                self._begin(poller.run(), f"poll-{source.queue}")
            for schedule in spec.schedules:
                self._begin(self._every(spec, schedule), f"schedule-{name}")

    async def stop(self) -> None:
        """Ends all ways in, lets running batches end, then ends every process."""
        begun = [*self._intake, *self._runs]
        for task in begun:
            task.cancel()
        await asyncio.gather(*begun, return_exceptions=True)
        self._intake.clear()
        self._gateway.refuse()
        await asyncio.gather(*(poller.finish(_GRACE) for poller in self._pollers))
        await self._gateway.stop()
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))
        await self._stack.aclose()

    async def invoke(self, name: str, event: Any) -> Any:
        """Runs a function with an event and returns what it answered.

        Raises KeyError for a name that the file does not have, and FunctionError.
        """
        payload = json.dumps(event).encode()
        return json.loads(await self._pools[name].run(payload, "invoke", wait=self._slot_seconds))

    async def fire_schedules(self, function: str | None = None) -> None:
        """Fires each schedule once, now, or those of one function, and waits for the runs."""
        await asyncio.gather(
            *(
                self._fire(spec, schedule)
                for name, spec in self._application.functions.items()
                for schedule in spec.schedules
                if function in (None, name)
            )
        )

    def kill_when_busy(self, function: str, *, after: float = 0.0, times: int = 1) -> None:
        """Kills the process of the next invocations of a function while it holds work.

        `after` seconds after it was handed over; an invocation that has ended by then leaves the
        kill to the next one. What was killed stands in `kills`.
        """
        self._pools[function].kill_when_busy(after, times)

    def status(self) -> dict[str, FunctionStatus]:
        """How each function stands now."""
        return {name: pool.status() for name, pool in self._pools.items()}

    async def idle(self, timeout: float, queues: Collection[str] | None = None) -> None:
        """Waits until nothing runs and `queues` (those that functions read) are empty.

        They must be so in two looks in a row with nothing run between them, in flight and delayed
        messages counted. Raises StillBusy after `timeout` seconds, with what was left.
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
                raise StillBusy(seconds=timeout, work=json.dumps(work))
            await asyncio.sleep(_LOOK)

    async def drain(self, timeout: float) -> None:
        """Refuses new requests, fires no more schedules and waits as `idle` does."""
        self._gateway.refuse()
        for task in self._intake:
            if task.get_name().startswith("schedule-"):
                task.cancel()
        await self.idle(timeout)

    async def _work(self, queues: Collection[QueueSpec]) -> dict[str, int]:
        busy = {name: pool.busy for name, pool in self._pools.items() if pool.busy}
        if self._background:
            busy["schedules"] = self._background
        if busy:  # the queues need no asking then
            return busy
        depths = await asyncio.gather(*(depth(self._client, queue) for queue in queues))
        return {queue.name: n for queue, n in zip(queues, depths, strict=True) if n}

    def _begin(self, way_in: Coroutine[Any, Any, None], name: str) -> None:
        self._intake.append(asyncio.create_task(way_in, name=name))

    async def _call(self, name: str, payload: bytes, route: str) -> bytes:
        try:
            return await self._pools[name].run(payload, route, wait=self._slot_seconds)
        except FunctionError as error:
            self._log.warning(
                "request_failed", function=name, route=route, error=error.values["error_type"]
            )
            raise

    async def _every(self, spec: FunctionSpec, schedule: Schedule) -> None:
        while True:
            await asyncio.sleep(schedule.period)
            run = asyncio.create_task(self._fire(spec, schedule))
            self._runs.add(run)
            run.add_done_callback(self._runs.discard)

    async def _fire(self, spec: FunctionSpec, schedule: Schedule) -> None:
        event = schedule.input
        if event is None:
            event = _scheduled_event(spec, self._application)
        payload = json.dumps(event).encode()
        self._background += 1
        try:
            for pause in (*_RETRIES, None):
                try:
                    await self._pools[spec.name].run(
                        payload, schedule.rate, wait=self._slot_seconds
                    )
                except FunctionError as error:
                    self._log.warning(
                        "schedule_failed",
                        function=spec.name,
                        schedule=schedule.rate,
                        error=error.values["error_type"],
                        last=pause is None,
                    )
                    if pause is not None:
                        await asyncio.sleep(pause)
                else:
                    return
        finally:
            self._background -= 1


def _launch(
    spec: FunctionSpec,
    application: Application,
    environment: Mapping[str, str],
    data: Path,
    python: str,
) -> Launch:
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    defined = {
        "_HANDLER": spec.handler,
        "AWS_DEFAULT_REGION": application.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info[0]}.{sys.version_info[1]}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory),
        "AWS_LAMBDA_FUNCTION_NAME": spec.lambda_name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{spec.lambda_name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        "AWS_REGION": application.region,
        "HOME": os.environ.get("HOME", "/"),
        "LAMBDA_TASK_ROOT": str(application.root.absolute()),
        "LANG": "C.UTF-8",
        "PATH": os.environ.get("PATH", os.defpath),
        "TZ": ":UTC",
    }
    return Launch(
        spec=spec,
        python=python,
        root=application.root.absolute(),
        log=data / "logs" / f"{spec.name}.log",
        environment={**defined, **spec.environment, **environment},
        arn=f"arn:aws:lambda:{application.region}:{application.account}:function:"
        f"{spec.lambda_name}",
    )


def _scheduled_event(spec: FunctionSpec, application: Application) -> dict[str, Any]:
    region, account = application.region, application.account
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": account,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "region": region,
        "resources": [f"arn:aws:events:{region}:{account}:rule/{spec.lambda_name}"],
        "detail": {},
    }
