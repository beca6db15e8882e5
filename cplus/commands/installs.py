"""The app's installation: OAuth's code grant, from the shop's name to the log.

Source: Shopify's page on the authorization code grant.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import httpx
import structlog
from itsdangerous import BadData, URLSafeSerializer

from cplus.actors import ADMIN
from cplus.clock import Clock
from cplus.deadline import Deadline
from cplus.errors import AuthFailed, CredentialsUnreadable, InvalidInput, NotInstalled
from cplus.events.aggregates.billing_account import BillingAccount
from cplus.events.aggregates.shop import Shop
from cplus.events.base import Cause, NewEvent
from cplus.events.catalogue.imports import ImportEnded
from cplus.events.catalogue.shops import AppInstalled, AppUninstalled
from cplus.events.log.commit import Draft
from cplus.events.names import (
    INSTALLED_REF,
    billing_stream,
    import_stream,
    install_claim,
    install_import,
    shop_stream,
)
from cplus.events.recording import Recorder
from cplus.events.repository import decided
from cplus.ids import random_id
from cplus.keys import derived_key
from cplus.shopify.admin import AdminClient
from cplus.shopify.credentials import Credentials
from cplus.shopify.hosts import shop_host
from cplus.shopify.oauth import App, Tokens, authorize_url, exchange_code
from cplus.shopify.queries import ShopInfo, shop_info
from cplus.shopify.signatures import verify_query

log = structlog.get_logger()

CALLBACK: Final = "/auth/callback"
"""Path of the app that Shopify sends the browser back to."""

STATE_SECONDS: Final = 600
"""How long a merchant may take to consent."""

_SECRETS: Final = frozenset({"code", "hmac", "state"})  # never in the log
_PATIENCE: Final = 5.0  # seconds for a throttled shop; the merchant's browser waits


@dataclass(frozen=True, slots=True)
class Begun:
    """An install that waits for the merchant's consent."""

    url: str
    """Where to send the browser."""
    state: str
    """What to put into a cookie of that browser, for STATE_SECONDS: HttpOnly, Secure,
    SameSite=Lax. It stands nowhere else: the address holds its hash alone."""


