"""An old conversation is found by a word, read, and taken up again, in a real browser."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.async_api import Browser, expect

from cplus.actors import LOCAL
from cplus.commands.conversations.answering import close
from cplus.ids import random_id
from tests.integration.web.harness import NOW, SHOP, Harness
from tests.integration.web.looking import looked_at

pytestmark = pytest.mark.browser
PATIENCE = 20_000  # milliseconds on a busy machine
AROUND = "The jam of last year was good, and so were the pears. " * 40


async def test_a_conversation_of_two_years_ago_is_found_by_a_word_read_and_answered(
    web: Harness, chromium: Browser
) -> None:
    web.clock.now = NOW - timedelta(days=730)
    text = f"{AROUND}\n\nDo you still have the Crème-brûlée spread?\n\n{AROUND}"
    old = await web.conversation(subject="A question", text=text)
    await close(
        SHOP, old, key=random_id(), actor=LOCAL, source="dashboard", use=web.parts.conversations
    )
    for days in range(720, 0, -30):
        web.clock.now = NOW - timedelta(days=days)
        await web.conversation(subject="Crème and sugar", text=AROUND, name=f"Bea {days}")
    web.clock.now = NOW
    expect.set_options(timeout=PATIENCE)
    async with looked_at(web, chromium, viewport={"width": 1280, "height": 700}) as page:
        await page.goto("/inbox")
        await page.get_by_role("searchbox", name="Search conversations").fill("creme brulee")
        await page.keyboard.press("Enter")
        found = page.locator("a.row.found")
        await expect(found).to_have_count(1)
        await expect(found.locator("mark")).to_have_text(["Crème", "brûlée"])
        await expect(found.locator(".when")).to_contain_text("2024")
        await found.click()
        # It folds out, and the words that were found are in sight.
        message = page.locator(".message .rest .words")
        await expect(message).to_contain_text("Do you still have the Crème-brûlée spread?")
        await expect(message).to_be_visible()
        await expect(page.get_by_role("heading", name="A question")).not_to_be_in_viewport()
        back = page.get_by_role("link", name="Search results")
        await back.click()
        await expect(page.get_by_role("searchbox").first).to_have_value("creme brulee")
        await expect(page).to_have_url(re.compile(rf"/search\?q=creme\+brulee.*#c-{old}$"))
        await found.click()
        await page.get_by_label("Reply to Ada Brandt").fill("We do, again since May.")
        await page.get_by_role("button", name="Send reply").click()
        replies = page.get_by_role("region", name="Messages").locator(".message.mine")
        await expect(replies).to_contain_text("We do, again since May.")
        await expect(back).to_be_visible()
        await page.goto("/inbox")
        first = page.locator("a.row").first
        await expect(first).to_have_attribute("href", re.compile(f"/conversations/{old}"))
    row = await web.parts.queries.conversation(SHOP, old)
    assert row
    assert row.open
