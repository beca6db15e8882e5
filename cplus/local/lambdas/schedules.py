"""Fires schedules, like EventBridge, and retries failed runs, like Lambda."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

from cplus.clock import utc_now
from cplus.errors import FunctionError
from cplus.local.application import Application, FunctionSpec, Schedule
from cplus.local.lambdas.pool import Pool

# Seconds before each retry of a failed asynchronous run; on AWS 1 and 2 minutes.
_PAUSES = (0.5, 1.0)


class Schedules:
    """Fires the schedules of an application: each first one period after `start`, or at its
    hour."""

    def __init__(
        self, application: Application, pools: Mapping[str, Pool], *, slot_seconds: float, log: Any
    ) -> None:
        self.busy = 0
        self._application = application
        self._pools = pools
        self._slot_seconds = slot_seconds
        self._log = log
        self._clocks: set[asyncio.Task[None]] = set()
        self._runs: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Starts the schedules."""
        for spec in self._application.functions.values():
            for schedule in spec.schedules:
                self._clocks.add(asyncio.create_task(self._every(spec, schedule)))

    def halt(self) -> None:
        """Stops firing; current runs continue."""
        for clock in self._clocks:
            clock.cancel()

    async def stop(self) -> None:
        """Stops firing and cancels current runs."""
        tasks = [*self._clocks, *self._runs]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def fire(self, function: str | None) -> None:
        """Fires each schedule once, or those of one function, and waits for the runs."""
        await asyncio.gather(
            *(
                self._fire(spec, schedule)
                for name, spec in self._application.functions.items()
                for schedule in spec.schedules
                if function in (None, name)
            )
        )

    async def _every(self, spec: FunctionSpec, schedule: Schedule) -> None:
        due = utc_now()
        while True:
            # Counted from the due time, so that a sleep that ends early fires nothing twice.
            due = schedule.after(max(due, utc_now()))
            await asyncio.sleep((due - utc_now()).total_seconds())
            run = asyncio.create_task(self._fire(spec, schedule))
            self._runs.add(run)
            run.add_done_callback(self._runs.discard)

    async def _fire(self, spec: FunctionSpec, schedule: Schedule) -> None:
        given = schedule.input
        event = _event(spec, self._application) if given is None else given
        payload = json.dumps(event).encode()
        self.busy += 1
        try:
            for pause in (*_PAUSES, None):
                if await self._run(spec.name, payload, schedule.rate) or pause is None:
                    return
                await asyncio.sleep(pause)
        finally:
            self.busy -= 1

    async def _run(self, name: str, payload: bytes, rate: str) -> bool:
        try:
            await self._pools[name].run(payload, rate, wait=self._slot_seconds)
        except FunctionError as error:
            self._log.warning(
                "schedule_failed", function=name, schedule=rate, error=error.values["error_type"]
            )
            return False
        return True


def _event(spec: FunctionSpec, application: Application) -> dict[str, Any]:
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
