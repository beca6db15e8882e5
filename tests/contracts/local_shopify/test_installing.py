"""Installing as Shopify documents it: consent, codes, tokens that end and rotate."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from cplus.errors import (
    AuthFailed,
    InvalidSignature,
    ShopifyRefused,
)
from cplus.local.shopify import LocalShopify
from cplus.shopify import (
    App,
    authorize_url,
    exchange_code,
    exchange_session_token,
    refresh,
    session_token,
    shop_info,
    verify_query,
)
from tests.contracts.local_shopify.world import OTHER, SECRET, SHOP, admin, consent, install


async def test_an_install_goes_through_a_page_and_brings_expiring_tokens(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    query = await consent(http, shopify, app)
    assert query["shop"] == SHOP
    assert query["state"] == "a-state"
    verify_query(query, [SECRET], datetime.now(UTC).timestamp())
    tokens = await exchange_code(http, app, SHOP, query["code"])
    assert tokens.expires_in == 3600
    assert tokens.refresh_token_expires_in == 90 * 24 * 3600
    assert tokens.scope == app.scopes
    assert tokens.access_token not in repr(tokens)
    assert str(tokens.refresh_token) not in repr(tokens)
    info = await shop_info(admin(http, shopify, tokens.access_token))
    assert (info.name, info.host, info.currency) == ("Blue Jam", SHOP, "USD")
    assert info.timezone == "America/New_York"
    assert info.plan.name == "Basic"


async def test_a_code_works_once_and_only_for_its_shop(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    query = await consent(http, shopify, app)
    await exchange_code(http, app, SHOP, query["code"])
    with pytest.raises(ShopifyRefused, match="invalid_request"):
        await exchange_code(http, app, SHOP, query["code"])
    other = await consent(http, shopify, app)
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


async def test_the_home_page_lists_the_shops_with_a_way_into_their_admin(
    http: httpx.AsyncClient, shopify: LocalShopify
) -> None:
    address = f"{shopify.admin_url}/store/blue-jam/apps/conversations-plus"
    assert f'<a href="{address}">Install</a>' in (await http.get(shopify.url)).text
    shopify.grants.grant(SHOP, "read_orders")
    page = await http.get(shopify.url)
    hint = "To install the app from nothing, uninstall it"
    assert hint not in page.text
    shopify.grants.grant(OTHER, "read_orders")
    assert hint in (await http.get(shopify.url)).text
    assert f'<a href="{address}">Open the app</a>' in page.text
    answer = await http.get(f"{shopify.url}/{SHOP}/open")
    target = urlsplit(answer.headers["location"])
    assert f"{target.scheme}://{target.netloc}{target.path}" == f"{shopify.app_url}/"
    verify_query(parse_qsl(target.query), [SECRET], datetime.now(UTC).timestamp())
    assert (await http.get(f"{shopify.url}/no-such.myshopify.com/open")).status_code == 404
    assert (await http.get(f"{shopify.url}/evil.example/open")).status_code == 404


async def test_tokens_rotate_and_a_lost_answer_can_be_asked_for_again(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    first = await install(http, shopify, app)
    lost = await refresh(http, app, SHOP, str(first.refresh_token))
    second = await refresh(http, app, SHOP, str(first.refresh_token))
    for old in (first, lost):
        with pytest.raises(AuthFailed):
            await shop_info(admin(http, shopify, old.access_token))
    await shop_info(admin(http, shopify, second.access_token))
    third = await refresh(http, app, SHOP, str(second.refresh_token))
    assert third.refresh_token != second.refresh_token
    # Its successor was used: now it is void.
    with pytest.raises(ShopifyRefused, match="invalid_grant"):
        await refresh(http, app, SHOP, str(first.refresh_token))
    await shop_info(admin(http, shopify, third.access_token))


async def test_tokens_end_when_their_time_is_up(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    tokens = await install(http, shopify, app)
    start = shopify.grants.now()
    shopify.grants.now = lambda: start + 3601
    with pytest.raises(AuthFailed):
        await shop_info(admin(http, shopify, tokens.access_token))
    shopify.grants.now = lambda: start + 91 * 24 * 3600
    with pytest.raises(ShopifyRefused, match="invalid_grant"):
        await refresh(http, app, SHOP, str(tokens.refresh_token))


async def test_a_token_that_never_ends_is_not_taken(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    query = await consent(http, shopify, app)
    body = {"client_id": "the-app", "client_secret": SECRET, "code": query["code"]}
    answer = await http.post(f"{shopify.url}/{SHOP}/admin/oauth/access_token", data=body)
    assert "expires_in" not in answer.json()
    with pytest.raises(AuthFailed, match="403"):
        await shop_info(admin(http, shopify, answer.json()["access_token"]))


async def test_an_embedded_app_exchanges_its_session_token(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    token = shopify.id_tokens.issue(SHOP, user="42")
    who = session_token(app, token)
    assert (who.shop, who.user_id) == (SHOP, "42")
    with pytest.raises(ShopifyRefused, match="invalid_request"):
        await exchange_session_token(http, app, SHOP, token)  # nobody installed it
    shopify.grants.grant(SHOP, app.scopes)
    tokens = await exchange_session_token(http, app, SHOP, token)
    await shop_info(admin(http, shopify, tokens.access_token))
    with pytest.raises(ShopifyRefused, match="invalid_subject_token"):
        await exchange_session_token(http, app, OTHER, token)


async def test_only_a_session_token_of_this_app_and_one_shop_is_taken(
    shopify: LocalShopify, app: App
) -> None:
    good = shopify.id_tokens.issue(SHOP)
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
    tokens = await install(http, shopify, app)
    again = LocalShopify(client_id="the-app", client_secret=SECRET, directory=tmp_path)
    await again.start()
    try:
        assert (await shop_info(admin(http, again, tokens.access_token))).host == SHOP
    finally:
        await again.stop()
