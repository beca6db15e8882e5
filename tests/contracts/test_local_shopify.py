"""The local Shopify keeps to what Shopify documents, and this app's client gets along with it."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import tomllib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import graphql
import httpx
import pytest
from aiohttp import web

import cplus.shopify
from cplus.errors import (
    AuthFailed,
    CredentialsUnreadable,
    InvalidInput,
    InvalidSignature,
    NotInstalled,
    ShopifyRefused,
    ShopifyUnavailable,
    Throttled,
)
from cplus.local.shopify import LocalCustomer, LocalShop, LocalShopify
from cplus.local.shopify.subset import SDL, app_documents, real_schema, subset
from cplus.mongo import Mongo, connect
from cplus.settings import Settings
from cplus.shopify import (
    PAYLOADS,
    AdminClient,
    App,
    MongoCredentials,
    Tokens,
    authorize_url,
    customers_page,
    exchange_code,
    exchange_session_token,
    refresh,
    session_token,
    shop_info,
    verify_query,
    verify_webhook,
)
from cplus.shopify.credentials import Timing

SHOP = "blue-jam.myshopify.com"
OTHER = "red-tea.myshopify.com"
SECRET = "shpss_0123456789abcdef0123456789abcdef"
REAL = Path(__file__).parents[2] / "node_modules/@shopify/dev-mcp/dist/data/admin_2026-10.json.gz"


def _customer(number: int) -> LocalCustomer:
    return LocalCustomer(
        id=1000 + number,
        first_name=f"First{number}",
        last_name="Sample",
        email=f"person{number}@example.com" if number % 3 else None,
        phone="+15550100" if number % 2 else None,
        tags=["vip"] if number % 10 == 0 else [],
        number_of_orders=number % 4,
        spent=f"{number}.50",
    )


def _shop(host: str, customers: int = 0, **given: Any) -> LocalShop:
    people = [_customer(number) for number in range(customers)]
    return LocalShop(
        host=host, name="Blue Jam", email="owner@jam.example.com", customers=people, **given
    )


@pytest.fixture
async def shopify(tmp_path: Path) -> AsyncIterator[LocalShopify]:
    server = LocalShopify(
        client_id="the-app",
        client_secret=SECRET,
        app_url="http://127.0.0.1:9",
        directory=tmp_path,
        backoff=[0.01] * 8,
    )
    server.add_shop(_shop(SHOP))
    server.add_shop(_shop(OTHER))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=10) as client:
        yield client


@pytest.fixture
def app(shopify: LocalShopify) -> App:
    return App(
        client_id="the-app",
        client_secret=SECRET,
        scopes="read_customers,read_orders",
        origin=shopify.origin,
    )


async def _consent(http: httpx.AsyncClient, shopify: LocalShopify, app: App) -> dict[str, str]:
    """Goes through the consent page as a person does; answers the redirect's query."""
    url = authorize_url(app, SHOP, f"{shopify.app_url}/auth/callback", "a-state")
    page = await http.get(url)
    assert page.status_code == 200
    assert '<button type="submit">' in page.text
    fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page.text)
    answer = await http.post(url, data={name: unescape(value) for name, value in fields})
    assert answer.status_code == 303
    target = urlsplit(answer.headers["location"])
    assert f"{target.scheme}://{target.netloc}{target.path}" == (f"{shopify.app_url}/auth/callback")
    return dict(parse_qsl(target.query, strict_parsing=True))


async def _install(http: httpx.AsyncClient, shopify: LocalShopify, app: App) -> Tokens:
    query = await _consent(http, shopify, app)
    return await exchange_code(http, app, SHOP, query["code"])


def _admin(http: httpx.AsyncClient, shopify: LocalShopify, token: str) -> AdminClient:
    return AdminClient(http, shopify.origin, "2026-10", SHOP, token)


# The schema


@pytest.fixture(scope="module")
def schema() -> graphql.GraphQLSchema:
    return real_schema(REAL)


@pytest.mark.node
def test_the_served_schema_is_cut_from_the_real_one(schema: graphql.GraphQLSchema) -> None:
    assert SDL.read_text(encoding="utf-8") == subset(schema, app_documents().values())


