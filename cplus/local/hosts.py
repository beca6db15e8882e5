"""By which names this machine may be asked.

A page of another site can have its own name resolve to 127.0.0.1 (DNS rebinding) and would then
read and send here as if it stood here. Its requests carry that name in `Host`. Without such a name
it can still send here, and read where the answer allows it: then its own name is in `Origin`.
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
    """Answers 421 to whoever asks for another host, before anything is read."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_known(request.headers.get("Host", ""), *configured):
            raise web.HTTPMisdirectedRequest(text="This machine is not known by that name.\n")
        return await handler(request)

    return check


@web.middleware
async def only_own_pages(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers 403 to the page of another site, before anything is read. Browsers name the page's
    place in `Origin` and `Sec-Fetch-Site` (Fetch Standard; Fetch Metadata); programs name none."""
    origin = request.headers.get("Origin")
    foreign = origin is not None and not is_known(origin.partition("://")[2])
    if foreign or request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise web.HTTPForbidden(text="Pages of other sites have no business here.\n")
    return await handler(request)


@web.middleware
async def only_own_pages_and_links(request: web.Request, handler: Handler) -> web.StreamResponse:
    """As `only_own_pages`, but a person may follow a link of another site to a page here: that
    site sees nothing of it. For servers whose GET changes nothing."""
    told = request.headers
    followed = request.method == "GET" and told.get("Sec-Fetch-Dest") == "document"
    if followed and told.get("Sec-Fetch-Mode") == "navigate" and "Origin" not in told:
        return await handler(request)
    return await only_own_pages(request, handler)
