"""The local Shopify's Admin and its App Bridge in a real browser, around an app of a few lines:
what an embedded page asks of them, and what they keep from it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import jwt
import pytest
from aiohttp import web
from playwright.async_api import BrowserContext, Frame, Page, expect

from cplus.local.shopify import LocalShop, LocalShopify
from tests.framed import PATIENCE, app_frame, merchants_browser

pytestmark = pytest.mark.browser
SECRET = "shpss_0123456789abcdef0123456789abcdef"
SHOP, ADMIN = "blue-jam.myshopify.com", "/store/blue-jam/apps/conversations-plus"

PAGE = """<!doctype html><html><head><meta name="shopify-api-key" content="the-app">
<script src="{bridge}"></script></head><body>
<s-app-nav><s-link href="/" rel="home">Home</s-link><s-link href="/inbox">Inbox</s-link>
<s-link href="/settings">Settings</s-link></s-app-nav>
<ui-title-bar title="Page {path}"></ui-title-bar><p id="here">{path}</p>
<ui-save-bar id="bar"><button variant="primary" onclick="done('saved')">Save</button>
<button onclick="done('discarded')">Discard</button></ui-save-bar>
<form data-save-bar onsubmit="event.preventDefault(); done('sent')"><input name="name" value="a">
</form><p id="done"></p><script>
function done(what) {{ document.getElementById("done").textContent = what; }}
</script></body></html>"""


@dataclass
class SmallApp:
    """An app of one page at each path, which keeps what it was sent."""

    url: str = ""
    bridge: str = ""
    refusals: int = 0
    seen: list[web.Request] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.seen.append(request)
        if request.path == "/api":
            if self.refusals:
                self.refusals -= 1
                headers = {"X-Shopify-Retry-Invalid-Session-Request": "1"}
                return web.Response(status=401, headers=headers)
            return web.json_response({})
        text = PAGE.format(bridge=self.bridge, path=request.path)
        answer = web.Response(text=text, content_type="text/html")
        answer.set_cookie("of_the_frame", "1", samesite="None", secure=True)
        return answer

    def bearers(self) -> list[str]:
        """The tokens that came with calls of the API."""
        calls = [one for one in self.seen if one.path == "/api"]
        return [one.headers["Authorization"].removeprefix("Bearer ") for one in calls]


@pytest.fixture(scope="module")
async def app() -> AsyncIterator[SmallApp]:
    made = SmallApp()
    served = web.Application()
    served.add_routes([web.get("/{path:.*}", made.answer), web.post("/{path:.*}", made.answer)])
    runner = web.AppRunner(served)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture(scope="module")
async def shopify(app: SmallApp) -> AsyncIterator[LocalShopify]:
    made = LocalShopify(client_id="the-app", client_secret=SECRET, app_url=app.url)
    made.add_shop(LocalShop(host=SHOP, name="Blue Jam", email="owner@example.com"))
    made.grants.grant(SHOP, made.registered.scopes)
    await made.start()
    app.bridge = f"{made.admin_url}/shopifycloud/app-bridge.js"
    yield made
    await made.stop()


@pytest.fixture(scope="module")
async def merchant(
    browser_path: str | None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[BrowserContext]:
    async with merchants_browser(browser_path, tmp_path_factory.mktemp("profile")) as context:
        yield context


@pytest.fixture
async def page(
    merchant: BrowserContext, shopify: LocalShopify, app: SmallApp
) -> AsyncIterator[Page]:
    expect.set_options(timeout=PATIENCE)
    app.seen.clear()
    made = await merchant.new_page()
    await made.goto(f"{shopify.admin_url}{ADMIN}/inbox?tab=closed")
    yield made
    await made.close()


async def _shown(page: Page, path: str) -> Frame:
    await expect(page.frame_locator("#app").locator("#here")).to_have_text(path)
    return await app_frame(page)


async def test_the_app_is_opened_where_the_admins_address_says_and_the_address_follows_it(
    page: Page, app: SmallApp, shopify: LocalShopify
) -> None:
    frame = await _shown(page, "/inbox")
    assert dict(app.seen[-1].query)["tab"] == "closed"
    await expect(page).to_have_url(f"{shopify.admin_url}{ADMIN}/inbox?tab=closed")
    await expect(page).to_have_title("Page /inbox · Conversations Plus · Blue Jam · Local Shopify")
    await frame.evaluate("history.pushState(null, '', '/conversations/7')")
    await expect(page).to_have_url(f"{shopify.admin_url}{ADMIN}/conversations/7")
    await page.go_back()
    await expect(page).to_have_url(f"{shopify.admin_url}{ADMIN}/inbox?tab=closed")
    await page.go_forward()
    await expect(page).to_have_url(f"{shopify.admin_url}{ADMIN}/conversations/7")
    await page.reload()
    await _shown(page, "/conversations/7")


async def test_the_admin_draws_the_menu_and_tells_the_page_of_clicks(
    page: Page, app: SmallApp, shopify: LocalShopify
) -> None:
    frame = await _shown(page, "/inbox")
    menu = page.get_by_role("navigation")
    await expect(menu.get_by_role("link")).to_have_text(["Conversations Plus", "Inbox", "Settings"])
    await expect(menu.get_by_role("link", name="Inbox")).to_have_attribute("aria-current", "page")
    assert await frame.locator("s-app-nav").is_hidden()
    await menu.get_by_role("link", name="Settings").click()  # nobody listens: a new document
    frame = await _shown(page, "/settings")
    await expect(page).to_have_url(f"{shopify.admin_url}{ADMIN}/settings")
    assert "id_token" not in app.seen[-1].query
    await frame.evaluate(
        """document.addEventListener("shopify:navigate", (event) => {
             event.preventDefault(); done(event.target.getAttribute("href")); })"""
    )
    before = len(app.seen)
    await menu.get_by_role("link", name="Inbox").click()
    await expect(frame.locator("#done")).to_have_text("/inbox")
    await menu.get_by_role("link", name="Conversations Plus").click()
    await expect(frame.locator("#done")).to_have_text("/")
    assert len(app.seen) == before


async def test_each_request_of_the_page_to_its_app_carries_a_fresh_token(
    page: Page, app: SmallApp, shopify: LocalShopify
) -> None:
    frame = await _shown(page, "/inbox")
    await frame.evaluate("fetch('/api')")
    app.refusals = 1
    status = "fetch('/api', {method: 'POST', body: 'x'}).then((answer) => answer.status)"
    assert await frame.evaluate(status) == 200
    app.refusals = 2
    assert await frame.evaluate(status) == 401
    tokens = [jwt.decode(one, SECRET, ["HS256"], audience="the-app") for one in app.bearers()]
    assert len(tokens) == len({one["jti"] for one in tokens}) == 5
    assert {one["sub"] for one in tokens} == {"1"}
    assert len({one["sid"] for one in tokens}) == 1
    # What goes elsewhere has none, and neither has what has one of its own.
    own = "fetch('/api', {headers: {Authorization: 'Bearer mine'}})"
    await frame.evaluate(own)
    assert app.bearers()[-1] == "mine"
    await page.get_by_label("Signed in as").select_option("2")
    await expect(page).to_have_url(f"{shopify.admin_url}{ADMIN}")
    frame = await _shown(page, "/")
    other = jwt.decode(
        await frame.evaluate("shopify.idToken()"), SECRET, ["HS256"], audience="the-app"
    )
    assert other["sub"] == "2"
    await page.get_by_label("Signed in as").select_option("1")
    await _shown(page, "/")


async def test_what_is_not_saved_keeps_the_admin_where_it_is(
    page: Page, app: SmallApp, shopify: LocalShopify
) -> None:
    frame = await _shown(page, "/inbox")
    bar, done = page.get_by_role("region", name="Unsaved changes"), frame.locator("#done")
    await frame.evaluate("shopify.saveBar.show('bar')")
    await expect(bar).to_be_visible()
    for where in ("Settings", "Conversations Plus"):
        await page.get_by_role("link", name=where).click()
        await expect(page.get_by_text("Save or discard first.")).to_be_visible()
    await page.get_by_role("button", name="Uninstall").click()
    assert SHOP in shopify.store.state.installs
    await frame.evaluate("history.replaceState(null, '', '/elsewhere')")
    await bar.get_by_role("button", name="Discard").click()
    await expect(done).to_have_text("discarded")
    await expect(page).to_have_url(f"{shopify.admin_url}{ADMIN}/inbox?tab=closed")
    await bar.get_by_role("button", name="Save").click()
    await expect(done).to_have_text("saved")
    await frame.evaluate("shopify.saveBar.hide('bar')")
    await expect(bar).to_be_hidden()

    # A form that says so has its bar by itself.
    await frame.locator("input").fill("b")
    await bar.get_by_role("button", name="Discard").click()
    await expect(bar).to_be_hidden()
    await expect(frame.locator("input")).to_have_value("a")
    await frame.locator("input").fill("c")
    await bar.get_by_role("button", name="Save").click()
    await expect(done).to_have_text("sent")
    await expect(bar).to_be_hidden()
    with pytest.raises(Exception, match="no ui-save-bar"):
        await frame.evaluate("shopify.saveBar.show('nothing')")
    await page.get_by_role("link", name="Settings").click()
    await _shown(page, "/settings")


async def test_toasts_and_the_loading_bar_are_the_admins(page: Page) -> None:
    frame = await _shown(page, "/inbox")
    await frame.evaluate("shopify.toast.show('<b>Closed</b>', {isError: true, duration: 60000})")
    toast = page.get_by_role("status").get_by_text("<b>Closed</b>")
    await expect(toast).to_have_class("error")
    await frame.evaluate("shopify.toast.show('Sent', {duration: 1})")
    await expect(page.get_by_role("status").get_by_text("Sent")).to_have_count(0)
    await frame.evaluate("shopify.loading(true)")
    await expect(page.get_by_role("progressbar")).to_be_visible()
    await frame.evaluate("location.assign('/settings')")
    await _shown(page, "/settings")
    await expect(page.get_by_role("progressbar")).to_be_hidden()


async def test_an_address_for_the_whole_window_leaves_the_frame(
    page: Page, app: SmallApp, shopify: LocalShopify
) -> None:
    frame = await _shown(page, "/inbox")
    await frame.evaluate("open('javascript:alert(1)', '_top')")
    await frame.evaluate("open('shopify://admin/apps/conversations-plus/settings', '_top')")
    await _shown(page, "/settings")
    await expect(page).to_have_url(f"{shopify.admin_url}{ADMIN}/settings")
    frame = await app_frame(page)
    await frame.evaluate("open('/outside', '_top')")
    await expect(page.locator("#here")).to_have_text("/outside")
    # Without its Admin, a page that the Admin asked for leads back into it.
    await page.goto(f"{app.url}/inbox?host=YWRtaW4uc2hvcGlmeS5jb20vc3RvcmUvYmx1ZS1qYW0&tab=closed")
    await expect(page).to_have_url(f"{shopify.admin_url}{ADMIN}/inbox?tab=closed")


async def test_only_the_frame_and_the_admin_hear_each_other(
    page: Page, app: SmallApp, shopify: LocalShopify
) -> None:
    frame = await _shown(page, "/inbox")
    # To the Admin: from another window of the app's own origin, and from the Admin's origin.
    spoken = "{bridge: 'toast', message: 'forged', duration: 60000}"
    async with page.expect_popup() as opened:
        await page.evaluate(f"window.open('{app.url}/other')")
    popup = await opened.value
    await expect(popup.locator("#here")).to_have_text("/other")
    await popup.evaluate(f"opener.postMessage({spoken}, '*')")
    await page.evaluate(f"postMessage({spoken}, '*')")
    # To the frame: from a window that is not the Admin's, and from another origin.
    navigate = "{bridge: 'navigate', path: '/forged'}"
    await popup.evaluate(f"opener.frames[0].postMessage({navigate}, '*')")
    await frame.evaluate(f"postMessage({navigate}, '*')")
    # What comes after it was heard, and nothing of it.
    await frame.evaluate("shopify.toast.show('real', {duration: 60000})")
    await expect(page.get_by_role("status")).to_have_text("real")
    await expect(page.get_by_text("forged")).to_have_count(0)
    assert all(one.path != "/forged" for one in app.seen)
    await popup.close()


async def test_without_the_app_bridge_the_page_is_shown_all_the_same(
    merchant: BrowserContext, shopify: LocalShopify
) -> None:
    page = await merchant.new_page()
    shopify.bridge_reachable = False
    await page.goto(f"{shopify.admin_url}{ADMIN}/inbox")
    frame = await _shown(page, "/inbox")
    assert await frame.evaluate("typeof shopify") == "undefined"
    shopify.bridge_reachable = True
    await page.close()


async def test_an_app_that_was_removed_meanwhile_is_said_to_be_gone(
    page: Page, shopify: LocalShopify
) -> None:
    frame = await _shown(page, "/inbox")
    shopify.grants.revoke(SHOP)
    try:
        said = await frame.evaluate("shopify.idToken().catch((error) => error.message)")
        assert said == "the Admin gave no token"
        await expect(page.get_by_text("isn’t installed in this shop any more")).to_be_visible()
        await page.get_by_role("link", name="Install it again").click()
        await expect(page.get_by_role("button", name="Install app")).to_be_visible()
    finally:
        shopify.grants.grant(SHOP, shopify.registered.scopes)


async def _has_its_cookie(page: Page, app: SmallApp, shopify: LocalShopify) -> bool:
    """Whether a cookie that the frame's page set comes back with its next one."""
    for _ in range(2):
        await page.goto(f"{shopify.admin_url}{ADMIN}/inbox")
        await _shown(page, "/inbox")
    return "of_the_frame" in app.seen[-1].cookies


async def test_no_cookie_of_the_frame_comes_back(
    page: Page, app: SmallApp, shopify: LocalShopify
) -> None:
    assert not await _has_its_cookie(page, app, shopify)


async def test_it_comes_back_to_a_browser_that_allows_cookies_of_third_parties(
    browser_path: str | None, app: SmallApp, shopify: LocalShopify, tmp_path: Path
) -> None:
    async with merchants_browser(browser_path, tmp_path, third_party_cookies=True) as context:
        assert await _has_its_cookie(await context.new_page(), app, shopify)
