"""The app of a benchmark: a merchant who asks for pages, and how long each took to be rendered."""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from fastapi.responses import HTMLResponse
from pydantic import SecretStr

from cplus.actors import Actor
from cplus.bootstrap import Parts
from cplus.settings import Settings
from cplus.web.app import create_app
from cplus.web.kit.cookies import SESSION
from cplus.web.kit.pages import Pages


def settings_of(uri: str, database: str) -> Settings:
    """For a database."""
    return Settings(
        mongo_uri=SecretStr(uri),
        mongo_database=database,
        mongo_keyring_database=f"{database}_keyring",
        application_secret=SecretStr("a secret that is only for benchmarks"),
        shopify_client_id="client-id",
        shopify_client_secret=SecretStr("a client secret that is only for benchmarks"),
        app_url="http://bench.example",
        mail_domain="mail.cplus.example",
    )


@dataclass(frozen=True)
class Taken:
    """Seconds that a page took."""

    whole: float
    rendering: float
    """Of these, to render the template."""


class _Timed(Pages):
    """Pages that note how long the last one took to be rendered."""

    last = 0.0

    def render(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        began = time.perf_counter()
        answer = super().render(template, status=status, **values)
        self.last = time.perf_counter() - began
        return answer


class Browser:
    """Asks the app for pages as a server does, with no network and no client between."""

    def __init__(self, parts: Parts) -> None:
        self._app = create_app(parts)
        self._pages = _Timed(parts.clock, parts.settings.shopify_admin_origin)
        self._app.state.pages = self._pages

    async def page(self, shop: str, path: str) -> Taken:
        """Asks for the page as a merchant of the shop; raises AssertionError if it is refused."""
        signed = self._app.state.signatures.session_cookie(shop, Actor("merchant", ""))
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [
                (b"host", b"bench.example"),
                (b"cookie", f"{SESSION}={signed}".encode()),
            ],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        status = 0

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            status = message.get("status", status)

        began = time.perf_counter()
        await self._app(scope, receive, send)
        whole = time.perf_counter() - began
        assert status == 200, f"{path} answered {status}"
        return Taken(whole, self._pages.last)
