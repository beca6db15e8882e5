"""The client keeps to what a shop's budget allows, and waits for a Shopify that is down."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from cplus.deadline import Deadline
from cplus.errors import ShopifyRefused, ShopifyUnavailable, Throttled
from cplus.local.shopify import LocalShopify
from cplus.shopify import AdminClient, App, customers_page, shop_info
from cplus.shopify.budget import Budget
from tests.contracts.local_shopify.world import SECRET, SHOP, admin, install, local_shop


class Time:
    """A clock that only waits move."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
async def slow(clock: Time) -> AsyncIterator[LocalShopify]:
    """A Shopify whose points are restored by that clock."""
    server = LocalShopify(
        client_id="the-app",
        client_secret=SECRET,
        app_url="http://127.0.0.1:9",
        monotonic=clock,
    )
    await server.start()
    yield server
    await server.stop()


async def _client(http: httpx.AsyncClient, slow: LocalShopify, clock: Time) -> AdminClient:
    app = App("the-app", SECRET, "read_customers,read_orders", slow.origin)
    tokens = await install(http, slow, app)
    client = admin(http, slow, tokens.access_token)
    return replace(client, sleep=clock.sleep, budget=Budget(clock), tries=5)


@pytest.mark.parametrize(("maximum", "rate"), [(1000, 50), (2000, 100), (4000, 200)])
async def test_at_a_given_bucket_nine_tenths_of_its_rate_are_reached_with_no_request_throttled(
    http: httpx.AsyncClient,
    slow: LocalShopify,
    clock: Time,
    maximum: float,
    rate: float,
) -> None:
    slow.add_shop(local_shop(SHOP, 1500, maximum_available=maximum, restore_rate=rate))
    client = await _client(http, slow, clock)
    asked, throttled, spent = 0, 0, 0.0

    def count(answer: dict[str, Any]) -> dict[str, Any]:
        nonlocal asked, throttled, spent
        clock.now += 0.4  # what an answer takes
        cost = answer["extensions"]["cost"]
        asked += 1
        throttled += cost["actualQueryCost"] is None
        spent += cost["actualQueryCost"] or 0
        return answer

    slow.changed[SHOP] = count
    found, after, last = 0, None, 0
    while True:
        page = await customers_page(client, 150, after, last=last, deadline=Deadline.never())
        found, after, last = found + len(page.customers), page.end_cursor, page.last
        if not page.has_next:
            break
    assert found == 1500
    assert asked == 10
    assert throttled == 0
    # What the bucket held at first, but for the cost of the last page, and what was restored.
    assert spent >= 0.9 * (maximum - 903 + rate * clock.now)


async def test_a_query_that_is_known_not_to_fit_in_time_is_not_sent(
    http: httpx.AsyncClient, slow: LocalShopify, clock: Time
) -> None:
    slow.add_shop(local_shop(SHOP, 600, maximum_available=1000, restore_rate=10))
    client = await _client(http, slow, clock)
    page = await customers_page(client, 150, None)
    asked = 0

    def count(answer: dict[str, Any]) -> dict[str, Any]:
        nonlocal asked
        asked += 1
        return answer

    slow.changed[SHOP] = count
    with pytest.raises(Throttled) as throttled:
        await customers_page(client, 150, page.end_cursor, deadline=Deadline.within(1))
    assert 10 < throttled.value.retry_after < 90
    assert asked == 0
    clock.now += throttled.value.retry_after
    assert (await customers_page(client, 150, page.end_cursor)).customers
    assert asked == 1


async def test_a_query_that_was_not_asked_before_is_not_throttled_either(
    http: httpx.AsyncClient, slow: LocalShopify, clock: Time
) -> None:
    slow.add_shop(local_shop(SHOP, 600, maximum_available=1000, restore_rate=100))
    client = await _client(http, slow, clock)
    await customers_page(client, 150, None, deadline=Deadline.never())
    codes: list[Any] = []

    def see(answer: dict[str, Any]) -> dict[str, Any]:
        codes.extend(answer.get("errors", []))
        return answer

    slow.changed[SHOP] = see
    await customers_page(client, 149, None, deadline=Deadline.never())
    assert codes == []
    assert len(clock.waits) == 1


