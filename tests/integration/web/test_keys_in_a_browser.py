"""The keyboard shortcuts in a real browser: a queue is worked down without a mouse."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, expect

from tests.integration.web.harness import SHOP, Harness
from tests.integration.web.looking import looked_at

pytestmark = pytest.mark.browser


async def pressed(page: Page, *keys: str) -> None:
    for key in keys:
        await page.keyboard.press(key)


async def test_a_queue_is_worked_down_by_keyboard_alone(web: Harness, chromium: Browser) -> None:
    ids = []
    for n in range(4):
        web.clock.forward(60)
        ids.append(await web.conversation(subject=f"Question {n}", name=f"Ada {n}"))
    async with looked_at(web, chromium, viewport={"width": 1280, "height": 800}) as page:
        await page.goto("/inbox?view=unanswered")
        await pressed(page, "j", "j", "k", "Enter")
        await expect(page.get_by_role("heading", name="Question 0")).to_be_visible()
        await pressed(page, "r")
        await page.keyboard.type("Yes, jam ships; keys in a field are letters: e j")
        await pressed(page, "Control+Shift+Enter")
        await expect(page.get_by_role("heading", name="Question 1")).to_be_visible()
        await pressed(page, "m")
        await expect(page.get_by_text("Assigned.", exact=True)).to_be_visible()
        await pressed(page, "j")
        await expect(page.get_by_role("heading", name="Question 2")).to_be_visible()
        await pressed(page, "e")
        await expect(page.get_by_text("Closed.", exact=True)).to_be_visible()
        await pressed(page, "u")
        await expect(page.locator("a.row")).to_have_count(2)
        await pressed(page, "j", "x", "j", "x", "e")
        await expect(page.get_by_text("2 conversations closed.")).to_be_visible()
        await pressed(page, "z")
        await expect(page.get_by_text("Undone in 2 conversations.")).to_be_visible()
        await pressed(page, "Shift+X")
        await expect(page.locator(".pick input:checked")).to_have_count(2)
        await expect(page.get_by_role("group", name="With the selected")).to_be_visible()
        await pressed(page, "?")
        await expect(page.get_by_role("heading", name="Keyboard shortcuts")).to_be_visible()
        await page.get_by_role("button", name="Turn single keys off").click()
        await page.goto("/inbox?view=unanswered")
        await pressed(page, "j", "Enter")
        await expect(page.get_by_role("heading", name="Inbox")).to_be_visible()
    rows = [await web.parts.queries.conversation(SHOP, one) for one in ids]
    assert [(row.open, row.unanswered) for row in rows if row] == [
        (True, False),
        (True, True),
        (False, False),
        (True, True),
    ]
