"""Webhooks as Shopify delivers them, and the ways in by which a program drives it."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import httpx
import pytest
from aiohttp import web

from cplus.local.shopify import LocalShopify
from cplus.local.shopify.admin_api.bulk import FINISHED, Outcome
from cplus.shopify import (
    App,
    bulk,
    verify_webhook,
)
from cplus.shopify.queries import customer_exists
from cplus.shopify.webhooks import BulkOperationFinished, parse
from tests.contracts.local_shopify.world import SECRET, SHOP, admin, install, local_shop
from tests.shopify_samples import SAMPLES


class _App:
    """Takes webhooks; answers with the statuses it was given, then with 200. None: hangs up."""

    def __init__(self, answers: list[int | None]) -> None:
        self.answers = answers
        self.seen: list[tuple[dict[str, str], bytes]] = []

    async def take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append((headers, await request.read()))
        status = self.answers.pop(0) if self.answers else 200
        if status is None:
            assert request.transport is not None
            request.transport.close()
        return web.Response(status=status or 500)


@pytest.fixture
def answers() -> list[int | None]:
    return []


@pytest.fixture
async def receiver(shopify: LocalShopify, answers: list[int | None]) -> AsyncIterator[_App]:
    taking = _App(answers)
    app = web.Application()
    app.router.add_post("/webhooks/shopify", taking.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    shopify.app_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield taking
    await shopify.courier.stop()
    await runner.cleanup()


async def _control(http: httpx.AsyncClient, shopify: LocalShopify, **given: Any) -> dict[str, Any]:
    answer = await http.post(f"{shopify.url}/_control/webhooks", json={**given, "wait": True})
    assert answer.status_code == 200
    return dict(answer.json())


async def test_a_webhook_is_delivered_with_shopifys_headers(
    http: httpx.AsyncClient, shopify: LocalShopify, receiver: _App
) -> None:
    payload = {"id": 7, "email": "mira@example.com"}
    told = await _control(http, shopify, topic="customers/update", shop=SHOP, payload=payload)
    assert told["delivered"]
    [(headers, body)] = receiver.seen
    assert json.loads(body) == payload
    verify_webhook(body, headers["x-shopify-hmac-sha256"], [SECRET])
    assert headers["x-shopify-topic"] == "customers/update"
    assert headers["x-shopify-shop-domain"] == SHOP
    assert headers["x-shopify-api-version"] == "2026-10"
    assert headers["x-shopify-webhook-id"] == told["webhook_id"]
    assert headers["x-shopify-event-id"] == told["event_id"]
    assert datetime.fromisoformat(headers["x-shopify-triggered-at"]).tzinfo is not None
    assert headers["x-request-id"] == f"{told['webhook_id']}-1"


async def test_a_broken_delivery_is_repeated_and_a_planned_one_is_the_next_attempt(
    http: httpx.AsyncClient, shopify: LocalShopify, receiver: _App, answers: list[int | None]
) -> None:
    answers += [None, 503, 500]
    exact = b'{"id": 7,  "note": "\xc3\xa9"}'
    told = await _control(
        http,
        shopify,
        topic="customers/update",
        shop=SHOP,
        body=base64.b64encode(exact).decode(),
        webhook_id="w1",
    )
    assert [one["status"] for one in told["tries"]] == [None, 503, 500, 200]
    again = await _control(http, shopify, redeliver="w1")
    assert again["attempt"] == 2
    ids = [headers["x-request-id"] for headers, _ in receiver.seen]
    assert ids == ["w1-1"] * 4 + ["w1-2"]
    assert {body for _, body in receiver.seen} == {exact}
    assert {headers["x-shopify-webhook-id"] for headers, _ in receiver.seen} == {"w1"}


async def test_a_delivery_is_given_up_after_eight_retries(
    http: httpx.AsyncClient, shopify: LocalShopify, receiver: _App, answers: list[int | None]
) -> None:
    answers += [503] * 20
    told = await _control(http, shopify, topic="shop/update", shop=SHOP, payload={"id": 1})
    assert not told["delivered"]
    assert len(told["tries"]) == len(receiver.seen) == 9


async def test_uninstalling_voids_the_tokens_and_tells_the_app(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App, receiver: _App
) -> None:
    await install(http, shopify, app)
    answer = await http.post(f"{shopify.url}/_control/uninstall", json={"shop": SHOP})
    assert answer.status_code == 202
    await shopify.courier.idle()
    [(headers, body)] = receiver.seen
    assert headers["x-shopify-topic"] == "app/uninstalled"
    assert json.loads(body)["myshopify_domain"] is None
    listed = (await http.get(f"{shopify.url}/_control/shops")).json()
    assert [shop["installed"] for shop in listed] == [False, False]


async def test_uninstalling_ends_what_the_shop_pays_and_tells_the_app(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App, receiver: _App
) -> None:
    await install(http, shopify, app)
    states = [("1", "ACTIVE", 2), ("1", "PENDING", 1), ("2", "CANCELLED", 1)]
    for number, status, second in states:  # in any order
        one = {"admin_graphql_api_id": f"gid://shopify/AppSubscription/{number}", "name": "Basic"}
        more = {"status": status, "updated_at": f"2026-01-02T12:00:0{second}Z"}
        told = {"app_subscription": {**one, **more}}
        await _control(http, shopify, topic="app_subscriptions/update", shop=SHOP, payload=told)
    seen = len(receiver.seen)
    await http.post(f"{shopify.url}/_control/uninstall", json={"shop": SHOP})
    await shopify.courier.idle()
    told_then = {
        headers["x-shopify-topic"]: json.loads(body) for headers, body in receiver.seen[seen:]
    }
    assert set(told_then) == {"app_subscriptions/update", "app/uninstalled"}
    ended = told_then["app_subscriptions/update"]["app_subscription"]
    assert ended["admin_graphql_api_id"] == "gid://shopify/AppSubscription/1"
    assert ended["status"] == "CANCELLED"
    assert ended["updated_at"] > "2026-01-02T12:00:02Z"


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("customers/create", {"id": 7}),
        ("customers_email_marketing_consent/update", {"customer_id": 7}),
        ("customers/merge", {"admin_graphql_api_customer_kept_id": "gid://shopify/Customer/7"}),
        ("orders/create", {"id": 1, "customer": {"id": 7}}),
    ],
)
async def test_a_customer_of_whom_a_webhook_tells_exists_until_one_says_otherwise(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App, topic: str, payload: dict[str, Any]
) -> None:
    tokens = await install(http, shopify, app)
    client = admin(http, shopify, tokens.access_token)
    assert not await customer_exists(client, 7)
    shopify.send_webhook(topic, SHOP, payload)
    assert await customer_exists(client, 7)
    # Described again, the shop loses nobody.
    again = local_shop(SHOP, 2).model_dump()
    assert (await http.post(f"{shopify.url}/_control/shops", json=again)).status_code == 201
    assert await customer_exists(client, 7)
    shopify.send_webhook("customers/delete", SHOP, {"id": 7})
    assert not await customer_exists(client, 7)


async def test_shops_are_described_by_program(
    http: httpx.AsyncClient, shopify: LocalShopify
) -> None:
    url = f"{shopify.url}/_control/shops"
    described = local_shop("new-one.myshopify.com", 3).model_dump()
    assert (await http.post(url, json=described)).status_code == 201
    assert [shop["customers"] for shop in (await http.get(url)).json()] == [0, 0, 3]
    wrongs: list[Any] = [{"host": "evil.example"}, {**described, "colour": "blue"}, []]
    for wrong in wrongs:
        assert (await http.post(url, json=wrong)).status_code == 400
    for path in ("webhooks", "uninstall", "session_token", "faults"):
        answer = await http.post(f"{shopify.url}/_control/{path}", json={"shop": "evil.example"})
        assert answer.status_code == 400


async def test_a_bulk_operation_is_cancelled_while_it_runs_and_not_after(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    tokens = await install(http, shopify, app)
    client = admin(http, shopify, tokens.access_token)
    shopify.bulk.next[SHOP] = [Outcome(held=True, told=False)]
    gid = await bulk.start(client, bulk.customers_query(0))
    assert await bulk.cancel(client, gid)
    await shopify.bulk.idle()
    found = await bulk.operation(client, gid)
    assert found is not None
    assert (found.status, found.url) == ("CANCELED", None)
    assert not await bulk.cancel(client, gid)
    assert not await bulk.cancel(client, "gid://shopify/BulkOperation/99")


@pytest.mark.parametrize(
    ("outcome", "status", "error"),
    [
        (Outcome(), "completed", None),
        (Outcome("FAILED", "TIMEOUT", 0), "failed", "timeout"),
        (Outcome("CANCELED"), "canceled", None),
    ],
)
async def test_the_end_of_a_bulk_operation_is_told_as_shopify_documents_it(
    http: httpx.AsyncClient,
    shopify: LocalShopify,
    app: App,
    receiver: _App,
    outcome: Outcome,
    status: str,
    error: str | None,
) -> None:
    shopify.bulk.next[SHOP] = [outcome]
    token = (await install(http, shopify, app)).access_token
    client = admin(http, shopify, token)
    gid = await bulk.start(client, bulk.customers_query(0))
    await shopify.bulk.idle()
    await shopify.courier.idle()
    [(headers, body)] = [one for one in receiver.seen if one[0]["x-shopify-topic"] == FINISHED]
    verify_webhook(body, headers["x-shopify-hmac-sha256"], [SECRET])
    assert headers["x-shopify-shop-domain"] == SHOP
    assert headers["x-shopify-api-version"] == "2026-10"
    assert headers["content-type"].startswith("application/json")
    for name in ("webhook-id", "event-id"):
        assert headers[f"x-shopify-{name}"]
    assert datetime.fromisoformat(headers["x-shopify-triggered-at"]).tzinfo is not None
    sent = json.loads(body)
    assert sent.keys() == SAMPLES[FINISHED].keys(), "no address of the file is in it"
    assert (sent["status"], sent["error_code"], sent["type"]) == (status, error, "query")
    told = parse(FINISHED, body)
    assert isinstance(told, BulkOperationFinished)
    assert f"gid://shopify/BulkOperation/{told.id}" == gid
    assert (told.status, told.error_code) == (status, error)
    found = await bulk.operation(client, gid)
    assert found is not None
    assert found.status == status.upper(), "what it tells is what one can ask for"
    assert told.completed_at is not None
