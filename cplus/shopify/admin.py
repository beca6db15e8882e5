"""A client of Shopify's GraphQL Admin API that keeps to the shop's query budget.

Source: Shopify's pages on the limits of the GraphQL Admin API and on its status and error codes.
"""

from __future__ import annotations

import asyncio
import json
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
from cplus.shopify.hosts import shop_host

log = structlog.get_logger()

DEFAULT_WAIT: Final = 1.0
"""Seconds to wait if Shopify throttles without saying for how long."""

_SHOPIFY_BUSY: Final = frozenset({"INTERNAL_SERVER_ERROR", "TIMEOUT"})
# 402 a frozen shop, 423 a locked one, 430 one under protection: not our fault, and temporary.
_NOT_NOW: Final = frozenset({402, 408, 423, 430})


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

    def __post_init__(self) -> None:
        self.shop = shop_host(self.shop)
        base = self.origin.replace("{shop}", self.shop)
        self._url = f"{base}/admin/api/{self.api_version}/graphql.json"

    async def query(
        self, document: str, variables: Mapping[str, Any], *, deadline: Deadline | None = None
    ) -> dict[str, Any]:
        """Runs the document and returns its `data`.

        When the budget is spent it waits until the query fits, but never beyond `deadline`
        (None: no waiting): then it raises Throttled, whose `retry_after`
        is in seconds. Raises AuthFailed (the token or a scope), ShopifyUnavailable (worth another
        try later; AddressRefused, if only from another address), ShopifyRefused (not worth one,
        `code` says why).
        """
        while True:
            wait, answer = await self._ask(document, variables)
            if wait is None:
                return self._data(answer)
            if deadline is None or wait > deadline.remaining():
                raise Throttled(shop=self.shop, retry_after=wait)
            await self.sleep(wait)

    async def _ask(
        self, document: str, variables: Mapping[str, Any]
    ) -> tuple[float | None, dict[str, Any]]:
        """Seconds to wait before the next attempt, or None and the response."""
        response = await self._post({"query": document, "variables": dict(variables)})
        status = response.status_code
        answer = _json_object(response.content)
        if status == 429 or (status == 200 and "THROTTLED" in _codes(answer)):
            return self._wait(answer, response.headers.get("Retry-After", "")), answer
        if status == 401:
            raise AuthFailed(shop=self.shop, reason="status 401")
        if status == 403:
            raise forbidden(self.shop, response.content)
        if status >= 500 or status < 200 or 300 <= status < 400 or status in _NOT_NOW:
            raise ShopifyUnavailable(shop=self.shop, reason=f"status {status}")
        if status != 200:
            raise ShopifyRefused(shop=self.shop, code=f"status {status}")
        return None, answer

    async def _post(self, body: dict[str, Any]) -> httpx.Response:
        headers = {"X-Shopify-Access-Token": self.access_token, "Accept": "application/json"}
        try:
            # Never follow a redirect: the token must only go to this shop.
            return await self.http.post(
                self._url, json=body, headers=headers, follow_redirects=False
            )
        except httpx.HTTPError as error:
            raise ShopifyUnavailable(shop=self.shop, reason=type(error).__name__) from None

    def _wait(self, answer: dict[str, Any], retry_after: str) -> float:
        """Seconds until the query fits: (requested - available) / restore rate."""
        cost = _cost(answer)
        status: dict[str, Any] = cost.get("throttleStatus") or {}
        try:
            requested = float(cost["requestedQueryCost"])
            maximum = float(status["maximumAvailable"])
            available = float(status["currentlyAvailable"])
            rate = float(status["restoreRate"])
        except (KeyError, TypeError, ValueError):
            return _seconds(retry_after)
        if requested > maximum:
            raise ShopifyRefused(shop=self.shop, code="MAX_COST_EXCEEDED", cost=cost)
        if rate <= 0:
            return DEFAULT_WAIT
        return max((requested - available) / rate, 1 / rate)

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
            raise ShopifyUnavailable(shop=self.shop, reason=busy[0])
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


def _seconds(retry_after: str) -> float:
    try:
        return max(float(retry_after), 0.1)
    except ValueError:
        return DEFAULT_WAIT
