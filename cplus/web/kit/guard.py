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

from cplus.web.kit.frame import Framing

log = structlog.get_logger()

MAX_BODY: Final = 2 * 1024 * 1024
"""Bytes of a request at most: the longest answer that is allowed, percent-encoded, fits."""

MAX_FILES_BODY: Final = 4 * 1024 * 1024 + 300_000
"""Bytes of a form with files: Lambda takes 6 MB, and gets them in Base64."""

_CONTENT: Final = (
    "style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; "
)
_JUDGED_BY: Final = "Accept-Language, Authorization, Cookie, Sec-Fetch-Dest"
"""The headers by which it is decided who asks, for which of the two windows, in what language."""
_UNSAFE: Final = ("/auth/", "/console")
"""Where a GET may use something up, so that HEAD has no answer there."""


class BodyTooLarge(Exception):
    """The body of the request is larger than the app reads."""


class Guard:
    """The outermost layer but for the choice of the language; a request's state tells it what the
    page allows.

    `framing` says who may frame the page; without it nobody may. `leaves_by_form` says that a
    form of the page leads to another host (browsers hold `form-action` against redirects too).
    `policy` is the security policy of an answer that is no page of ours.
    HEAD is answered as GET is, without the body; `head` says so.
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
        if scope["method"] == "HEAD" and not scope["path"].startswith(_UNSAFE):
            state["head"] = True
            scope = {**scope, "method": "GET"}
            send = _bodiless(send)
        started = False

        async def guarded_send(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._add_headers(MutableHeaders(scope=message), state)
            await send(message)

        try:
            length = _declared(scope)
            most = _most(scope)
            if length > most:
                raise BodyTooLarge
            await self._app(scope, _limited(receive, most), guarded_send)
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
        headers["X-Content-Type-Options"] = "nosniff"
        if self._secure:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        headers.setdefault("Cache-Control", "no-store")
        if policy := state.get("policy"):
            # What strangers sent: in no origin, so its pictures come from another one.
            headers["Content-Security-Policy"] = policy
            headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            headers["Referrer-Policy"] = "no-referrer"
            return
        framing: Framing | None = state.get("framing")
        scripts = f"'self' {framing.scripts}" if framing else "'self'"
        content = f"default-src 'none'; script-src {scripts}; {_CONTENT}"
        if not state.get("leaves_by_form"):
            content += "form-action 'self'; "
        ancestors = framing.ancestors if framing else "'none'"
        headers["Content-Security-Policy"] = f"{content}frame-ancestors {ancestors};"
        # The address of a document in the frame holds a token: not even our own files are told.
        headers["Referrer-Policy"] = "no-referrer" if framing else "same-origin"
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=()"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        if not framing:
            headers["X-Frame-Options"] = "DENY"
        if not headers["Cache-Control"].startswith("public"):
            headers["Vary"] = _JUDGED_BY


def _bodiless(send: Send) -> Send:
    """Sends an answer without its body; its length is that of the body."""

    async def without_body(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return without_body


def _declared(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name.lower() == b"content-length":
            return int(value) if value.isdigit() and len(value) < 20 else 0
    return 0


def _most(scope: Scope) -> int:
    """The bytes of a body at most, by what it says that it is."""
    kinds = [value for name, value in scope["headers"] if name.lower() == b"content-type"]
    with_files = any(kind.lower().startswith(b"multipart/form-data") for kind in kinds)
    return MAX_FILES_BODY if with_files else MAX_BODY


def _limited(receive: Receive, most: int) -> Receive:
    size = 0

    async def limited() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > most:
            raise BodyTooLarge
        return message

    return limited
