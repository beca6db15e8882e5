"""Pages in the language of who reads them."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from tests.integration.web.framed import framed
from tests.integration.web.harness import SHOP, Harness
from tests.integration.web.looking import looked_at

NARROW = {"width": 320, "height": 640}

# Words that German does not have, in texts that are ours: what people wrote, and what is code,
# stands in elements of its own.
ENGLISH = re.compile(
    r"\b(?:the|and|of|with|to|is|are|your|you|this|that|not|from|by|for|it|be|has|have|can|when"
    r"|no|all|on|at|or|yes|open|closed|reply|replies|customer|inbox|settings|search"
    r"|save|send|sent|show|more|back|next|page|days?|orders?|erased?)\b",
    re.IGNORECASE,
)
TEXTS = """() => {
  const theirs = "bdi, code, q, time, textarea, script, .words, .snippet, .preview, option[lang]";
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.data.trim() && !node.parentElement.closest(theirs)) found.push(node.data.trim());
  }
  const names = ["aria-label", "title", "placeholder", "data-label", "alt"];
  for (const name of names)
    for (const one of document.querySelectorAll(`[${name}]`))
      if (!one.closest(theirs)) found.push(one.getAttribute(name));
  return [...found, document.title];
}"""


async def _german(page: Page, web: Harness) -> None:
    cookie = {"name": "cplus_language", "value": "de", "url": page.url}
    await page.context.add_cookies([cookie])  # type: ignore[list-item]


@pytest.mark.browser
async def test_every_page_is_german_for_who_wants_it_and_fits_a_narrow_screen(
    web: Harness, pages: list[str], chromium: Browser
) -> None:
    async with looked_at(web, chromium, viewport=NARROW) as page:
        await _german(page, web)
        for address in pages:
            if address.startswith("/console"):
                continue
            await page.goto(address)
            assert await page.locator("html").get_attribute("lang") == "de", address
            texts = [one for one in await page.evaluate(TEXTS) if "@" not in one and "/" not in one]
            assert texts, address
            left = [text for text in texts if ENGLISH.search(text)]
            assert left == [], address
            inside = await page.evaluate(
                "[document.documentElement, ...document.querySelectorAll('.rail')]"
                ".map((one) => one.scrollWidth)"
            )
            assert max(inside) <= NARROW["width"], address


async def test_the_language_is_the_admins_or_chosen_or_the_browsers(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    async def spoken(path: str = "/settings", **headers: str) -> str:
        page = (await browser.get(path, headers=headers)).text
        match = re.search('<html lang="([a-z]+)"', page)
        assert match
        assert ("Einstellungen" in page) == (match[1] == "de")
        return match[1]

    assert await spoken() == "en"
    assert await spoken(**{"accept-language": "fr, de-AT;q=0.8, en;q=0.5"}) == "de"
    assert await spoken(**{"accept-language": "de;q=0, en"}) == "en"
    assert await spoken(**{"accept-language": f"{'x' * 9_000}, de"}) == "en"
    assert await spoken("/settings?locale=de-DE") == "de"
    csrf = re.search('name="csrf" value="([^"]+)"', (await browser.get("/settings")).text)
    assert csrf
    form = {"csrf": csrf[1], "language": "de"}
    answer = await browser.post("/settings/language", data=form)
    assert answer.status_code in (200, 303)
    assert await spoken(**{"accept-language": "en"}) == "de"
    assert 'value="de" lang="de" selected' in (await browser.get("/settings")).text
    assert await spoken("/settings?locale=en") == "en"
    await browser.post("/settings/language", data={**form, "language": ""})
    assert await spoken(**{"accept-language": "en"}) == "en"


async def test_reasons_faults_and_answers_are_told_in_the_language_of_the_request(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    browser.headers["accept-language"] = "de"
    assert "Diese Seite gibt es nicht" in (await browser.get("/nothing")).text
    conversation = await web.conversation()
    page = (await browser.get(f"/conversations/{conversation}")).text
    assert "Antwort steht aus" in page
    fields = dict(re.findall('name="(csrf|shop|key|to)" value="([^"]*)"', page.split("/reply")[-1]))
    sent = await browser.post(f"/conversations/{conversation}/reply", data={**fields, "text": " "})
    assert sent.status_code == 422
    assert "Schreiben Sie zuerst etwas." in sent.text
    console = await browser.get("/console")
    assert '<html lang="en"' in console.text


@pytest.mark.browser
async def test_in_the_frame_pages_speak_the_language_of_the_admin_from_page_to_page(
    mongo_uri: str, database: str, chromium: Browser
) -> None:
    async with framed(mongo_uri, database) as app:
        app.shopify.store.state.shops[SHOP].admin_locale = "de"
        context = await chromium.new_context(locale="en-GB")
        page = await context.new_page()
        frame = await app.open(page)
        await expect(frame.get_by_role("heading", name="Posteingang")).to_be_visible()
        # Only the document of the frame was told which language the Admin has.
        await (
            frame.get_by_role("link", name="Alle Kennzahlen")
            .or_(frame.get_by_role("link", name="Automatische E-Mails und Spam"))
            .first.click()
        )
        await expect(frame.locator("h1")).to_have_text(re.compile("Automatische|Kennzahlen"))
        await context.close()
