"""The App Events API's addresses: a token for an hour, and an event a request."""

from __future__ import annotations

import json
import secrets
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Protocol

import jwt
from aiohttp import web

from cplus.keys import derived_key
from cplus.local.shopify.admin.registered import Registered
from cplus.local.shopify.billing import app_events
from cplus.local.shopify.billing.app_events import AppEvent, EventLog
from cplus.local.shopify.billing.contracts import Pricing, moment
from cplus.local.shopify.grants import Grants
from cplus.local.shopify.state import LocalShop, Store

A_SECOND: Final = 500
"""App events that are taken in a second."""
_TOKEN_SECONDS: Final = 3599
_VERSIONS: Final = frozenset({"2026-10", "unstable"})


class Paid(Protocol):
    """What it asks of the local Shopify."""

    store: Store
    grants: Grants
    registered: Registered

    @property
    def admin_url(self) -> str: ...  # noqa: D102
    def send_webhook(self, topic: str, shop: str, content: dict[str, Any]) -> object: ...  # noqa: D102


class AppEvents:
    """Takes the app's events; `counted` hears of each, after which a cap may be near."""

    def __init__(self, shopify: Paid, log: EventLog, counted: Callable[[LocalShop], None]) -> None:
        self._shopify = shopify
        self.log = log
        self._counted = counted
        self.a_second = A_SECOND
        self._times: deque[float] = deque()
        self._faults: list[tuple[int, bool]] = []

    def routes(self) -> list[web.RouteDef]:
        """Those of the API, and those by which programs look at it and have it fail."""
        return [
            web.post("/auth/access_token", self._token),
            web.post("/app/{version}/events", self._event),
            web.get("/_control/app_events", self._told),
            web.post("/_control/app_events", self._fault),
        ]

    @property
    def _pricing(self) -> Pricing:
        return self._shopify.store.state.pricing

    def _now(self) -> datetime:
        return moment(self._shopify.grants.now())

    def _key(self) -> bytes:
        return derived_key(self._shopify.grants.client_secret, "app-events")

    async def _token(self, request: web.Request) -> web.Response:
        given, grants = await json_of(request), self._shopify.grants
        _with_agent(request)
        known = (given.get("client_id"), given.get("client_secret"))
        if known != (grants.client_id, grants.client_secret):
            return web.json_response({"error": "invalid_client"}, status=401)
        if given.get("grant_type") != "client_credentials":
            return web.json_response({"error": "unsupported_grant_type"}, status=400)
        claims = {"sub": grants.client_id, "exp": int(grants.now()) + _TOKEN_SECONDS}
        claims["jti"] = secrets.token_hex(8)
        token = jwt.encode(claims, self._key(), algorithm="HS256")
        scope = "write_global_api_app_events"
        told = {"access_token": token, "scope": scope, "expires_in": _TOKEN_SECONDS}
        return web.json_response(told)

    async def _event(self, request: web.Request) -> web.Response:
        _with_agent(request)
        if request.match_info["version"] not in _VERSIONS:
            raise web.HTTPNotFound(text="There is no such version.")
        if not self._authorised(request):
            return web.json_response({"success": False, "error": "Unauthorized"}, status=401)
        if self._too_many():
            return web.json_response({"success": False, "error": "Rate limit exceeded"}, status=429)
        status, taken = self._faults.pop(0) if self._faults else (0, True)
        if not taken:
            return web.json_response({"success": False, "error": "asked to fail"}, status=status)
        try:
            given = json.loads(await request.read())
        except (ValueError, RecursionError):
            given = None
        if errors := self._take(given):
            return web.json_response(app_events.refusal(errors), status=422)
        if status:  # taken, and the app does not learn of it
            return web.json_response({"success": False, "error": "asked to fail"}, status=status)
        return web.json_response({"success": True}, status=202)

    def _take(self, given: object) -> app_events.Refusals:
        """Takes the event, or says why it is refused."""
        now = self._now()
        if not isinstance(given, dict):
            return [{"field": None, "code": "invalid_type", "message": "one event is wanted"}]
        if errors := app_events.faults(given, now):
            return errors
        number = app_events.shop_number(given["shop_id"])
        state = self._shopify.store.state
        shop = next((one for one in state.shops.values() if one.id == number), None)
        if shop is None or not {shop.host} & {*state.installs, *self._pricing.contracts}:
            return app_events.not_installed()
        if self.log.seen(given["idempotency_key"], now):
            return []
        at = app_events.moment_of(given["timestamp"])
        assert at is not None  # noqa: S101  checked above
        event = AppEvent(
            shop=shop.host,
            handle=given["event_handle"],
            at=at,
            key=given["idempotency_key"],
            attributes=given["attributes"],
            received_at=now,
        )
        if event.handle in self._pricing.meters():
            event.details = self._why_not(event, now)
            if event.details:
                event.result = "RESULT_STATUS_FAILURE"
            else:
                event.value = app_events.billed(event.attributes)
        self.log.add(event)
        self._counted(shop)
        return []

    def _why_not(self, event: AppEvent, now: datetime) -> str:
        """Why an event of a meter is not billed; "" if it is."""
        contract = self._pricing.current(event.shop, now) or self._pricing.contracts.get(event.shop)
        if contract is None or (contract.ended_at and now - contract.ended_at >= app_events.WINDOW):
            return "The shop has no active subscription."
        plan = self._pricing.plan(contract.plan)
        if event.handle not in {meter.handle for meter in plan.meters}:
            return "The shop's plan has no such meter."
        if app_events.billed(event.attributes) is None:
            return "The value must be greater than 0."
        since = contract.began_at if contract.in_trial(now) else contract.cycle_at
        until = contract.ended_at or contract.end(plan)
        if not since <= event.at < until:
            return f"The timestamp must be between {since.isoformat()} and {until.isoformat()}."
        return ""

    def _authorised(self, request: web.Request) -> bool:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            claims = jwt.decode(
                token, self._key(), algorithms=["HS256"], options={"verify_exp": False}
            )
        except jwt.PyJWTError:
            return False
        return kind == "Bearer" and claims["exp"] > self._shopify.grants.now()

    def _too_many(self) -> bool:
        now = time.monotonic()
        while self._times and self._times[0] <= now - 1:
            self._times.popleft()
        if len(self._times) >= self.a_second:
            return True
        self._times.append(now)
        return False

    async def _told(self, request: web.Request) -> web.Response:
        """What was taken, as the logs of Shopify's Dev Dashboard would show it."""
        shop = request.query.get("shop")
        found = [one for one in self.log.events if shop is None or one.shop == shop]
        return web.json_response([one.model_dump(mode="json") for one in found])

    async def _fault(self, request: web.Request) -> web.Response:
        """The next events get this status: before they are taken, or with `taken` after it."""
        given = await json_of(request)
        try:
            status, times = int(given["status"]), int(given.get("times", 1))
        except (KeyError, TypeError, ValueError):
            raise web.HTTPBadRequest(text="a status is wanted here") from None
        self._faults += [(status, bool(given.get("taken", False)))] * times
        return web.json_response({}, status=201)


async def json_of(request: web.Request) -> dict[str, Any]:
    """The JSON object in the body; raises HTTPBadRequest for anything else."""
    try:
        given = json.loads(await request.read())
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise web.HTTPBadRequest(text="a JSON object is wanted here")
    return given


def _with_agent(request: web.Request) -> None:
    if not request.headers.get("User-Agent"):
        raise web.HTTPForbidden(text="You do not have permission to access this website")
