"""The addresses of billing: the page of plans, the App Events API and the Partner API."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web
from pydantic import ValidationError

from cplus.errors import InvalidShop
from cplus.local.shopify.admin.forms import own_form
from cplus.local.shopify.admin.registered import app_address
from cplus.local.shopify.billing import partner
from cplus.local.shopify.billing.app_events import EventLog
from cplus.local.shopify.billing.contracts import Contract, Pricing, moment
from cplus.local.shopify.billing.plans_page import plans_page
from cplus.local.shopify.billing.usage import AppEvents, Paid, json_of
from cplus.local.shopify.pages import problem_page
from cplus.local.shopify.state import SUBSCRIPTIONS, LocalShop
from cplus.shopify.hosts import SUFFIX, shop_host

CAP: Final = "app_subscriptions/approaching_capped_amount"
_NEAR: Final = 90  # percent of a cap


_SET: Final = frozenset({"plans", "welcome"})


class Billing:
    """Plans, contracts and usage of every shop."""

    app_gid: str = "gid://shopify/App/1"

    def __init__(self, shopify: Paid, directory: Path | None) -> None:
        self._shopify = shopify
        self.log = EventLog(directory)
        self.app_events = AppEvents(shopify, self.log, self._tell_of_cap)

    @property
    def name(self) -> str:
        """The app's name."""
        return self._shopify.registered.name

    @property
    def partner_token(self) -> str:
        """The token of the Partner API."""
        key = f"partner {self._shopify.grants.client_secret}".encode()
        return f"prtapi_{hashlib.sha256(key).hexdigest()[:32]}"

    @property
    def pricing(self) -> Pricing:
        """The plans, and who has which."""
        return self._shopify.store.state.pricing

    def routes(self) -> list[web.RouteDef]:
        """All of them; they stand before the Admin's own, which end in any page."""
        plans = "/store/{handle}/charges/{app}/pricing_plans"
        return [
            *self.app_events.routes(),
            web.post("/{organization}/api/{version}/graphql.json", self._partner),
            web.get(plans, self._plans),
            web.post(plans, self._chosen),
            web.get("/_control/pricing", self._told),
            web.post("/_control/pricing", self._set),
        ]

    def end(self, host: str) -> None:
        """The app is removed from the shop: what it pays ends at once."""
        if contract := self.pricing.current(host, self._now()):
            contract.ended_at = self._now()

    def _now(self) -> datetime:
        return moment(self._shopify.grants.now())

    def _tell_of_cap(self, shop: LocalShop) -> None:
        now = self._now()
        contract = self.pricing.current(shop.host, now)
        if contract is None or contract.told_cap == contract.cycle_at:
            return
        plan = self.pricing.plan(contract.plan)
        if plan.capped_amount is None or contract.in_trial(now):
            return
        spent = plan.usage_cost(self.log.used(shop.host, contract.cycle_at, contract.end(plan)))
        if spent * 100 >= plan.capped_amount * _NEAR:
            contract.told_cap = contract.cycle_at
            told = {**self._subscription(shop, contract), "balance_used": float(spent)}
            told["currency_code"] = told.pop("currency")
            content = {"app_subscription": told}
            self._shopify.send_webhook(
                "app_subscriptions/approaching_capped_amount", shop.host, content
            )
            self._shopify.store.save()

    async def _partner(self, request: web.Request) -> web.Response:
        if request.match_info["version"] != partner.VERSION:
            return web.json_response({"errors": "Not Found"}, status=404)
        given = request.headers.get("X-Shopify-Access-Token", "")
        if not secrets.compare_digest(given.encode(), self.partner_token.encode()):
            return web.json_response({"errors": "Unauthorized"}, status=401)
        shops = list(self._shopify.store.state.shops.values())
        said = partner.answer(
            await json_of(request),
            app=partner.Named(self.app_gid, self._shopify.grants.client_id, self.name),
            pricing=self.pricing,
            shops=shops,
            log=self.log,
            now=self._now(),
        )
        return web.json_response(said)

    async def _plans(self, request: web.Request) -> web.Response:
        shop = self._shop(request)
        text = plans_page(
            shop, self.pricing, self.pricing.current(shop.host, self._now()), self.name
        )
        return web.Response(text=text, content_type="text/html")

    async def _chosen(self, request: web.Request) -> web.Response:
        """The merchant chooses a plan, or cancels the one they have at the end of its cycle."""
        shop = self._shop(request)
        own_form(request)
        chosen = str((await request.post()).get("plan", ""))
        before = self.pricing.current(shop.host, self._now())
        if chosen:
            try:
                contract = self.pricing.choose(shop.host, chosen, self._now())
            except KeyError:
                raise web.HTTPBadRequest(text="There is no such plan.") from None
            if before is not None and before is not contract:
                self._tell(shop, before, "CANCELLED")
            self._tell(shop, contract, "ACTIVE")
        elif before is not None:
            before.cancel_at_end, before.pending = True, None
            self._tell(shop, before, "ACTIVE")
        self._shopify.store.save()
        app = self._shopify.admin_url + app_address(shop.host, self._shopify.registered)
        query = f"?{urlencode({'plan_handle': chosen})}" if chosen else ""
        raise web.HTTPSeeOther(app + self.pricing.welcome + query)

    def _tell(self, shop: LocalShop, contract: Contract, status: str) -> None:
        told = {**self._subscription(shop, contract), "status": status}
        self._shopify.send_webhook(SUBSCRIPTIONS, shop.host, {"app_subscription": told})

    def _subscription(self, shop: LocalShop, contract: Contract) -> dict[str, Any]:
        plan, now = self.pricing.plan(contract.plan), self._now().isoformat(timespec="seconds")
        return {
            "admin_graphql_api_id": partner.legacy_id(contract),
            "admin_graphql_api_shop_id": f"gid://shopify/Shop/{shop.id}",
            "name": plan.name or plan.handle,
            "created_at": contract.began_at.isoformat(timespec="seconds"),
            "updated_at": now,
            "currency": shop.currency,
            "price": f"{plan.amount:f}",
            "capped_amount": None if plan.capped_amount is None else f"{plan.capped_amount:f}",
            "interval": plan.interval.lower(),
            "plan_handle": plan.handle,
        }

    async def _told(self, _request: web.Request) -> web.Response:
        """What there is, and the token of the Partner API, for programs."""
        told = self.pricing.model_dump(mode="json")
        partner_api = {"partner_token": self.partner_token, "app_id": self.app_gid}
        return web.json_response({**told, **partner_api})

    async def _set(self, request: web.Request) -> web.Response:
        """Declares the plans; with a `shop`, ends its cycle or its trial."""
        given = await json_of(request)
        if "shop" in given:
            await self._pass_time(given)
            return web.json_response({}, status=201)
        try:
            made = Pricing.model_validate(
                {name: given[name] for name in given if name != "contracts"}
            )
        except ValidationError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        now, known = self.pricing, {plan.handle for plan in made.plans}
        used = [one for one in now.contracts.values() if one.ended_at is None]
        if len(known) != len(made.plans) or not {one.plan for one in used} <= known:
            raise web.HTTPBadRequest(text="a plan stands twice, or one that a shop has is missing")
        made.contracts, made.made = now.contracts, now.made
        self._shopify.store.state.pricing = made
        self._shopify.store.save()
        return web.json_response({"plans": sorted(known)}, status=201)

    async def _pass_time(self, given: dict[str, Any]) -> None:
        """Ends the shop's trial or cycle now, as if its time were over."""
        try:
            shop = self._shopify.store.state.shops[shop_host(given["shop"])]
        except (InvalidShop, KeyError):
            raise web.HTTPBadRequest(text="no such shop") from None
        contract = self.pricing.current(shop.host, self._now())
        if contract is None:
            raise web.HTTPBadRequest(text="the shop has no plan")
        if contract.in_trial(self._now()):
            contract.trial_ends_at = contract.cycle_at = self._now()
        else:
            goes_on = self.pricing.renew(shop.host, self._now())
            self._tell(shop, contract, "ACTIVE" if goes_on else "CANCELLED")
        self._shopify.store.save()

    def _shop(self, request: web.Request) -> LocalShop:
        app = self._shopify.registered.handle
        try:
            shop = self._shopify.store.state.shops[shop_host(request.match_info["handle"] + SUFFIX)]
        except (InvalidShop, KeyError):
            shop = None
        installed = shop is not None and shop.host in self._shopify.store.state.installs
        if shop is None or not installed or request.match_info["app"] != app:
            raise web.HTTPNotFound(
                text=problem_page("The app is not installed in such a shop."),
                content_type="text/html",
            )
        return shop
