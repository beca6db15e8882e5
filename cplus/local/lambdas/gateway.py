"""The HTTP entry point: stands in for API Gateway's HTTP API."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from multidict import CIMultiDict

from cplus.errors import FunctionBusy, FunctionError, FunctionTimedOut
from cplus.local.hosts import only_known
from cplus.local.lambdas.payload import (
    MalformedAnswer,
    Request,
    Response,
    from_answer,
    match_route,
    to_event,
)

# API Gateway's quota for a request's body, and Lambda's for the event made of it; bytes.
_LARGEST_BODY = 10 * 1024 * 1024
_LARGEST_EVENT = 6 * 1024 * 1024
# Set by the connection itself, not by the function.
_OF_THE_CONNECTION = {"connection", "content-length", "keep-alive", "transfer-encoding"}

Call = Callable[[str, bytes, str], Awaitable[bytes]]
"""Runs (function, event, route) and returns the result as JSON; raises FunctionError."""


class Gateway:
    """Serves `routes` (route key to function) on one port of this machine."""

    def __init__(self, routes: Mapping[str, str], call: Call, *, account: str) -> None:
        self.url = ""
        self._routes = routes
        self._call = call
        self._account = account
        self._closed = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> None:
        """Starts to listen; port 0 picks a free one. Raises OSError if the port is taken."""
        app = web.Application(client_max_size=_LARGEST_BODY, middlewares=[only_known(host)])
        app.router.add_route("*", "/{path:.*}", self._handle)
        # Bodies go to the function unchanged, even compressed ones.
        self._runner = web.AppRunner(
            app, access_log=None, auto_decompress=False, shutdown_timeout=5.0
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        self.url = f"http://{host}:{self._runner.addresses[0][1]}"

    def refuse(self) -> None:
        """Answers 503 to all requests from now on."""
        self._closed.set()

    async def stop(self) -> None:
        """Stops listening, after running requests have finished or 5 seconds have passed."""
        self.refuse()
        if self._runner:
            await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        if self._closed.is_set():
            return _says(503, "Service Unavailable")
        match = match_route(self._routes, request.method, request.path)
        if match is None:
            return _says(404, "Not Found")
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return _says(413, "Request Entity Too Large")
        came = Request(
            method=request.method,
            target=request.raw_path,
            headers=[(k.decode("latin-1"), v.decode("latin-1")) for k, v in request.raw_headers],
            body=body,
            source_ip=request.remote or "127.0.0.1",
            protocol=f"HTTP/{request.version.major}.{request.version.minor}",
        )
        event = to_event(came, match, request_id=str(uuid.uuid4()), account=self._account)
        payload = json.dumps(event).encode()
        if len(payload) > _LARGEST_EVENT:
            return _says(413, "Request Entity Too Large")
        try:
            answer = await self._call(self._routes[match.key], payload, match.key)
            return _answer(from_answer(answer))
        except (FunctionBusy, FunctionTimedOut):
            return _says(503, "Service Unavailable")
        except (FunctionError, MalformedAnswer):
            return _says(500, "Internal Server Error")


def _says(status: int, message: str) -> web.Response:
    return web.json_response({"message": message}, status=status)


def _answer(response: Response) -> web.Response:
    headers: CIMultiDict[str] = CIMultiDict()
    for name, value in response.headers:
        if name not in _OF_THE_CONNECTION:
            headers.add(name, value)
    return web.Response(status=response.status, headers=headers, body=response.body)
