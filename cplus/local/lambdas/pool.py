"""The processes of one function: started on first use, stopped when idle, few at once."""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from cplus.errors import FunctionBusy, FunctionError
from cplus.local.lambdas.worker import Invocation, Launch, Listener, Worker

# Seconds that a batch waits for a busy process before another one is started: starting one costs
# more than most batches.
_PATIENCE = 0.15


@dataclass(frozen=True)
class Kill:
    """A process that was killed while working: its number of records, or the caller."""

    function: str
    request_id: str
    held: int | str


@dataclass(frozen=True)
class FunctionStatus:
    """The state of a function: its processes, the busy ones, and counts since the start."""

    pids: tuple[int, ...]
    busy: int
    invocations: int
    failures: int


class Pool:
    """Runs a function's invocations, at most `limit` at once, one per process."""

    def __init__(
        self, launch: Launch, *, limit: int, idle_seconds: float, killed: Callable[[Kill], None]
    ) -> None:
        self.limit = limit
        self.name = launch.spec.name
        self._launch = launch
        self._idle_seconds = idle_seconds
        self._killed = killed
        self._workers: list[Worker] = []
        self._starting: set[Worker] = set()
        # The most recently used one is used first, so that surplus ones become idle.
        self._idle: dict[Worker, asyncio.TimerHandle] = {}
        self._waiting: deque[asyncio.Future[Worker]] = deque()
        self._running = 0
        self._invocations = 0
        self._failures = 0
        self._kills: deque[float] = deque()
        self._closed = False

    @property
    def busy(self) -> int:
        """Number of invocations that are running or waiting for a process."""
        return self._running

    @property
    def invocations(self) -> int:
        """Number of invocations since the start."""
        return self._invocations

    def status(self) -> FunctionStatus:
        """The current state of the function."""
        pids = tuple(worker.pid for worker in self._workers if worker.pid)
        return FunctionStatus(pids, self._running, self._invocations, self._failures)

    def kill_when_busy(self, after: float, times: int) -> None:
        """Kills the processes of the next `times` invocations, `after` seconds after they
        started."""
        self._kills.extend([after] * times)

    async def run(
        self,
        payload: bytes,
        held: int | str,
        *,
        wait: float | None,
        handed: Callable[[], object] = lambda: None,
    ) -> bytes:
        """Runs one invocation and returns the function's result as JSON.

        `handed` is called once a process has the invocation. Raises FunctionBusy if no process
        becomes free within `wait` seconds (None: it waits as long as it takes; a process that
        starts has a limit of its own), FunctionBroken if none can be started, FunctionTimedOut,
        FunctionDied, or FunctionError if the function raised.
        """
        self._invocations += 1
        self._running += 1
        try:
            result: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
            invocation = Invocation(str(uuid.uuid4()), payload, held, result)
            while not (await self._take(wait)).hand(invocation):
                pass
            handed()
            return await result
        except FunctionError:
            self._failures += 1
            raise
        finally:
            self._running -= 1

    async def close(self) -> None:
        """Kills all processes and waits until they are gone."""
        self._closed = True
        for timer in self._idle.values():
            timer.cancel()
        self._idle.clear()
        await asyncio.gather(*(worker.close() for worker in list(self._workers)))

    async def _take(self, wait: float | None) -> Worker:
        if self._idle:
            worker, timer = self._idle.popitem()
            timer.cancel()
            return worker
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Worker] = loop.create_future()
        self._waiting.append(waiter)
        patience = loop.call_later(_PATIENCE if self._workers else 0, self._grow)
        try:
            await asyncio.wait([waiter], timeout=wait)
            if self._is_coming(waiter):  # on a busy machine a start may take longer than `wait`
                await asyncio.wait([waiter])
            if waiter.done():
                return waiter.result()
        except asyncio.CancelledError:
            if waiter.done() and waiter.exception() is None:
                self._waits(waiter.result())
            raise
        finally:
            patience.cancel()
            waiter.cancel()
        message = f"No process came free in {wait} seconds"
        raise FunctionBusy(function=self.name, error_type="Throttled", message=message)

    def _is_coming(self, waiter: asyncio.Future[Worker]) -> bool:
        """Whether one of the processes that start now is for this waiter."""
        waiting = [one for one in self._waiting if not one.done()]
        return waiter in waiting[: len(self._starting)]

    def _grow(self) -> None:
        wanted = sum(not waiter.done() for waiter in self._waiting)
        while not self._closed and len(self._workers) < self.limit and len(self._starting) < wanted:
            worker = Worker(self._launch, Listener(self._waits, self._handed, self._ended))
            self._workers.append(worker)
            self._starting.add(worker)
            worker.start()

    def _next_waiting(self) -> asyncio.Future[Worker] | None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                return waiter
        return None

    def _waits(self, worker: Worker) -> None:
        self._starting.discard(worker)
        if self._closed or worker not in self._workers:
            return
        if waiter := self._next_waiting():
            waiter.set_result(worker)
        else:
            loop = asyncio.get_running_loop()
            self._idle[worker] = loop.call_later(self._idle_seconds, self._retire, worker)

    def _retire(self, worker: Worker) -> None:
        self._idle.pop(worker, None)
        worker.kill()

    def _handed(self, worker: Worker, invocation: Invocation) -> None:
        if not self._kills:
            return
        after = self._kills.popleft()

        def strike() -> None:
            if worker.invocation is invocation:
                self._killed(Kill(self.name, invocation.request_id, invocation.held))
                worker.kill()
            else:  # it finished before: kill the next one
                self._kills.append(after)

        asyncio.get_running_loop().call_later(after, strike)

    def _ended(self, worker: Worker, broken: FunctionError | None) -> None:
        self._workers.remove(worker)
        self._starting.discard(worker)
        if timer := self._idle.pop(worker, None):
            timer.cancel()
        if broken and (waiter := self._next_waiting()):
            waiter.set_exception(broken)
        if any(not waiter.done() for waiter in self._waiting):
            asyncio.get_running_loop().call_soon(self._grow)
