"""The history of a conversation: who did what and when, in plain words."""

from __future__ import annotations

import html
import re

import httpx
import pytest
from playwright.async_api import Browser, expect

from cplus.actors import merchant, operator
from cplus.commands.conversations import answering
from cplus.commands.looking import Looks, look
from cplus.events.audit.history import PAGE
from cplus.events.catalogue.mail import MailDelivered
from cplus.events.names import conversation_stream
from tests.integration.web.harness import OTHER, SHOP, Harness
from tests.integration.web.looking import looked_at

ROW = re.compile(r'<td><bdi>(.*?)</bdi></td>\s*<td data-label="What">(?:<a href="[^"]*">)?(.*?)<')


async def _rows(browser: httpx.AsyncClient, address: str) -> list[tuple[str, str]]:
    page = await browser.get(address)
    assert page.status_code == 200
    return [(html.unescape(who), what) for who, what in ROW.findall(page.text)]


async def test_a_conversation_tells_who_did_what_by_name_newest_first(web: Harness) -> None:
    talk, use = await web.conversation(), web.parts.conversations
    stream = conversation_stream(talk)
    ada, bea = merchant("ada", "Ada Brandt"), merchant("bea")
    await answering.reply(
        SHOP, talk, text="We do.", key="k" * 26, actor=ada, source="dashboard", use=use
    )
    written = answering.message_id(SHOP, talk, "k" * 26)
    await answering.close(SHOP, talk, key="l" * 26, actor=bea, source="dashboard", use=use)
    looks = Looks(web.parts.recorder, web.clock)
    await look(SHOP, question="x", about=stream, actor=operator("jo"), source="console", use=looks)
    delivered = MailDelivered(message_id=written, conversation_id=talk)
    await web.record(SHOP, f"mail/{written}", delivered, refs=(stream,))
    async with web.signed_in(user="ada", called="Ada Brandt") as browser:
        thread = (await browser.get(f"/conversations/{talk}")).text
        address = f"/conversations/{talk}/history"
        assert f'href="{address}"' in thread
        assert await _rows(browser, address) == [
            ("App", "Delivered the reply"),
            ("jo (support of this app)", "Looked at the conversation"),
            ("bea", "Closed the conversation"),
            ("Ada Brandt", "Replied"),
            ("Customer", "Wrote"),
            ("Customer", "Started the conversation by email"),
        ]
        page = (await browser.get(address)).text
        assert f'href="/conversations/{talk}?message={written}#m-{written}"' in page
        assert "23 Nov 2026, 12:00:00" in page
        assert "Do you ship" not in page
    async with web.signed_in(OTHER) as browser:
        assert (await browser.get(address)).status_code == 404, "of another shop"
        assert (await browser.get("/conversations/none/history")).status_code == 404


