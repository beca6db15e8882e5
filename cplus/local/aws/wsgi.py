"""A WSGI application, called on the event loop, one request after the other."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

from aiohttp import web

_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "date"})


def call(app: Callable[..., Iterable[bytes]], request: web.Request, body: bytes) -> web.Response:
    """Runs the WSGI application."""
    status, headers = "500 Nothing answered", list[tuple[str, str]]()

    def start_response(given: str, given_headers: list[tuple[str, str]], _: Any = None) -> None:
        nonlocal status, headers
        status, headers = given, given_headers

    answer = app(_environ(request, body), start_response)
    try:
        content = b"".join(answer)
    finally:
        close = getattr(answer, "close", None)
        if close:
            close()
    response = web.Response(status=int(status.split(" ", 1)[0]), body=content)
    response.headers.popall("Content-Type", None)
    for name, value in headers:
        if name.lower() not in _HOP:
            response.headers.add(name, value)
    if request.method == "HEAD":  # the length of the GET response
        length = [value for name, value in headers if name.lower() == "content-length"]
        if length:
            response.headers["Content-Length"] = length[0]
    return response


def _environ(request: web.Request, body: bytes) -> dict[str, Any]:
    path, _, query = request.raw_path.partition("?")
    host, _, port = request.host.partition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "RAW_URI": request.raw_path,
        "REQUEST_URI": request.raw_path,
        "SERVER_NAME": host,
        "SERVER_PORT": port or "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        if key not in {"CONTENT_TYPE", "CONTENT_LENGTH", "TRANSFER_ENCODING"}:
            environ[f"HTTP_{key}"] = value
    return environ
