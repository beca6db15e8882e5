"""Endpoints with which programs control the local Shopify; the real Shopify has none of these."""

from __future__ import annotations

import base64
import json
from asyncio import Task
from typing import Any, Protocol

from aiohttp import web
from pydantic import ValidationError

from cplus.errors import InvalidShop
from cplus.local.shopify.admin.registered import Registered, split
from cplus.local.shopify.admin.scopes import Scopes
from cplus.local.shopify.admin.tokens import IdTokens
from cplus.local.shopify.admin_api import people
from cplus.local.shopify.admin_api.bulk import Operations, Outcome
from cplus.local.shopify.deliveries import Courier, Delivery
from cplus.local.shopify.grants import Grants
from cplus.local.shopify.state import LocalShop, Store
from cplus.shopify.hosts import shop_host


class Controlled(Protocol):
    """What the endpoints ask of the local Shopify; `LocalShopify` says what each does."""

    store: Store
    grants: Grants
    id_tokens: IdTokens
    registered: Registered
    scopes: Scopes
    bridge_reachable: bool
    courier: Courier
    bulk: Operations

    def add_shop(self, shop: LocalShop) -> None: ...  # noqa: D102
    def fail_next(self, shop: str, status: int, times: int = 1) -> None: ...  # noqa: D102
    def send_webhook(  # noqa: D102
        self, topic: str, shop: str, content: bytes | dict[str, Any], **given: Any
    ) -> tuple[Delivery, Task[None]]: ...
    def redeliver(  # noqa: D102
        self, webhook_id: str, attempt: int | None = None
    ) -> tuple[Delivery, Task[None]]: ...
    def uninstall(self, shop: str) -> tuple[Delivery, Task[None]]: ...  # noqa: D102


def control_routes(shopify: Controlled) -> list[web.RouteDef]:
    """Everything under /_control; the parameters are in docs/shopify.md."""
    control = _Control(shopify)
    return [
        web.get("/_control/shops", control.list_shops),
        web.post("/_control/shops", control.put_shop),
        web.post("/_control/webhooks", control.post_webhook),
        web.get("/_control/webhooks/{webhook_id}", control.get_webhook),
        web.get("/_control/idle", control.get_idle),
        web.post("/_control/uninstall", control.post_uninstall),
        web.post("/_control/session_token", control.post_session_token),
        web.post("/_control/faults", control.post_fault),
        web.post("/_control/bulk", control.post_bulk),
        web.post("/_control/id_tokens", control.post_id_tokens),
        web.post("/_control/app_bridge", control.post_app_bridge),
        web.post("/_control/scopes", control.post_scopes),
    ]


async def json_object(request: web.Request) -> dict[str, Any]:
    """The JSON object in the body; raises HTTPBadRequest for anything else."""
    try:
        given = json.loads(await request.read())
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise web.HTTPBadRequest(text="a JSON object is wanted here")
    return given


