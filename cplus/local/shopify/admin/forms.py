"""Forms of the Admin's pages."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from cplus.local.shopify import pages


def own_form(request: web.Request) -> None:
    """Refuses what a page of another site sends: browsers tell the page's origin."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise web.HTTPBadRequest(
            text=pages.problem_page("The form stands on another site."), content_type="text/html"
        )
