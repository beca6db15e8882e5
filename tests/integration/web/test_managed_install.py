"""Installing by the id token of the first document, through a Shopify that runs here."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from cplus.bootstrap import CREDENTIALS
from cplus.clock import utc_now
from cplus.events.catalogue.shops import AppInstalled, AppUninstalled
from cplus.events.log.commit import Draft
from cplus.events.names import install_claim
from cplus.local.shopify import LocalShop, LocalShopify
from cplus.shopify.oauth import Tokens
from tests.integration.web.harness import CLIENT_SECRET, OTHER, SHOP, Harness
from tests.integration.web.tokens import bearer, id_token

SCOPES = "read_customers,read_orders"
FIRST = "app.installed billing.account_opened"


@pytest.fixture
async def shopify() -> AsyncIterator[LocalShopify]:
    server = LocalShopify(
        client_id="client", client_secret=CLIENT_SECRET, app_url="http://app.test"
    )
    await server.start()
    for host in (SHOP, OTHER):
        server.add_shop(LocalShop(host=host, name="Acorn & Co", email="owner@example.com"))
    yield server
    await server.stop()


@pytest.fixture
async def web(mongo_uri: str, database: str, shopify: LocalShopify) -> AsyncIterator[Harness]:
    async with Harness(mongo_uri, database, shopify_origin=shopify.origin).opened() as harness:
        harness.clock.now = utc_now()  # Shopify's tokens end by the real clock
        yield harness


@pytest.fixture
async def frame(web: Harness) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that keeps no cookie."""
    async with web.browser() as browser:
        yield browser


async def _open(frame: httpx.AsyncClient, shop: str = SHOP, **more: str) -> httpx.Response:
    query = {"embedded": "1", "shop": shop, "id_token": id_token(shop), **more}
    return await frame.get("/inbox", params=query)


async def _installs(web: Harness) -> list[str]:
    """What each grant meant, in order."""
    commits = [one for one in await web.parts.store.read(SHOP, 0) if one.source == "install"]
    return [" ".join(document["type"] for document in one.documents) for one in commits]


async def test_the_first_document_installs_the_app_with_the_scopes_as_granted(
    web: Harness, frame: httpx.AsyncClient, shopify: LocalShopify
) -> None:
    shopify.grants.grant(SHOP, SCOPES)
    page = await _open(frame)
    assert page.status_code == 200
    assert "set-cookie" not in page.headers
    commit = (await web.parts.store.read(SHOP, 0))[0]
    [told, _] = await web.parts.reader.of(commit)
    assert isinstance(told.event, AppInstalled)
    assert told.event.scopes == tuple(SCOPES.split(","))
    assert (told.source, told.actor) == ("install", "merchant/1")
    token = await web.parts.credentials.get_access_token(SHOP)
    assert shopify.grants.scopes(SHOP, token) == frozenset(SCOPES.split(","))
    assert token not in repr(await web.parts.mongo.database["commits"].find_one({"shop": SHOP}))
    for _ in range(2):
        assert (await _open(frame)).status_code == 200
    assert await _installs(web) == [FIRST]
    assert (await web.parts.store.head(OTHER)).position == 0


async def test_documents_at_once_record_one_installation(
    web: Harness, frame: httpx.AsyncClient, shopify: LocalShopify
) -> None:
    shopify.grants.grant(SHOP, SCOPES)
    web.nudger.on = False  # the read models do not know of the installation yet
    pages = await asyncio.gather(*(_open(frame) for _ in range(4)))
    assert {page.status_code for page in pages} == {200}
    assert (await _open(frame)).status_code == 200
    assert await _installs(web) == [FIRST]
    token = await web.parts.credentials.get_access_token(SHOP)
    assert shopify.grants.scopes(SHOP, token)


async def test_a_fetch_and_a_head_install_nothing(
    web: Harness, frame: httpx.AsyncClient, shopify: LocalShopify
) -> None:
    shopify.grants.grant(SHOP, SCOPES)
    assert (await frame.get("/inbox", headers=bearer())).status_code == 200
    assert (await frame.head("/inbox", params={"id_token": id_token()})).status_code == 200
    assert await _installs(web) == []


async def test_after_a_removal_a_token_reads_nothing_until_the_app_is_installed_again(
    web: Harness, frame: httpx.AsyncClient, shopify: LocalShopify
) -> None:
    shopify.grants.grant(SHOP, SCOPES)
    await _open(frame)
    began = int(time.time()) - 30
    shopify.grants.revoke(SHOP)
    web.clock.now = utc_now()
    await web.record(SHOP, f"shop/{SHOP}", AppUninstalled())
    await web.parts.credentials.forget(SHOP, web.clock())
    old = await _open(frame, id_token=id_token(iat=began))
    assert (old.status_code, 'id="bounce"' in old.text) == (401, True)
    fetched = await frame.get("/api/inbox", headers=bearer(id_token(iat=began)))
    assert (fetched.status_code, fetched.json()["note"]) == (401, "gone")
    assert await _installs(web) == [FIRST]
    # Shopify makes tokens again once the merchant consented again.
    shopify.grants.grant(SHOP, SCOPES)
    web.nudger.on = False
    later = id_token(iat=int(time.time()) + 2, nbf=began)
    web.clock.forward(3)
    assert (await _open(frame, id_token=later)).status_code == 200
    assert await _installs(web) == [FIRST, "app.installed"]