class _Control:
    def __init__(self, shopify: Controlled) -> None:
        self._shopify = shopify

    async def list_shops(self, _request: web.Request) -> web.Response:
        state = self._shopify.store.state
        listed = [
            {
                "host": shop.host,
                "name": shop.name,
                "customers": people.count(shop),
                "installed": shop.host in state.installs,
                "refreshes": self._shopify.grants.refreshes[shop.host],
                "delivered": self._shopify.courier.taken(shop.host),
            }
            for shop in state.shops.values()
        ]
        return web.json_response(listed)

    async def put_shop(self, request: web.Request) -> web.Response:
        try:
            shop = LocalShop.model_validate_json(await request.read())
        except (ValidationError, InvalidShop) as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        if before := self._shopify.store.state.shops.get(shop.host):
            shop.keep(before)
        self._shopify.add_shop(shop)
        return web.json_response({"host": shop.host}, status=201)

    async def post_webhook(self, request: web.Request) -> web.Response:
        given = await json_object(request)
        wait = bool(given.pop("wait", False))
        try:
            if "redeliver" in given:
                delivery, task = self._shopify.redeliver(
                    str(given["redeliver"]), int(given.get("attempt", 0)) or None
                )
            else:
                topic, shop, content = given.pop("topic"), given.pop("shop"), _content(given)
                delivery, task = self._shopify.send_webhook(topic, shop, content, **given)
        except (KeyError, TypeError, ValueError) as error:
            raise web.HTTPBadRequest(text=f"not a webhook: {error}") from None
        if wait:
            await task
        return web.json_response(delivery.describe(), status=200 if wait else 202)

    async def get_webhook(self, request: web.Request) -> web.Response:
        delivery = self._shopify.courier.last(request.match_info["webhook_id"])
        if delivery is None:
            raise web.HTTPNotFound(text="no such webhook was sent")
        return web.json_response(delivery.describe())

    async def get_idle(self, _request: web.Request) -> web.Response:
        await self._shopify.courier.idle()
        return web.json_response({})

    async def post_uninstall(self, request: web.Request) -> web.Response:
        delivery, _ = self._shopify.uninstall(await self._shop(request))
        return web.json_response(delivery.describe(), status=202)

    async def post_session_token(self, request: web.Request) -> web.Response:
        given = await json_object(request)
        user, wrong = str(given.get("user", "1")), str(given.get("wrong", ""))
        try:
            token = self._shopify.id_tokens.issue(await self._shop(request), user, wrong)
        except ValueError:
            raise web.HTTPBadRequest(text="no such kind of wrong token") from None
        return web.json_response({"session_token": token})

    async def post_id_tokens(self, request: web.Request) -> web.Response:
        given = await json_object(request)
        try:
            wrong, times = str(given.get("wrong", "")), int(given.get("times", 1))
            self._shopify.id_tokens.go_wrong(await self._shop(request), wrong, times)
        except (TypeError, ValueError):
            raise web.HTTPBadRequest(text="a kind of wrong token is wanted here") from None
        return web.json_response({}, status=201)

    async def post_app_bridge(self, request: web.Request) -> web.Response:
        reachable = (await json_object(request)).get("reachable")
        if not isinstance(reachable, bool):
            raise web.HTTPBadRequest(text="reachable is true or false")
        self._shopify.bridge_reachable = reachable
        return web.json_response({}, status=201)

    async def post_scopes(self, request: web.Request) -> web.Response:
        given = await json_object(request)
        scopes, optional = given.get("scopes"), given.get("optional", "")
        if not isinstance(scopes, str) or not split(scopes) or not isinstance(optional, str):
            raise web.HTTPBadRequest(text="scopes are wanted here, in one text with commas")
        optional = optional if "optional" in given else self._shopify.registered.optional
        self._shopify.scopes.release(scopes, optional)
        answer = {"scopes": split(scopes), "optional": split(optional)}
        return web.json_response(answer, status=201)

    async def post_fault(self, request: web.Request) -> web.Response:
        shop = await self._shop(request)
        given = await json_object(request)
        try:
            self._shopify.fail_next(shop, int(given["status"]), int(given.get("times", 1)))
        except (KeyError, TypeError, ValueError):
            raise web.HTTPBadRequest(text="a status is wanted here") from None
        return web.json_response({}, status=201)

    async def post_bulk(self, request: web.Request) -> web.Response:
        shop = await self._shop(request)
        given = {name: one for name, one in (await json_object(request)).items() if name != "shop"}
        bulk = self._shopify.bulk
        if given.pop("finish", False):
            bulk.finish(shop)
        elif given.pop("expire", False):
            bulk.expire(shop)
        elif "enabled" in given:
            bulk.enabled = bool(given.pop("enabled"))
        else:
            try:
                bulk.next[shop].append(Outcome(**given))
            except TypeError as error:
                raise web.HTTPBadRequest(text=f"not an outcome: {error}") from None
        return web.json_response({}, status=201)

    async def _shop(self, request: web.Request) -> str:
        given = await json_object(request)
        try:
            return self._shopify.store.state.shops[shop_host(given.get("shop"))].host
        except (InvalidShop, KeyError):
            raise web.HTTPBadRequest(text="no such shop") from None


def _content(given: dict[str, Any]) -> bytes | dict[str, Any]:
    """The payload, or the exact bytes in base64 under `body`."""
    if "body" in given:
        return base64.b64decode(given.pop("body"), validate=True)
    payload = given.pop("payload")
    if not isinstance(payload, dict):
        raise TypeError("payload is not an object")
    return payload
