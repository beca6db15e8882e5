"""An agent works down a queue of 20 conversations in a real browser, by keyboard alone."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from cplus.actors import LOCAL
from cplus.commands.saved_replies import save_reply
from cplus.commands.tags import make_tag
from tests.integration.web.harness import SHOP, Harness
from tests.integration.web.looking import looked_at

pytestmark = pytest.mark.browser
QUEUE = 20
REPLIED = 10


async def pressed(page: Page, *keys: str) -> None:
    for key in keys:
        await page.keyboard.press(key)


async def at(page: Page, number: int) -> None:
    await expect(page.get_by_role("heading", name=f"Question {number}", exact=True)).to_be_visible()


async def said(page: Page, words: str) -> None:
    await expect(page.get_by_text(words, exact=True)).to_be_visible()


async def _queue(web: Harness) -> list[str]:
    """The conversations, the one that has waited longest first; a tag, and a saved reply."""
    who: dict[str, Any] = {"actor": LOCAL, "source": "dashboard", "use": web.parts.conversations}
    await make_tag(SHOP, "Broken", "red", key="t" * 26, **who)
    text = "We ship to {{customer.first_name|you}} each Monday."
    await save_reply(SHOP, "Shipping days", text, key="s" * 26, **who)
    ids = []
    for n in range(QUEUE):
        web.clock.forward(60)
        last = n == QUEUE - 1
        ids.append(await web.conversation(subject=f"Question {n}", name=f"Ada {n}", fold=last))
    return ids


async def test_a_queue_of_20_is_worked_down_by_keyboard_alone(
    web: Harness, chromium: Browser
) -> None:
    ids = await _queue(web)
    async with looked_at(web, chromium, viewport={"width": 1280, "height": 800}) as page:
        await page.goto("/inbox?view=unanswered")
        await pressed(page, "j", "j", "k", "Enter")
        for n in range(REPLIED):
            await at(page, n)
            await pressed(page, "r")
            await page.keyboard.type(f"Yes, no. {n}; keys in a field are letters: e j m")
            await pressed(page, "Control+Shift+Enter")
        await at(page, 10)
        await pressed(page, "r", "/")
        await page.keyboard.type("shipp")
        await expect(page.get_by_role("option", name="Shipping days")).to_be_visible()
        await pressed(page, "Enter")
        box = page.get_by_label("Reply to Ada 10")
        await expect(box).to_have_value("We ship to you each Monday.")
        await pressed(page, "Control+Shift+Enter")
        await at(page, 11)
        await pressed(page, "s", "Enter")
        await expect(page.get_by_role("button", name="End snooze")).to_be_visible()
        await pressed(page, "j")
        await at(page, 12)
        await pressed(page, "t", "Space", "Tab", "Enter")
        await expect(page.locator(".toolbar > .chip", has_text="Broken")).to_be_visible()
        await pressed(page, "w")
        await page.keyboard.type("The kitchen knows.")
        await pressed(page, "Control+Enter")
        await said(page, "Note saved. Only your team sees it.")
        await pressed(page, "m")
        await said(page, "Assigned.")
        await pressed(page, "e")
        await said(page, "Closed.")
        await pressed(page, "j")
        await at(page, 13)
        await pressed(page, "y", "Enter")
        await expect(page.get_by_text("Priority: Urgent")).to_be_visible()
        await pressed(page, "u")
        await expect(page.locator("a.row")).to_have_count(7)
        await pressed(page, "j", "x", "j", "x", "e")
        await said(page, "2 conversations closed.")
        await pressed(page, "z")
        await said(page, "Undone in 2 conversations.")
        await pressed(page, "Shift+X", "e")
        await said(page, "7 conversations closed.")
        await expect(page.get_by_role("heading", name="All caught up")).to_be_visible()
        await pressed(page, "/")
        await page.keyboard.type("kitchen")
        await pressed(page, "Enter")
        await expect(page.locator("a.row")).to_have_count(1)
        await pressed(page, "j", "Enter")
        await at(page, 12)
        await pressed(page, "u")
        await expect(page.get_by_role("heading", name="Search")).to_be_visible()
    rows = [row for one in ids if (row := await web.parts.queries.conversation(SHOP, one))]
    assert [row.unanswered for row in rows] == [False] * QUEUE
    assert [n for n, row in enumerate(rows) if not row.open] == list(range(12, QUEUE))
    assert [n for n, row in enumerate(rows) if row.last_from == "merchant"] == list(range(11))
    assert [n for n, row in enumerate(rows) if row.snoozed] == [11]


async def test_single_keys_can_be_turned_off(web: Harness, chromium: Browser) -> None:
    await web.conversation(subject="Question 0")
    async with looked_at(web, chromium, viewport={"width": 1280, "height": 800}) as page:
        await page.goto("/inbox")
        await pressed(page, "?")
        await expect(page.get_by_role("heading", name="Keyboard shortcuts")).to_be_visible()
        await page.get_by_role("button", name="Turn single keys off").click()
        await page.goto("/inbox?view=unanswered")
        await pressed(page, "j", "Enter")
        await expect(page.get_by_role("heading", name="Inbox")).to_be_visible()


async def test_a_queue_is_worked_down_on_a_phone(web: Harness, chromium: Browser) -> None:
    ids = (await _queue(web))[:4]
    phone: dict[str, Any] = {
        "viewport": {"width": 390, "height": 780},
        "has_touch": True,
        "is_mobile": True,
    }
    async with looked_at(web, chromium, **phone) as page:
        await page.goto("/inbox?view=unanswered")
        await page.get_by_role("link", name="Question 0").tap()
        await at(page, 0)
        await page.get_by_label("Reply to Ada 0").tap()
        await page.keyboard.type("Yes, on Monday.")
        await page.get_by_role("button", name="Send and next").tap()
        await at(page, 1)
        await page.locator("summary", has_text="Snooze").tap()
        await page.get_by_role("button", name="Tomorrow").tap()
        await expect(page.get_by_role("button", name="End snooze")).to_be_visible()
        await page.get_by_role("link", name="Next", exact=True).tap()
        await at(page, 2)
        await page.get_by_role("button", name="Insert saved reply").tap()
        await page.get_by_role("option", name="Shipping days").tap()
        await expect(page.get_by_label("Reply to Ada 2")).to_have_value(
            "We ship to you each Monday."
        )
        await page.get_by_role("button", name="Send and close").tap()
        await at(page, 3)
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390
    rows = [row for one in ids if (row := await web.parts.queries.conversation(SHOP, one))]
    assert [(row.open, row.unanswered, row.snoozed) for row in rows] == [
        (True, False, False),
        (True, False, True),
        (False, False, False),
        (True, True, False),
    ]
