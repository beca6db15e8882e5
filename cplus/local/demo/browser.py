"""A merchant with a browser: installs the app in the Admin, reads the inbox, replies, closes.

A request that broke or got a server error is repeated unchanged: a form with the same key, like a
person who clicks again.
"""

from __future__ import annotations

import asyncio
import html
import json
import re
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import urlencode, urljoin, urlsplit

import aiohttp

from cplus.commands.sessions import sign_in_link
from cplus.errors import CplusError
from cplus.settings import Settings
from cplus.shopify.hosts import shop_name

_PATIENCE: Final = 90.0  # seconds for which one request is retried
_PAUSES: Final = (0.1, 0.2, 0.4, 0.8, 1.5, 2.0)
_INSTALLS: Final = 6  # maximum number of attempts at an install
_SOURCE: Final = re.compile(rb'<iframe [^>]*src="([^"]*)"')


class PageFailed(CplusError):
    """The page {path} returned status {status}, which the demo did not expect."""


@dataclass(frozen=True)
class Page:
    """A response with its body."""

    status: int
    url: str
    location: str
    body: bytes


@dataclass
class Form:
    """A form of a page: its address and its hidden fields."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self._open = True
            self.found.append(Form(given.get("action") or ""))
        elif tag == "input" and self._open and given.get("type") == "hidden":
            self.found[-1].fields[given.get("name") or ""] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        self._open = self._open and tag != "form"


def forms(page: Page) -> list[Form]:
    """The forms of a page, with absolute addresses."""
    reader = _Forms()
    reader.feed(page.body.decode("utf-8", "replace"))
    return [Form(urljoin(page.url, one.action) or page.url, one.fields) for one in reader.found]


class Browser:
    """One merchant's browser with its own cookies. `async with` closes it."""

    def __init__(self, settings: Settings, shop: str, places: asyncio.Semaphore) -> None:
        self.shop = shop
        self._settings = settings
        self._web = settings.app_url
        self._places = places
        # Cookies of an IP address are only kept on request.
        self._http = aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            timeout=aiohttp.ClientTimeout(total=40.0),
        )

    async def close(self) -> None:
        """Closes its connections."""
        await self._http.close()

    async def install(self) -> None:
        """Consents in the shop's Admin, which opens the app in its frame; then signs in to a window
        of its own.

        A frame that broke is opened anew, because its token works once. Raises PageFailed.
        """
        of_shop = f"{self._settings.shopify_admin_origin}/store/{shop_name(self.shop)}"
        by_id = await self._get(f"{of_shop}/apps/{self._settings.shopify_client_id}")
        admin = _next(by_id, 302)
        for left in reversed(range(_INSTALLS)):
            _next(await self._send("POST", admin), 303)
            framed = _SOURCE.search((await self._get(admin)).body)
            source = html.unescape(framed[1].decode()) if framed else admin
            opened = await self._try("GET", source, None)
            if opened is not None and opened.status == 200:
                break
            if not left:
                status = opened.status if opened else 0
                raise PageFailed(path=urlsplit(source).path, status=status)
            await asyncio.sleep(_PAUSES[-1])
        await self.sign_in()

    async def sign_in(self) -> None:
        """Signs in by a one-time link."""
        (form,) = forms(await self._get(sign_in_link(self._settings, self.shop)))
        _next(await self._send("POST", form.action, form.fields), 303)

    async def inbox(self) -> AsyncIterator[list[dict[str, Any]]]:
        """Every conversation of the inbox, page by page, newest message first."""
        query = {"state": "all", "limit": "100"}
        while True:
            page = await self._get(f"{self._web}/api/inbox?{urlencode(query)}")
            answer = json.loads(page.body)
            yield answer["conversations"]
            if not answer["next"]:
                return
            query["cursor"] = answer["next"]

    async def answer(self, conversation: str, text: str, *, twice: bool = False) -> None:
        """Replies with the form on the conversation's page; `twice` like a double click."""
        form = await self._form(conversation, "reply")
        # Browsers send line breaks as CRLF.
        fields = {**form.fields, "text": text.replace("\n", "\r\n")}
        clicks = [self._send("POST", form.action, fields) for _ in range(1 + twice)]
        for page in await asyncio.gather(*clicks):
            _next(page, 303)

    async def close_conversation(self, conversation: str) -> None:
        """Closes an open conversation."""
        form = await self._form(conversation, "close")
        _next(await self._send("POST", form.action, form.fields), 303)

    async def _form(self, conversation: str, verb: str) -> Form:
        page = await self._get(f"{self._web}/conversations/{conversation}")
        wanted = f"/conversations/{conversation}/{verb}"
        for form in forms(page):
            if urlsplit(form.action).path == wanted:
                return form
        raise PageFailed(path=wanted, status=page.status)

    async def _get(self, url: str) -> Page:
        page = await self._send("GET", url)
        if page.status >= 400:
            raise PageFailed(path=urlsplit(url).path, status=page.status)
        return page

    async def _send(
        self,
        method: str,
        url: str,
        fields: Mapping[str, str] | None = None,
        again: tuple[int, ...] = (500, 502, 503, 504),
    ) -> Page:
        """One request, retried while the connection breaks or the server fails."""
        deadline = time.monotonic() + _PATIENCE
        tries = 0
        while True:
            page = await self._try(method, url, fields)
            if page is not None and page.status not in again:
                return page
            pause = _PAUSES[min(tries, len(_PAUSES) - 1)]
            if time.monotonic() + pause > deadline:
                raise PageFailed(path=urlsplit(url).path, status=page.status if page else 0)
            tries += 1
            await asyncio.sleep(pause)

    async def _try(self, method: str, url: str, fields: Mapping[str, str] | None) -> Page | None:
        """None if the connection broke."""
        try:
            async with (
                self._places,
                self._http.request(method, url, data=fields, allow_redirects=False) as answer,
            ):
                location = urljoin(url, answer.headers.get("Location", ""))
                return Page(answer.status, url, location, await answer.read())
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None


def _next(page: Page, status: int) -> str:
    """The redirect target of the page; raises PageFailed for another status."""
    if page.status != status:
        raise PageFailed(path=urlsplit(page.url).path, status=page.status)
    return page.location