async def test_a_long_history_is_paged_and_each_page_is_one_question_to_the_log(
    web: Harness,
) -> None:
    talk, use = await web.conversation(), web.parts.conversations
    web.nudger.on = False  # the log is asked, and no row
    for number in range(PAGE // 2 + 1):
        for change in (answering.close, answering.reopen):
            key = f"{change.__name__}{number:020d}"
            ada = merchant("ada")
            await change(SHOP, talk, key=key, actor=ada, source="dashboard", use=use)
    async with web.signed_in() as browser:
        address = f"/conversations/{talk}/history"
        first = await browser.get(address)
        [older] = re.findall(r'href="([^"]*)" rel="next"', first.text)
        assert len(ROW.findall(first.text)) == PAGE
        rest = await _rows(browser, html.unescape(older))
        assert [what for _, what in rest][-2:] == ["Wrote", "Started the conversation by email"]
        assert len(rest) == 4
        for wrong in ("0", "x", "9" * 30):
            answer = await browser.get(f"{address}?before={wrong}")
            assert answer.status_code == 400


async def test_an_entry_shows_the_conversation_as_it_was_then(web: Harness) -> None:
    talk, use = await web.conversation(), web.parts.conversations
    ada = merchant("ada")
    await answering.reply(
        SHOP, talk, text="We do.", key="k" * 26, actor=ada, source="dashboard", use=use
    )
    web.clock.forward(67)
    await answering.close(SHOP, talk, key="l" * 26, actor=ada, source="dashboard", use=use)
    async with web.signed_in() as browser:
        address = f"/conversations/{talk}/history"
        links = re.findall(rf'href="({address}/\d+)"', (await browser.get(address)).text)
        assert len(links) == 4
        closed, replied, wrote, _ = [(await browser.get(link)).text for link in links]
        assert "We do." not in wrote
        assert "Do you ship to Norway?" in wrote
        assert "Awaiting reply" in wrote
        assert "We do." in replied
        assert "Not sent yet" in replied
        assert ">Closed<" not in replied
        assert ">Closed<" in closed
        assert "As it was on" in closed
        assert "12:01:07</time>, after: Closed the conversation" in closed
        assert "12:01:07</time>" in (await browser.get(address)).text, "the row says the same"
        for wrong in ("9", "0", "x", "9" * 30):
            assert (await browser.get(f"{address}/{wrong}")).status_code in {400, 404}
    async with web.signed_in(OTHER) as browser:
        assert (await browser.get(links[0])).status_code == 404, "of another shop"


async def _replied_and_closed(web: Harness) -> str:
    talk, use = await web.conversation(), web.parts.conversations
    ada = merchant("ada", "Ada Brandt")
    await answering.reply(
        SHOP, talk, text="We do.", key="k" * 26, actor=ada, source="dashboard", use=use
    )
    await answering.close(SHOP, talk, key="l" * 26, actor=ada, source="dashboard", use=use)
    return talk


async def test_each_change_leads_to_the_one_before_and_after_it(web: Harness) -> None:
    talk = await _replied_and_closed(web)
    address = f"/conversations/{talk}/history"
    async with web.signed_in() as browser:
        places = []
        for step in (1, 2, 3, 99):
            leads = await browser.get(f"{address}/at?step={step}")
            assert leads.status_code == 303
            places.append(leads.headers["Location"])
        first, replied, closed, _ = places
        assert places[-1] == closed, "no more than there are"
        page = (await browser.get(first)).text
        assert 'rel="prev"' not in page
        assert f'href="{replied}" rel="next"' in page
        page = (await browser.get(replied)).text
        assert f'href="{first}" rel="prev"' in page
        assert f'href="{closed}" rel="next"' in page
        assert "Change 2 of 3, 23 Nov 2026" in page
        assert page.count("data-changed") == 1, "the reply, and not what it answers"
        assert 'rel="next"' not in (await browser.get(closed)).text
        for wrong in ("", "?step=0", "?step=x", f"?step={'9' * 30}"):
            assert (await browser.get(f"{address}/at{wrong}")).status_code == 400
    async with web.signed_in(OTHER) as browser:
        assert (await browser.get(f"{address}/at?step=1")).status_code == 404, "of another shop"


@pytest.mark.browser
async def test_the_slider_moves_through_time(web: Harness, chromium: Browser) -> None:
    talk = await _replied_and_closed(web)
    async with looked_at(web, chromium) as page:
        await page.goto(f"/conversations/{talk}/history/at?step=3")
        slider = page.get_by_role("slider")
        await expect(slider).to_have_value("3")
        await slider.press("ArrowLeft")
        await expect(page.locator(".head .chip", has_text="Closed")).to_have_count(0)
        await expect(page.locator("li", has_text="We do.")).to_contain_text("Changed here")
        earlier = page.url
        await slider.press("Home")
        await expect(page.get_by_text("We do.")).to_have_count(0)
        await expect(slider).to_be_focused()
        await expect(slider).to_have_attribute("aria-valuetext", re.compile("^Change 1 of 3, .+: "))
        await page.reload()
        await expect(slider).to_have_value("1")
        await page.get_by_role("link", name="Next change").click()
        await expect(page).to_have_url(earlier)
