"""The local Shopify's server, with the documented HTTP and GraphQL APIs."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from cplus.errors import InvalidShop
from cplus.local.answering import pid_route
from cplus.local.hosts import besides, only_known, only_own_pages_and_links
from cplus.local.peers import only_users
from cplus.local.shopify import pages
from cplus.local.shopify.admin import AdminSite, IdTokens, Registered, Scopes
from cplus.local.shopify.admin.forms import own_form
from cplus.local.shopify.admin.framing import host
from cplus.local.shopify.admin.registered import app_address
from cplus.local.shopify.admin_api.bulk import Operations
from cplus.local.shopify.admin_api.cost import Bucket
from cplus.local.shopify.admin_api.graphql_api import PAGINATION_LIMIT, Api
from cplus.local.shopify.billing.site import Billing
from cplus.local.shopify.control import control_routes, json_object
from cplus.local.shopify.deliveries import SHORT_BACKOFF, Backoff, Courier, Delivery, new_delivery
from cplus.local.shopify.grants import Grants, Refused
from cplus.local.shopify.state import SUBSCRIPTIONS, LocalShop, Store
from cplus.local.state import BRIDGE
from cplus.shopify.hosts import shop_host
from cplus.shopify.signatures import sign_query

API_VERSION = "2026-10"
MAX_CONTROL_BODY = 64 * 1024 * 1024
_NO_TOKEN = "[API] Invalid API key or access token (unrecognized login or wrong password)"
_NON_EXPIRING = "[API] Non-expiring access tokens are no longer accepted for the Admin API."


class LocalShopify:
    """The server. Used in a test or by a stack: `await start()`, `.url`, `.origin`, `await stop()`.

    `app_url` is the app's address: installs redirect there, webhooks go to `app_url +
    webhook_path`. With a `directory`, shops and installs survive a restart. `registered` is what
    the app's shopify.app.toml says.
    """

    def __init__(
        self,
        *,
        client_id: str,
        client_secret: str,
        app_url: str = "",
        registered: Registered | None = None,
        directory: Path | None = None,
        port: int = 0,
        backoff: Backoff = SHORT_BACKOFF,
        access_seconds: int = 3600,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.app_url = app_url.rstrip("/")
        self.webhook_path = "/webhooks/shopify"
        self.pagination_limit = PAGINATION_LIMIT
        self.store = Store(directory)
        self.registered = registered or Registered()
        self.grants = Grants(self.store, client_id, client_secret, access_seconds=access_seconds)
        self.id_tokens = IdTokens(client_id, client_secret)
        self.bridge_reachable = True
        self.scopes = Scopes(self)
        self.admin = AdminSite(self)
        self.billing = Billing(self, directory)
        self.courier = Courier(backoff)
        self.bulk = Operations(self.send_webhook)
        self._port = port
        self._monotonic = monotonic  # what the shops' points are restored by
        self._buckets: dict[str, Bucket] = {}
        self._faults: defaultdict[str, list[int]] = defaultdict(list)
        self.changed: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {}
        """By shop: changes each answer of the Admin API, for answers that make no sense."""
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The server's own address, with no slash at the end."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def admin_url(self) -> str:
        """Where the Admin's pages are: by another name, so that the app is of another site."""
        return f"http://localhost:{self._port}"

    @property
    def origin(self) -> str:
        """The address of a shop's Admin, for the setting `shopify_origin`."""
        return self.url + "/{shop}"

    async def start(self) -> None:
        """Listens on loopback; port 0 picks a free one."""
        # The App Bridge is for the app's pages, as what is at Shopify's CDN.
        guards = [only_users(), only_known(), besides(only_own_pages_and_links, BRIDGE)]
        app = web.Application(client_max_size=MAX_CONTROL_BODY, middlewares=guards)
        app.add_routes([*self._routes(), pid_route()])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = int(self._runner.addresses[0][1])
        self.scopes.release(self.registered.scopes, self.registered.optional)
        self.bulk.url = self.url

    async def stop(self) -> None:
        """Stops listening, cancels running deliveries, and writes the snapshot."""
        await self.bulk.stop()
        await self.courier.stop()
        if self._runner:
            await self._runner.cleanup()
            self._runner = None
        self.store.save()

    def add_shop(self, shop: LocalShop) -> None:
        """Adds a shop, or replaces its description; installs stay."""
        self.store.state.shops[shop.host] = shop
        self._buckets.pop(shop.host, None)
        self.store.save()

    def fail_next(self, shop: str, status: int, times: int = 1) -> None:
        """Answers the shop's next calls of token endpoint and Admin API with this status."""
        self._faults[shop_host(shop)].extend([status] * times)

    def send_webhook(
        self, topic: str, shop: str, content: bytes | dict[str, Any], **given: Any
    ) -> tuple[Delivery, asyncio.Task[None]]:
        """Delivers a webhook; `given` may set `webhook_id`, `event_id`, `triggered_at`,
        `secret`."""
        secret = given.pop("secret", self.grants.client_secret)
        delivery = new_delivery(topic, shop, content, secret, **given)
        if isinstance(content, dict) and (known := self.store.state.shops.get(shop)):
            known.hear(topic, content)
        return delivery, self.courier.send(delivery, self.app_url + self.webhook_path)

    def redeliver(
        self, webhook_id: str, attempt: int | None = None
    ) -> tuple[Delivery, asyncio.Task[None]]:
        """Delivers the bytes of an earlier webhook again, as its next attempt.

        A caller that numbers the attempt may retry after a lost response: it stays one attempt.
        Raises KeyError if no such webhook was sent.
        """
        last = self.courier.last(webhook_id)
        if last is None:
            raise KeyError(webhook_id)
        again = Delivery(**{**vars(last), "attempt": attempt or last.attempt + 1, "tries": []})
        return again, self.courier.send(again, self.app_url + self.webhook_path)

    def uninstall(self, shop: str) -> tuple[Delivery, asyncio.Task[None]]:
        """Voids the shop's tokens, ends what it pays for the app, and notifies the app, like
        Shopify."""
        known = self.store.state.shops[shop_host(shop)]
        self.billing.end(known.host)
        self.grants.revoke(known.host)
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        for ended in known.cancelled(now):
            self.send_webhook(SUBSCRIPTIONS, known.host, ended)
        # The published sample has no host here either.
        payload = {"id": known.id, "name": known.name, "email": known.email}
        payload["myshopify_domain"] = None
        return self.send_webhook("app/uninstalled", known.host, payload)

    def _routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self._home),
            web.get("/{shop}/open", self._open),
            web.post("/{shop}/uninstall", self._uninstall),
            web.get("/{shop}/admin/oauth/authorize", self._consent),
            web.post("/{shop}/admin/oauth/authorize", self._accept),
            web.post("/{shop}/admin/oauth/access_token", self._access_token),
            web.post("/{shop}/admin/api/{version}/graphql.json", self._graphql),
            *self.billing.routes(),
            *self.admin.routes(),
            *self.scopes.routes(),
            *self.bulk.routes(),
            *control_routes(self),
        ]

    def _shop(self, request: web.Request) -> LocalShop:
        try:
            return self.store.state.shops[shop_host(request.match_info["shop"])]
        except (InvalidShop, KeyError):
            raise web.HTTPNotFound(
                text=pages.problem_page("There is no such shop here."), content_type="text/html"
            ) from None

    async def _home(self, _request: web.Request) -> web.Response:
        installed = {host: one.scope for host, one in self.store.state.installs.items()}
        text = pages.shops_page(
            self.store.state.shops.values(),
            installed,
            lambda host: self.admin_url + app_address(host, self.registered),
        )
        return web.Response(text=text, content_type="text/html")

    async def _open(self, request: web.Request) -> web.Response:
        query = self._signed(self._shop(request))
        raise web.HTTPFound(f"{self.app_url}/?{urlencode(query)}")

    async def _uninstall(self, request: web.Request) -> web.Response:
        shop = self._shop(request)
        own_form(request)
        if shop.host in self.store.state.installs:
            self.uninstall(shop.host)
        raise web.HTTPSeeOther("/")

    async def _consent(self, request: web.Request) -> web.Response:
        shop = self._shop(request)
        fields = self._authorization(request.query)
        return web.Response(text=pages.consent_page(shop, fields), content_type="text/html")

    async def _accept(self, request: web.Request) -> web.Response:
        shop = self._shop(request)
        form = {name: str(value) for name, value in (await request.post()).items()}
        fields = self._authorization({**request.query, **form})
        code = self.grants.code(shop.host, self.scopes.of_grant(shop.host, fields["scope"]))
        query = self._signed(shop, code=code, state=fields["state"])
        # 303: the browser continues with GET.
        raise web.HTTPSeeOther(f"{fields['redirect_uri']}?{urlencode(query)}")

    def _signed(self, shop: LocalShop, **more: str) -> dict[str, str]:
        """The query with which the Admin of the shop sends a browser to the app."""
        query = {
            "host": host(shop.host),
            "shop": shop.host,
            "timestamp": str(int(self.grants.now())),
            **more,
        }
        return {**query, "hmac": sign_query(query, self.grants.client_secret)}

    def _authorization(self, given: Mapping[str, str]) -> dict[str, str]:
        names = ("client_id", "scope", "redirect_uri", "state")
        fields = {name: given.get(name, "") for name in names}
        if fields["client_id"] != self.grants.client_id or not fields["scope"]:
            raise _bad_page("The app is not known, or it asks for no scope.")
        if not fields["state"]:
            raise _bad_page("The app sent no state.")
        asked, app = urlsplit(fields["redirect_uri"]), urlsplit(self.app_url)
        if (asked.scheme, asked.netloc) != (app.scheme, app.netloc) or asked.query:
            raise _bad_page("The redirect_uri is not one of the app's.")
        return fields

    async def _access_token(self, request: web.Request) -> web.Response:
        shop = self._shop(request)
        if failure := self._failure(shop):
            return failure
        if request.content_type == "application/json":
            given = await json_object(request)
        else:
            given = dict(await request.post())
        fields = {name: str(value) for name, value in given.items()}
        try:
            return web.json_response(self.grants.tokens(shop.host, fields))
        except Refused as refused:
            answer = {"error": refused.error, "error_description": refused.description}
            return web.json_response(answer, status=400)

    async def _graphql(self, request: web.Request) -> web.Response:
        shop = self._shop(request)
        if request.match_info["version"] != API_VERSION:
            return web.json_response({"errors": "Not Found"}, status=404)
        if failure := self._failure(shop):
            return failure
        token = request.headers.get("X-Shopify-Access-Token", "")
        scopes = self.grants.scopes(shop.host, token)
        if scopes is None:
            return web.json_response({"errors": _NO_TOKEN}, status=401)
        if not self.grants.expires(shop.host, token):
            return web.json_response({"errors": _NON_EXPIRING}, status=403)
        api = Api(shop, self._bucket(shop), scopes, self.pagination_limit, self.bulk)
        answer = api.answer(await json_object(request))
        change = self.changed.get(shop.host)
        return web.json_response(change(answer) if change else answer)

    def _bucket(self, shop: LocalShop) -> Bucket:
        if shop.host not in self._buckets:
            self._buckets[shop.host] = Bucket(
                shop.maximum_available, shop.restore_rate, self._monotonic
            )
        return self._buckets[shop.host]

    def _failure(self, shop: LocalShop) -> web.Response | None:
        if not self._faults[shop.host]:
            return None
        status = self._faults[shop.host].pop(0)
        return web.json_response({"errors": f"asked to fail with {status}"}, status=status)


def _bad_page(text: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=pages.problem_page(text), content_type="text/html")
