"""The Admin's addresses: `/store/HANDLE/apps/APP/PATH` and what its page asks for.

It is another *site* than the app, as the real one is: the app is at `127.0.0.1`, the Admin at
`localhost`. Ports are no part of a site, names are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

from aiohttp import web

from cplus.errors import InvalidShop
from cplus.local.shopify import pages
from cplus.local.shopify.admin import framing
from cplus.local.shopify.admin.forms import own_form
from cplus.local.shopify.admin.page import frame_page
from cplus.local.shopify.admin.registered import Registered, app_address
from cplus.local.shopify.admin.scopes import Scopes
from cplus.local.shopify.admin.tokens import IdTokens
from cplus.local.shopify.grants import Grants
from cplus.local.shopify.staff import STAFF
from cplus.local.shopify.state import LocalShop, Store
from cplus.local.state import BRIDGE
from cplus.shopify.hosts import SUFFIX, shop_host

_USER: Final = "local_shopify_user"
_STATIC: Final = Path(__file__).with_name("static")
_NO_CODE_OF_OTHERS: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; frame-src {app}"
)


class Framing(Protocol):
    """What the Admin asks of the local Shopify."""

    app_url: str
    store: Store
    grants: Grants
    id_tokens: IdTokens
    registered: Registered
    scopes: Scopes
    bridge_reachable: bool

    @property
    def admin_url(self) -> str: ...  # noqa: D102
    def uninstall(self, shop: str) -> object: ...  # noqa: D102


class AdminSite:
    """The pages of every shop's Admin."""

    def __init__(self, shopify: Framing) -> None:
        self._shopify = shopify

    def routes(self) -> list[web.RouteDef]:
        """Everything of the Admin and its App Bridge."""
        app = "/store/{handle}/apps/{app}{path:(/.*)?}"
        return [
            web.get(app, self._open),
            web.post(app, self._grant),
            web.post("/store/{handle}/id_token", self._id_token),
            web.post("/store/{handle}/user", self._change_user),
            web.post("/store/{handle}/uninstall", self._uninstall),
            web.get("/store/{handle}{path:(/.*)?}", self._other),
            web.get(BRIDGE, self._bridge),
            web.get("/_admin/{file:admin[.](js|css)}", self._static),
        ]

    async def _open(self, request: web.Request) -> web.Response:
        shop, admin = self._shop(request), self._shopify.admin_url
        self._only_the_app(request)
        if request.host != urlsplit(admin).netloc:
            raise web.HTTPFound(admin + request.path_qs)
        if missing := self._shopify.scopes.missing(shop):
            update = shop.host in self._shopify.store.state.installs
            fields = {"scope": ",".join(missing)}
            text = pages.consent_page(shop, fields, update=update)
            return web.Response(text=text, content_type="text/html")
        user = self._user(request)
        grants = self._shopify.grants
        query = framing.document_query(
            shop.host,
            user,
            request.query_string,
            token=self._shopify.id_tokens.next(shop.host, user),
            now=grants.now(),
            secret=grants.client_secret,
            locale=shop.admin_locale,
        )
        path = request.match_info["path"] or "/"
        text = frame_page(
            shop,
            app=self._shopify.registered,
            source=f"{self._shopify.app_url}{path}?{query}",
            staff={user: one.shown for user, one in STAFF.items()},
            user=user,
        )
        headers = {
            "Content-Security-Policy": _NO_CODE_OF_OTHERS.format(app=self._shopify.app_url),
            "Cache-Control": "no-store",
        }
        return web.Response(text=text, content_type="text/html", headers=headers)

    async def _grant(self, request: web.Request) -> web.Response:
        """Installs the app, or grants what a new version of it asks for; then opens it."""
        shop = self._shop(request)
        self._only_the_app(request)
        own_form(request)
        if self._shopify.scopes.missing(shop):
            self._shopify.scopes.require(shop)
        raise web.HTTPSeeOther(request.path_qs)

    async def _id_token(self, request: web.Request) -> web.Response:
        shop = self._shop(request)
        own_form(request)
        if shop.host not in self._shopify.store.state.installs:
            raise web.HTTPGone(text="The app is not installed.")
        token = self._shopify.id_tokens.next(shop.host, self._user(request))
        return web.json_response({"id_token": token}, headers={"Cache-Control": "no-store"})

    async def _change_user(self, request: web.Request) -> web.Response:
        shop = self._shop(request)
        own_form(request)
        user = str((await request.post()).get("user", ""))
        if user not in STAFF:
            raise web.HTTPBadRequest(text="There is no such member of staff.")
        answer = web.HTTPSeeOther(self._address(shop))
        answer.set_cookie(_USER, user, httponly=True, samesite="Strict")
        raise answer

    async def _uninstall(self, request: web.Request) -> web.Response:
        shop = self._shop(request)
        own_form(request)
        if shop.host in self._shopify.store.state.installs:
            self._shopify.uninstall(shop.host)
        raise web.HTTPSeeOther(self._address(shop))

    async def _other(self, request: web.Request) -> web.Response:
        """Any other page of the Admin, to which links of the app may lead."""
        shop = self._shop(request)
        path = request.match_info["path"].strip("/")
        text = pages.other_page(shop, path, self._address(shop))
        return web.Response(text=text, content_type="text/html")

    async def _bridge(self, _request: web.Request) -> web.Response:
        if not self._shopify.bridge_reachable:
            raise web.HTTPServiceUnavailable(text="asked not to answer")
        return _script("app_bridge.js", "text/javascript")

    async def _static(self, request: web.Request) -> web.Response:
        name = request.match_info["file"]
        return _script(name, "text/css" if name.endswith(".css") else "text/javascript")

    def _shop(self, request: web.Request) -> LocalShop:
        try:
            host = shop_host(request.match_info["handle"] + SUFFIX)
            return self._shopify.store.state.shops[host]
        except (InvalidShop, KeyError):
            raise _not_found("There is no such shop here.") from None

    def _only_the_app(self, request: web.Request) -> None:
        """The app's client id leads to its handle, as at Shopify."""
        asked, handle = request.match_info["app"], self._shopify.registered.handle
        if asked == self._shopify.grants.client_id:
            raise web.HTTPFound(request.path_qs.replace(f"/apps/{asked}", f"/apps/{handle}", 1))
        if asked != handle:
            raise _not_found("There is no such app here.")

    def _user(self, request: web.Request) -> str:
        user = request.cookies.get(_USER, "")
        return user if user in STAFF else next(iter(STAFF))

    def _address(self, shop: LocalShop) -> str:
        return app_address(shop.host, self._shopify.registered)


def _script(name: str, kind: str) -> web.Response:
    headers = {"Cache-Control": "no-cache", "Cross-Origin-Resource-Policy": "cross-origin"}
    text = (_STATIC / name).read_text("utf-8")
    return web.Response(text=text, content_type=kind, charset="utf-8", headers=headers)


def _not_found(text: str) -> web.HTTPNotFound:
    return web.HTTPNotFound(text=pages.problem_page(text), content_type="text/html")
