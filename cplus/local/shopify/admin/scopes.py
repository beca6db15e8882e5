"""What merchants grant the app: the required scopes as a whole, and each optional one or not.

Sources: Shopify's pages on managing access scopes and on App Bridge's Scopes API, and the address
of the grant page as Shopify's own libraries make it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Protocol

from aiohttp import web

from cplus.errors import InvalidShop
from cplus.local.shopify import pages
from cplus.local.shopify.admin.forms import own_form
from cplus.local.shopify.admin.registered import Registered, app_address, split
from cplus.local.shopify.grants import Grants
from cplus.local.shopify.state import LocalShop, Store
from cplus.shopify.hosts import SUFFIX, shop_host


class Granting(Protocol):
    """What it asks of the local Shopify."""

    store: Store
    grants: Grants
    registered: Registered

    @property
    def admin_url(self) -> str: ...  # noqa: D102
    def send_webhook(self, topic: str, shop: str, content: dict[str, Any]) -> object: ...  # noqa: D102


class Scopes:
    """The scopes of every shop."""

    def __init__(self, shopify: Granting) -> None:
        self._shopify = shopify

    def routes(self) -> list[web.RouteDef]:
        """The page on which optional scopes are granted, and what App Bridge asks."""
        return [
            web.get("/{shop}/admin/oauth/install", self._page),
            web.post("/{shop}/admin/oauth/install", self._answered),
            web.post("/store/{handle}/scopes", self._for_app_bridge),
        ]

    def release(self, scopes: str, optional: str = "") -> None:
        """A version of the app that requires these scopes and may ask for the optional ones. What
        it declares no more is taken back from every shop, and nobody is asked; for what is newly
        required, each shop's Admin asks."""
        app = self._shopify.registered
        app.scopes, app.optional = scopes, optional
        state = self._shopify.store.state
        for host, install in list(state.installs.items()):
            shop, granted = state.shops.get(host), set(split(install.scope))
            if shop and not self.missing(shop) and granted != {*app.wanted, *self._chosen(host)}:
                self.require(shop)

    def missing(self, shop: LocalShop) -> list[str]:
        """All scopes that the app requires, if the shop has not granted each of them."""
        wanted = self._shopify.registered.wanted
        install = self._shopify.store.state.installs.get(shop.host)
        return wanted if install is None or set(wanted) - set(split(install.scope)) else []

    def require(self, shop: LocalShop) -> None:
        """The merchant installs the app, or agrees to what a new version requires."""
        self._set(shop, [*self._shopify.registered.wanted, *self._chosen(shop.host)])

    def of_grant(self, host: str, asked: str) -> str:
        """What a code grant gives that asks for these scopes: the optional ones that the shop
        granted stay."""
        return ",".join(dict.fromkeys([*split(asked), *self._chosen(host)]))

    def _chosen(self, host: str) -> list[str]:
        """The optional scopes that the shop granted."""
        install = self._shopify.store.state.installs.get(host)
        optional = split(self._shopify.registered.optional)
        return [one for one in split(install.scope) if one in optional] if install else []

    def _not_granted(self, shop: LocalShop, asked: Collection[str]) -> list[str]:
        """Those of the scopes that the shop has not granted. Raises HTTPBadRequest for one that
        the app does not declare."""
        app = self._shopify.registered
        if not asked or not set(asked) <= {*app.wanted, *split(app.optional)}:
            raise web.HTTPBadRequest(
                text=pages.problem_page("The app declares no such scope."), content_type="text/html"
            )
        granted = split(self._shopify.store.state.installs[shop.host].scope)
        return [one for one in asked if one not in granted]

    def _allow(self, shop: LocalShop, more: Collection[str]) -> None:
        granted = split(self._shopify.store.state.installs[shop.host].scope)
        self._set(shop, [*granted, *more])

    def _set(self, shop: LocalShop, current: Collection[str]) -> None:
        previous = self._shopify.grants.grant(shop.host, ",".join(current))
        if previous is not None:
            now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
            told = {"id": 1, "shop_id": shop.id, "previous": split(previous)}
            told = {**told, "current": list(current), "updated_at": now}
            self._shopify.send_webhook("app/scopes_update", shop.host, told)

    async def _page(self, request: web.Request) -> web.Response:
        """Asks the merchant; without anything to ask for, leads to the app."""
        shop = self._shop(request.match_info["shop"])
        missing = self._asked(request, shop)
        if not missing:
            raise web.HTTPFound(self._app(shop))
        text = pages.optional_page(shop, missing)
        return web.Response(text=text, content_type="text/html")

    async def _answered(self, request: web.Request) -> web.Response:
        shop = self._shop(request.match_info["shop"])
        own_form(request)
        missing = self._asked(request, shop)
        if missing and (await request.post()).get("answer") == "allow":
            self._allow(shop, missing)
        raise web.HTTPSeeOther(self._app(shop))

    def _asked(self, request: web.Request, shop: LocalShop) -> list[str]:
        if request.query.get("client_id") != self._shopify.grants.client_id:
            raise web.HTTPBadRequest(
                text=pages.problem_page("The app is not known."), content_type="text/html"
            )
        asked = split(request.query.get("optional_scopes", ""))
        if shop.host not in self._shopify.store.state.installs or not asked:
            return []  # the Admin asks for what is required, and installs the app
        return self._not_granted(shop, asked)

    async def _for_app_bridge(self, request: web.Request) -> web.Response:
        """What the merchant is to be asked; with `answer`, what they said."""
        shop = self._shop(request.match_info["handle"] + SUFFIX)
        own_form(request)
        install = self._shopify.store.state.installs.get(shop.host)
        if install is None:
            raise web.HTTPGone(text="The app is not installed.")
        given = await request.post()
        missing = self._not_granted(shop, split(str(given.get("scopes", ""))))
        if given.get("answer") == "allow" and missing:
            self._allow(shop, missing)
            missing = []
        app = self._shopify.registered
        detail = {"granted": split(install.scope), "required": app.wanted}
        detail["optional"] = split(app.optional)
        asked = [pages.SCOPES.get(one, one) for one in missing]
        return web.json_response({"asked": asked, "detail": detail})

    def _shop(self, host: str) -> LocalShop:
        try:
            return self._shopify.store.state.shops[shop_host(host)]
        except (InvalidShop, KeyError):
            raise web.HTTPNotFound(
                text=pages.problem_page("There is no such shop here."), content_type="text/html"
            ) from None

    def _app(self, shop: LocalShop) -> str:
        """Where the app is in the shop's Admin."""
        return self._shopify.admin_url + app_address(shop.host, self._shopify.registered)
