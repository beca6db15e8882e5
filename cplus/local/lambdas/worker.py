"""One process of a function, and the runtime API that it uses.

The process is AWS's own runtime client; the API is the part of Lambda's API that it needs:
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from cplus.errors import FunctionBroken, FunctionDied, FunctionError, FunctionTimedOut
from cplus.local.application import FunctionSpec
from cplus.local.hosts import only_known
from cplus.local.lambdas.forks import Forked, Forks, Program
from cplus.local.peers import only_users

_LARGEST_ANSWER = 6 * 1024 * 1024 + 100  # bytes, Lambda's limit for synchronous answers
_ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"
_STARTING_LIMIT = 30.0  # seconds; AWS gives 10, but here many may start at once on few cores


@dataclass(frozen=True, eq=False)
class Invocation:
    """A running call: `held` is the number of records, or the caller."""

    request_id: str
    payload: bytes
    held: int | str
    result: asyncio.Future[bytes]


@dataclass(frozen=True)
class Launch:
    """How all processes of a function are started; `root` is their working directory."""

    spec: FunctionSpec
    forks: Forks
    root: Path
    log: Path
    environment: Mapping[str, str]
    arn: str


@dataclass(frozen=True)
class Listener:
    """Gets notified when a process waits for work, gets some, or has ended.

    `ended` gets the error if the process could not be started.
    """

    waits: Callable[[Worker], None]
    handed: Callable[[Worker, Invocation], None]
    ended: Callable[[Worker, FunctionError | None], None]


class Worker:
    """A process of a function, from `start` until it ended.

    It waits for work after its first request for it, and again after each response; only then can
    it get an invocation.
    """

    def __init__(self, launch: Launch, listener: Listener) -> None:
        self.pid = 0
        self.invocation: Invocation | None = None
        self._launch = launch
        self._listener = listener
        self._started = False
        self._ending = False
        self._broken: FunctionError | None = None
        self._next: asyncio.Future[Invocation] | None = None
        self._limit: asyncio.TimerHandle | None = None
        self._process: Forked | None = None
        self._life: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Starts the process; the listener is notified when it waits for work, or has ended."""
        self._life = asyncio.create_task(self._live(), name=f"function-{self._launch.spec.name}")

    def hand(self, invocation: Invocation) -> bool:
        """Gives work to a waiting process; False if it has ended or was killed."""
        if self._ending or self._next is None or self._next.done():
            return False
        self.invocation = invocation
        self._next.set_result(invocation)
        return True

    def kill(self) -> None:
        """Kills the process and its children, like `kill -9`."""
        self._ending = True
        if self._process:
            self._process.kill()

    async def close(self) -> None:
        """Kills the process and waits until nothing of it is left."""
        self.kill()
        if self._life:
            await asyncio.wait([self._life])

    async def _live(self) -> None:
        runner = web.AppRunner(
            self._api(), access_log=None, keepalive_timeout=3600, shutdown_timeout=0
        )
        try:
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self._process = await self._spawn(runner.addresses[0][1])
            self.pid = self._process.pid
            if self._ending:
                self.kill()
            if not self._started:
                loop = asyncio.get_running_loop()
                self._limit = loop.call_later(_STARTING_LIMIT, self._too_slow)
            await self._process.wait()
        except OSError as error:
            self._broken = self._error(FunctionBroken, "Runtime.StartFailed", str(error))
        finally:
            self._end()
            await runner.cleanup()

    def _end(self) -> None:
        if self._limit:
            self._limit.cancel()
        if self._next:
            self._next.cancel()
        if not self._started and self._broken is None:
            self._broken = self._error(FunctionBroken, "Runtime.ExitError", self._how())
        if self.invocation:
            self._fail(FunctionDied, "Runtime.ExitError", self._how())
        self._listener.ended(self, self._broken)

    def _how(self) -> str:
        code = self._process.returncode if self._process else None
        if code is not None and code < 0:
            return f"Runtime exited with error: signal {-code}"
        return f"Runtime exited with error: exit status {code}"

    async def _spawn(self, port: int) -> Forked:
        launch = self._launch
        launch.log.parent.mkdir(parents=True, exist_ok=True)
        environment = {**launch.environment, "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}"}
        handler, log = launch.spec.handler, launch.log
        return await launch.forks.start(
            Program("awslambdaric", [handler], environment, launch.root, output=log, errors=log)
        )

    def _api(self) -> web.Application:
        guards = [only_users(), only_known()]
        api = web.Application(client_max_size=64 * 1024 * 1024, middlewares=guards)
        invocation = "/2018-06-01/runtime/invocation"
        api.router.add_get(f"{invocation}/next", self._give)
        api.router.add_post(invocation + "/{id}/response", self._answered)
        api.router.add_post(invocation + "/{id}/error", self._failed)
        api.router.add_post("/2018-06-01/runtime/init/error", self._init_failed)
        return api

    async def _give(self, request: web.Request) -> web.StreamResponse:
        self._started = True
        if self._ending:  # it asked just before it was killed
            raise web.HTTPGone
        if self._limit:
            self._limit.cancel()
        loop = asyncio.get_running_loop()
        self._next = loop.create_future()
        self._listener.waits(self)
        invocation = await self._next
        timeout = self._launch.spec.timeout
        # Counted from here: the start of the process does not count.
        deadline = int((time.time() + timeout) * 1000)
        self._limit = loop.call_later(timeout, self._expired, invocation)
        response = web.Response(
            body=invocation.payload,
            # Without a Content-Type the runtime client crashes.
            content_type="application/json",
            headers={
                "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
                "Lambda-Runtime-Deadline-Ms": str(deadline),
                "Lambda-Runtime-Invoked-Function-Arn": self._launch.arn,
                "Lambda-Runtime-Trace-Id": f"Root=1-{deadline // 1000:08x}-{os.urandom(12).hex()}",
            },
        )
        await response.prepare(request)
        await response.write_eof()
        self._listener.handed(self, invocation)
        return response

    async def _answered(self, request: web.Request) -> web.Response:
        body = await request.read()
        invocation = self._take(request.match_info["id"])
        if invocation is None:
            return web.json_response({"errorType": "InvalidRequestID"}, status=400)
        if len(body) > _LARGEST_ANSWER:
            message = f"Response payload size exceeded {_LARGEST_ANSWER} bytes"
            error = self._error(FunctionError, "Function.ResponseSizeTooLarge", message)
            _settle(invocation, error)
        else:
            _settle(invocation, body)
        return web.json_response({"status": "OK"}, status=202)

    async def _failed(self, request: web.Request) -> web.Response:
        kind, message = _told(await request.read(), request.headers.get(_ERROR_TYPE))
        if invocation := self._take(request.match_info["id"]):
            _settle(invocation, self._error(FunctionError, kind, message))
        return web.json_response({"status": "OK"}, status=202)

    async def _init_failed(self, request: web.Request) -> web.Response:
        kind, message = _told(await request.read(), request.headers.get(_ERROR_TYPE))
        self._broken = self._error(FunctionBroken, kind, message)
        return web.json_response({"status": "OK"}, status=202)

    def _take(self, request_id: str) -> Invocation | None:
        if self.invocation is None or self.invocation.request_id != request_id:
            return None
        invocation, self.invocation = self.invocation, None
        return invocation

    def _too_slow(self) -> None:
        message = f"Init timed out after {_STARTING_LIMIT:.2f} seconds"
        self._broken = self._error(FunctionBroken, "Sandbox.Timedout", message)
        self.kill()

    def _expired(self, invocation: Invocation) -> None:
        # After its response, too, a process has only this long to request the next one.
        if self.invocation is invocation:
            message = f"Task timed out after {self._launch.spec.timeout:.2f} seconds"
            self._fail(FunctionTimedOut, "Sandbox.Timedout", message)
        self.kill()

    def _fail(self, kind: type[FunctionError], error_type: str, message: str) -> None:
        invocation, self.invocation = self.invocation, None
        if invocation:
            _settle(invocation, self._error(kind, error_type, message))

    def _error(self, kind: type[FunctionError], error_type: str, message: str) -> FunctionError:
        return kind(function=self._launch.spec.name, error_type=error_type, message=message)


def _settle(invocation: Invocation, outcome: bytes | FunctionError) -> None:
    if invocation.result.done():  # the caller is gone
        return
    if isinstance(outcome, bytes):
        invocation.result.set_result(outcome)
    else:
        invocation.result.set_exception(outcome)


def _told(body: bytes, header: str | None) -> tuple[str, str]:
    try:
        told = json.loads(body)
        return str(told.get("errorType") or header or "Error"), str(told.get("errorMessage") or "")
    except (ValueError, AttributeError):
        return header or "Error", ""
