"""The journey that the app is for, in a real browser: install, a shopper writes, an answer."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright, expect

from cplus.commands.sessions import sign_in_link
from cplus.local.stack import Stack
from tests.journeys.shoppers import write_as_a_shopper

# The first shop of the demo, so that the pictures show what people see who run it.
SHOP = "blue-jam.myshopify.com"
PICTURE = Path(__file__).parents[2] / "docs" / "images" / "dashboard.png"
SECONDS = 30_000  # milliseconds that anything may take on a busy machine

_FLAGS = [
    *("--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
_WRITERS = [
    ("Noor Haddad", "Can I change my order? I would love the tasting box instead."),
    ("Elias Brandt", "Is the plum jam made with pectin?"),
    ("Sofia Marino", "Thank you for the quick answer last week, the chutney is wonderful."),
    ("Jonah Okafor", "When will the fig chutney be back? I need six of them."),
    ("Maya Lindqvist", "Is the tasting box small enough for a letter box?"),
    ("Tomás Herrera", "Do you ship the tasting box to Portugal, and how long does it take?"),
    ("Priya Raman", "One jar of plum jam arrived with a cracked lid. What should I do?"),
]


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    async with Stack(tmp_path) as made:
        shop = {"host": SHOP, "name": "Blue Jam", "email": "owner@example.com"}
        async with httpx.AsyncClient(timeout=30) as http:
            answer = await http.post(f"{made.shopify_url}/_control/shops", json=shop)
            answer.raise_for_status()
        yield made


@pytest.fixture
async def page(browser_path: str | None) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        # Chromium's sandbox does not run as root.
        flags = [*_FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        browser: Browser = await playwright.chromium.launch(
            executable_path=browser_path, args=flags
        )
        context = await browser.new_context(viewport={"width": 1280, "height": 800})
        made = await context.new_page()
        made.set_default_timeout(SECONDS)
        yield made
        await browser.close()


def fault(said: ConsoleMessage) -> str:
    return f"{said.location['url']}: {said.text}"


@pytest.mark.browser
async def test_a_merchant_installs_the_app_and_answers_a_shopper(stack: Stack, page: Page) -> None:
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))
    page.on("console", lambda said: faults.append(fault(said)) if said.type == "error" else None)

    # The merchant installs the app, and goes on in a window of its own.
    await page.goto(stack.shopify_url)
    await page.get_by_role("link", name="Install").click()
    await page.get_by_role("button", name="Install app").click()
    framed = page.frame_locator("#app")
    await expect(framed.get_by_role("heading", name="Inbox")).to_be_visible(timeout=SECONDS)
    await page.goto(sign_in_link(stack.settings, SHOP))
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Inbox")).to_be_visible(timeout=SECONDS)
    await expect(page.get_by_text("No conversations yet")).to_be_visible()

    # Shoppers write; the open page tells of it without being asked.
    # Three will do for the promise; the picture shows more.
    writers = _WRITERS if os.environ.get("CPLUS_PICTURES") else _WRITERS[-3:]
    for number, (name, text) in enumerate(writers):
        write_as_a_shopper(stack, "blue-jam", name, text, number)
        row = page.get_by_role("link").filter(has_text=name)
        await expect(row).to_be_visible(timeout=SECONDS)
    if os.environ.get("CPLUS_PICTURES"):
        PICTURE.parent.mkdir(exist_ok=True)
        await page.reload()
        await page.screenshot(path=PICTURE)

    # The merchant answers.
    await page.get_by_role("link").filter(has_text="Maya Lindqvist").click()
    thread = page.get_by_role("region", name="Messages")
    await expect(thread.get_by_text("small enough for a letter box")).to_be_visible()
    await page.get_by_label("Reply to Maya Lindqvist").fill(
        "It is: 3 cm high, so nobody has to be in."
    )
    await page.get_by_role("button", name="Send reply").click()
    await expect(thread.get_by_text("It is: 3 cm high, so nobody has to be in.")).to_be_visible(
        timeout=SECONDS
    )
    await expect(thread.get_by_text("Delivered")).to_be_visible(timeout=SECONDS)
    if os.environ.get("CPLUS_PICTURES"):
        await page.screenshot(path=PICTURE.with_name("conversation.png"))

    # The shopper's mailbox has the answer.
    await page.goto(f"{stack.aws.endpoint}/_mailbox/?to=maya@shopper.example")
    await page.get_by_role("link").filter(has_text="Is the tasting box").click()
    await expect(
        page.get_by_text("It is: 3 cm high, so nobody has to be in.").first
    ).to_be_visible()
    assert [fault for fault in faults if stack.info.web in fault] == []
