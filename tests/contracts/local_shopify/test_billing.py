"""App Pricing, App Events and the Partner API as Shopify documents them, by plain HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import graphql
import httpx
import pytest

from cplus.local.shopify import LocalShopify
from cplus.local.shopify.billing import partner
from cplus.local.shopify.billing.contracts import Meter, Tier
from cplus.local.shopify.subset import real_schema, subset
from cplus.shopify.webhooks import AppSubscriptionUpdated, CapApproached, parse
from tests.contracts.local_shopify.world import OTHER, SECRET, SHOP

DATA = Path(__file__).parents[3] / "node_modules/@shopify/dev-mcp/dist/data"
METER = "conversations"
TIERS = [{"up_to": 100, "amount_per_unit": "0"}, {"amount_per_unit": "0.10"}]
METERS = [{"handle": METER, "description": "Conversations", "tiers": TIERS}]
PLANS: list[dict[str, Any]] = [
    {"handle": "free", "name": "Free"},
    {"handle": "pro", "name": "Pro", "amount": "20", "meters": METERS, "capped_amount": "10"},
    {"handle": "year", "amount": "200", "interval": "ANNUAL", "meters": METERS},
    {"handle": "tried", "amount": "30", "trial_days": 14, "meters": METERS},
]
CHOICE = "/store/blue-jam/charges/conversations-plus/pricing_plans"
BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


class World:
    """The app at a Shopify whose clock stands still."""

    def __init__(self, http: httpx.AsyncClient, shopify: LocalShopify) -> None:
        self.http, self.shopify = http, shopify
        self.now = BEGAN
        shopify.grants.now = self.clock
        self.sent = 0
        self.token = ""

    def clock(self) -> float:
        return self.now.timestamp()

    async def declare(self, plans: list[dict[str, Any]] = PLANS) -> httpx.Response:
        return await self.http.post(f"{self.shopify.url}/_control/pricing", json={"plans": plans})

    async def sign_in(self, **wrong: str) -> httpx.Response:
        asked = {"client_id": "the-app", "client_secret": SECRET}
        asked = {**asked, "grant_type": "client_credentials", **wrong}
        answer = await self.http.post(f"{self.shopify.url}/auth/access_token", json=asked)
        self.token = answer.json().get("access_token", "")
        return answer

    def event(self, **given: Any) -> dict[str, Any]:
        self.sent += 1
        shop = self.shopify.store.state.shops[SHOP]
        told = {"shop_id": f"gid://shopify/Shop/{shop.id}", "event_handle": METER}
        at, key = self.now.isoformat(), f"key-{self.sent}"
        return {
            **told,
            "timestamp": at,
            "idempotency_key": key,
            "attributes": {"value": 1},
            **given,
        }

    async def send(self, body: object = None, *, version: str = "2026-10") -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token or 'none'}"}
        address = f"{self.shopify.url}/app/{version}/events"
        sent = self.event() if body is None else body
        return await self.http.post(address, json=sent, headers=headers)

    async def results(self) -> list[str]:
        log = await self.http.get(f"{self.shopify.url}/_control/app_events", params={"shop": SHOP})
        return [one["result"].removeprefix("RESULT_STATUS_") for one in log.json()]

    async def choose(self, plan: str) -> httpx.Response:
        return await self.http.post(self.shopify.admin_url + CHOICE, data={"plan": plan})

    async def active(self, host: str = SHOP) -> dict[str, Any] | None:
        shop = self.shopify.store.state.shops[host]
        told = (await self.http.get(f"{self.shopify.url}/_control/pricing")).json()
        asked = {"appId": told["app_id"], "shopId": f"gid://shopify/Shop/{shop.id}"}
        answer = await self.http.post(
            f"{self.shopify.url}/42/api/2026-07/graphql.json",
            json={"query": partner.ACTIVE_SUBSCRIPTION, "variables": asked},
            headers={"X-Shopify-Access-Token": told["partner_token"]},
        )
        assert "errors" not in answer.json(), answer.text
        found: dict[str, Any] | None = answer.json()["data"]["activeSubscription"]
        return found

    async def used(self) -> tuple[float, str]:
        active = await self.active()
        assert active is not None
        [metered] = [one for one in active["items"] if one["handle"] == METER]
        return metered["usage"]["quantity"], metered["usage"]["cost"]["amount"]

    def heard(self, topic: str) -> list[Any]:
        sent = [one for one in self.shopify.courier.sent() if one.topic == topic]
        return [parse(topic, one.body) for one in sent]


@pytest.fixture
async def world(http: httpx.AsyncClient, shopify: LocalShopify) -> World:
    made = World(http, shopify)
    shopify.store.state.shops[OTHER].id = 2
    shopify.grants.grant(SHOP, "read_customers")
    assert (await made.declare()).status_code == 201
    await made.sign_in()
    return made


@pytest.mark.node
def test_what_the_partner_api_serves_is_cut_from_the_real_schema() -> None:
    schema = real_schema(DATA / "partner_2026-07.json.gz")
    text = partner.ACTIVE_SUBSCRIPTION
    assert partner.SDL.read_text("utf-8") == subset(schema, [text])
    rules = [*graphql.specified_rules, graphql.NoDeprecatedCustomRule]
    assert graphql.validate(schema, graphql.parse(text), rules) == []
    served = partner.partner_schema()
    for name in ("ActiveSubscription", "SubscriptionItem", "PendingUpdate", "Usage", "PriceTier"):
        assert set(served.type_map[name].fields) == set(schema.type_map[name].fields)  # type: ignore[attr-defined]


async def test_a_token_lasts_an_hour_and_is_for_who_knows_the_secret(world: World) -> None:
    assert (await world.sign_in(client_secret="wrong")).status_code == 401
    assert (await world.send()).status_code == 401
    assert (await world.sign_in(grant_type="password")).status_code == 400
    told = (await world.sign_in()).json()
    assert (told["scope"], told["expires_in"]) == ("write_global_api_app_events", 3599)
    assert (await world.send()).status_code == 202
    world.now += timedelta(seconds=3600)
    assert (await world.send()).status_code == 401
    nameless = await world.http.post(
        f"{world.shopify.url}/app/2026-10/events", json={}, headers={"User-Agent": ""}
    )
    assert nameless.status_code == 403
    await world.sign_in()
    assert (await world.send(version="2020-01")).status_code == 404


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"shop_id": None}, "shop_id", "missing"),
    ({"shop_id": 1}, "shop_id", "invalid_type"),
    ({"shop_id": "gid://shopify/Shop/999"}, "shop_id", "not_installed"),
    ({"shop_id": "2"}, "shop_id", "not_installed"),
    ({"event_handle": ""}, "event_handle", "missing"),
    ({"timestamp": "yesterday"}, "timestamp", "invalid"),
    ({"timestamp": "2026-11-01T00:00:00"}, "timestamp", "invalid"),
    ({"timestamp": "2026-11-01T00:05:01Z"}, "timestamp", "invalid"),
    ({"idempotency_key": "k" * 65}, "idempotency_key", "invalid"),
    ({"attributes": None}, "attributes", "missing"),
    ({"attributes": [1]}, "attributes", "invalid_type"),
    ({"attributes": {str(number): 1 for number in range(16)}}, "attributes", "invalid"),
    ({"attributes": {"a b": 1}}, "attributes", "invalid"),
    ({"attributes": {"a": {"b": 1}}}, "attributes", "invalid"),
    ({"attributes": {"a": "b" * 129}}, "attributes", "invalid"),
]


@pytest.mark.parametrize(("given", "field", "code"), WRONG)
async def test_an_event_that_is_wrong_is_refused_by_its_field(
    world: World, given: dict[str, Any], field: str, code: str
) -> None:
    refused = await world.send(world.event(**given))
    assert refused.status_code == 422
    told = refused.json()
    assert (told["success"], told["error"]) == (False, "Invalid request")
    assert [(one["field"], one["code"]) for one in told["errors"]] == [(field, code)]
    assert await world.results() == []


async def test_one_event_a_request(world: World) -> None:
    refused = await world.send([world.event(), world.event()])
    assert (refused.status_code, await world.results()) == (422, [])


async def test_a_billing_event_counts_once_for_good_and_a_custom_one_for_a_day(
    world: World,
) -> None:
    await world.choose("pro")
    event, custom = world.event(), world.event(event_handle="imported", attributes={"value": 0})
    for _ in range(3):
        taken = await world.send(event)
        assert (taken.status_code, taken.json()) == (202, {"success": True})
        assert (await world.send(custom)).status_code == 202
    assert (await world.used())[0] == 1
    world.now += timedelta(hours=25)
    await world.sign_in()
    for _ in range(2):
        await world.send(event)
        await world.send(custom)
    assert (await world.used())[0] == 1
    log = await world.http.get(f"{world.shopify.url}/_control/app_events")
    assert [one["handle"] for one in log.json()] == [METER, "imported", "imported"]


@pytest.mark.parametrize("value", [0, -1, "1", True, None])
async def test_a_value_that_is_not_above_0_is_taken_and_not_billed(
    world: World, value: object
) -> None:
    await world.choose("pro")
    attributes = {} if value is None else {"value": value}
    assert (await world.send(world.event(attributes=attributes))).status_code == 202
    assert await world.results() == ["FAILURE"]
    assert await world.used() == (0, "0.00")


async def test_an_event_outside_the_cycle_or_without_a_plan_is_taken_and_not_billed(
    world: World,
) -> None:
    await world.send()
    await world.choose("free")
    await world.send()
    await world.choose("pro")
    before = (BEGAN - timedelta(seconds=1)).isoformat()
    await world.send(world.event(timestamp=before))
    await world.send()
    assert await world.results() == ["FAILURE", "FAILURE", "FAILURE", "SUCCESS"]
    world.now += timedelta(days=30)
    await world.sign_in()
    await world.send(world.event(timestamp=BEGAN.isoformat()))
    assert (await world.results())[-1] == "FAILURE"
    assert (await world.used())[0] == 0


async def test_an_upgrade_counts_at_once_and_a_downgrade_from_the_next_cycle(world: World) -> None:
    assert await world.active() is None
    assert "Choose Pro" in (await world.http.get(world.shopify.admin_url + CHOICE)).text
    await world.choose("free")
    led = await world.choose("pro")
    path = "/store/blue-jam/apps/conversations-plus/billing?plan_handle=pro"
    assert led.headers["location"] == world.shopify.admin_url + path
    await world.choose("free")
    active = await world.active()
    assert active is not None
    assert active["items"][0]["handle"] == "pro"
    assert active["pendingUpdate"]["items"][0]["handle"] == "free"
    assert active["currentBillingCycle"]["endTime"] == "2026-12-01T00:00:00.000000Z"
    world.now += timedelta(days=30)
    active = await world.active()
    assert active is not None
    assert (active["items"][0]["handle"], active["pendingUpdate"]) == ("free", None)
    told = world.heard("app_subscriptions/update")
    assert all(isinstance(one, AppSubscriptionUpdated) for one in told)
    statuses = [(one.app_subscription.plan_handle, one.app_subscription.status) for one in told]
    assert statuses == [
        ("free", "ACTIVE"),
        ("free", "CANCELLED"),
        ("pro", "ACTIVE"),
        ("pro", "ACTIVE"),
    ]
    assert (await world.choose("no-such")).status_code == 400
    assert await world.active(OTHER) is None


async def test_a_trial_bills_nothing_and_a_year_is_a_cycle(world: World) -> None:
    await world.choose("tried")
    active = await world.active()
    assert active is not None
    assert active["currentBillingCycle"] is None
    assert active["trialEndsAt"] == "2026-11-15T00:00:00.000000Z"
    await world.send()
    assert await world.used() == (0, "0.00")
    world.now += timedelta(days=14)
    await world.sign_in()
    await world.send()
    assert (await world.used())[0] == 1
    await world.choose("year")
    active = await world.active()
    assert active is not None
    assert active["billingPeriod"] == "ANNUAL"
    assert active["currentBillingCycle"]["endTime"] == "2027-11-15T00:00:00.000000Z"


async def test_the_app_is_told_once_a_cycle_that_its_cap_is_near(world: World) -> None:
    await world.choose("pro")
    for _ in range(2):
        await world.send(world.event(attributes={"value": 195}))
    assert await world.used() == (390, "29.00")
    [told] = world.heard("app_subscriptions/approaching_capped_amount")
    assert isinstance(told, CapApproached)
    assert told.app_subscription.balance_used == "9.5"


async def test_a_removal_ends_the_plan_and_leaves_a_day_for_what_was_used(world: World) -> None:
    await world.choose("pro")
    world.now += timedelta(days=1)
    await world.sign_in()
    world.shopify.uninstall(SHOP)
    assert await world.active() is None
    used = world.event(timestamp=BEGAN.isoformat())
    await world.send(used)
    await world.send()  # of after it
    world.now += timedelta(hours=24)
    await world.sign_in()
    await world.send(world.event(timestamp=BEGAN.isoformat()))
    assert await world.results() == ["SUCCESS", "FAILURE", "FAILURE"]
    assert world.heard("app_subscriptions/update")[-1].app_subscription.status == "CANCELLED"
    world.shopify.grants.grant(SHOP, "read_customers")
    assert await world.active() is None


async def test_a_cancelled_plan_ends_with_its_cycle(world: World) -> None:
    await world.choose("pro")
    await world.choose("")
    active = await world.active()
    assert active is not None
    assert active["cancelAtEndOfCycle"] is True
    ended = await world.http.post(f"{world.shopify.url}/_control/pricing", json={"shop": SHOP})
    assert ended.status_code == 201
    assert await world.active() is None
    again = await world.http.post(f"{world.shopify.url}/_control/pricing", json={"shop": SHOP})
    assert again.status_code == 400


async def test_answers_are_lost_and_refused_on_demand_and_nothing_with_a_restart(
    world: World, tmp_path: Path
) -> None:
    await world.choose("pro")
    event = world.event()
    for order in ({"status": 503}, {"status": 500, "taken": True}):
        await world.http.post(f"{world.shopify.url}/_control/app_events", json=order)
    assert [(await world.send(event)).status_code for _ in range(3)] == [503, 500, 202]
    assert (await world.used())[0] == 1
    with (tmp_path / "app_events.jsonl").open("a") as file:
        file.write('{"shop": "half a line')
    again = LocalShopify(client_id="the-app", client_secret=SECRET, directory=tmp_path)
    assert [one.key for one in again.billing.log.events] == [event["idempotency_key"]]
    assert again.store.state.pricing.contracts[SHOP].plan == "pro"
    again.billing.log.add(again.billing.log.events[0].model_copy(update={"key": "next"}))
    more = LocalShopify(client_id="the-app", client_secret=SECRET, directory=tmp_path)
    assert [one.key for one in more.billing.log.events] == [event["idempotency_key"], "next"]


async def test_more_than_500_events_a_second_are_throttled(world: World) -> None:
    world.shopify.billing.app_events.a_second = 2
    statuses = {(await world.send()).status_code for _ in range(20)}
    assert statuses == {202, 429}


@pytest.mark.parametrize(
    "plans",
    [
        [{"handle": "pro"}, {"handle": "pro"}],
        [{"handle": "free"}],
        [{"handle": "pro", "meters": [{"handle": METER, "tiers": [{"up_to": 5}]}]}],
        [{"handle": "pro", "meters": [{"handle": METER, "tiers": [{}, {}]}]}],
        [{"handle": "pro", "price": "1"}],
    ],
)
async def test_plans_that_make_no_sense_are_refused(
    world: World, plans: list[dict[str, Any]]
) -> None:
    await world.choose("pro")
    assert (await world.declare(plans)).status_code == 400
    assert len(world.shopify.store.state.pricing.plans) == len(PLANS)


@pytest.mark.parametrize(
    ("mode", "quantity", "cost"),
    [
        *[("GRADUATED", 0, "0"), ("GRADUATED", 10, "15"), ("GRADUATED", 11, "25.5")],
        *[("VOLUME", 0, "0"), ("VOLUME", 10, "15"), ("VOLUME", 11, "15.5")],
    ],
)
def test_tiers_cost_by_part_or_by_all(mode: Any, quantity: int, cost: str) -> None:
    first = Tier(up_to=10, amount=Decimal(5), amount_per_unit=Decimal(1))
    rest = Tier(amount=Decimal(10), amount_per_unit=Decimal("0.5"))
    meter = Meter(handle=METER, mode=mode, tiers=[first, rest])
    assert meter.cost(Decimal(quantity)) == Decimal(cost)
