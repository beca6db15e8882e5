"""The app's installation: OAuth's code grant, from the shop's name to AppInstalled in the log.

Source: Shopify's page on the authorization code grant.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import httpx
import structlog
from itsdangerous import BadData, URLSafeSerializer

from cplus.clock import Clock
from cplus.errors import InvalidInput
from cplus.events.base import Cause, NewEvent
from cplus.events.catalogue import AppInstalled
from cplus.events.commit import Draft
from cplus.events.names import INSTALLED_REF, install_claim, shop_stream
from cplus.events.nudges import Nudger, heads_of
from cplus.events.outcomes import settled
from cplus.events.store import EventStore
from cplus.ids import random_id
from cplus.mongo import Collection
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
    store: EventStore
    nudger: Nudger
    clock: Clock
    api_version: str
    app_url: str
    """Public address of the app, with no slash at the end."""
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
        ShopifyRefused (a used code), AuthFailed, ShopifyUnavailable, Throttled, OutcomeUnknown.
        """
        verify_query(params, self.app.secrets, self.clock().timestamp())
        shop = shop_host(params.get("shop"))
        self._check_state(shop, params.get("state", ""), cookie)
        code = params.get("code", "")
        if not code:
            raise InvalidInput(reason="the install brings no code; begin it again")
        claim = install_claim(code)
        if await self.store.by_claim(shop, claim) is not None:
            return shop
        tokens = await exchange_code(self.http, self.app, shop, code)
        # First of all: the code is used up, and who reads the event needs the tokens.
        await self.credentials.save(shop, tokens)
        info = await shop_info(self._client(shop, tokens), deadline=time.monotonic() + _PATIENCE)
        [outcome] = await self.store.append([self._draft(shop, claim, params, tokens, info)])
        position = settled(outcome).position
        await self.nudger.nudge(heads_of([outcome]))
        log.info("app_installed", shop=shop, position=position)
        return shop

    def _check_state(self, shop: str, state: str, cookie: str) -> None:
        wrong = InvalidInput(reason="this browser did not begin the install; begin it again")
        try:
            content = self._signer().loads(state)
            at, begun_for, browser = int(content["at"]), content["shop"], str(content["browser"])
        except (BadData, KeyError, TypeError, ValueError):
            raise wrong from None
        if begun_for != shop or not hmac.compare_digest(browser.encode(), _hash(cookie).encode()):
            raise wrong
        if not 0 <= self.clock().timestamp() - at <= STATE_SECONDS:
            raise InvalidInput(reason="the install took too long; begin it again")

    def _signer(self) -> URLSafeSerializer:
        return URLSafeSerializer(self.secret, salt="cplus install state")

    def _client(self, shop: str, tokens: Tokens) -> AdminClient:
        return AdminClient(self.http, self.app.origin, self.api_version, shop, tokens.access_token)

    def _draft(
        self, shop: str, claim: str, params: Mapping[str, str], tokens: Tokens, info: ShopInfo
    ) -> Draft:
        event = AppInstalled(
            scopes=tuple(scope.strip() for scope in tokens.scope.split(",") if scope.strip()),
            shop_name=info.name,
            currency=info.currency,
            timezone=info.timezone,
            shopify_plan=info.plan.name,
            country=info.address.country,
        )
        stream = shop_stream(shop)
        query = {name: value for name, value in params.items() if name not in _SECRETS}
        return Draft(
            shop=shop,
            claim=claim,
            source="install",
            actor="merchant",
            events=[NewEvent(stream, event, self.clock())],
            cause=Cause("install", body=json.dumps(query, sort_keys=True).encode()),
            refs=[stream, INSTALLED_REF],
            correlation_id=random_id(),
        )


def _hash(nonce: str) -> str:
    return hashlib.sha256(nonce.encode("utf-8", "replace")).hexdigest()


async def forget(credentials: Collection, shop: str, before: datetime) -> None:
    """Drops the shop's access tokens, unless they were saved after the moment.

    The news of an uninstall may be a day late, and the app installed again meanwhile.
    """
    await credentials.delete_one({"_id": shop, "saved_at": {"$lte": before}})
