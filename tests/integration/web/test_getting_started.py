"""The first steps: what is done is seen by itself; they are hidden and shown again by a command."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import pytest
from playwright.async_api import Browser, expect

from cplus.actors import LOCAL
from cplus.commands.conversations.answering import reply
from cplus.commands.sessions import sign_in_link
from cplus.commands.setup import TEST_DAYS, is_announced
from cplus.events.catalogue.imports import (
    ImportEnded,
    ImportOrdersLoaded,
    ImportPageLoaded,
    ImportStarted,
)
from cplus.events.catalogue.setup import GuideDismissed, GuideRestored, MailTestReceived
from cplus.events.names import mail_test_ref, setup_stream
from cplus.ids import random_id
from tests.integration.web.harness import OTHER, SHOP, Harness, fields_of, path_of, served

PAGE = "/getting-started"


async def steps(browser: httpx.AsyncClient, page: str = PAGE) -> list[bool]:
    """Which of the steps are done, as the page says."""
    found = re.findall(r'<div class="step( done)?">', (await browser.get(page)).text)
    return [bool(done) for done in found]


async def begun_test(web: Harness, browser: httpx.AsyncClient) -> str:
    """Begins a test as the merchant does; answers its code as the log has it."""
    fields = fields_of((await browser.get(PAGE)).text, f"{PAGE}/test")
    answers = [await browser.post(f"{PAGE}/test", data=fields) for _ in range(2)]
    assert {path_of(answer) for answer in answers} == {PAGE}
    shop = await web.parts.queries.shop(SHOP)
    assert shop
    assert shop.setup.code
    page = (await browser.get(PAGE)).text
    assert f'data-copy="cplus-test-{shop.setup.code}"' in page
    return shop.setup.code


async def test_an_empty_inbox_shows_the_steps_and_each_is_done_by_what_happens(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    assert await steps(browser, "/inbox") == await steps(browser) == [False, False, False]
    page = (await browser.get("/inbox")).text
    assert 'data-copy="acorn@mail.example.com"' in page
    assert "The import starts by itself" in page
    stream = "import/i1"
    loaded = ImportPageLoaded(import_id="i1", page=1, customers=12)
    await web.record(SHOP, stream, ImportStarted(import_id="i1"), loaded)
    assert re.search("Importing your customers.*<b>12</b>", (await browser.get("/inbox")).text)
    assert await steps(browser) == [False, False, False]
    await web.record(SHOP, stream, ImportOrdersLoaded(import_id="i1", page=2, orders=5))
    assert await steps(browser) == [True, False, False], "orders follow when all customers came"
    page = (await browser.get(PAGE)).text
    assert "12 customers from Shopify" in page
    assert re.search("Importing your orders of the last 60 days.*<b>5</b> so far", page)
    await web.record(SHOP, stream, ImportEnded(import_id="i1", outcome="complete", pages=1))
    assert await steps(browser) == [True, False, False]
    conversation = await web.conversation()
    assert await steps(browser) == [True, True, False]
    # Then the inbox has something better to show.
    inbox = (await browser.get("/inbox")).text
    assert "2 of 3 steps done" in inbox
    assert '<div class="step' not in inbox
    use = web.parts.conversations
    await reply(
        *(SHOP, conversation), text="Yes.", key=random_id(26), actor=LOCAL, source="dashboard",
        use=use,
    )  # fmt: skip
    assert await steps(browser) == [True, True, True]
    assert "all set" in (await browser.get(PAGE)).text
    assert PAGE not in (await browser.get("/inbox")).text
    async with web.signed_in(OTHER) as other:
        assert await steps(other) == [False, False, False]


async def test_a_test_is_announced_once_and_its_mail_does_the_step(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    code = await begun_test(web, browser)
    store = web.parts.store
    assert (await store.head(SHOP)).position == 1, "the form was sent twice"
    assert await is_announced(store, SHOP, code, web.clock())
    assert not await is_announced(store, OTHER, code, web.clock())
    assert not await is_announced(store, SHOP, "k3m9abcdef", web.clock())
    assert not await is_announced(store, SHOP, code, web.clock() + TEST_DAYS)
    came = MailTestReceived(code=code, channel="contact_form")
    await web.record(SHOP, setup_stream(SHOP), came, refs=[mail_test_ref(code)])
    assert await steps(browser) == [False, True, False]
    assert "Your test arrived on" in (await browser.get(PAGE)).text
    assert (await browser.get("/inbox?tab=all")).text.count("No conversations yet") == 1


async def test_mails_with_the_code_do_not_prolong_the_time_of_a_test(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    code = await begun_test(web, browser)
    store, stream = web.parts.store, setup_stream(SHOP)
    web.clock.forward((TEST_DAYS - timedelta(minutes=1)).total_seconds())
    for _ in range(12):
        came = MailTestReceived(code=code, channel="email")
        await web.record(SHOP, stream, came, refs=[mail_test_ref(code)])
    assert await is_announced(store, SHOP, code, web.clock())
    web.clock.forward(60)
    assert not await is_announced(store, SHOP, code, web.clock())


async def test_the_steps_are_hidden_and_shown_again_and_the_log_says_by_whom(
    web: Harness,
) -> None:
    async with web.signed_in(user="bea", called="Bea") as browser:
        fields = fields_of((await browser.get("/inbox")).text, f"{PAGE}/guide")
        assert (
            await browser.post(f"{PAGE}/guide", data={**fields, "csrf": "x"})
        ).status_code == 403
        assert (await browser.post(f"{PAGE}/guide", data={**fields, "key": ""})).status_code == 400
        assert path_of(await browser.post(f"{PAGE}/guide", data=fields)) == "/inbox"
        inbox = (await browser.get("/inbox")).text
        assert '<div class="step' not in inbox
        assert f'href="{PAGE}"' in inbox, "the empty inbox still leads to them"
        settings = (await browser.get("/settings")).text
        assert f'href="{PAGE}"' in settings
        assert "Hidden from the inbox" in settings
        page = (await browser.get(PAGE)).text
        assert "Hidden on" in page
        assert "by <bdi>Bea</bdi>" in page
        back = fields_of(page, f"{PAGE}/guide")
        assert path_of(await browser.post(f"{PAGE}/guide", data=back)) == PAGE
        assert len(await steps(browser, "/inbox")) == 3
        for form in ("test", "guide"):
            assert path_of(await browser.get(f"{PAGE}/{form}")) == PAGE
    commits = await web.parts.store.read(SHOP, 0)
    told = await web.parts.reader.read(commits, [GuideDismissed, GuideRestored])
    events = [recorded for of in told for recorded in of]
    assert [type(one.event) for one in events] == [GuideDismissed, GuideRestored]
    assert {one.actor for one in events} == {"merchant/bea"}


@pytest.mark.browser
async def test_a_click_copies_the_address_and_the_page_shows_the_test_when_it_comes(
    web: Harness, chromium: Browser
) -> None:
    allowed = ["clipboard-read", "clipboard-write"]
    async with served(web) as address:
        opened = await chromium.new_context(
            base_url=address, viewport={"width": 390, "height": 844}, permissions=allowed
        )
        page = await opened.new_page()
        await page.goto(sign_in_link(web.settings, SHOP, web.clock).replace("http://app.test", ""))
        await page.get_by_role("button", name="Sign in").click()
        await page.goto(PAGE)
        copy = page.get_by_role("button", name="Copy the address")
        for _ in range(2):
            await copy.click()
            await expect(copy).to_have_text("Copied")
        await expect(page.locator("#told")).to_have_text("Copied: acorn@mail.example.com")
        await expect(copy).to_have_text("Copy")
        assert await page.evaluate("navigator.clipboard.readText()") == "acorn@mail.example.com"
        await page.get_by_text("How to set it up").click()
        loaded = ImportPageLoaded(import_id="i1", page=1, customers=12)
        await web.record(SHOP, "import/i1", ImportStarted(import_id="i1"), loaded)
        await expect(page.get_by_text("Importing your customers")).to_be_visible(timeout=15_000)
        await expect(page.get_by_text("turn on forwarding")).to_be_visible()
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390
        came = MailTestReceived(code="k3m9abcdef", channel="contact_form")
        await web.record(SHOP, setup_stream(SHOP), came)
        await expect(page.get_by_text("Your test arrived on")).to_be_visible(timeout=15_000)
        await opened.close()
