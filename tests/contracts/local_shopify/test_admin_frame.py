"""The Admin's page around the app: who is asked for consent, and what the app's frame is told."""

from __future__ import annotations

import base64
import html
import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from aiohttp import web

from cplus.errors import InvalidSignature, ShopifyRefused
from cplus.local.shopify import LocalShopify
from cplus.local.shopify.admin import WRONG, Registered
from cplus.shopify import App, exchange_session_token, session_token, shop_info, verify_query
from cplus.shopify.payloads import NamedShop
from cplus.shopify.webhooks import ScopesUpdated, parse
from tests.contracts.local_shopify.world import SECRET, SHOP, admin

APP = "/store/blue-jam/apps/conversations-plus"


async def _install(http: httpx.AsyncClient, shopify: LocalShopify) -> None:
    page = await http.get(shopify.admin_url + APP)
    assert "Install app</button>" in page.text
    assert "View orders" in page.text
    answer = await http.post(shopify.admin_url + APP, data={"scope": "whatever"})
    assert (answer.status_code, answer.headers["location"]) == (303, APP)


async def _frame(http: httpx.AsyncClient, address: str) -> tuple[str, list[tuple[str, str]]]:
    """Address and query of what the Admin's page has in its frame."""
    page = await http.get(address)
    assert page.status_code == 200
    [source] = re.findall(r'<iframe [^>]*src="([^"]*)"', page.text)
    there, _, query = html.unescape(source).partition("?")
    origin = f"{urlsplit(there).scheme}://{urlsplit(there).netloc}"
    assert f"frame-src {origin}" in page.headers["content-security-policy"]
    return there, parse_qsl(query, keep_blank_values=True)