async def test_somebody_else_at_the_same_budget_costs_one_throttled_request(
    http: httpx.AsyncClient, slow: LocalShopify, clock: Time
) -> None:
    slow.add_shop(local_shop(SHOP, 600, maximum_available=2000, restore_rate=100))
    client = await _client(http, slow, clock)
    page = await customers_page(client, 150, None)
    slow._bucket(slow.store.state.shops[SHOP]).take(900)
    page = await customers_page(client, 150, page.end_cursor, deadline=Deadline.never())
    assert len(page.customers) == 150
    assert len(clock.waits) == 1


@pytest.mark.parametrize("status", [408, 500, 502, 503])
async def test_a_shopify_that_is_down_is_asked_again_with_growing_pauses(
    http: httpx.AsyncClient, slow: LocalShopify, clock: Time, status: int
) -> None:
    slow.add_shop(local_shop(SHOP))
    client = await _client(http, slow, clock)
    slow.fail_next(SHOP, status, 4)
    await shop_info(client, deadline=Deadline.never())
    assert len(clock.waits) == 4
    assert all(0.5 * 2**n <= wait <= 2**n for n, wait in enumerate(clock.waits))


async def test_a_shopify_that_stays_down_is_given_up_and_one_try_is_one(
    http: httpx.AsyncClient, slow: LocalShopify, clock: Time
) -> None:
    slow.add_shop(local_shop(SHOP))
    client = await _client(http, slow, clock)
    slow.fail_next(SHOP, 500, 6)
    with pytest.raises(ShopifyUnavailable, match="500"):
        await shop_info(client, deadline=Deadline.never())
    assert len(clock.waits) == 4
    with pytest.raises(ShopifyUnavailable, match="500"):
        await shop_info(replace(client, tries=1), deadline=Deadline.never())
    assert len(clock.waits) == 4
    await shop_info(client)


@pytest.mark.parametrize(
    ("status", "header", "wait"),
    [(429, "7", 7.0), (503, "9", 9.0), (429, "soon", 1.0)],
)
async def test_a_retry_after_is_kept_to(
    http: httpx.AsyncClient, clock: Time, status: int, header: str, wait: float
) -> None:
    answers = [
        httpx.Response(status, headers={"Retry-After": header}),
        httpx.Response(200, json={"data": {"ok": 1}}),
    ]
    transport = httpx.MockTransport(lambda _request: answers.pop(0))
    async with httpx.AsyncClient(transport=transport) as mocked:
        client = AdminClient(
            mocked, "https://{shop}", "2026-10", SHOP, "t", clock.sleep, Budget(clock), tries=2
        )
        assert await client.query("{ ok }", {}, deadline=Deadline.never()) == {"ok": 1}
    assert clock.waits == [wait]


async def test_a_timeout_is_asked_again(clock: Time) -> None:
    asked = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise httpx.ReadTimeout("too slow", request=request)
        return httpx.Response(200, json={"data": {"ok": 1}})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as mocked:
        client = AdminClient(
            mocked, "https://{shop}", "2026-10", SHOP, "t", clock.sleep, Budget(clock), tries=2
        )
        assert await client.query("{ ok }", {}, deadline=Deadline.never()) == {"ok": 1}
    assert asked == 2


@pytest.mark.parametrize("status", [200, 429])
async def test_a_query_that_the_bucket_never_holds_is_refused(clock: Time, status: int) -> None:
    throttle = {"maximumAvailable": 100.0, "currentlyAvailable": 100, "restoreRate": 10.0}
    cost = {"requestedQueryCost": 752, "actualQueryCost": None, "throttleStatus": throttle}
    body = {
        "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
        "extensions": {"cost": cost},
    }
    transport = httpx.MockTransport(lambda _request: httpx.Response(status, json=body))
    async with httpx.AsyncClient(transport=transport) as mocked:
        client = AdminClient(
            mocked, "https://{shop}", "2026-10", SHOP, "t", clock.sleep, Budget(clock)
        )
        with pytest.raises(ShopifyRefused, match="MAX_COST"):
            await client.query("{ ok }", {}, deadline=Deadline.never())
    assert clock.waits == []
