"""Around every request: security headers, a limit for bodies, a friendly answer to a fault."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from traceback import extract_tb
from typing import Any, Final

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger()

MAX_BODY: Final = 2 * 1024 * 1024
"""Bytes of a request at most: the longest answer that is allowed, percent-encoded, fits."""

_CONTENT: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; "
)


class BodyTooLarge(Exception):
    """The body of the request is larger than the app reads."""


class Guard:
    """The outermost layer; a request's state tells it what the page allows.

    `frame_shop` is the one shop whose Admin may frame the page; `leaves_by_form` says that a
    form of the page leads to another host (browsers hold `form-action` against redirects too).
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        secure: bool,
        fault: Callable[[Request, int], Awaitable[Response]],
    ) -> None:
        self._app = app
        self._secure = secure
        self._fault = fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})
        started = False

        async def guarded_send(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._add_headers(MutableHeaders(scope=message), state)
            await send(message)

        try:
            length = _declared(scope)
            if length > MAX_BODY:
                raise BodyTooLarge
            await self._app(scope, _limited(receive), guarded_send)
        except Exception as error:
            status = 413 if isinstance(error, BodyTooLarge) else 500
            if status == 500:
                # Neither the words of the error nor the path: both may hold personal data.
                frame = extract_tb(error.__traceback__)[-1]
                where = f"{Path(frame.filename).name}:{frame.lineno}"
                log.error("request_failed", error=type(error).__name__, where=where)
            if started:
                raise
            answer = await self._fault(Request(scope, receive), status)
            await answer(scope, receive, guarded_send)

    def _add_headers(self, headers: MutableHeaders, state: dict[str, Any]) -> None:
        shop = state.get("frame_shop")
        ancestors = f"https://{shop} https://admin.shopify.com" if shop else "'none'"
        content = _CONTENT + ("" if state.get("leaves_by_form") else "form-action 'self'; ")
        headers["Content-Security-Policy"] = f"{content}frame-ancestors {ancestors};"
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=()"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        if not shop:
            headers["X-Frame-Options"] = "DENY"
        if self._secure:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        headers.setdefault("Cache-Control", "no-store")


def _declared(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name.lower() == b"content-length":
            return int(value) if value.isdigit() and len(value) < 20 else 0
    return 0


def _limited(receive: Receive) -> Receive:
    size = 0

    async def limited() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > MAX_BODY:
            raise BodyTooLarge
        return message

    return limited
