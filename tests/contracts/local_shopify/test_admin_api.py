"""The Admin API with its costs, limits and faults, and this app's client on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from cplus.deadline import Deadline
from cplus.errors import (
    AccessDenied,
    AddressRefused,
    AuthFailed,
    InvalidInput,
    ShopifyError,
    ShopifyRefused,
    ShopifyUnavailable,
    Throttled,
)
from cplus.local.shopify import LocalCustomer, LocalShopify
from cplus.shopify import (
    AdminClient,
    App,
    customers_page,
    refresh,
    shop_info,
)
from cplus.shopify.admin import forbidden
from cplus.shopify.budget import Budget
from tests.contracts.local_shopify.world import SECRET, SHOP, admin, customer, install, local_shop


async def _import(client: AdminClient, deadline: Deadline | None, **given: int) -> list[int]:
    found: list[int] = []
    after, last = None, 0
    while True:
        page = await customers_page(client, 250, after, last=last, deadline=deadline, **given)
        found += [customer.id for customer in page.customers]
        after, last = page.end_cursor, page.last
        if not page.has_next:
            return found


async def test_a_thousand_customers_come_through_a_small_budget(
    http: httpx.AsyncClient, tmp_path: Path
) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    # Only the waits restore points: however slow the machine is, it asks for more than there are.
    shopify = LocalShopify(
        client_id="the-app",
        client_secret=SECRET,
        app_url="http://127.0.0.1:9",
        directory=tmp_path,
        monotonic=lambda: sum(waits),
    )
    shopify.add_shop(local_shop(SHOP, 1000, maximum_available=1000, restore_rate=1500))
    await shopify.start()
    app = App(
        client_id="the-app",
        client_secret=SECRET,
        scopes="read_customers,read_orders",
        origin=shopify.origin,
    )
    tokens = await install(http, shopify, app)

    client = replace(
        admin(http, shopify, tokens.access_token), sleep=sleep, budget=Budget(lambda: sum(waits))
    )
    found = await _import(client, Deadline.within(60))
    assert found == list(range(1000, 2000))
    await shopify.stop()
    assert waits
    assert max(waits) < 1


async def test_a_customer_arrives_with_everything_that_was_asked_for(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    person = customer(1).model_copy(
        update={"note": "a\0b", "sms_marketing": "SUBSCRIBED", "email_marketing": "PENDING"}
    )
    shop = local_shop(SHOP)
    shop.customers = [person, LocalCustomer(id=5)]
    shopify.add_shop(shop)
    tokens = await install(http, shopify, app)
    page = await customers_page(admin(http, shopify, tokens.access_token), 10, None)
    bare, full = page.customers
    assert (bare.id, bare.email, bare.phone, bare.last_order) == (5, None, None, None)
    assert full.email is not None
    assert (full.email.address, full.email.marketing_state) == ("person1@example.com", "PENDING")
    assert full.phone is not None
    assert full.phone.consent is not None
    assert full.phone.consent.state == "SUBSCRIBED"
    assert full.note == "ab"
    assert full.spent is not None
    assert (full.spent.amount, full.spent.currency) == ("1.50", "USD")
    assert not page.has_next


async def test_paging_goes_on_where_shopify_would_end_it(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    shopify.add_shop(local_shop(SHOP, 700, restore_rate=100_000))
    shopify.pagination_limit = 400
    tokens = await install(http, shopify, app)
    client = admin(http, shopify, tokens.access_token)
    with pytest.raises(ShopifyRefused):
        await _import(client, None)
    assert await _import(client, None, window=200) == list(range(1000, 1700))


async def test_a_page_without_customers_or_cursor_is_not_the_end(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    shopify.add_shop(local_shop(SHOP, 600, restore_rate=100_000))
    tokens = await install(http, shopify, app)
    client, pages = admin(http, shopify, tokens.access_token), 0

    def odd(answer: dict[str, Any]) -> dict[str, Any]:
        nonlocal pages
        pages += 1
        customers = answer["data"]["customers"]
        more = {"hasNextPage": True, "endCursor": customers["pageInfo"]["endCursor"]}
        if pages == 2:
            customers |= {"nodes": [], "pageInfo": more}
        if pages == 4:
            customers["pageInfo"] = {**more, "endCursor": None}
        return answer

    shopify.changed[SHOP] = odd
    assert await _import(client, None) == list(range(1000, 1600))
    assert pages > 4


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda page: {**page, "nodes": []}, id="no customers"),
        pytest.param(
            lambda page: {"nodes": [], "pageInfo": {**page["pageInfo"], "endCursor": None}},
            id="neither customers nor cursor",
        ),
        pytest.param(lambda page: {**page, "pageInfo": {"hasNextPage": None}}, id="no answer"),
    ],
)
async def test_customers_that_never_come_are_worth_another_try(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App, change: Callable[[Any], Any]
) -> None:
    shopify.add_shop(local_shop(SHOP, 600, restore_rate=100_000))
    tokens = await install(http, shopify, app)
    client = admin(http, shopify, tokens.access_token)
    pages = 0

    def odd(answer: dict[str, Any]) -> dict[str, Any]:
        nonlocal pages
        pages += 1
        customers = answer["data"]["customers"]
        return {"data": {"customers": change(customers) if pages > 1 else customers}}

    shopify.changed[SHOP] = odd
    with pytest.raises(ShopifyUnavailable):
        await _import(client, None)
    assert pages <= 3


async def test_a_list_that_goes_round_is_given_up_and_said_to(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    shopify.add_shop(local_shop(SHOP, 600, restore_rate=100_000))
    tokens = await install(http, shopify, app)
    client = admin(http, shopify, tokens.access_token)
    kept: list[dict[str, Any]] = []

    def same(answer: dict[str, Any]) -> dict[str, Any]:
        kept.append(answer)
        page = kept[0]["data"]["customers"]
        other = {**page["pageInfo"], "endCursor": f"cursor{len(kept)}"}
        return {"data": {"customers": {**page, "pageInfo": other}}}

    shopify.changed[SHOP] = same
    with pytest.raises(ShopifyUnavailable, match="no further"):
        await _import(client, None)
    assert len(kept) == 2


@pytest.mark.parametrize(
    "nodes",
    [
        pytest.param([{}], id="unreadable"),
        pytest.param([{}, {}] * 75, id="a full page"),
        pytest.param([], id="every other page empty"),
    ],
)
async def test_cursors_that_go_round_without_a_readable_customer_are_given_up(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App, nodes: list[dict[str, Any]]
) -> None:
    shopify.add_shop(local_shop(SHOP, 1, restore_rate=100_000))
    tokens = await install(http, shopify, app)
    client = admin(http, shopify, tokens.access_token)
    pages = 0

    def round_and_round(_: dict[str, Any]) -> dict[str, Any]:
        nonlocal pages
        pages += 1
        some = nodes if pages % 2 else [{}]
        some = some if pages > 1 else [{"legacyResourceId": "5"}]
        info = {"hasNextPage": True, "endCursor": "ab"[pages % 2]}
        return {"data": {"customers": {"nodes": some, "pageInfo": info}}}

    shopify.changed[SHOP] = round_and_round

    async def follow() -> None:
        after, last = None, 0
        while pages < 500:
            page = await customers_page(client, 150, after, last=last)
            after, last = page.end_cursor, page.last

    with pytest.raises(ShopifyUnavailable, match="no further"):
        await follow()


async def test_a_cursor_of_an_older_release_is_read(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    shopify.add_shop(local_shop(SHOP, 5))
    tokens = await install(http, shopify, app)
    client = admin(http, shopify, tokens.access_token)
    page = await customers_page(client, 2, None)
    assert page.end_cursor is not None
    floor, count, cursor = page.end_cursor.split(".")  # as every release reads it
    following = await customers_page(client, 2, page.end_cursor, last=page.last)
    # As some commits have it, with the largest id in the cursor.
    told = await customers_page(client, 2, f"{floor}.{count}.{page.last}.{cursor}")
    assert told == following


async def test_a_cursor_that_is_not_ours_is_refused(
    http: httpx.AsyncClient, shopify: LocalShopify
) -> None:
    with pytest.raises(InvalidInput):
        await customers_page(admin(http, shopify, "token"), 10, "nonsense")


async def test_a_spent_budget_is_not_waited_for_beyond_the_deadline(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    shopify.add_shop(local_shop(SHOP, 600, maximum_available=1000, restore_rate=10))
    tokens = await install(http, shopify, app)
    client = admin(http, shopify, tokens.access_token)
    page = await customers_page(client, 150, None)
    for deadline in (None, Deadline.within(1)):
        with pytest.raises(Throttled) as throttled:
            await customers_page(client, 150, page.end_cursor, deadline=deadline)
        assert 10 < throttled.value.retry_after < 90


async def test_a_query_over_the_limit_is_asked_for_in_smaller_pages(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    shopify.add_shop(local_shop(SHOP, 300))
    tokens = await install(http, shopify, app)
    client = admin(http, shopify, tokens.access_token)
    data = {"query": "{ customers(first: 250) { nodes { amountSpent { amount } lastOrder { name }"}
    data["query"] += " defaultEmailAddress { validFormat } } } }"
    url = f"{shopify.url}/{SHOP}/admin/api/2026-10/graphql.json"
    headers = {"X-Shopify-Access-Token": tokens.access_token}
    answer = (await http.post(url, json=data, headers=headers)).json()
    assert answer["errors"][0]["extensions"] == {
        "code": "MAX_COST_EXCEEDED",
        "cost": 1002,
        "maxCost": 1000,
    }
    page = await customers_page(client, 250, None, most=250)
    assert len(page.customers) == 125


async def test_a_missing_scope_and_a_void_token_need_a_new_install(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    tokens = await install(http, shopify, replace(app, scopes="read_orders"))
    with pytest.raises(AuthFailed, match="scope"):
        await customers_page(admin(http, shopify, tokens.access_token), 10, None)
    with pytest.raises(AuthFailed, match="401"):
        await shop_info(admin(http, shopify, "shpat_unknown"))
    shopify.uninstall(SHOP)
    with pytest.raises(AuthFailed, match="401"):
        await shop_info(admin(http, shopify, tokens.access_token))


async def test_an_address_that_is_not_allowed_is_told_apart_from_a_token_and_a_scope(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    tokens = await install(http, shopify, app)
    client = admin(http, shopify, tokens.access_token)
    shopify.fail_next(SHOP, 403, 2)
    with capture_logs() as said, pytest.raises(AddressRefused, match="IP allowlist"):
        await shop_info(client)
    # An alarm of serverless.yml counts it.
    assert said == [{"event": "shopify_address_refused", "shop": SHOP, "log_level": "error"}]
    with pytest.raises(AddressRefused):
        await refresh(http, app, SHOP, str(tokens.refresh_token))
    assert (await shop_info(client)).name


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"errors": "[API] Non-expiring access tokens are no longer accepted."}, AuthFailed),
        ({"errors": "[API] This action requires merchant approval for the scope."}, AccessDenied),
        ({"errors": [{"message": "no", "extensions": {"code": "ACCESS_DENIED"}}]}, AccessDenied),
        ({"errors": "Forbidden"}, AddressRefused),
        ({}, AddressRefused),
        ("<html>", AddressRefused),
    ],
)
def test_what_403_means_is_what_it_says_and_otherwise_the_address(
    answer: Any, error: type[ShopifyError]
) -> None:
    told = forbidden(SHOP, json.dumps(answer).encode())
    assert type(told) is error


@pytest.mark.parametrize("status", [402, 408, 423, 430, 500, 502, 503, 302])
async def test_what_is_not_our_fault_is_worth_another_try(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App, status: int
) -> None:
    tokens = await install(http, shopify, app)
    shopify.fail_next(SHOP, status)
    with pytest.raises(ShopifyUnavailable, match=str(status)):
        await shop_info(admin(http, shopify, tokens.access_token))
    shopify.fail_next(SHOP, status)
    with pytest.raises(ShopifyUnavailable, match=str(status)):
        await refresh(http, app, SHOP, str(tokens.refresh_token))
    await shop_info(admin(http, shopify, tokens.access_token))


async def test_a_shop_that_cannot_be_reached_is_unavailable(http: httpx.AsyncClient) -> None:
    client = AdminClient(http, "http://127.0.0.1:9/{shop}", "2026-10", SHOP, "token")
    with pytest.raises(ShopifyUnavailable, match="ConnectError"):
        await shop_info(client)


async def test_a_throttled_answer_without_a_body_is_waited_for_as_it_says(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    tokens = await install(http, shopify, app)
    shopify.fail_next(SHOP, 429)
    with pytest.raises(Throttled) as throttled:
        await shop_info(admin(http, shopify, tokens.access_token))
    assert throttled.value.retry_after == 1.0
