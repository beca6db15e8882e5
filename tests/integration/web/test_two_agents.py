"""Two of the team in one conversation: each sees the other, and who is second is told."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from cplus.commands.sessions import sign_in_link
from cplus.workspace.presence import LOOKING, WRITING
from tests.framed import PATIENCE
from tests.integration.web.harness import OTHER, SHOP, Harness, served


async def _told(browser: httpx.AsyncClient, talk: str, **asked: str) -> str:
    answer = await browser.get("/api/changes", params={"conversation": talk, **asked})
    assert answer.status_code == 200
    return str(answer.json()["others"])


async def test_who_looks_and_who_writes_is_told_to_the_others(web: Harness) -> None:
    talk, elsewhere = await web.conversation(), await web.conversation()
    page = f"/conversations/{talk}"
    async with web.signed_in(user="ada") as ada, web.signed_in(user="bea") as bea:
        await bea.get("/inbox")
        assert "looking" not in (await ada.get(page)).text, "nobody else is there"
        assert "ada is looking at this conversation." in (await bea.get(page)).text
        assert await _told(ada, talk) == "bea is looking at this conversation."
        assert await _told(ada, elsewhere) == ""
        await _told(bea, talk, here="1", writing="1")
        assert await _told(ada, talk) == "bea is writing here."
        assert await _told(bea, talk) == "ada is looking at this conversation."
        async with web.signed_in(user="cleo") as cleo:
            await cleo.get(page)
            both = "bea is writing here. cleo is looking at this conversation."
            assert await _told(ada, talk) == both
        web.clock.forward(WRITING.total_seconds())
        assert await _told(ada, talk) == "bea and cleo are looking at this conversation."
        web.clock.forward((LOOKING - WRITING + timedelta(seconds=1)).total_seconds())
        assert await _told(ada, talk) == "", "both are away"
        assert (await ada.head(page)).status_code == 200
        assert await _told(bea, talk) == "", "a look at the head is none"


async def test_the_same_answer_is_not_given_twice(web: Harness) -> None:
    talk = await web.conversation()
    async with web.signed_in(user="ada") as ada, web.signed_in(user="bea") as bea:
        asked = {"conversation": talk, "here": "1"}
        await bea.get("/api/changes", params=asked)
        first = await ada.get("/api/changes", params=asked)
        known = {"If-None-Match": first.headers["ETag"]}
        assert (await ada.get("/api/changes", params=asked, headers=known)).status_code == 304
        await bea.get("/api/changes", params={**asked, "writing": "1"})
        news = await ada.get("/api/changes", params=asked, headers=known)
        assert news.json()["others"] == "bea is writing here."


async def test_other_shops_and_what_is_no_conversation_are_told_nothing(web: Harness) -> None:
    talk = await web.conversation()
    await web.install(OTHER)
    async with web.signed_in(user="ada") as ada, web.signed_in(OTHER, user="eve") as eve:
        async with web.signed_in(OTHER, user="eva") as eva:
            await eve.get("/inbox")
            await eva.get("/api/changes", params={"conversation": talk, "here": "1"})
        await ada.get(f"/conversations/{talk}")
        assert await _told(eve, talk) == "eva is looking at this conversation.", "their own alone"
        for wrong in ("", "../x", f"{talk}/ada", "x" * 65, "$ne"):
            answer = await ada.get("/api/changes", params={"conversation": wrong, "here": "1"})
            assert "others" not in answer.json()


async def test_who_works_alone_costs_nothing(web: Harness) -> None:
    talk = await web.conversation()
    async with web.signed_in(user="ada") as ada:
        await ada.get(f"/conversations/{talk}")
        assert await _told(ada, talk, here="1") == ""
    assert await web.parts.mongo.database["presence"].count_documents({}) == 0


async def test_an_erased_shop_leaves_nobody(web: Harness) -> None:
    talk = await web.conversation()
    async with web.signed_in(user="ada") as ada, web.signed_in(user="bea") as bea:
        for one in (ada, bea):
            await one.get(f"/conversations/{talk}")
        assert await _told(ada, talk) != ""
    await web.parts.workspace.forget_all(SHOP, web.clock())
    assert await web.parts.mongo.database["presence"].count_documents({}) == 0


async def _opened(web: Harness, chromium: Browser, address: str, user: str) -> Page:
    context = await chromium.new_context(base_url=address)
    page = await context.new_page()
    link = sign_in_link(web.settings, SHOP, web.clock, user=user, called=user.title())
    await page.goto(link.replace("http://app.test", ""))
    await page.get_by_role("button", name="Sign in").click()
    return page


@pytest.mark.browser
async def test_two_agents_see_each_other_and_the_second_reply_is_held(
    web: Harness, chromium: Browser
) -> None:
    talk = await web.conversation()
    async with served(web) as address:
        ada, bea = await asyncio.gather(
            *(_opened(web, chromium, address, user) for user in ("ada", "bea"))
        )
        for page in (ada, bea):
            await page.goto(f"/conversations/{talk}")
        looks = ada.get_by_text("bea is looking at this conversation.")
        await expect(looks).to_be_visible(timeout=PATIENCE)
        await ada.get_by_label("Reply to Ada Brandt").press_sequentially("Yes, on Monday.")
        # A page asks each 4 seconds: the one tells it, then the other hears of it.
        await expect(bea.get_by_text("ada is writing here.")).to_be_visible(timeout=PATIENCE)
        await bea.get_by_label("Reply to Ada Brandt").fill("No, never.")
        await ada.get_by_role("button", name="Send reply").click()
        await expect(ada.get_by_text("Yes, on Monday.")).to_be_visible()
        # What the other wrote comes to the page, or is held there while somebody types.
        await bea.get_by_role("button", name="Send reply").click()
        await expect(bea.get_by_text("ada wrote here since you opened this page.")).to_be_visible()
        await expect(bea.get_by_text("Yes, on Monday.")).to_be_visible()
        await expect(bea.get_by_label("Reply to Ada Brandt")).to_have_value("No, never.")
        await bea.get_by_label("Reply to Ada Brandt").fill("Monday it is, as my colleague says.")
        await bea.get_by_role("button", name="Send reply").click()
        await expect(bea.get_by_text("Monday it is")).to_be_visible()
        web.clock.forward(60)
        await _mentions_and_is_found(ada, bea)
        for page in (ada, bea):
            await page.context.close()
    noted = ["conversation.note_written", "conversation.members_mentioned"]
    assert (await web.stream(SHOP, talk))[4:] == noted


async def _mentions_and_is_found(ada: Page, bea: Page) -> None:
    """A note mentions bea, who finds it by the view."""
    note = ada.get_by_label("Note for your team")
    await ada.keyboard.press("w")
    await note.press_sequentially("Thanks, @b")
    await note.press("Enter")
    await expect(note).to_have_value("Thanks, @bea ")
    await note.press("Control+Enter")
    await expect(ada.get_by_text("For bea")).to_be_visible()
    await bea.goto("/inbox")
    views = bea.get_by_role("navigation", name="Views")
    await views.get_by_role("link", name="Mentions 1").click()
    listed = bea.get_by_role("region", name="Conversations")
    await listed.get_by_role("link").filter(has_text="Blue jam").click()
    found = bea.get_by_role("listitem").filter(has_text="You were mentioned")
    await expect(found).to_contain_text("Thanks, @bea")
    await bea.goto("/inbox")
    await expect(views.get_by_role("link", name="Mentions 0")).to_be_visible()
