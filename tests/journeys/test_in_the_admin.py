"""The app as a merchant has it: in Shopify's Admin, in a browser that gives frames of other sites
no cookies. Installed from nothing, answered in, removed, installed again; wide and on a phone."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import BrowserContext, expect

from cplus.clock import utc_now
from cplus.local.stack import Stack
from tests.framed import (
    PATIENCE,
    PHONE,
    WIDE,
    app_frame,
    merchants_browser,
    observe_vitals,
    opened_anew,
    slowed,
    vitals,
)
from tests.journeys.mail_with_files import Correspondence
from tests.journeys.merchants import Faults, Merchant, answers
from tests.journeys.shoppers import address_of, document, photo
from tests.shopify_samples import CUSTOMER, ORDER

pytestmark = pytest.mark.browser

CUSTOMERS = 600
SHIFTS = 0.1
PAGES = ["/inbox", "/customers", "/metrics", "/privacy", "/billing", "/settings"]
SHOPS = {"red-tea": WIDE, "gold-oak": PHONE}
# The first shop of the demo, so that the pictures show what people see who run it.
PICTURED = "blue-jam"
BY_MAIL = "plum-shop"
LEAD = "fig-house"
PICTURES = Path(__file__).parents[2] / "docs" / "images"
NAME, QUESTION = "Maya Lindqvist", "Is the tasting box small enough for a letter box?"
ANSWER = "It is: 3 cm high, so nobody has to be in."
WRITERS = [
    ("Noor Haddad", "Can I change my order? I would love the tasting box instead."),
    ("Elias Brandt", "Is the plum jam made with pectin?"),
    ("Sofia Marino", "Thank you for the quick answer last week, the chutney is wonderful."),
    ("Jonah Okafor", "When will the fig chutney be back? I need six of them."),
    (NAME, QUESTION),
    ("Tomás Herrera", "Do you ship the tasting box to Portugal, and how long does it take?"),
    ("Priya Raman", "One jar of plum jam arrived with a cracked lid. What should I do?"),
]


@pytest.fixture(scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    people = [
        {"id": number, "first_name": f"First{number}", "email": f"person{number}@example.com"}
        for number in range(1, CUSTOMERS + 1)
    ]
    async with Stack(tmp_path_factory.mktemp("stack")) as made:
        async with httpx.AsyncClient(timeout=30) as http:
            for handle in (PICTURED, BY_MAIL, LEAD, *SHOPS):
                shop: dict[str, Any] = {
                    "host": f"{handle}.myshopify.com",
                    "name": handle.replace("-", " ").title(),
                    "email": "owner@example.com",
                    "customers": people if handle in SHOPS else [],
                    # So few points that the import takes several pages, and waits between them.
                    "maximum_available": 1000,
                    "restore_rate": 200,
                }
                answer = await http.post(f"{made.shopify_url}/_control/shops", json=shop)
                answer.raise_for_status()
        yield made


@pytest.fixture(scope="module")
async def browser(
    browser_path: str | None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[BrowserContext]:
    async with merchants_browser(browser_path, tmp_path_factory.mktemp("profile")) as context:
        await observe_vitals(context)
        expect.set_options(timeout=PATIENCE)
        yield context


async def _refused(stack: Stack, token: str) -> None:
    """Returns once the app refuses a token that Shopify gave out before the app was removed."""
    async with httpx.AsyncClient(timeout=30) as http, asyncio.timeout(PATIENCE / 1000):
        while True:  # until the app has heard of it
            headers = {"Authorization": f"Bearer {token}"}
            answer = await http.get(f"{stack.info.web}/api/inbox", headers=headers)
            if answer.status_code in (401, 403):
                return
            await asyncio.sleep(0.2)


async def _look_at_pages(browser: BrowserContext, merchant: Merchant, paths: list[str]) -> None:
    """Opens pages with the processor slowed, and uses them: none moves under the merchant's eyes.
    How fast they are is measured by bench/bench_embedded.py."""
    tab = await browser.new_page()
    await tab.set_viewport_size(SHOPS[merchant.handle])  # type: ignore[arg-type]
    await tab.goto(merchant.address)
    await slowed(tab, 4)
    for path in paths:
        felt = await vitals(await opened_anew(tab, path))
        assert felt.interactions > 0, path
        assert felt.cls <= SHIFTS, path
    await tab.close()


@pytest.mark.parametrize("handle", SHOPS)
async def test_a_merchant_installs_answers_removes_and_installs_again_in_the_admin(
    stack: Stack, browser: BrowserContext, handle: str
) -> None:
    page, faults = await browser.new_page(), Faults(stack.info.web)
    await page.set_viewport_size(SHOPS[handle])  # type: ignore[arg-type]
    merchant = Merchant(stack, handle, page, phone=SHOPS[handle] == PHONE)
    faults.watch(page)
    await merchant.installs()
    await merchant.sees_the_import_run()
    await _look_at_pages(browser, merchant, PAGES)  # in another tab, meanwhile
    await merchant.sees_the_import_end(CUSTOMERS)
    await merchant.is_written_to(NAME, QUESTION)
    await answers(merchant.app, NAME, ANSWER)
    conversation = page.url.removeprefix(merchant.address)
    assert conversation.startswith("/conversations/")
    await merchant.goes_to("Customers")
    await page.go_back()
    await expect(merchant.app.get_by_role("region", name="Messages")).to_be_visible()
    assert page.url.removeprefix(merchant.address) == conversation
    assert faults.found == []

    await _look_at_pages(browser, merchant, [conversation])

    other = await browser.new_page()
    await other.goto(merchant.address)
    await expect(other.frame_locator("#app").get_by_role("heading", level=1)).to_be_visible()
    token = await (await app_frame(other)).evaluate("shopify.idToken()")
    await merchant.uninstalls()
    await _refused(stack, token)
    await expect(other.get_by_text("isn’t installed in this shop any more")).to_be_visible()
    await other.close()

    await merchant.installs()
    await merchant.app.get_by_role("link").filter(has_text=NAME).click()
    thread = merchant.app.get_by_role("region", name="Messages")
    await expect(thread.get_by_text(ANSWER)).to_be_visible()
    assert await browser.cookies(stack.info.web) == []
    await page.close()


async def test_a_merchant_goes_on_in_a_window_of_its_own(
    stack: Stack, browser: BrowserContext
) -> None:
    page, faults = await browser.new_page(), Faults(stack.info.web)
    await page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    merchant = Merchant(stack, PICTURED, page)
    faults.watch(page)
    await merchant.installs()
    pictures = bool(os.environ.get("CPLUS_PICTURES"))
    # One will do for the promise; the pictures show more.
    for number, (name, text) in enumerate(WRITERS if pictures else [(NAME, QUESTION)]):
        await merchant.is_written_to(name, text, number)
    if pictures:
        await page.reload()
        await expect(merchant.app.get_by_role("heading", name="Inbox", level=1)).to_be_visible()
        await page.screenshot(path=PICTURES / "dashboard.png")

    async with page.expect_popup() as opened:
        await merchant.app.get_by_role("button", name="Open in a new window").click()
    window = await opened.value
    faults.watch(window)
    await window.set_viewport_size(WIDE)  # type: ignore[arg-type]
    await window.get_by_role("button", name="Sign in").click()
    await expect(window.get_by_role("heading", name="Inbox", level=1)).to_be_visible()
    await answers(window, NAME, ANSWER)
    if pictures:
        await window.screenshot(path=PICTURES / "conversation.png")
    assert faults.found == []

    # The shopper's mailbox has the answer.
    await page.goto(f"{stack.aws.endpoint}/_mailbox/?to=maya@shopper.example")
    mails = page.get_by_role("link").filter(has_text="Is the tasting box")
    await mails.first.click()
    await expect(page.get_by_text(ANSWER).first).to_be_visible()
    await browser.clear_cookies()
    await page.close()
    await window.close()


async def test_a_mail_with_files_is_looked_at_answered_with_files_bounces_and_is_sent_elsewhere(
    stack: Stack, browser: BrowserContext
) -> None:
    page, faults = await browser.new_page(), Faults(stack.info.web)
    await page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    merchant = Merchant(stack, BY_MAIL, page)
    faults.watch(page)
    await merchant.installs()
    came = [photo("Küche.jpg"), document("Receipt 1042.pdf", "Receipt 1042")]
    mail = Correspondence(merchant, "Priya Raman", "priya@shopper.example")
    question = "One jar arrived with a cracked lid. What should I do?"
    await mail.arrives("A cracked lid", question, [photo("jar.jpg"), *came])
    await mail.is_looked_at(came)

    answer = "I am sorry. A new jar is on its way: the label is attached."
    label = [document("Label – größer.pdf", "Label"), photo("parcel.jpg")]
    await mail.is_answered(answer, label)
    await mail.went_out(mail.address, answer, label)
    await mail.is_awaiting_a_reply_again()
    await mail.is_sent_elsewhere("priya@work.example")
    await mail.went_out("priya@work.example", answer, label)
    assert faults.found == []
    await page.close()


async def test_a_lead_becomes_a_customer_and_shows_as_one(
    stack: Stack, browser: BrowserContext
) -> None:
    page, faults = await browser.new_page(), Faults(stack.info.web)
    await page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    merchant = Merchant(stack, LEAD, page)
    faults.watch(page)
    await merchant.installs()
    await merchant.is_written_to(NAME, QUESTION)
    app = merchant.app
    await app.get_by_role("link").filter(has_text=NAME).click()
    details = app.get_by_role("complementary", name="Customer details")
    await expect(details.get_by_text("Lead", exact=True)).to_be_visible()
    await details.get_by_role("link", name=NAME).first.click()
    await expect(app.get_by_text("Contact form")).to_be_visible()
    await page.goto(merchant.address)
    await answers(app, NAME, ANSWER)

    await _orders(stack, 41, address_of(NAME))
    row = app.get_by_role("row").filter(has_text=NAME)
    async with asyncio.timeout(PATIENCE / 1000):
        while True:  # until the read models have it: the list is as it was when it was opened
            await merchant.goes_to("Customers")
            if "388" in await row.inner_text():
                break
            await merchant.goes_to("Metrics")
    await expect(row.get_by_text("Lead")).to_have_count(0)
    await row.get_by_role("link").click()
    await expect(app.get_by_text("Contact form")).to_be_visible()
    about = app.get_by_role("complementary", name="Customer details")
    await expect(about).to_contain_text("#1041")
    await expect(about).to_contain_text("after a conversation")

    await merchant.goes_to("Customers")
    await app.locator("summary", has_text="Filter").click()
    await app.get_by_label("First order").select_option(label="After a conversation")
    await app.get_by_role("button", name="Show", exact=True).click()
    await expect(app.get_by_role("row")).to_have_count(2)  # the heads of the columns, and
    await expect(row).to_be_visible()
    await app.locator("summary", has_text="Filter").click()
    await app.get_by_label("Save as a segment called").fill("Won")
    await app.get_by_role("button", name="Save as a new segment").click()
    await expect(app.get_by_role("link", name="Won", exact=True)).to_be_visible()
    assert faults.found == []
    await page.close()


async def _orders(stack: Stack, number: int, email: str) -> None:
    """The person orders in the shop, and Shopify tells of it."""
    now, (first, last) = utc_now().isoformat(), NAME.split()
    named = {"email": email, "first_name": first, "last_name": last, "updated_at": now}
    customer = {**CUSTOMER, **named, "id": 7_000 + number}
    order = {
        **ORDER,
        "id": 9_000 + number,
        "name": f"#10{number}",
        "email": email,
        "test": False,
        "customer": customer,
        "created_at": now,
        "updated_at": now,
        "financial_status": "paid",
        "refunds": [],
    }
    async with httpx.AsyncClient(timeout=30) as http:
        for topic, body in (("customers/create", customer), ("orders/create", order)):
            told = {"topic": topic, "shop": f"{LEAD}.myshopify.com", "payload": body, "wait": True}
            answer = await http.post(f"{stack.shopify_url}/_control/webhooks", json=told)
            answer.raise_for_status()
