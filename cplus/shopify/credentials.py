"""The access tokens of each shop: sealed, and renewed before they expire, by one worker at a
time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import httpx
from pydantic import BaseModel, ConfigDict, Field

from cplus.deadline import Deadline
from cplus.errors import (
    AuthFailed,
    CredentialsUnreadable,
    NotInstalled,
    ShopifyError,
    ShopifyRefused,
    ShopifyUnavailable,
)
from cplus.shopify.hosts import shop_host
from cplus.shopify.oauth import App, Tokens, refresh
from cplus.shopify.sealed_values import SealedValues


class StoredTokens(BaseModel):
    """The pair of tokens that is sealed; times are in UTC."""

    model_config = ConfigDict(frozen=True)

    access_token: str = Field(repr=False)
    expires_at: datetime | None
    refresh_token: str | None = Field(repr=False)
    refresh_expires_at: datetime | None
    scope: str


class Credentials(Protocol):
    """Provides access tokens."""

    async def get_access_token(self, shop: str, *, rejected: str | None = None) -> str:
        """A valid token; raises NotInstalled, AuthFailed, ShopifyUnavailable."""

    async def save(self, shop: str, tokens: Tokens) -> None:
        """Replaces any older tokens with those of an installation."""

    async def saved_at(self, shop: str) -> datetime | None:
        """When the tokens that are there were stored; None if there are none."""

    async def usable(self, shop: str) -> bool:
        """Whether there are tokens that may still work: they are not over, and Shopify was not
        seen to refuse their renewal."""

    async def forget(self, shop: str, before: datetime) -> None:
        """Deletes the tokens of a shop that removed the app, unless they were saved after the
        moment: the news of an uninstall may be a day late, and the app installed again
        meanwhile."""


@dataclass(frozen=True)
class Timing:
    """Time limits in seconds."""

    margin: float = 300.0
    """A token that expires within this time is renewed first."""
    lease: float = 30.0
    """After this time a renewing worker is assumed dead."""
    patience: float = 20.0
    """How long others wait for the worker that renews."""
    look_again: float = 0.1
    """Approximate polling interval."""


class MongoCredentials:
    """Credentials in a MongoDB collection: one document for each shop.

    `{_id: shop, sealed, fence, lease_until, saved_at, void}`, and beside it what `contacts` keeps.
    The pair is one sealed field, so it is always replaced completely; `void` is there once Shopify
    refused to renew it. `fence` increases with every lease and every save: a renewing worker stores
    the new pair only if nobody came after it. Leases expire by the database's clock, so workers
    with different clocks agree. `collection` is an async driver's, with majority reads and writes.
    """

    def __init__(
        self,
        collection: Any,
        http: httpx.AsyncClient,
        app: App,
        application_secret: str,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        timing: Timing = Timing(),
    ) -> None:
        self._rows = collection
        self._http = http
        self._app = app
        self._sealed = SealedValues(application_secret, "shopify-credentials")
        self._now = now
        self._timing = timing

    async def get_access_token(self, shop: str, *, rejected: str | None = None) -> str:
        """An access token of the shop, renewed first if it expires soon.

        `rejected` is a token that Shopify has just refused: it is not returned again. Raises
        NotInstalled, CredentialsUnreadable, AuthFailed (only a new installation helps),
        ShopifyUnavailable (also if another worker takes too long).
        """
        shop = shop_host(shop)
        deadline = Deadline.within(self._timing.patience)
        while True:
            row = await self._rows.find_one({"_id": shop})
            if row is None:
                raise NotInstalled(shop=shop)
            tokens = self._open(shop, row["sealed"])
            if tokens.access_token != rejected and not self._ends_soon(tokens):
                return tokens.access_token
            fence = await self._lease(shop, row["fence"])
            if fence is not None:
                renewed = await self._renew(shop, tokens, fence, rejected)
                if renewed is not None:
                    return renewed
            elif deadline.passed():
                raise ShopifyUnavailable(shop=shop, reason="another worker renews the tokens")
            else:
                # Another worker is renewing: wait for the new pair at the top of the loop.
                await asyncio.sleep(self._timing.look_again * random.uniform(0.5, 1.5))

    async def save(self, shop: str, tokens: Tokens) -> None:
        """Saves the tokens of an installation; a running renewal will not overwrite them."""
        shop = shop_host(shop)
        await self._rows.update_one({"_id": shop}, self._change(shop, tokens), upsert=True)

    async def saved_at(self, shop: str) -> datetime | None:
        """When the shop's tokens were stored; None if there are none."""
        row = await self._rows.find_one({"_id": shop_host(shop)}, {"saved_at": True})
        return None if row is None else row["saved_at"]

    async def usable(self, shop: str) -> bool:
        """Whether the shop's tokens may still work. Asks nobody but the database."""
        row = await self._rows.find_one({"_id": shop_host(shop)})
        if row is None or row.get("void"):
            return False
        try:
            tokens = self._open(shop_host(shop), row["sealed"])
        except CredentialsUnreadable:
            return False
        until = tokens.refresh_expires_at if tokens.refresh_token else tokens.expires_at
        return until is None or until > self._now()

    async def shops(self, after: str, limit: int) -> list[str]:
        """The first shops with tokens behind that host, in order."""
        found = self._rows.find({"_id": {"$gt": after}}, {"_id": True}).sort("_id", 1).limit(limit)
        return [row["_id"] async for row in found]

    async def forget(self, shop: str, before: datetime) -> None:
        """Deletes the tokens of a shop, if any were saved at the moment or before it."""
        await self._rows.delete_one({"_id": shop_host(shop), "saved_at": {"$lte": before}})

    async def _lease(self, shop: str, seen: int) -> int | None:
        """The fencing number of a new lease, or None if another worker holds one."""
        row = await self._rows.find_one_and_update(
            {"_id": shop, "fence": seen, "$expr": {"$lte": ["$lease_until", "$$NOW"]}},
            [
                {
                    "$set": {
                        "fence": {"$add": ["$fence", 1]},
                        "lease_until": {"$add": ["$$NOW", int(self._timing.lease * 1000)]},
                    }
                }
            ],
            projection={"fence": True},
            return_document=True,  # the document after the change, in both drivers
        )
        return None if row is None else int(row["fence"])

    async def _renew(
        self, shop: str, tokens: StoredTokens, fence: int, rejected: str | None
    ) -> str | None:
        """The new access token, or None if the pair was replaced meanwhile."""
        try:
            new = await self._refreshed(shop, tokens)
        except ShopifyError as error:
            await self._release(shop, fence, void=isinstance(error.__cause__, ShopifyRefused))
            usable = tokens.access_token != rejected and not self._ended(tokens)
            if isinstance(error, ShopifyUnavailable) and usable:
                return tokens.access_token
            raise
        except BaseException:
            await self._release(shop, fence)
            raise
        stored = await self._rows.update_one({"_id": shop, "fence": fence}, self._change(shop, new))
        return new.access_token if stored.matched_count else None

    async def _refreshed(self, shop: str, tokens: StoredTokens) -> Tokens:
        if tokens.refresh_token is None:
            raise AuthFailed(shop=shop, reason="the token can't be renewed")
        try:
            return await refresh(self._http, self._app, shop, tokens.refresh_token)
        except ShopifyRefused as refused:
            raise AuthFailed(shop=shop, reason=refused.values["code"]) from refused

    async def _release(self, shop: str, fence: int, *, void: bool = False) -> None:
        change: dict[str, Any] = {"lease_until": datetime.fromtimestamp(0, UTC)}
        if void:
            change["void"] = True
        await self._rows.update_one({"_id": shop, "fence": fence}, {"$set": change})

    def _change(self, shop: str, tokens: Tokens) -> dict[str, Any]:
        return {
            "$set": {
                "sealed": self._seal(shop, tokens),
                "lease_until": datetime.fromtimestamp(0, UTC),
                "saved_at": self._now(),
            },
            "$unset": {"void": ""},
            # Also after a renewal: a worker that read the old pair during the lease must not get
            # the lease that this releases.
            "$inc": {"fence": 1},
        }

    def _seal(self, shop: str, tokens: Tokens) -> bytes:
        stored = StoredTokens(
            access_token=tokens.access_token,
            expires_at=self._moment(tokens.expires_in),
            refresh_token=tokens.refresh_token,
            refresh_expires_at=self._moment(tokens.refresh_token_expires_in),
            scope=tokens.scope,
        )
        return self._sealed.seal(shop, stored.model_dump_json().encode())

    def _open(self, shop: str, sealed: bytes) -> StoredTokens:
        return StoredTokens.model_validate_json(self._sealed.open(shop, sealed))

    def _moment(self, seconds: int | None) -> datetime | None:
        return None if seconds is None else self._now() + timedelta(seconds=seconds)

    def _ends_soon(self, tokens: StoredTokens) -> bool:
        margin = timedelta(seconds=self._timing.margin)
        return tokens.expires_at is not None and tokens.expires_at - margin <= self._now()

    def _ended(self, tokens: StoredTokens) -> bool:
        return tokens.expires_at is not None and tokens.expires_at <= self._now()