@pytest.mark.node
def test_everything_served_exists_in_the_real_schema_with_the_same_type(
    schema: graphql.GraphQLSchema,
) -> None:
    served = graphql.build_schema(SDL.read_text(encoding="utf-8"))
    assert served.query_type is not None
    assert schema.query_type is not None
    assert served.query_type.name == schema.query_type.name
    for name, kind in served.type_map.items():
        if name.startswith("__"):
            continue
        real = schema.type_map[name]
        assert type(real) is type(kind), name
        if isinstance(kind, graphql.GraphQLEnumType):
            assert isinstance(real, graphql.GraphQLEnumType)
            assert list(kind.values) == list(real.values)
        if isinstance(kind, graphql.GraphQLObjectType):
            assert isinstance(real, graphql.GraphQLObjectType)
            for field_name, field in kind.fields.items():
                assert str(field.type) == str(real.fields[field_name].type)
                for argument, definition in field.args.items():
                    wanted = real.fields[field_name].args[argument]
                    assert str(definition.type) == str(wanted.type)


@pytest.mark.node
@pytest.mark.parametrize("name", sorted(app_documents()))
def test_each_document_is_valid_and_uses_nothing_deprecated(
    schema: graphql.GraphQLSchema, name: str
) -> None:
    document = graphql.parse(app_documents()[name])
    rules = [*graphql.specified_rules, graphql.NoDeprecatedCustomRule]
    assert graphql.validate(schema, document, rules) == []


def test_there_is_no_graphql_outside_the_module_of_documents() -> None:
    folder = Path(cplus.shopify.__file__).parent
    for file in folder.glob("*.py"):
        if file.name != "documents.py":
            text = file.read_text(encoding="utf-8")
            assert not re.search(r"\b(query|mutation|subscription)\s+\w*\s*[({]\s*\$?\w", text)


# The app's own description


def _described() -> dict[str, Any]:
    text = (Path(__file__).parents[2] / "shopify.app.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def test_the_app_asks_for_the_same_scopes_in_its_file_and_in_its_settings() -> None:
    described = _described()
    assert described["access_scopes"]["scopes"] == Settings.model_fields["shopify_scopes"].default
    version = Settings.model_fields["shopify_api_version"].default
    assert described["webhooks"]["api_version"] == version


def test_the_app_subscribes_to_each_topic_that_it_reads_and_to_the_compliance_topics() -> None:
    subscriptions = _described()["webhooks"]["subscriptions"]
    topics = [topic for one in subscriptions for topic in one.get("topics", [])]
    compliance = [topic for one in subscriptions for topic in one.get("compliance_topics", [])]
    assert sorted(topics) == sorted(PAYLOADS)
    assert compliance == ["customers/data_request", "customers/redact", "shop/redact"]
    assert {one["uri"] for one in subscriptions} == {"/webhooks/shopify"}


@pytest.mark.node
@pytest.mark.parametrize("topic", sorted(PAYLOADS))
def test_each_topic_exists_and_its_scope_is_asked_for(
    schema: graphql.GraphQLSchema, topic: str
) -> None:
    known = schema.type_map["WebhookSubscriptionTopic"]
    assert isinstance(known, graphql.GraphQLEnumType)
    said = str(known.values[topic.upper().replace("/", "_")].description)
    wanted = set(re.findall(r"\bread_\w+", said))
    assert not wanted or wanted & set(_described()["access_scopes"]["scopes"].split(","))


# Installing


async def test_an_install_goes_through_a_page_and_brings_expiring_tokens(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    query = await _consent(http, shopify, app)
    assert query["shop"] == SHOP
    assert query["state"] == "a-state"
    verify_query(query, [SECRET], datetime.now(UTC).timestamp())
    tokens = await exchange_code(http, app, SHOP, query["code"])
    assert tokens.expires_in == 3600
    assert tokens.refresh_token_expires_in == 90 * 24 * 3600
    assert tokens.scope == app.scopes
    assert tokens.access_token not in repr(tokens)
    assert str(tokens.refresh_token) not in repr(tokens)
    info = await shop_info(_admin(http, shopify, tokens.access_token))
    assert (info.name, info.host, info.currency) == ("Blue Jam", SHOP, "USD")
    assert info.timezone == "America/New_York"
    assert info.plan.name == "Basic"


async def test_a_code_works_once_and_only_for_its_shop(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    query = await _consent(http, shopify, app)
    await exchange_code(http, app, SHOP, query["code"])
    with pytest.raises(ShopifyRefused, match="invalid_request"):
        await exchange_code(http, app, SHOP, query["code"])
    other = await _consent(http, shopify, app)
    with pytest.raises(ShopifyRefused):
        await exchange_code(http, app, OTHER, other["code"])
    with pytest.raises(ShopifyRefused, match="invalid_client"):
        await exchange_code(http, replace(app, client_secret="wrong"), SHOP, "code")


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "another"},
        {"scope": ""},
        {"state": ""},
        {"redirect_uri": "https://evil.example/auth/callback"},
        {"redirect_uri": "http://127.0.0.1:9@evil.example/"},
    ],
)
async def test_consent_is_not_asked_for_a_request_that_is_wrong(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App, change: dict[str, str]
) -> None:
    url = authorize_url(app, SHOP, f"{shopify.app_url}/auth/callback", "a-state")
    query = {**dict(parse_qsl(urlsplit(url).query)), **change}
    base = url.partition("?")[0]
    assert (await http.get(base, params=query)).status_code == 400
    assert (await http.post(base, data=query)).status_code == 400


