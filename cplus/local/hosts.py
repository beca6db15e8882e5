"""Restricts by which host names this machine answers.

A page of another site can make its own name resolve to 127.0.0.1 (DNS rebinding) and then read and
send here as if it were our own. Its requests have that name in `Host`. Without such a name it can
still send here, and read if the response allows it: then its name is in `Origin`.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

_LOOPBACK: Final = {"127.0.0.1", "::1", "localhost"}


def is_known(host: str, *configured: str) -> bool:
    """Whether a `Host` header names this machine: by loopback, with any port, or as `configured`.

    Names under `localhost` are loopback everywhere (RFC 6761, section 6.3).
    """
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    return name in _LOOPBACK or name.endswith(".localhost") or name in configured


def only_known(*configured: str) -> Middleware:
    """Answers 421 to requests for another host, before anything is read."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_known(request.headers.get("Host", ""), *configured):
            raise web.HTTPMisdirectedRequest(text="This machine is not known by that name.\n")
        return await handler(request)

    return check


@web.middleware
async def only_own_pages(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers 403 to pages of other sites, before anything is read. Browsers send the page's origin
    in `Origin` and `Sec-Fetch-Site` (Fetch Standard; Fetch Metadata); programs send neither."""
    origin = request.headers.get("Origin")
    foreign = origin is not None and not is_known(origin.partition("://")[2])
    if foreign or request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise web.HTTPForbidden(text="Pages of other sites have no business here.\n")
    return await handler(request)


def besides(check: Middleware, *public: str) -> Middleware:
    """A check of requests that lets everybody GET these paths."""

    @web.middleware
    async def checked(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method == "GET" and request.path in public:
            return await handler(request)
        return await check(request, handler)

    return checked


@web.middleware
async def only_own_pages_and_links(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Like `only_own_pages`, but allows following a link from another site to a page here, because
    that site cannot read it. For servers whose GET changes nothing."""
    told = request.headers
    followed = request.method == "GET" and told.get("Sec-Fetch-Dest") == "document"
    if followed and told.get("Sec-Fetch-Mode") == "navigate" and "Origin" not in told:
        return await handler(request)
    return await only_own_pages(request, handler)
