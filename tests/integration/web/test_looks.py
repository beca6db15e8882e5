"""What every page has however it is looked at: accessibility, marks in forced colours, room."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp.test_utils import make_mocked_request
from playwright.async_api import Browser, ViewportSize

from cplus.local.aws.email.mailbox import Mailbox
from cplus.local.aws.pages import respond
from cplus.local.shopify import LocalShop
from cplus.local.shopify.pages import consent_page, shops_page
from tests.conftest import ROOT
from tests.integration.web.axe import carry_axe, violations
from tests.integration.web.harness import SHOP, Harness
from tests.integration.web.looking import looked_at

pytestmark = pytest.mark.browser

NARROW = {"width": 320, "height": 640}
"""What WCAG 2.1 AA wants a page to fit into without scrolling sideways (1.4.10)."""
PHONE: ViewportSize = {"width": 390, "height": 844}
WIDE: ViewportSize = {"width": 1280, "height": 800}


# What is no page: it leads elsewhere, or is for programs.
_NO_PAGE = re.compile(
    r"/|/(api|static|files)/.*|/messages/.*|/healthz|/auth/(install|callback|sign-out|scopes)|/console/.+"
    r"|/conversations/{conversation_id}/(reply|note|undo|answer-to|close|reopen|unmerge|unsplit|messages/{message_id}/(split|move-back)|spam|not-spam|block|unblock|undo|failed/.*)"
    r"|/conversations/{conversation_id}/(assign|snooze|wake|tags|priority|history/at)|/inbox/(bulk|undo)|/drafts/(discard|restore)"
    r"|/settings/(tags/(make|change|remove)|saved-replies/(save|remove)|views/(save|remove)|team/(role|remove|default)|leads)"
    r"|/customers/(segments/(save|remove)|export/file|tags(/undo)?|{person}/(notes(/remove)?|tags|unmerge))"
    r"|/privacy/people/{person}/export"
    r"|/privacy/retention|/privacy/requests/{number}|/getting-started/(test|guide)|/privacy/erasures/{erasure}/certificate"
    r"|/inbox/automatic/{message_id}/conversation|/inbox/blocked/(unblock|author)|/settings/(mail/{section}|language)|/push_worker.js|/manifest.webmanifest"
)


async def test_every_page_of_the_app_is_looked_at_here(web: Harness, pages: list[str]) -> None:
    paths = [urlsplit(address).path for address in pages]
    routes = [path for path, methods in web.app.openapi()["paths"].items() if "get" in methods]
    shown = [path for path in routes if not _NO_PAGE.fullmatch(path)]
    assert len(shown) >= 10
    for page in shown:
        known = re.compile(re.sub(r"{\w+}", "[^/]+", page))
        assert any(map(known.fullmatch, paths)), page
    told = re.findall(r"`(/[^`?]+)", (ROOT / "docs" / "web.md").read_text("utf-8"))
    named = {re.sub(r"[A-Z]+", "{}", one) for one in told}
    assert {re.sub(r"{\w+}", "{}", page) for page in shown} <= named, "docs/web.md#pages"


async def test_a_phone_is_told_where_a_reply_goes(web: Harness, chromium: Browser) -> None:
    conversation = await web.conversation()
    async with looked_at(web, chromium, viewport=PHONE) as page:
        await page.goto(f"/conversations/{conversation}")
        assert await page.get_by_text("Goes by email to ada@example.com").is_visible()
        await page.locator("summary", has_text="More").click()
        menu = await page.locator(".menu[open] .menu-items").bounding_box()
        assert menu
        assert menu["x"] >= 0
        assert menu["x"] + menu["width"] <= PHONE["width"], "all of the menu can be tapped"
        await page.goto("/inbox")
        assert await page.get_by_role("button", name="Sign out").is_visible()


MARKS = {
    "/inbox": {
        ".tabs a[aria-current]": "aria-current",
        ".rail a[aria-current]": "aria-current",
        ".row.waiting": "class:waiting",
    },
    "/metrics": {
        ".switch a[aria-current]": "aria-current",
        ".swatch.written": "class:written",
    },
    "/auth/sign-in?note=out": {".note": "class:note"},
    "/console": {".bar-nav a[aria-current]": "aria-current"},
}
"""What tells something by how it looks, and what of it does; by page."""

DROP = """(element, what) => {
  const [name, token] = what.split(":");
  const old = element.getAttribute(name);
  if (token) element.classList.remove(token); else element.removeAttribute(name);
  return old;
}"""


@pytest.mark.parametrize("viewport", [PHONE, WIDE])
@pytest.mark.usefixtures("pages")
async def test_in_forced_colours_whatever_is_marked_looks_otherwise_than_what_is_not(
    web: Harness, chromium: Browser, viewport: Any
) -> None:
    async with looked_at(web, chromium, viewport=viewport, forced_colors="active") as page:
        for address, selectors in MARKS.items():
            await page.goto(address)
            for selector, what in selectors.items():
                handle = await page.locator(selector).first.element_handle()
                assert handle
                marked = await handle.screenshot(animations="disabled")
                await handle.evaluate(DROP, what)
                assert await handle.screenshot(animations="disabled") != marked, selector


async def test_the_console_shows_every_reader_on_a_screen_of_1280(
    web: Harness, chromium: Browser
) -> None:
    shop = "a-shop-with-a-long-name-of-its-own.myshopify.com"
    await web.conversation(shop)
    async with looked_at(web, chromium, viewport=WIDE) as page:
        await page.goto("/console")
        table = page.locator(".card.scroll")
        assert await table.locator("thead tr:nth-child(2) th").count() >= 12
        inside, room = await table.evaluate("one => [one.scrollWidth, one.clientWidth]")
        assert inside <= room


LEAST = 3.0
"""The contrast at least of what has to be seen (WCAG 2.2, 1.4.11)."""

CONTRAST = """element => {
  const light = (text) => {
    const parts = text.match(/[\\d.]+/g).map(Number);
    if (parts.length === 4 && parts[3] === 0) return null;
    const [r, g, b] = parts.map((one) => one / 255).map((one) =>
      one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (one) => {
    const own = light(getComputedStyle(one).backgroundColor);
    return own ?? (one.parentElement ? behind(one.parentElement) : 1);
  };
  const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const style = getComputedStyle(element);
  return [ratio(light(style.color), behind(element)),
          ratio(behind(element), behind(element.parentElement))];
}"""
"""Of an element's text to its background, and of its background to what is around it."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_stand_ins_of_shopify_and_of_a_mailbox_can_be_read_in_light_and_dark(
    chromium: Browser, tmp_path: Path, scheme: Any
) -> None:
    shop = LocalShop(host=SHOP, name="Acorn & Co", email="owner@example.com")
    mailbox = respond(Mailbox(tmp_path), make_mocked_request("GET", "/_mailbox/"))
    assert isinstance(mailbox.text, str)
    page = await chromium.new_page(color_scheme=scheme)
    await page.set_content(consent_page(shop, {"scope": "read_orders"}))
    button = page.get_by_role("button", name="Install app")
    text, around = await button.evaluate(CONTRAST)
    assert min(text, around) >= LEAST
    for content in (
        shops_page([shop], {SHOP: "read_orders"}, lambda host: f"/{host}"),
        mailbox.text,
    ):
        await page.set_content(content)
        for one in await page.locator("h1, p, a, th, button, input").all():
            text, _ = await one.evaluate(CONTRAST)
            assert text >= 1.5 * LEAST, await one.text_content()
    dark = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (dark == "rgb(255, 255, 255)") == (scheme == "light")
    await page.close()


ROOM = "(({ scrollWidth, clientWidth }) => [scrollWidth, clientWidth])(document.scrollingElement)"
OPEN = "document.querySelectorAll('dialog[open], :popover-open, :modal').length"
COLOURS = ("color-contrast", "link-in-text-block")


async def test_every_page_fits_a_phone_opens_nothing_by_itself_and_is_accessible(
    web: Harness, pages: list[str], chromium: Browser
) -> None:
    async with looked_at(web, chromium, viewport=NARROW, reduced_motion="reduce") as page:
        await carry_axe(page)
        for address in pages:
            await page.goto(address)
            inside, room = await page.evaluate(ROOM)
            assert inside <= room, address
            assert await page.evaluate(OPEN) == 0, address
            await page.set_viewport_size(PHONE)
            assert await violations(page) == [], (address, "phone")
            await page.emulate_media(color_scheme="dark", reduced_motion="reduce")
            assert await violations(page, *COLOURS) == [], (address, "phone, dark")
            await page.set_viewport_size(WIDE)
            assert await violations(page, *COLOURS) == [], (address, "dark")
            await page.emulate_media(color_scheme="light", reduced_motion="reduce")
            assert await violations(page) == [], address
            await page.emulate_media(color_scheme="dark", reduced_motion="reduce")
            await page.evaluate("document.documentElement.toggleAttribute('data-embedded', true)")
            assert await violations(page, *COLOURS) == [], (address, "in the Admin")
            # The Admin is light whatever the system prefers, and so is what stands in it.
            ground = await page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert ground == "rgb(241, 241, 241)", address
            await page.emulate_media(color_scheme="light", reduced_motion="reduce")
