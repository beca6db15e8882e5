"""Scopes that are optional: asked for on the page that needs one, declined as easily, and never
asked for by themselves."""

from __future__ import annotations

import html
import json
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from cplus.events.catalogue.shops import ScopesChanged
from cplus.local.shopify import LocalShop, LocalShopify
from cplus.web.kit.frame import Bridge
from tests.integration.web.framed import SCOPES, Framed, framed
from tests.integration.web.harness import CLIENT_SECRET, SHOP, Harness
from tests.samples import installed

OPTIONAL = "read_fulfillments"
REQUIRED = "read_customers,read_customer_merge,read_orders"
SAYS = "isn’t allowed to see shipments"
PATIENCE = 20_000  # milliseconds on a busy machine


@pytest.fixture
async def admin(mongo_uri: str, database: str) -> AsyncIterator[Framed]:
    async with framed(mongo_uri, database) as made:
        made.shopify.registered.optional = OPTIONAL
        yield made


@pytest.fixture
async def page(chromium: Browser) -> AsyncIterator[Page]:
    context = await chromium.new_context(viewport={"width": 1000, "height": 700})
    page = await context.new_page()
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    yield page
    await context.close()


def _granted(shopify: LocalShopify) -> set[str]:
    return set(shopify.store.state.installs[SHOP].scope.split(","))


@pytest.mark.browser
async def test_a_merchant_declines_a_scope_in_the_frame_and_later_allows_it(
    admin: Framed, page: Page
) -> None:
    frame = await admin.open(page)  # installs it
    await expect(frame.get_by_role("heading", name="Inbox", exact=True)).to_be_visible()
    frame = await admin.open(page, "/settings")
    link = frame.get_by_role("link", name="Allow this in Shopify")
    dialog, said = page.locator("#grant"), frame.locator("p:has([data-scope]) [role=status]")
    await expect(frame.get_by_text(SAYS)).to_be_visible()
    await expect(dialog).to_be_hidden()

    await link.click()
    await expect(dialog).to_contain_text("View fulfillments")
    await dialog.get_by_role("button", name="Decline").click()
    await expect(said).to_have_text("Not allowed, so nothing changes.")
    await expect(dialog).to_be_hidden()
    await link.click()
    await expect(dialog).to_be_visible()  # the Admin opens it when the frame's message has come
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(said).to_have_text("Not allowed, so nothing changes.")
    assert _granted(admin.shopify) == set(SCOPES.split(","))
    menu = page.locator("#app-menu")
    await menu.get_by_role("link", name="Customers").click()
    await expect(frame.get_by_role("heading", name="Customers", exact=True)).to_be_visible()
    await menu.get_by_role("link", name="Settings").click()
    await expect(frame.get_by_text(SAYS)).to_be_visible()
    await expect(dialog).to_be_hidden()

    await link.click()
    await dialog.get_by_role("button", name="Allow").click()
    await expect(frame.get_by_text("Allowed. It shows here soon.")).to_be_visible()
    await expect(link).to_be_hidden()
    granted = {*SCOPES.split(","), OPTIONAL}
    assert _granted(admin.shopify) == granted
    [heard] = [one for one in admin.shopify.courier.sent() if one.topic == "app/scopes_update"]
    body = json.loads(heard.body)
    assert (set(body["previous"]), set(body["current"])) == (set(SCOPES.split(",")), granted)
    # What the webhook says, as it is recorded: the page has nothing to ask for any more.
    fact = ScopesChanged(scopes=tuple(body["current"]), previous=tuple(body["previous"]))
    admin.web.clock.forward(1)
    await admin.web.record(SHOP, f"shop/{SHOP}", fact)
    frame = await admin.open(page, "/settings")
    await expect(frame.get_by_role("heading", name="Settings", exact=True)).to_be_visible()
    await expect(frame.get_by_text(SAYS)).to_have_count(0)


@pytest.fixture
async def shopify() -> AsyncIterator[LocalShopify]:
    server = LocalShopify(
        client_id="client", client_secret=CLIENT_SECRET, app_url="http://app.test"
    )
    server.registered.scopes, server.registered.optional = REQUIRED, OPTIONAL
    await server.start()
    server.add_shop(LocalShop(host=SHOP, name="Acorn & Co", email="owner@example.com"))
    yield server
    await server.stop()


@pytest.fixture
async def alone(
    mongo_uri: str, database: str, shopify: LocalShopify
) -> AsyncIterator[tuple[Harness, httpx.AsyncClient]]:
    """A window of its own, signed in, of a browser that runs no script."""
    async with Harness(mongo_uri, database, shopify_origin=shopify.origin).opened() as web:
        await web.record(
            SHOP, f"shop/{SHOP}", installed("Acorn", tuple(REQUIRED.split(",")), at=web.clock())
        )
        async with web.signed_in() as browser:
            yield web, browser


async def test_without_javascript_shopifys_own_page_asks(
    alone: tuple[Harness, httpx.AsyncClient], shopify: LocalShopify
) -> None:
    _, browser = alone
    shopify.grants.grant(SHOP, REQUIRED)
    settings = (await browser.get("/settings")).text
    assert SAYS in settings
    [link] = re.findall(r'href="(/auth/scopes[^"]*)"', settings)
    led = await browser.get(html.unescape(link))
    assert led.status_code == 303
    async with httpx.AsyncClient() as http:
        asked = await http.get(led.headers["location"])
        assert "View fulfillments" in asked.text
        assert "View orders" not in asked.text
        for answer, granted in (("decline", REQUIRED), ("allow", f"{REQUIRED},{OPTIONAL}")):
            done = await http.post(led.headers["location"], data={"answer": answer})
            assert done.status_code == 303
            assert done.headers["location"].startswith(shopify.admin_url)
            assert _granted(shopify) == set(granted.split(","))
        again = await http.get(led.headers["location"])
        assert again.status_code == 302, "there is nothing to ask for any more"


async def test_only_an_optional_scope_of_a_shop_is_asked_for(
    alone: tuple[Harness, httpx.AsyncClient],
) -> None:
    _, browser = alone
    for scope in ("read_orders", "write_products", ""):
        asked = await browser.get("/auth/scopes", params={"shop": SHOP, "scope": scope})
        assert asked.status_code == 400, scope
    for shop in ("evil.example", ""):
        asked = await browser.get("/auth/scopes", params={"shop": shop, "scope": OPTIONAL})
        assert asked.status_code == 400, shop


async def test_an_app_outside_the_admin_asks_as_it_installs(mongo_uri: str, database: str) -> None:
    made = Harness(mongo_uri, database, shopify_admin_origin="")
    async with made.opened() as web:
        granted = installed("Acorn", tuple(REQUIRED.split(",")), at=web.clock())
        await web.record(SHOP, f"shop/{SHOP}", granted)
        async with web.signed_in() as browser:
            settings = (await browser.get("/settings")).text
            assert SAYS in settings
            assert "/auth/scopes" not in settings
            assert f"/auth/install?shop={SHOP}&amp;next=/settings" in settings
    assert Bridge.from_settings(made.settings).optional_scopes == frozenset()
