"""The pages inside an Admin's frame, in a real browser that keeps no cookie of other sites."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from tests.integration.web.framed import Framed, framed
from tests.integration.web.harness import SHOP

pytestmark = pytest.mark.browser
PATIENCE = 20_000  # milliseconds on a busy machine
HELD_BACK = """() => new Promise((done) => {
  let steps = 0;
  addEventListener("popstate", () => ++steps === 2 && done());
  history.back();
})"""
"""Goes back, and waits until that step was taken and put back."""


@pytest.fixture
async def admin(mongo_uri: str, database: str) -> AsyncIterator[Framed]:
    async with framed(mongo_uri, database) as made:
        yield made


@pytest.fixture
async def page(chromium: Browser) -> AsyncIterator[Page]:
    """A window for the Admin."""
    context = await chromium.new_context(viewport={"width": 1000, "height": 700})
    page = await context.new_page()
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    yield page
    await context.close()


async def _no_cookies(admin: Framed, page: Page) -> bool:
    return await page.context.cookies(admin.web.settings.app_url) == []


def _menu(page: Page, name: str) -> object:
    return page.locator("#app-menu").get_by_role("link", name=name)


async def test_a_merchant_installs_navigates_replies_and_goes_back_with_no_cookie(
    admin: Framed, page: Page
) -> None:
    talk = await admin.web.conversation()
    loads: list[str] = []
    page.on("framenavigated", lambda frame: loads.append(frame.url) if frame.parent_frame else None)
    frame = await admin.open(page)
    await expect(frame.get_by_role("heading", name="Inbox", exact=True)).to_be_visible()
    # How many conversations wait for an answer stands before it.
    await expect(page.locator("#title")).to_have_text(re.compile(r"^(\(\d+\) )?Inbox$"))
    await expect(frame.get_by_role("button", name="Sign out")).to_have_count(0)
    documents = sum("id_token" in url for url in loads)
    # A link of the page, a form, a link of the Admin's menu: all go by fetch.
    await frame.get_by_role("link", name="Ada Brandt").click()
    heading = frame.get_by_role("heading", name="Blue jam")
    await expect(heading).to_be_focused()
    await expect(frame.locator("#announced")).to_contain_text("Blue jam")
    await expect(page).to_have_url(re.compile(f"/conversations/{talk}\\?list="))
    await frame.get_by_label("Reply to Ada Brandt").fill("Yes, we do.")
    await frame.get_by_role("button", name="Send reply").click()
    messages = frame.get_by_role("region", name="Messages")
    await expect(messages.get_by_text("Yes, we do.")).to_be_visible()
    await expect(frame.get_by_label("Reply to Ada Brandt")).to_have_value("")
    await page.locator("#app-menu").get_by_role("link", name="Customers").click()
    await expect(frame.get_by_role("heading", name="Customers", exact=True)).to_be_visible()
    await expect(page.locator("#title")).to_have_text("Customers")
    await page.go_back()
    await expect(heading).to_be_visible()
    await page.go_forward()
    await expect(frame.get_by_role("heading", name="Customers", exact=True)).to_be_visible()
    assert sum("id_token" in url for url in loads) == documents
    assert "bounced" not in page.url
    assert await _no_cookies(admin, page)
    assert len(await admin.web.stream(SHOP, talk)) == 3


async def test_what_was_done_is_a_toast_and_what_was_typed_stays(admin: Framed, page: Page) -> None:
    talk = await admin.web.conversation()
    frame = await admin.open(page, f"/conversations/{talk}")
    await frame.get_by_label("Reply to Ada Brandt").fill("Half an ans")
    await frame.get_by_role("button", name="Close", exact=True).click()
    await expect(page.locator("#toasts")).to_contain_text("Closed.")
    await expect(frame.locator(".note.done")).to_be_hidden()
    await expect(frame.get_by_label("Reply to Ada Brandt")).to_have_value("Half an ans")
    await frame.get_by_role("link", name="History").click()
    await expect(frame.get_by_role("heading", name="History")).to_be_visible()
    await frame.locator(".deeds time").first.click()
    await frame.get_by_role("slider").press("ArrowLeft")
    await expect(frame.locator(".head .chip", has_text="Closed")).to_have_count(0)
    await page.go_back()
    await expect(frame.locator(".deeds time").first).to_be_visible()
    await page.go_back()
    await expect(frame.get_by_label("Reply to Ada Brandt")).to_have_value("Half an ans")


async def test_news_come_by_themselves(admin: Framed, page: Page) -> None:
    frame = await admin.open(page)
    await expect(frame.get_by_role("heading", name="Inbox", exact=True)).to_be_visible()
    await admin.web.conversation(subject="A late question")
    await expect(frame.get_by_text("A late question")).to_be_visible()


async def test_a_changed_setting_is_saved_by_the_admins_bar(admin: Framed, page: Page) -> None:
    frame = await admin.open(page, "/privacy")
    await frame.get_by_label("Keep them").select_option("12")
    await expect(page.locator("#save-bar")).to_be_visible()
    await page.locator("#save").click()
    await expect(page.locator("#save-bar")).to_be_hidden()
    await expect(page.locator("#toasts")).to_contain_text("Saved.")
    await expect(frame.get_by_label("Keep them")).to_have_value("12")


async def test_back_is_held_while_a_setting_is_not_saved_and_goes_on_after(
    admin: Framed, page: Page
) -> None:
    frame = await admin.open(page, "/metrics")
    menu = page.locator("#app-menu")
    for save in (False, True):
        await menu.get_by_role("link", name="Privacy").click()
        keep = frame.get_by_label("Keep them for")
        await keep.select_option("12")
        await expect(page.locator("#save-bar")).to_be_visible()
        for _ in range(2):
            await page.evaluate(HELD_BACK)
            await expect(page.locator("#blocked")).to_have_text("Save or discard first.")
            await expect(keep).to_have_value("12")
            await expect(page).to_have_url(re.compile("/privacy$"))
        await page.locator("#save" if save else "#discard").click()
        await expect(page.locator("#save-bar")).to_be_hidden()
        await page.wait_for_function("() => !history.state?.guard")
        if save:
            await expect(page.locator("#toasts")).not_to_be_empty()
        await page.go_back()
        await expect(frame.get_by_role("heading", name="Metrics", exact=True)).to_be_visible()
        await expect(page).to_have_url(re.compile("/metrics$"))
        await expect(menu.locator("[aria-current]")).to_have_text("Metrics")


async def test_the_admin_is_light_as_shopifys_is_whatever_the_browser_wants(
    admin: Framed, page: Page
) -> None:
    await page.emulate_media(color_scheme="dark")
    await admin.open(page)
    await expect(page.locator("#side")).to_have_css("background-color", "rgb(235, 235, 235)")
    await expect(page.locator("body")).to_have_css("background-color", "rgb(241, 241, 241)")


async def test_a_page_opens_in_a_window_of_its_own_with_a_session_of_its_own(
    admin: Framed, page: Page
) -> None:
    frame = await admin.open(page, "/customers")
    async with page.context.expect_page() as opening:
        await frame.get_by_role("button", name="Open in a new window").click()
    window = await opening.value
    await window.get_by_role("button", name="Sign in").click()
    await expect(window.get_by_role("heading", name="Customers", exact=True)).to_be_visible()
    await expect(window.get_by_role("button", name="Sign out")).to_be_visible()


async def test_a_frame_that_is_loaded_again_fetches_a_token_of_its_own(
    admin: Framed, page: Page
) -> None:
    frame = await admin.open(page)
    await expect(frame.get_by_role("heading", name="Inbox", exact=True)).to_be_visible()
    await frame.get_by_role("heading", name="Inbox", exact=True).evaluate("() => location.reload()")
    await expect(frame.get_by_role("heading", name="Inbox", exact=True)).to_be_visible()
    await expect(page).to_have_url(re.compile(r"/apps/conversations-plus(/|/inbox)?$"))


async def test_without_app_bridge_a_page_can_be_read_and_says_how_to_go_on(
    admin: Framed, page: Page
) -> None:
    talk = await admin.web.conversation()
    admin.shopify.bridge_reachable = False
    frame = await admin.open(page, f"/conversations/{talk}")
    await expect(frame.get_by_text("Do you ship to Norway?")).to_be_visible()
    note = frame.locator("#no-bridge")
    await expect(note).to_be_visible()
    await frame.get_by_label("Reply to Ada Brandt").fill("Yes, we do.")
    await frame.get_by_role("button", name="Send reply").click()
    await expect(frame.get_by_label("Reply to Ada Brandt")).to_have_value("Yes, we do.")
    async with page.context.expect_page() as opening:
        await note.get_by_role("link").click()
    window = await opening.value
    await expect(window).to_have_url(re.compile("/admin/oauth/authorize"))


async def test_a_lost_connection_keeps_the_page_and_says_so(admin: Framed, page: Page) -> None:
    talk = await admin.web.conversation()
    frame = await admin.open(page, f"/conversations/{talk}")
    box = frame.get_by_label("Reply to Ada Brandt")
    await box.fill("Yes, we do.")
    await page.route("**/conversations/**", lambda route: route.abort())
    await frame.get_by_role("button", name="Send reply").click()
    # Beside the form, in the colour of errors, and not in a toast that goes by itself.
    wrong = frame.locator("form").filter(has=box).get_by_role("alert")
    await expect(wrong).to_contain_text("Check your connection")
    await expect(wrong).to_have_css("color", "rgb(142, 11, 33)")
    await expect(page.locator("#toasts")).to_be_empty()
    await expect(box).to_have_value("Yes, we do.")
    await page.unroute("**/conversations/**")
    await frame.get_by_role("button", name="Send reply").click()
    await expect(frame.get_by_text("Yes, we do.")).to_be_visible()
    await expect(frame.get_by_text("Check your connection")).to_have_count(0)
    assert len(await admin.web.stream(SHOP, talk)) == 3


async def test_a_token_that_app_bridge_gives_twice_does_not_stop_a_page(
    admin: Framed, page: Page
) -> None:
    tokens = admin.shopify.id_tokens
    frame = await admin.open(page)
    inbox = frame.get_by_role("heading", name="Inbox", exact=True)
    await expect(inbox).to_be_visible()
    tokens.go_wrong(SHOP, "repeated", 3)
    for name in ("Customers", "Metrics", "Billing"):
        await page.locator("#app-menu").get_by_role("link", name=name).click()
        await expect(frame.get_by_role("heading", name=name, exact=True)).to_be_visible()
    # A new document may not use it: the bounce page waits for the next one.
    tokens.go_wrong(SHOP, "repeated", 3)
    await frame.get_by_role("heading", name="Billing").evaluate("() => location.reload()")
    await expect(frame.locator("#bounce")).to_be_visible()
    await expect(frame.get_by_role("heading", name="Billing", exact=True)).to_be_visible()


async def test_a_bad_token_is_fetched_anew_once_and_then_the_page_says_so(
    admin: Framed, page: Page
) -> None:
    talk = await admin.web.conversation()
    tokens = admin.shopify.id_tokens
    frame = await admin.open(page, f"/conversations/{talk}")
    box = frame.get_by_label("Reply to Ada Brandt")
    await box.fill("Yes, we do.")
    tokens.go_wrong(SHOP, "expired")
    await frame.get_by_role("link", name="History").click()
    await expect(frame.get_by_role("heading", name="History")).to_be_visible()
    await page.go_back()
    await expect(box).to_have_value("Yes, we do.")
    tokens.go_wrong(SHOP, "audience", 20)  # the page asks for news too
    await frame.get_by_role("button", name="Send reply").click()
    note = frame.locator("#signed-out")
    await expect(note).to_be_visible()
    await expect(note).to_contain_text("Shopify didn’t confirm who you are.")
    await expect(box).to_have_value("Yes, we do.")
    assert len(await admin.web.stream(SHOP, talk)) == 2
    here = note.get_by_role("link", name="Open this page again")
    await expect(here).to_have_attribute("href", re.compile(f"/apps/client/conversations/{talk}$"))
    for _ in range(20):
        tokens.next(SHOP)  # nobody gets the other wrong ones
    await note.get_by_role("button", name="Try again").click()
    await expect(frame.get_by_text("Yes, we do.")).to_be_visible()
    await expect(note).to_be_hidden()
    await expect(box).to_have_value("")
    assert len(await admin.web.stream(SHOP, talk)) == 3


async def test_a_download_comes_as_a_file_and_a_link_with_ctrl_opens_in_the_admin(
    admin: Framed, page: Page
) -> None:
    await admin.web.conversation()
    frame = await admin.open(page, "/privacy/people/ada")
    async with page.expect_download() as coming:
        await frame.locator("form[data-download] button").first.click()
    download = await coming.value
    assert download.suggested_filename.endswith((".json", ".html"))
    assert "Do you ship to Norway?" in (await download.path()).read_text("utf-8")
    await expect(page.locator("#toasts")).to_contain_text("Downloaded.")
    await page.locator("#app-menu").get_by_role("link", name="Customers").click()
    async with page.context.expect_page() as opening:
        await frame.get_by_role("link", name="Ada Brandt").click(modifiers=["ControlOrMeta"])
    apart = await opening.value
    await expect(apart).to_have_url(re.compile(r"/apps/conversations-plus/customers/ada$"))
    opened = apart.frame_locator("#app")
    await expect(opened.get_by_role("heading", name="Ada Brandt")).to_be_visible()
    await expect(frame.get_by_role("heading", name="Customers", exact=True)).to_be_visible()