async def test_the_home_page_lists_the_shops_with_a_way_to_install(
    http: httpx.AsyncClient, shopify: LocalShopify
) -> None:
    page = await http.get(shopify.url)
    assert f'href="/{SHOP}/install"' in page.text
    answer = await http.get(f"{shopify.url}/{SHOP}/install")
    assert answer.headers["location"] == f"{shopify.app_url}/auth/install?shop={SHOP}"
    assert (await http.get(f"{shopify.url}/no-such.myshopify.com/install")).status_code == 404
    assert (await http.get(f"{shopify.url}/evil.example/install")).status_code == 404


async def test_tokens_rotate_and_a_lost_answer_can_be_asked_for_again(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    first = await _install(http, shopify, app)
    lost = await refresh(http, app, SHOP, str(first.refresh_token))
    second = await refresh(http, app, SHOP, str(first.refresh_token))
    for old in (first, lost):
        with pytest.raises(AuthFailed):
            await shop_info(_admin(http, shopify, old.access_token))
    await shop_info(_admin(http, shopify, second.access_token))
    third = await refresh(http, app, SHOP, str(second.refresh_token))
    assert third.refresh_token != second.refresh_token
    # Its successor was used: now it is void.
    with pytest.raises(ShopifyRefused, match="invalid_grant"):
        await refresh(http, app, SHOP, str(first.refresh_token))
    await shop_info(_admin(http, shopify, third.access_token))


async def test_tokens_end_when_their_time_is_up(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    tokens = await _install(http, shopify, app)
    start = shopify.grants.now()
    shopify.grants.now = lambda: start + 3601
    with pytest.raises(AuthFailed):
        await shop_info(_admin(http, shopify, tokens.access_token))
    shopify.grants.now = lambda: start + 91 * 24 * 3600
    with pytest.raises(ShopifyRefused, match="invalid_grant"):
        await refresh(http, app, SHOP, str(tokens.refresh_token))


async def test_a_token_that_never_ends_is_not_taken(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    query = await _consent(http, shopify, app)
    body = {"client_id": "the-app", "client_secret": SECRET, "code": query["code"]}
    answer = await http.post(f"{shopify.url}/{SHOP}/admin/oauth/access_token", data=body)
    assert "expires_in" not in answer.json()
    with pytest.raises(AuthFailed, match="403"):
        await shop_info(_admin(http, shopify, answer.json()["access_token"]))


async def test_an_embedded_app_exchanges_its_session_token(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    token = shopify.grants.session_token(SHOP, user="42")
    who = session_token(app, token)
    assert (who.shop, who.user_id) == (SHOP, "42")
    tokens = await exchange_session_token(http, app, SHOP, token)
    await shop_info(_admin(http, shopify, tokens.access_token))
    with pytest.raises(ShopifyRefused, match="invalid_subject_token"):
        await exchange_session_token(http, app, OTHER, token)


async def test_only_a_session_token_of_this_app_and_one_shop_is_taken(
    shopify: LocalShopify, app: App
) -> None:
    good = shopify.grants.session_token(SHOP)
    rotated = replace(app, client_secret="shpss_" + "f" * 32, old_client_secret=SECRET)
    assert session_token(rotated, good).shop == SHOP
    body = good.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    now = shopify.grants.now()
    for change in (
        {"aud": "another-app"},
        {"iss": f"https://{OTHER}/admin"},
        {"dest": "https://evil.example"},
        {"iss": "https://evil.example/admin", "dest": "https://evil.example"},
        {"dest": f"https://{SHOP}@evil.example", "iss": f"https://{SHOP}@evil.example/admin"},
        {"exp": now - 11},
        {"nbf": now + 60},
    ):
        with pytest.raises(InvalidSignature):
            session_token(app, _jwt({**claims, **change}, "HS256", SECRET))
    for bad in (
        _jwt(claims, "HS256", "another-secret-of-at-least-32-bytes"),
        _jwt(claims, "HS512", SECRET + SECRET),
        _jwt(claims, "none", None),
        good[:-2],
        "",
        "a.b.c",
        "\ud800",
    ):
        with pytest.raises(InvalidSignature):
            session_token(app, bad)
    del claims["sub"]
    with pytest.raises(InvalidSignature):
        session_token(app, _jwt(claims, "HS256", SECRET))


def _jwt(claims: dict[str, Any], algorithm: str, key: str | None) -> str:
    import jwt

    return jwt.encode(claims, key, algorithm=algorithm)  # type: ignore[arg-type]


async def test_installs_survive_a_restart(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App, tmp_path: Path
) -> None:
    tokens = await _install(http, shopify, app)
    again = LocalShopify(client_id="the-app", client_secret=SECRET, directory=tmp_path)
    await again.start()
    try:
        assert (await shop_info(_admin(http, again, tokens.access_token))).host == SHOP
    finally:
        await again.stop()


# The Admin API


async def _import(client: AdminClient, deadline: float | None, **given: int) -> list[int]:
    found: list[int] = []
    after: str | None = None
    while True:
        page = await customers_page(client, 250, after, deadline=deadline, **given)
        found += [customer.id for customer in page.customers]
        after = page.end_cursor
        if not page.has_next:
            return found


async def test_a_thousand_customers_come_through_a_small_budget(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    # So slow a refill that also a slow machine asks for more than it has.
    shopify.add_shop(_shop(SHOP, 1000, maximum_available=1000, restore_rate=1500))
    tokens = await _install(http, shopify, app)
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(seconds)

    client = replace(_admin(http, shopify, tokens.access_token), sleep=sleep)
    found = await _import(client, client.monotonic() + 60)
    assert found == list(range(1000, 2000))
    assert waits
    assert max(waits) < 1


async def test_a_customer_arrives_with_everything_that_was_asked_for(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    person = _customer(1).model_copy(
        update={"note": "a\0b", "sms_marketing": "SUBSCRIBED", "email_marketing": "PENDING"}
    )
    shop = _shop(SHOP)
    shop.customers = [person, LocalCustomer(id=5)]
    shopify.add_shop(shop)
    tokens = await _install(http, shopify, app)
    page = await customers_page(_admin(http, shopify, tokens.access_token), 10, None)
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
    shopify.add_shop(_shop(SHOP, 700, restore_rate=100_000))
    shopify.pagination_limit = 400
    tokens = await _install(http, shopify, app)
    client = _admin(http, shopify, tokens.access_token)
    with pytest.raises(ShopifyRefused):
        await _import(client, None)
    assert await _import(client, None, window=200) == list(range(1000, 1700))


async def test_a_cursor_that_is_not_ours_is_refused(
    http: httpx.AsyncClient, shopify: LocalShopify
) -> None:
    with pytest.raises(InvalidInput):
        await customers_page(_admin(http, shopify, "token"), 10, "nonsense")


async def test_a_spent_budget_is_not_waited_for_beyond_the_deadline(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    shopify.add_shop(_shop(SHOP, 600, maximum_available=1000, restore_rate=10))
    tokens = await _install(http, shopify, app)
    client = _admin(http, shopify, tokens.access_token)
    page = await customers_page(client, 150, None)
    for deadline in (None, client.monotonic() + 1):
        with pytest.raises(Throttled) as throttled:
            await customers_page(client, 150, page.end_cursor, deadline=deadline)
        assert 10 < throttled.value.retry_after < 90


async def test_a_query_over_the_limit_is_asked_for_in_smaller_pages(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    shopify.add_shop(_shop(SHOP, 300))
    tokens = await _install(http, shopify, app)
    client = _admin(http, shopify, tokens.access_token)
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
    tokens = await _install(http, shopify, replace(app, scopes="read_orders"))
    with pytest.raises(AuthFailed, match="scope"):
        await customers_page(_admin(http, shopify, tokens.access_token), 10, None)
    with pytest.raises(AuthFailed, match="401"):
        await shop_info(_admin(http, shopify, "shpat_unknown"))
    shopify.uninstall(SHOP)
    with pytest.raises(AuthFailed, match="401"):
        await shop_info(_admin(http, shopify, tokens.access_token))


@pytest.mark.parametrize("status", [402, 408, 423, 430, 500, 502, 503, 302])
async def test_what_is_not_our_fault_is_worth_another_try(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App, status: int
) -> None:
    tokens = await _install(http, shopify, app)
    shopify.fail_next(SHOP, status)
    with pytest.raises(ShopifyUnavailable, match=str(status)):
        await shop_info(_admin(http, shopify, tokens.access_token))
    shopify.fail_next(SHOP, status)
    with pytest.raises(ShopifyUnavailable, match=str(status)):
        await refresh(http, app, SHOP, str(tokens.refresh_token))
    await shop_info(_admin(http, shopify, tokens.access_token))


async def test_a_shop_that_cannot_be_reached_is_unavailable(http: httpx.AsyncClient) -> None:
    client = AdminClient(http, "http://127.0.0.1:9/{shop}", "2026-10", SHOP, "token")
    with pytest.raises(ShopifyUnavailable, match="ConnectError"):
        await shop_info(client)


async def test_a_throttled_answer_without_a_body_is_waited_for_as_it_says(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    tokens = await _install(http, shopify, app)
    shopify.fail_next(SHOP, 429)
    with pytest.raises(Throttled) as throttled:
        await shop_info(_admin(http, shopify, tokens.access_token))
    assert throttled.value.retry_after == 1.0


# Credentials


@pytest.fixture(params=["motor", "pymongo"])
async def mongo(
    request: pytest.FixtureRequest, mongo_uri: str, database_name: str
) -> AsyncIterator[Mongo]:
    settings = Settings.model_validate(
        {
            "mongo_uri": mongo_uri,
            "mongo_database": database_name,
            "mongo_keyring_database": f"{database_name}_keyring",
            "mongo_driver": request.param,
            "mongo_pool": 16,
        }
    )
    made = connect(settings)
    yield made
    await made.close()


QUICK = Timing(patience=5, look_again=0.02)


def _credentials(
    mongo: Mongo, http: httpx.AsyncClient, app: App, hours: float = 0, timing: Timing = QUICK
) -> MongoCredentials:
    """A worker of its own, whose clock is some hours ahead."""
    return MongoCredentials(
        mongo.keyring["credentials"],
        http,
        app,
        "application-secret",
        now=lambda: datetime.now(UTC) + timedelta(hours=hours),
        timing=timing,
    )


async def test_a_saved_token_is_given_out_and_nothing_is_stored_in_clear(
    mongo: Mongo, http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    tokens = await _install(http, shopify, app)
    credentials = _credentials(mongo, http, app)
    with pytest.raises(NotInstalled):
        await credentials.get_access_token(SHOP)
    await credentials.save(SHOP, tokens)
    assert await credentials.get_access_token(SHOP) == tokens.access_token
    row = await mongo.keyring["credentials"].find_one({"_id": SHOP})
    assert tokens.access_token.encode() not in row["sealed"]
    assert tokens.access_token not in str(row)
    await credentials.forget(SHOP)
    with pytest.raises(NotInstalled):
        await credentials.get_access_token(SHOP)


async def test_credentials_open_for_their_shop_and_their_secret_only(
    mongo: Mongo, http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    credentials = _credentials(mongo, http, app)
    await credentials.save(SHOP, await _install(http, shopify, app))
    rows = mongo.keyring["credentials"]
    row = await rows.find_one({"_id": SHOP})
    await rows.insert_one({**row, "_id": OTHER})
    with pytest.raises(CredentialsUnreadable):
        await credentials.get_access_token(OTHER)
    stranger = MongoCredentials(rows, http, app, "another-secret")
    with pytest.raises(CredentialsUnreadable):
        await stranger.get_access_token(SHOP)
    await rows.update_one({"_id": SHOP}, {"$set": {"sealed": b"\x01short"}})
    with pytest.raises(CredentialsUnreadable):
        await credentials.get_access_token(SHOP)


async def test_eight_workers_renew_once_and_all_get_the_new_token(
    mongo: Mongo, http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    first = await _install(http, shopify, app)
    await _credentials(mongo, http, app).save(SHOP, first)
    # Within the margin of its end for all of them.
    workers = [_credentials(mongo, http, app, hours=0.95) for _ in range(8)]
    given = await asyncio.gather(*(worker.get_access_token(SHOP) for worker in workers))
    assert shopify.grants.refreshes[SHOP] == 1
    assert len(set(given)) == 1
    assert given[0] != first.access_token
    await shop_info(_admin(http, shopify, given[0]))


async def test_a_worker_that_died_while_it_renewed_is_succeeded(
    mongo: Mongo, http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    first = await _install(http, shopify, app)
    timing = replace(QUICK, lease=0.3)
    worker = _credentials(mongo, http, app, hours=2, timing=timing)
    await worker.save(SHOP, first)
    await mongo.keyring["credentials"].update_one(
        {"_id": SHOP}, {"$set": {"lease_until": datetime.now(UTC) + timedelta(seconds=0.3)}}
    )
    # The dead worker's refresh reached Shopify, and its answer was lost.
    await refresh(http, app, SHOP, str(first.refresh_token))
    late = _credentials(mongo, http, app, hours=4, timing=timing)
    token = await late.get_access_token(SHOP)
    await shop_info(_admin(http, shopify, token))


async def test_waiting_for_another_worker_has_an_end(
    mongo: Mongo, http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    worker = _credentials(mongo, http, app, timing=replace(QUICK, patience=0.1))
    await worker.save(SHOP, await _install(http, shopify, app))
    await mongo.keyring["credentials"].update_one(
        {"_id": SHOP}, {"$set": {"lease_until": datetime.now(UTC) + timedelta(seconds=60)}}
    )
    late = _credentials(mongo, http, app, hours=2, timing=replace(QUICK, patience=0.1))
    with pytest.raises(ShopifyUnavailable, match="another worker"):
        await late.get_access_token(SHOP)


async def test_an_install_while_tokens_are_renewed_wins(
    mongo: Mongo, http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    first = await _install(http, shopify, app)
    fresh = await _install(http, shopify, app)
    saver = _credentials(mongo, http, app, hours=2)
    await _credentials(mongo, http, app).save(SHOP, first)

    async def install_meanwhile(request: httpx.Request) -> None:
        if request.url.path.endswith("access_token"):
            await saver.save(SHOP, fresh)

    async with httpx.AsyncClient(event_hooks={"request": [install_meanwhile]}) as slow:
        token = await _credentials(mongo, slow, app, hours=2).get_access_token(SHOP)
    assert token == fresh.access_token


async def test_a_token_that_still_works_is_given_out_while_shopify_is_down(
    mongo: Mongo, http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    first = await _install(http, shopify, app)
    await _credentials(mongo, http, app).save(SHOP, first)
    nearly = _credentials(mongo, http, app, hours=0.95)
    shopify.fail_next(SHOP, 503)
    assert await nearly.get_access_token(SHOP) == first.access_token
    shopify.fail_next(SHOP, 503)
    with pytest.raises(ShopifyUnavailable):
        await _credentials(mongo, http, app, hours=2).get_access_token(SHOP)
    assert await nearly.get_access_token(SHOP) != first.access_token


async def test_a_token_that_shopify_rejected_is_not_given_out_again(
    mongo: Mongo, http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    credentials = _credentials(mongo, http, app)
    first = await _install(http, shopify, app)
    await credentials.save(SHOP, first)
    second = await credentials.get_access_token(SHOP, rejected=first.access_token)
    assert second != first.access_token
    assert await credentials.get_access_token(SHOP, rejected=first.access_token) == second
    shopify.grants.revoke(SHOP)
    with pytest.raises(AuthFailed, match="invalid_grant"):
        await credentials.get_access_token(SHOP, rejected=second)


# Webhooks


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
    await _install(http, shopify, app)
    answer = await http.post(f"{shopify.url}/_control/uninstall", json={"shop": SHOP})
    assert answer.status_code == 202
    await shopify.courier.idle()
    [(headers, body)] = receiver.seen
    assert headers["x-shopify-topic"] == "app/uninstalled"
    assert json.loads(body)["myshopify_domain"] is None
    listed = (await http.get(f"{shopify.url}/_control/shops")).json()
    assert [shop["installed"] for shop in listed] == [False, False]


async def test_shops_are_described_by_program(
    http: httpx.AsyncClient, shopify: LocalShopify
) -> None:
    url = f"{shopify.url}/_control/shops"
    described = _shop("new-one.myshopify.com", 3).model_dump()
    assert (await http.post(url, json=described)).status_code == 201
    assert [shop["customers"] for shop in (await http.get(url)).json()] == [0, 0, 3]
    wrongs: list[Any] = [{"host": "evil.example"}, {**described, "colour": "blue"}, []]
    for wrong in wrongs:
        assert (await http.post(url, json=wrong)).status_code == 400
    for path in ("webhooks", "uninstall", "session_token", "faults"):
        answer = await http.post(f"{shopify.url}/_control/{path}", json={"shop": "evil.example"})
        assert answer.status_code == 400