@dataclass(frozen=True)
class Installs:
    """Begins and finishes installs."""

    app: App
    http: httpx.AsyncClient
    credentials: Credentials
    recorder: Recorder
    clock: Clock
    api_version: str
    app_url: str
    """Public address of the app, with no slash at the end."""
    free_conversations: int
    """What the account of a shop that installs the app allows in a month."""
    secret: str = field(repr=False)
    """Signs the state."""

    def begin(self, shop: str) -> Begun:
        """Where the merchant of `shop` consents, and what the browser must bring back with the
        callback; raises InvalidShop."""
        shop = shop_host(shop)
        nonce = secrets.token_urlsafe(16)
        # An address is seen by others, in histories and logs: it must not be enough to sign in.
        content = {"shop": shop, "at": int(self.clock().timestamp()), "browser": _hash(nonce)}
        state = self._signer().dumps(content)
        return Begun(authorize_url(self.app, shop, self.app_url + CALLBACK, state), nonce)

    async def finish(self, params: Mapping[str, str], cookie: str) -> str:
        """The shop that the callback's query installs the app in; `cookie` as `begin` gave it.

        Installing again is fine, and a callback that comes twice is answered as the first time:
        its code names the commit. Raises InvalidSignature (not Shopify's query, or older than
        90 seconds), InvalidShop, InvalidInput (no code, or not the browser that began),
        ShopifyRefused (a used code), AuthFailed, ShopifyUnavailable, Throttled, OutcomeUnknown,
        DecisionOvertaken.
        """
        verify_query(params, self.app.secrets, self.clock().timestamp())
        shop = shop_host(params.get("shop"))
        self._check_state(shop, params.get("state", ""), cookie)
        code = params.get("code", "")
        if not code:
            raise InvalidInput(reason="Shopify sent no code; start the installation again")
        claim = install_claim(code)
        if await self.recorder.store.by_claim(shop, claim) is not None:
            return shop
        void_at = await self._void_at(shop)  # of the tokens that are replaced now
        tokens = await exchange_code(self.http, self.app, shop, code)
        # First of all: the code is used up, and who reads the event needs the tokens.
        await self.credentials.save(shop, tokens)
        info = await self._info(shop, tokens.access_token)

        async def decide() -> Draft:
            return await self._decide(shop, claim, params, tokens, info, void_at)

        outcome = await self.recorder.record(shop, claim, decide)
        log.info("app_granted", shop=shop, position=outcome.position)
        return shop

    def _check_state(self, shop: str, state: str, cookie: str) -> None:
        wrong = InvalidInput(reason="this browser did not start the installation; start it again")
        try:
            content = self._signer().loads(state)
            at, begun_for, browser = int(content["at"]), content["shop"], str(content["browser"])
        except (BadData, KeyError, TypeError, ValueError):
            raise wrong from None
        if begun_for != shop or not hmac.compare_digest(browser.encode(), _hash(cookie).encode()):
            raise wrong
        if not 0 <= self.clock().timestamp() - at <= STATE_SECONDS:
            raise InvalidInput(reason="the installation took too long; start it again")

    def _signer(self) -> URLSafeSerializer:
        return URLSafeSerializer(derived_key(self.secret, "install-state"))

    async def _info(self, shop: str, token: str) -> ShopInfo:
        client = AdminClient(self.http, self.app.origin, self.api_version, shop, token)
        return await shop_info(client, deadline=Deadline.within(_PATIENCE))

    async def _void_at(self, shop: str) -> datetime | None:
        """When the shop's grant before was last known to hold no longer; None where it holds.

        The log may know that the app was removed, or that Shopify refused the import. That news
        may still be on its way: so Shopify, which voids the tokens of an app that is removed, is
        asked whether it takes them.
        """
        installed_at, void_at = await self._told(shop)
        if installed_at is None or (void_at is not None and void_at >= installed_at):
            return void_at
        asked_at = self.clock()
        try:
            await self._info(shop, await self.credentials.get_access_token(shop))
        except (NotInstalled, AuthFailed, CredentialsUnreadable):
            return asked_at
        return None

    async def _told(self, shop: str) -> tuple[datetime | None, datetime | None]:
        """When the app was last installed, and when it was last removed or its import refused
        by what was recorded since; None for what never was."""
        ends: list[datetime] = []
        commits = self.recorder.store.iterate_ref(
            shop, shop_stream(shop), newest_first=True, batch=100
        )
        async for commit in commits:
            for recorded in await self.recorder.reader.of(commit, AppInstalled, AppUninstalled):
                if isinstance(recorded.event, AppUninstalled):
                    ends.append(recorded.occurred_at)
                else:
                    ends += await self._refused(shop, install_import(recorded.id))
                    return recorded.occurred_at, max(ends, default=None)
        return None, max(ends, default=None)

    async def _refused(self, shop: str, import_id: str) -> list[datetime]:
        """When Shopify refused to go on with that import, if it did."""
        newest = await self.recorder.store.by_ref(shop, import_stream(import_id), 1)
        ended = await self.recorder.reader.read(newest, [ImportEnded])
        return [
            recorded.occurred_at
            for events in ended
            for recorded in events
            if isinstance(recorded.event, ImportEnded) and recorded.event.outcome != "complete"
        ]

    async def _decide(
        self,
        shop: str,
        claim: str,
        params: Mapping[str, str],
        tokens: Tokens,
        info: ShopInfo,
        void_at: datetime | None,
    ) -> Draft:
        stream = shop_stream(shop)
        aggregate: Shop = await self.recorder.load(Shop, shop, stream)
        aggregate.install(
            scopes=[scope.strip() for scope in tokens.scope.split(",") if scope.strip()],
            shop_name=info.name,
            currency=info.currency,
            timezone=info.timezone,
            shopify_plan=info.plan.name,
            country=info.address.country,
            void_at=void_at,
            now=self.clock(),
        )
        events = decided(aggregate)
        if events:
            events += await self._open_account(shop)
        query = {name: value for name, value in params.items() if name not in _SECRETS}
        return Draft(
            shop=shop,
            claim=claim,
            source="install",
            actor=str(ADMIN),
            events=events,
            cause=Cause("install", body=json.dumps(query, sort_keys=True).encode()),
            refs=[*dict.fromkeys(new.stream for new in events), INSTALLED_REF] if events else [],
            correlation_id=random_id(),
            reason=None if events else "the app is installed with these scopes already",
        )

    async def _open_account(self, shop: str) -> list[NewEvent]:
        """The first install also opens the shop's account."""
        account = await self.recorder.load(BillingAccount, shop, billing_stream(shop))
        account.open(conversations=self.free_conversations, now=self.clock())
        return decided(account)


def _hash(nonce: str) -> str:
    return hashlib.sha256(nonce.encode("utf-8", "replace")).hexdigest()
