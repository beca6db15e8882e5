"""How one run of an import or a reconciliation asks the Admin API."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import httpx
import structlog

from cplus.consumers.imports.importer import Importer, Place
from cplus.deadline import Deadline
from cplus.errors import AccessDenied, AuthFailed, ShopifyError, ShopifyRefused
from cplus.shopify import bulk
from cplus.shopify.admin import AdminClient

log = structlog.get_logger()
T = TypeVar("T")

_TRIES: Final = 5  # of one question that Shopify did not answer


class Asker:
    """Asks for one shop: a refused token is renewed once in a run, and a question ends with it."""

    def __init__(self, shop: str, use: Importer, waits_until: Deadline) -> None:
        self._shop, self._use, self._waits_until = shop, use, waits_until
        self._renewed = False
        self.received = b""
        """The newest answer of the Admin API, as it came."""

    def http(self) -> httpx.AsyncClient:
        """What the clients of the run ask by."""
        return httpx.AsyncClient(timeout=10.0, event_hooks={"response": [self._keep]})

    async def _keep(self, response: httpx.Response) -> None:
        if response.request.method == "POST":  # and not the file of a bulk operation
            self.received = await response.aread()

    async def client(self, http: httpx.AsyncClient, rejected: str | None = None) -> AdminClient:
        """A client with the shop's token, another one than `rejected`. Raises NotInstalled,
        AuthFailed, ShopifyUnavailable."""
        use = self._use
        token = await use.credentials.get_access_token(self._shop, rejected=rejected)
        return AdminClient(
            http, use.origin, use.api_version, self._shop, token, use.sleep, tries=_TRIES
        )

    async def ask(self, client: AdminClient, question: Callable[[], Awaitable[T]]) -> T:
        """The answer. Raises as the question does, and TimeoutError when the run's time is over."""
        try:
            async with asyncio.timeout(self._waits_until.remaining()):
                return await question()
        except AuthFailed as error:
            if self._renewed or isinstance(error, AccessDenied):
                raise  # a new token would be denied too
        self._renewed = True
        fresh = await self.client(client.http, rejected=client.access_token)
        client.access_token = fresh.access_token
        return await self.ask(client, question)

    async def leave(self, client: AdminClient | None, place: Place, why: ShopifyError) -> None:
        """Cancels the bulk operation of an import that has ended, since nobody will read its file:
        a shop runs few at once. With a void token nothing can be asked. If it fails, the operation
        ends by itself."""
        running = place.bulk or place.bulk_orders
        if client is None or running is None or running.operation is None:
            return
        if not isinstance(why, AccessDenied | ShopifyRefused):
            return
        gid = running.operation
        try:
            async with asyncio.timeout(self._waits_until.remaining()):
                await bulk.cancel(client, gid, deadline=self._waits_until)
        except (ShopifyError, TimeoutError) as error:
            log.info("import_bulk_not_cancelled", shop=self._shop, error=type(error).__name__)
