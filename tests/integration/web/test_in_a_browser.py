"""What an open page does by itself, in a real browser: news in place, and what it leaves alone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from cplus.commands.sessions import sign_in_link
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.catalogue.mail import MailDelivered
from cplus.events.catalogue.shops import AppUninstalled
from cplus.ids import random_id
from tests.integration.web.harness import OTHER, SHOP, Harness, served

pytestmark = pytest.mark.browser
PATIENCE = 20_000  # milliseconds on a busy machine


@pytest.fixture
async def page(web: Harness, chromium: Browser) -> AsyncIterator[Page]:
    """A page of a small window in which the merchant is signed in."""
    async with served(web) as address:
        context = await chromium.new_context(
            base_url=address, viewport={"width": 1000, "height": 500}
        )
        page = await context.new_page()
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        await page.goto(sign_in_link(web.settings, SHOP, web.clock).replace("http://app.test", ""))
        await page.get_by_role("button", name="Sign in").click()
        yield page
        await context.close()


async def _writes(web: Harness, conversation_id: str, text: str) -> None:
    """The shopper writes once more."""

    def receive(conversation: Conversation) -> None:
        conversation.receive(
            now=web.clock(),
            person="person/ada",
            message_id=random_id(),
            from_name="Ada Brandt",
            from_address="ada@example.com",
            subject="Blue jam",
            text=text,
            rfc_message_id=f"<{random_id()}@example.com>",
        )

    outcome = await web.parts.recorder.decide(
        Conversation,
        SHOP,
        f"conversation/{conversation_id}",
        receive,
        claim=f"mail/{random_id()}",
        source="mail",
        actor="shopper",
    )
    assert outcome is not None
    await web.nudger.fold({SHOP: outcome.position})


async def _arrives(web: Harness, page: Page, conversation_id: str) -> None:
    """The merchant's answer reaches the shopper's mailbox."""
    own = await page.locator(".message.mine").last.get_attribute("id")
    assert own is not None
    delivered = MailDelivered(message_id=own[2:], conversation_id=conversation_id)
    await web.record(SHOP, f"conversation/{conversation_id}", delivered)


async def test_an_answers_fate_is_told_in_place_where_the_page_stands_at_its_end(
    web: Harness, page: Page
) -> None:
    conversation = await web.conversation(text="A long letter.\n" * 60)
    await page.goto(f"/conversations/{conversation}")
    await page.get_by_label("Reply to Ada Brandt").fill("Yes, we do.")
    await page.get_by_role("button", name="Send reply").click()
    await expect(page.get_by_text("Sending", exact=True)).to_be_visible()
    assert await page.evaluate("scrollY") > 120
    await _arrives(web, page, conversation)
    await expect(page.get_by_text("Delivered")).to_be_visible()
    await expect(page.locator("#news")).to_be_hidden()
    # Nobody reads elsewhere or types: what a shopper writes comes by itself too.
    await _writes(web, conversation, "Thank you!")
    await expect(page.get_by_text("Thank you!")).to_be_visible()


async def test_only_what_a_shopper_writes_is_held_back_while_somebody_types(
    web: Harness, page: Page
) -> None:
    conversation = await web.conversation()
    await page.goto(f"/conversations/{conversation}")
    box = page.get_by_label("Reply to Ada Brandt")
    await box.fill("Yes, we do.")
    await page.get_by_role("button", name="Send reply").click()
    await expect(page.get_by_text("Sending", exact=True)).to_be_visible()
    await box.fill("And one thing mo")
    await _arrives(web, page, conversation)
    await expect(page.get_by_text("Delivered")).to_be_visible()
    await expect(page.locator("#news")).to_be_hidden()
    await _writes(web, conversation, "Thank you!")
    await expect(page.locator("#news")).to_be_in_viewport()  # the end of the page is in sight
    await page.locator("#news").click()
    await expect(page.get_by_text("Thank you!")).to_be_visible()
    await expect(page.locator("#news")).to_be_hidden()
    await expect(box).to_have_value("And one thing mo")


async def test_closing_is_seen_to_have_happened_and_keeps_what_was_typed(
    web: Harness, page: Page
) -> None:
    conversation = await web.conversation(text="A long letter.\n" * 60)
    await page.goto(f"/conversations/{conversation}")
    await page.get_by_label("Reply to Ada Brandt").fill("Half an ans")
    await page.get_by_role("button", name="Close", exact=True).click()
    await expect(page.get_by_text("Closed.", exact=True)).to_be_in_viewport()
    await expect(page.get_by_label("Reply to Ada Brandt")).to_have_value("Half an ans")
    await expect(page.get_by_text("Replying reopens it.")).to_be_attached()
    await page.get_by_role("button", name="Reopen").click()
    await expect(page.get_by_text("Reopened.")).to_be_in_viewport()


async def test_a_page_whose_session_is_over_says_so_stops_asking_and_leads_back(
    web: Harness, page: Page
) -> None:
    conversation = await web.conversation()
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url) if "/api/" in sent.url else None)
    await page.clock.install()
    await page.goto(f"/conversations/{conversation}?from=start")
    box = page.get_by_label("Reply to Ada Brandt")
    await box.fill("Half an ans")
    await page.context.clear_cookies()
    await page.clock.run_for(10_000)
    await expect(page.get_by_text("You are signed out.")).to_be_visible()
    seen = len(asked)
    await page.clock.run_for(120_000)
    assert len(asked) == seen
    link = page.locator("#signed-out a")
    await link.click()
    await expect(page.get_by_text(f"Your shop is {SHOP}.")).to_be_visible()
    leads_to = page.locator('input[name="next"]')
    await expect(leads_to).to_have_value(f"/conversations/{conversation}?from=start")
    await page.goto(sign_in_link(web.settings, SHOP, web.clock).replace("http://app.test", ""))
    await page.get_by_role("button", name="Sign in").click()
    await page.goto(f"/conversations/{conversation}/history")
    await page.context.clear_cookies()
    await page.clock.run_for(10_000)
    await expect(page.get_by_text("You are signed out.")).to_be_visible()


async def test_a_page_of_a_shop_that_removed_the_app_says_so(web: Harness, page: Page) -> None:
    await page.clock.install()
    await page.goto("/inbox")
    web.clock.forward(10)
    await web.record(SHOP, f"shop/{SHOP}", AppUninstalled())
    await page.clock.run_for(10_000)
    await expect(page.get_by_text("The app is no longer installed in this shop.")).to_be_visible()
    await page.get_by_role("link", name="Install it again").click()
    await expect(page.get_by_role("button", name="Install again")).to_be_visible()


async def test_a_person_can_be_downloaded_twice_from_one_page(web: Harness, page: Page) -> None:
    await web.conversation()
    await page.goto("/customers/ada")
    await page.get_by_role("link", name="Export this person").click()
    for kind in ("HTML", "JSON", "HTML"):
        async with page.expect_download() as downloading:
            await page.get_by_role("button", name=f"Download as {kind}").click()
        file = await downloading.value
        assert file.suggested_filename == f"person-ada.{kind.lower()}"


async def test_a_tab_of_one_shop_says_that_the_browser_is_signed_in_to_another(
    web: Harness, page: Page
) -> None:
    await web.conversation()
    await web.conversation(OTHER, subject="A secret of the other shop")
    await page.goto("/inbox")
    await page.clock.install()
    second = await page.context.new_page()
    await second.goto(sign_in_link(web.settings, OTHER, web.clock).replace("http://app.test", ""))
    await second.get_by_role("button", name="Sign in").click()
    await expect(second.get_by_text("A secret of the other shop")).to_be_visible()
    await expect(second.locator("#other-shop")).to_be_hidden()
    # The first tab goes on showing its own shop, and says so.
    await page.clock.run_for(10_000)
    note = page.locator("#other-shop")
    await expect(note).to_contain_text(f"This tab was opened for {SHOP}")
    await expect(page.get_by_text("Blue jam")).to_be_visible()
    switch = await note.get_by_role("link").get_attribute("href")
    assert switch == f"/auth/install?shop={SHOP}&next=%2Finbox"
    # A link leads to the other shop, which the page says, until that is what the merchant wants.
    await page.get_by_role("link", name="Customers").click()
    await expect(note).to_contain_text(SHOP)
    await note.get_by_role("button", name="Stay here").click()
    await page.get_by_role("link", name="Metrics").click()
    await expect(page.get_by_role("heading", name="Metrics")).to_be_visible()
    await expect(note).to_be_hidden()
