"""Notes that staff writes in a conversation: kept for the team, and sent to nobody."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.async_api import Browser, expect

from cplus.actors import merchant
from cplus.commands.team import change_role, see
from cplus.events.aggregates.conversation.decisions import MAX_REPLY
from cplus.events.catalogue.conversations import NoteWritten
from cplus.ids import random_id
from cplus.projections.queries import Filter
from tests.integration.web.harness import SHOP, Harness, fields_of, form_fields, path_of
from tests.integration.web.looking import looked_at


async def _write(
    browser: httpx.AsyncClient, conversation: str, text: str, **more: str
) -> httpx.Response:
    fields = await form_fields(browser, conversation, "note")
    return await browser.post(
        f"/conversations/{conversation}/note", data={**fields, "text": text, **more}
    )


async def _notes(web: Harness, conversation: str) -> list[tuple[str | None, str]]:
    commits = await web.parts.store.stream(SHOP, f"conversation/{conversation}")
    read = await web.parts.reader.read(commits, [NoteWritten])
    found = [one.event for events in read for one in events]
    return [(one.text, one.author) for one in found if isinstance(one, NoteWritten)]


async def test_a_note_stands_in_the_thread_and_answers_and_reaches_nobody(web: Harness) -> None:
    conversation = await web.conversation()
    async with web.signed_in(user="mara", called="Mara Lind") as browser:
        saved = await _write(browser, conversation, "Ask the kitchen <b>first</b>\r\n")
        page = (await browser.get(path_of(saved))).text
    assert "Note saved. Only your team sees it." in page
    assert "Ask the kitchen &lt;b&gt;first&lt;/b&gt;" in page
    assert "Note: only your team sees it" in page
    assert "Awaiting reply" in page
    assert await _notes(web, conversation) == [("Ask the kitchen <b>first</b>", "mara")]
    assert not [one for one in await web.stream(SHOP, conversation) if "mail." in one]
    async with web.signed_in(user="ben") as other:
        found = (await other.get("/search?q=kitchen")).text
        assert f"/conversations/{conversation}" in found
        assert "mara" in (await other.get(f"/conversations/{conversation}")).text


async def test_a_form_writes_one_note_and_another_text_is_asked_about(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation, other = await web.conversation(), await web.conversation()
    fields = await form_fields(browser, conversation, "note")
    url = f"/conversations/{conversation}/note"
    for _ in range(2):
        assert (await browser.post(url, data={**fields, "text": "Once"})).status_code == 303
    changed = await browser.post(url, data={**fields, "text": "Twice"})
    assert changed.status_code == 409
    assert "Twice</textarea>" in changed.text
    wrong = await browser.post(f"/conversations/{other}/note", data={**fields, "text": "Here"})
    assert wrong.status_code == 409
    assert "Here</textarea>" in wrong.text
    assert [text for text, _ in await _notes(web, conversation)] == ["Once"]
    assert await _notes(web, other) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [("  ", "Write something first."), ("x" * (MAX_REPLY + 1), "Notes can be up to 100000")],
)
async def test_what_cannot_be_kept_comes_back_with_the_reason(
    web: Harness, browser: httpx.AsyncClient, text: str, why: str
) -> None:
    conversation = await web.conversation()
    refused = await _write(browser, conversation, text)
    assert refused.status_code == 422
    assert why in refused.text.replace("100,000", "100000")
    assert f"{text}</textarea>" in refused.text
    assert await _notes(web, conversation) == []


async def test_a_reader_and_another_shop_write_none(web: Harness) -> None:
    conversation = await web.conversation()
    use = {"source": "dashboard", "recorder": web.parts.recorder, "clock": web.clock}
    for user in ("olive", "rob"):
        await see(SHOP, merchant(user), **use)  # type: ignore[arg-type]
    await change_role(SHOP, "rob", "reader", key=random_id(), actor=merchant("olive"), **use)  # type: ignore[arg-type]
    async with web.signed_in(user="rob") as reader:
        assert "data-note" not in (await reader.get(f"/conversations/{conversation}")).text
        answer = await reader.post(f"/conversations/{conversation}/note", data={"text": "x"})
        assert answer.status_code == 403
    async with web.signed_in("birch.myshopify.com") as stranger:
        own = await web.conversation("birch.myshopify.com")
        fields = await form_fields(stranger, own, "note")
        answer = await stranger.post(
            f"/conversations/{conversation}/note", data={**fields, "text": "x"}
        )
        assert answer.status_code == 404
    assert await _notes(web, conversation) == []


@pytest.mark.browser
async def test_a_note_is_written_by_keyboard_beside_a_reply_that_is_kept(
    web: Harness, chromium: Browser
) -> None:
    conversation = await web.conversation()
    async with looked_at(web, chromium, viewport={"width": 390, "height": 844}) as page:
        await page.goto(f"/conversations/{conversation}")
        note = page.get_by_label("Note for your team")
        await expect(note).to_be_hidden()
        await page.keyboard.press("r")
        await page.keyboard.type("A reply, not yet sent")
        await page.keyboard.press("Escape")
        await page.keyboard.press("w")
        await expect(note).to_be_focused()
        await page.keyboard.type("Ask the kitchen")
        await page.reload()
        await expect(page.get_by_label("Reply to")).to_have_value("A reply, not yet sent")
        await page.get_by_label("Note", exact=True).check()
        await expect(note).to_have_value("Ask the kitchen")
        await note.press("Control+Enter")
        await expect(page.get_by_text("Note saved. Only your team sees it.")).to_be_visible()
        await expect(page.get_by_label("Reply to")).to_have_value("A reply, not yet sent")
        await page.get_by_label("Note", exact=True).check()
        await expect(note).to_have_value("")
    assert [text for text, _ in await _notes(web, conversation)] == ["Ask the kitchen"]


async def test_a_mention_is_listed_and_counted_until_it_is_read(web: Harness) -> None:
    talk, other = await web.conversation(subject="Vases"), await web.conversation()
    async with (
        web.signed_in(user="ada") as ada,
        web.signed_in(user="bea", called="Bea Öz") as bea,
    ):
        for one in (bea, ada):
            await one.get(f"/conversations/{talk}")
            await one.get(f"/conversations/{other}")
        web.clock.forward(60)
        assert "Nobody mentioned you" in (await bea.get("/inbox?view=mentions")).text
        saved = await _write(ada, talk, "@bea, and @ada too: is it (bea@example.com) yours?")
        assert saved.status_code == 303
        await _write(ada, other, "Nobody: bea@example.com, @beatrix")
        page = (await bea.get("/inbox?view=mentions")).text
        assert f'class="row waiting unread" href="/conversations/{talk}' in page
        assert f"/conversations/{other}" not in page
        assert _count(page) == 1
        thread = (await bea.get(f"/conversations/{talk}")).text
        assert thread.count("You were mentioned") == 1
        page = (await bea.get("/inbox?view=mentions")).text
        assert f'href="/conversations/{talk}' in page, "it stays listed"
        assert "unread" not in page.partition('<ul class="rows')[2]
        assert _count(page) == 0
        assert _count((await ada.get("/inbox")).text) == 0, "nobody mentions themselves"
        assert "You were mentioned" not in (own := (await ada.get(f"/conversations/{talk}")).text)
        assert "For <bdi>bea</bdi>" in own
        many = " ".join(f"@m{number}" for number in range(21))
        for number in range(21):
            actor = merchant(f"m{number}")
            use = web.parts
            await see(SHOP, actor, source="dashboard", recorder=use.recorder, clock=web.clock)
        refused = await _write(ada, talk, many)
        assert refused.status_code == 422
        assert many in refused.text
    listed = await web.parts.queries.list_conversations(SHOP, Filter("mentions", member="bea"))
    assert [one.id for one in listed.items] == [talk]


async def test_who_was_taken_out_of_the_team_is_not_mentioned(web: Harness) -> None:
    talk = await web.conversation()
    async with web.signed_in(user="ada") as ada, web.signed_in(user="bea") as bea:
        await ada.get("/inbox")
        await bea.get("/inbox")
        fields = fields_of((await ada.get("/settings/team")).text, "/settings/team/remove")
        gone = {**fields, "member": "bea"}
        assert (await ada.post("/settings/team/remove", data=gone)).status_code == 303
        await _write(ada, talk, "@bea come back")
    assert not [one for one in await web.stream(SHOP, talk) if "mentioned" in one]


def _count(page: str) -> int:
    [found] = re.findall(r'view=mentions"[^>]*>Mentions <span class="count">(\d+)</span>', page)
    return int(found)


@pytest.mark.browser
async def test_a_member_is_offered_after_an_at_and_chosen_by_keyboard(
    web: Harness, chromium: Browser
) -> None:
    talk = await web.conversation()
    for member in ("bea", "ben", "cleo"):
        use = web.parts.recorder
        await see(SHOP, merchant(member), source="dashboard", recorder=use, clock=web.clock)
    async with looked_at(web, chromium) as page:
        await page.goto(f"/conversations/{talk}")
        await page.keyboard.press("w")
        box = page.get_by_label("Note for your team")
        await box.press_sequentially("Ask @b")
        names = page.get_by_role("listbox", name="Members of your team").get_by_role("option")
        await expect(names).to_have_text(["bea", "ben"])
        await box.press("ArrowDown")
        await expect(names.nth(1)).to_have_attribute("aria-selected", "true")
        await box.press("Enter")
        await expect(box).to_have_value("Ask @ben ")
        await expect(names).to_have_count(0)
        await box.press_sequentially("and mail to b@b")
        await expect(names).to_have_count(0)
        await box.press("Control+Enter")
        await expect(page.get_by_text("Ask @ben and mail to b@b")).to_be_visible()
    assert (await web.stream(SHOP, talk))[-1] == "conversation.members_mentioned"
