"""A client of Shopify's GraphQL Admin API that keeps to the shop's query budget.

Source: Shopify's pages on the limits of the GraphQL Admin API and on its status and error codes.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import httpx
import structlog

from cplus.deadline import Deadline
from cplus.errors import (
    AccessDenied,
    AddressRefused,
    AuthFailed,
    ShopifyError,
    ShopifyRefused,
    ShopifyUnavailable,
    Throttled,
)
from cplus.shopify.budget import Budget, seconds
from cplus.shopify.hosts import shop_host

log = structlog.get_logger()

LONGEST_PAUSE: Final = 60.0
"""Seconds that a Shopify which is down is waited for between two tries, at most."""

_SHOPIFY_BUSY: Final = frozenset({"INTERNAL_SERVER_ERROR", "TIMEOUT"})
# 402 a frozen shop, 423 a locked one, 430 one under protection: not our fault, and temporary, but
# not a matter of seconds.
_NOT_NOW: Final = frozenset({402, 423, 430})


class _Down(Exception):
    """Shopify did not answer, and may in a moment."""

    def __init__(self, reason: str, pause: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.pause = pause
        """Seconds that Shopify asks to wait."""


class _Spent(Exception):
    """The budget does not allow the query for so many seconds."""

    def __init__(self, wait: float) -> None:
        super().__init__(wait)
        self.wait = wait


@dataclass
class AdminClient:
    """One shop's Admin API, with one access token."""

    http: httpx.AsyncClient
    origin: str
    """Address of a shop's Admin, `https://{shop}`."""
    api_version: str
    shop: str
    access_token: str = field(repr=False)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    budget: Budget = field(default_factory=Budget)
    tries: int = 1
    """How often a query is sent while Shopify does not answer it; 1 for what must not be done
    twice."""

    def __post_init__(self) -> None:
        self.shop = shop_host(self.shop)
        base = self.origin.replace("{shop}", self.shop)
        self._url = f"{base}/admin/api/{self.api_version}/graphql.json"

    async def query(
        self, document: str, variables: Mapping[str, Any], *, deadline: Deadline | None = None
    ) -> dict[str, Any]:
        """Runs the document and returns its `data`.

        It is not sent before the budget allows it, as far as Shopify has told, and a Shopify that
        is down is asked up to `tries` times, with growing pauses. All waits end before `deadline`
        (None: no waiting): then it raises Throttled, whose `retry_after` is in seconds, or
        ShopifyUnavailable (worth another try later; AddressRefused, if only from another address).
        Raises AuthFailed (the token or a scope), ShopifyRefused (not worth one, `code` says why).
        """
        query = (document, variables.get("first"))
        failed = 0
        while True:
            # Who may not wait tries what is not known to be too much.
            waits = deadline is not None or self.budget.knows(query)
            wait = self.budget.wait(query) if waits else 0.0
            try:
                if not wait:
                    return await self._ask(query, document, variables)
            except _Spent as spent:
                wait = spent.wait
            except _Down as down:
                failed += 1
                wait = max(down.pause, random.uniform(0.5, 1.0) * 2 ** (failed - 1))
                here = deadline is not None and wait <= min(deadline.remaining(), LONGEST_PAUSE)
                if failed >= self.tries or not here:
                    raise ShopifyUnavailable(shop=self.shop, reason=down.reason) from None
            if deadline is None or wait > deadline.remaining():
                raise Throttled(shop=self.shop, retry_after=wait)
            await self.sleep(wait)

    async def _ask(
        self, query: tuple[str, Any], document: str, variables: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The data of the response. Raises _Spent and _Down besides what `query` raises."""
        response = await self._post({"query": document, "variables": dict(variables)})
        status = response.status_code
        answer = _json_object(response.content)
        told = self.budget.heard(query, _cost(answer))
        if status == 429 or (status == 200 and "THROTTLED" in _codes(answer)):
            if told and self.budget.too_dear(query):
                cost = _cost(answer)
                raise ShopifyRefused(shop=self.shop, code="MAX_COST_EXCEEDED", cost=cost)
            wait = max(self.budget.wait(query), self.budget.point) if told else 0.0
            raise _Spent(wait or seconds(response.headers.get("Retry-After", "")))
        if status == 401:
            raise AuthFailed(shop=self.shop, reason="status 401")
        if status == 403:
            raise forbidden(self.shop, response.content)
        if status >= 500 or status == 408:
            after = response.headers.get("Retry-After", "")
            raise _Down(f"status {status}", seconds(after) if after else 0.0)
        if status < 200 or 300 <= status < 400 or status in _NOT_NOW:
            raise ShopifyUnavailable(shop=self.shop, reason=f"status {status}")
        if status != 200:
            raise ShopifyRefused(shop=self.shop, code=f"status {status}")
        return self._data(answer)

    async def _post(self, body: dict[str, Any]) -> httpx.Response:
        headers = {"X-Shopify-Access-Token": self.access_token, "Accept": "application/json"}
        try:
            # Never follow a redirect: the token must only go to this shop.
            return await self.http.post(
                self._url, json=body, headers=headers, follow_redirects=False
            )
        except httpx.HTTPError as error:
            raise _Down(type(error).__name__) from None

    def _data(self, answer: dict[str, Any]) -> dict[str, Any]:
        if answer.get("errors"):
            self._raise(answer)
        data = answer.get("data")
        if not isinstance(data, dict):
            raise ShopifyUnavailable(shop=self.shop, reason="an answer without data")
        return data

    def _raise(self, answer: dict[str, Any]) -> NoReturn:
        codes = _codes(answer)
        busy = sorted(_SHOPIFY_BUSY.intersection(codes))
        if busy:
            raise _Down(busy[0])
        if "ACCESS_DENIED" in codes:
            raise AccessDenied(shop=self.shop, reason="a scope is missing")
        # The messages are left out: they may repeat the request.
        code = codes[0] if codes else "an error without a code"
        raise ShopifyRefused(shop=self.shop, code=code, errors=answer["errors"])


def forbidden(shop: str, body: bytes) -> ShopifyError:
    """What an answer with status 403 means. Tokens and scopes are named in it; without them it is
    not about either.

    Sources: Shopify's pages on IP allowlists, which promise the status and no words, and its
    changelog on tokens that never expire.
    """
    answer = _json_object(body)
    words = json.dumps(answer.get("errors", "")).lower()
    if "access token" in words:
        return AuthFailed(shop=shop, reason="status 403: the token is not accepted")
    if "ACCESS_DENIED" in _codes(answer) or "scope" in words or "merchant approval" in words:
        return AccessDenied(shop=shop, reason="status 403: a scope is missing")
    # An alarm counts this line.
    log.error("shopify_address_refused", shop=shop)
    return AddressRefused(shop=shop, reason="status 403")


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _codes(answer: dict[str, Any]) -> list[str]:
    errors = answer.get("errors")
    found = []
    for error in errors if isinstance(errors, list) else []:
        extensions = error.get("extensions") if isinstance(error, dict) else None
        code = extensions.get("code") if isinstance(extensions, dict) else None
        if isinstance(code, str):
            found.append(code)
    return found


def _cost(answer: dict[str, Any]) -> dict[str, Any]:
    extensions = answer.get("extensions")
    cost = extensions.get("cost") if isinstance(extensions, dict) else None
    return cost if isinstance(cost, dict) else {}