async def test_whoever_opens_an_app_that_is_not_installed_is_asked_first(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    token = shopify.id_tokens.issue(SHOP)
    with pytest.raises(ShopifyRefused):
        await exchange_session_token(http, app, SHOP, token)
    await _install(http, shopify)
    _, query = await _frame(http, shopify.admin_url + APP)
    tokens = await exchange_session_token(http, app, SHOP, dict(query)["id_token"])
    assert set(tokens.scope.split(",")) == set(shopify.registered.wanted)
    await shop_info(admin(http, shopify, tokens.access_token))

    gone = await http.post(f"{shopify.admin_url}/store/blue-jam/uninstall")
    assert gone.headers["location"] == APP
    assert "Install app</button>" in (await http.get(shopify.admin_url + APP)).text
    assert (await http.post(f"{shopify.admin_url}/store/blue-jam/id_token")).status_code == 410
    with pytest.raises(Exception, match=SHOP):
        await shop_info(admin(http, shopify, tokens.access_token))


async def test_the_frame_is_asked_for_as_shopify_documents_it(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    await _install(http, shopify)
    address = f"{shopify.admin_url}{APP}/inbox?tab=closed&shop=evil.example&hmac=x"
    there, query = await _frame(http, address)
    assert there == f"{shopify.app_url}/inbox"
    verify_query(query, [SECRET], datetime.now(UTC).timestamp())
    told = dict(query)
    assert sorted(told) == [
        *("embedded", "hmac", "host", "id_token", "locale"),
        *("session", "shop", "tab", "timestamp"),
    ]
    assert (told["tab"], told["shop"], told["embedded"]) == ("closed", SHOP, "1")
    padded = told["host"] + "=" * (-len(told["host"]) % 4)
    assert base64.urlsafe_b64decode(padded) == b"admin.shopify.com/store/blue-jam"
    assert session_token(app, told["id_token"]).shop == SHOP


async def test_a_token_is_of_who_is_signed_in_and_new_each_time(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    await _install(http, shopify)
    asked = f"{shopify.admin_url}/store/blue-jam"

    async def token() -> tuple[str, str, str]:
        answer = await http.post(f"{asked}/id_token")
        read = session_token(app, answer.json()["id_token"])
        assert (read.expires_at - read.issued_at).total_seconds() == 60
        return read.user_id, read.session_id, read.token_id

    one, again = await token(), await token()
    assert one[:2] == again[:2]
    assert one[2] != again[2]
    changed = await http.post(f"{asked}/user", data={"user": "2"})
    cookies = {"local_shopify_user": changed.cookies["local_shopify_user"]}
    http.cookies.update(cookies)
    other = await token()
    assert (other[0], one[0]) == ("2", "1")
    assert other[1] != one[1]
    assert (await http.post(f"{asked}/user", data={"user": "3"})).status_code == 400


@pytest.mark.parametrize("wrong", WRONG)
async def test_wrong_tokens_are_given_out_on_demand(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App, wrong: str
) -> None:
    await _install(http, shopify)
    before = shopify.id_tokens.issue(SHOP)
    order = {"shop": SHOP, "wrong": wrong, "times": 2}
    made = await http.post(f"{shopify.url}/_control/id_tokens", json=order)
    assert made.status_code == 201
    asked = await http.post(f"{shopify.admin_url}/store/blue-jam/id_token")
    _, query = await _frame(http, shopify.admin_url + APP)
    for token in (asked.json()["id_token"], dict(query)["id_token"]):
        if wrong == "repeated":
            assert token == before
        elif wrong == "other_shop":
            assert session_token(app, token).shop != SHOP
        else:
            with pytest.raises(InvalidSignature):
                session_token(app, token)
    asked = await http.post(f"{shopify.admin_url}/store/blue-jam/id_token")
    assert session_token(app, asked.json()["id_token"]).shop == SHOP
    await http.post(f"{shopify.url}/_control/id_tokens", json={**order, "wrong": wrong})
    cleared = {"shop": SHOP, "times": 0}
    assert (await http.post(f"{shopify.url}/_control/id_tokens", json=cleared)).is_success
    asked = await http.post(f"{shopify.admin_url}/store/blue-jam/id_token")
    assert session_token(app, asked.json()["id_token"]).shop == SHOP
    order = {"shop": SHOP, "wrong": "no such kind"}
    for what in ("id_tokens", "session_token"):
        refused = await http.post(f"{shopify.url}/_control/{what}", json=order)
        assert refused.status_code == 400


async def test_a_version_of_the_app_that_asks_for_more_is_agreed_to_again(
    http: httpx.AsyncClient, shopify: LocalShopify, app: App
) -> None:
    told: list[ScopesUpdated] = []

    async def hear(request: web.Request) -> web.Response:
        if request.headers["X-Shopify-Topic"] == "app/scopes_update":
            payload = parse("app/scopes_update", await request.read())
            assert isinstance(payload, ScopesUpdated)
            told.append(payload)
        return web.Response()

    listening = web.Application()
    listening.add_routes([web.post("/webhooks/shopify", hear)])
    runner = web.AppRunner(listening)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    shopify.app_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    await _install(http, shopify)
    _, query = await _frame(http, shopify.admin_url + APP)
    tokens = await exchange_session_token(http, app, SHOP, dict(query)["id_token"])

    more = {"scopes": "read_orders,read_customers,read_returns"}
    await http.post(f"{shopify.url}/_control/scopes", json=more)
    page = await http.get(shopify.admin_url + APP)
    assert "Update app</button>" in page.text
    assert "<iframe" not in page.text
    await http.post(shopify.admin_url + APP)
    await _frame(http, shopify.admin_url + APP)
    granted = shopify.grants.scopes(SHOP, tokens.access_token)
    assert granted == frozenset(more["scopes"].split(","))
    # What is required no more is taken back, and nobody is asked.
    await http.post(f"{shopify.url}/_control/scopes", json={"scopes": "read_orders"})
    assert shopify.grants.scopes(SHOP, tokens.access_token) == frozenset({"read_orders"})
    await _frame(http, shopify.admin_url + APP)
    for wrong in ({"scopes": ""}, {"scopes": 7}, {}):
        refused = await http.post(f"{shopify.url}/_control/scopes", json=wrong)
        assert refused.status_code == 400
    await shopify.courier.idle()
    await runner.cleanup()
    shop_id = shopify.store.state.shops[SHOP].id
    assert {one.shop for one in told} == {NamedShop(id=shop_id)}
    assert [(sorted(one.previous), sorted(one.current)) for one in told] == [
        (["read_customers", "read_orders"], ["read_customers", "read_orders", "read_returns"]),
        (["read_customers", "read_orders", "read_returns"], ["read_orders"]),
    ]


async def test_an_optional_scope_is_granted_apart_and_stays_until_it_is_declared_no_more(
    http: httpx.AsyncClient, shopify: LocalShopify
) -> None:
    async def ask(scopes: str, **more: str) -> httpx.Response:
        address = f"{shopify.admin_url}/store/blue-jam/scopes"
        return await http.post(address, data={"scopes": scopes, **more})

    def granted() -> set[str]:
        return set(shopify.store.state.installs[SHOP].scope.split(","))

    required = {"scopes": "read_customers,read_orders"}
    declared = {**required, "optional": "read_fulfillments,read_returns"}
    await http.post(f"{shopify.url}/_control/scopes", json=declared)
    assert (await ask("read_returns")).status_code == 410, "the app is not installed"
    await _install(http, shopify)
    assert granted() == {"read_customers", "read_orders"}
    assert (await ask("write_orders")).status_code == 400, "not declared"
    assert (await ask("")).status_code == 400
    asked = (await ask("read_returns,read_orders")).json()
    assert asked["asked"] == ["read_returns"], "what is granted is not asked for"
    assert asked["detail"]["optional"] == ["read_fulfillments", "read_returns"]
    assert granted() == {"read_customers", "read_orders"}
    said = (await ask("read_returns", answer="allow")).json()
    assert (said["asked"], set(said["detail"]["granted"])) == ([], granted())
    assert granted() == {"read_customers", "read_orders", "read_returns"}
    # Another version, and a code grant that asks for the required ones alone, leave it.
    await http.post(f"{shopify.url}/_control/scopes", json=required)
    assert shopify.scopes.of_grant(SHOP, "read_orders") == "read_orders,read_returns"
    assert "read_returns" in granted()
    await http.post(f"{shopify.url}/_control/scopes", json={**required, "optional": ""})
    assert granted() == {"read_customers", "read_orders"}


async def test_the_admin_has_another_name_than_the_app_and_knows_one_app(
    http: httpx.AsyncClient, shopify: LocalShopify
) -> None:
    led = await http.get(f"{shopify.url}{APP}/inbox?tab=closed")
    assert led.headers["location"] == f"{shopify.admin_url}{APP}/inbox?tab=closed"
    by_id = await http.get(f"{shopify.admin_url}/store/blue-jam/apps/the-app/inbox?tab=closed")
    assert by_id.headers["location"] == f"{APP}/inbox?tab=closed"
    for path in ("/store/blue-jam/apps/other", "/store/no-such/apps/the-app", "/store/a b/apps/x"):
        assert (await http.get(shopify.admin_url + path)).status_code == 404


@pytest.mark.parametrize("path", ["", "/", "/orders/5001", "/customers/<b>", "/id_token"])
async def test_any_other_page_of_the_admin_says_what_it_would_be(
    http: httpx.AsyncClient, shopify: LocalShopify, path: str
) -> None:
    page = await http.get(f"{shopify.admin_url}/store/blue-jam{path}")
    assert page.status_code == 200
    assert "Not in the local Shopify" in page.text
    assert (html.escape(path.strip("/")) or "the home page") in page.text
    assert f'<a href="{APP}">Open the app</a>' in page.text
    assert (await http.get(f"{shopify.admin_url}/store/no-such{path}")).status_code == 404


async def test_pages_of_other_sites_move_nothing_in_the_admin(
    http: httpx.AsyncClient, shopify: LocalShopify
) -> None:
    foreign = {"Origin": "http://127.0.0.1:9"}  # as a form of the app's own page would say
    for path in (APP, "/store/blue-jam/id_token", "/store/blue-jam/uninstall"):
        answer = await http.post(shopify.admin_url + path, headers=foreign)
        assert answer.status_code == 400, path
    assert SHOP not in shopify.store.state.installs
    script = "/shopifycloud/app-bridge.js"
    as_script = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "script"}
    loaded = await http.get(shopify.admin_url + script, headers=as_script)
    assert loaded.status_code == 200
    assert loaded.headers["content-type"] == "text/javascript; charset=utf-8"
    assert (await http.get(shopify.admin_url + "/", headers=as_script)).status_code == 403
    await http.post(f"{shopify.url}/_control/app_bridge", json={"reachable": False})
    assert (await http.get(shopify.admin_url + script)).status_code == 503


def test_the_app_is_what_its_toml_says() -> None:
    app = Registered.read(Path(__file__).parents[3] / "shopify.app.toml")
    assert (app.name, app.handle) == ("Conversations Plus", "conversations-plus")
    assert {"read_customers", "read_orders"} <= set(app.wanted)
    assert app.optional == "read_fulfillments"