async def test_a_shop_that_did_not_consent_is_told_what_to_do(
    web: Harness, frame: httpx.AsyncClient
) -> None:
    first = await _open(frame)
    assert (first.status_code, 'data-stuck="no"' in first.text) == (401, True), "a fresh token"
    page = await _open(frame, bounced="1")
    assert page.status_code == 403
    assert "install it again" in page.text
    assert 'href="https://admin.shopify.com/store/acorn/apps/client" target="_top"' in page.text
    [window] = re.findall(r'href="(/auth/install[^"]+)" target="_blank"', page.text)
    assert f"shop={SHOP}" in window
    policy = page.headers["content-security-policy"]
    assert f"frame-ancestors https://{SHOP} https://admin.shopify.com;" in policy
    assert await _installs(web) == []


async def test_a_shopify_that_is_away_is_said_and_keeps_nobody_from_their_mail(
    web: Harness, frame: httpx.AsyncClient, shopify: LocalShopify
) -> None:
    shopify.grants.grant(SHOP, SCOPES)
    shopify.fail_next(SHOP, 503)
    page = await _open(frame)
    assert (page.status_code, "Wait a minute" in page.text) == (502, True)
    assert (await _open(frame)).status_code == 200
    # Where the app is known to be installed, a failed exchange is no reason to show nothing.
    await web.mongo.keyring["credentials"].delete_many({})
    shopify.fail_next(SHOP, 503)
    assert (await _open(frame)).status_code == 200
    assert not await web.parts.credentials.usable(SHOP)
    assert (await _open(frame)).status_code == 200
    assert await web.parts.credentials.usable(SHOP)


@pytest.mark.parametrize("more", [{}, {"bounced": "1"}], ids=["first", "bounced"])
@pytest.mark.parametrize("granted", [True, False])
async def test_an_error_page_in_the_frame_asks_for_no_tokens_and_stays_what_it_is(
    web: Harness,
    frame: httpx.AsyncClient,
    shopify: LocalShopify,
    granted: bool,
    more: dict[str, str],
) -> None:
    if granted:
        shopify.grants.grant(SHOP, SCOPES)
    query = {"embedded": "1", "shop": SHOP, "id_token": id_token(), **more}
    page = await frame.get("/nosuch", params=query)
    assert page.status_code == 404
    assert f"frame-ancestors https://{SHOP}" in page.headers["content-security-policy"]
    assert await _installs(web) == []
    assert await web.parts.credentials.saved_at(SHOP) is None


async def test_tokens_that_shopify_refused_to_renew_are_replaced(
    web: Harness, frame: httpx.AsyncClient, shopify: LocalShopify
) -> None:
    shopify.grants.grant(SHOP, SCOPES)
    await _open(frame)
    lost = Tokens(access_token="shpat_lost", refresh_token="shprt_lost", expires_in=1)
    await web.parts.credentials.save(SHOP, lost)
    assert await web.parts.credentials.usable(SHOP), "nobody knows yet"
    assert await web.parts.granting.removed(SHOP, web.parts.credentials)
    assert not await web.parts.credentials.usable(SHOP)
    assert (await _open(frame)).status_code == 200
    assert await web.parts.credentials.usable(SHOP)
    # It is a new installation: what was missed meanwhile is imported.
    assert await _installs(web) == [FIRST, "app.installed"]
    assert (await _open(frame)).status_code == 200
    assert await _installs(web) == [FIRST, "app.installed"]


@pytest.mark.parametrize("release", ["this", "older"])
async def test_replaced_tokens_do_not_take_the_next_installation_for_known(
    web: Harness, frame: httpx.AsyncClient, shopify: LocalShopify, release: str
) -> None:
    shopify.grants.grant(SHOP, SCOPES)
    await _open(frame)
    rows = web.parts.mongo.keyring[CREDENTIALS]
    # A renewal was refused once, while Shopify still takes the access token.
    await rows.update_one({"_id": SHOP}, {"$set": {"void": True}})
    if release == "older":  # it recorded that, without events
        commit = (await web.parts.store.read(SHOP, 0))[0]
        claim = install_claim(f"exchange {(await web.parts.reader.of(commit))[0].id}")
        reason = "the app is installed with these scopes already"
        draft = Draft(SHOP, claim, "install", "merchant/1", [], reason=reason)
        await web.parts.recorder.append([draft])
    else:
        assert (await _open(frame)).status_code == 200
        assert await web.parts.credentials.usable(SHOP)
        assert await _installs(web) == [FIRST], "nothing happened in the shop"
    # Removed and installed again, of which the webhook is still on its way.
    shopify.grants.revoke(SHOP)
    shopify.grants.grant(SHOP, SCOPES)
    await rows.update_one({"_id": SHOP}, {"$set": {"void": True}})
    web.clock.now = utc_now()
    for _ in range(2):
        assert (await _open(frame)).status_code == 200
    assert [one for one in await _installs(web) if one] == [FIRST, "app.installed"]
    token = await web.parts.credentials.get_access_token(SHOP)
    assert shopify.grants.scopes(SHOP, token)


async def test_a_crash_between_tokens_and_record_is_made_good_by_the_next_document(
    web: Harness, frame: httpx.AsyncClient, shopify: LocalShopify
) -> None:
    shopify.grants.grant(SHOP, SCOPES)
    tokens = await web.parts.granting.exchange(SHOP, id_token())
    await web.parts.credentials.save(SHOP, tokens)
    assert await _installs(web) == []
    assert (await _open(frame)).status_code == 200
    assert await _installs(web) == [FIRST]
