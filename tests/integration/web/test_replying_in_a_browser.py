"""The form for a reply in a browser: files are listed and taken out, and an undo counts down."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, FilePayload, Route, expect

from cplus.aws import UPLOADS_FOLDER, Aws
from tests.integration.web.attached import replies
from tests.integration.web.framed import framed
from tests.integration.web.harness import SHOP, Harness
from tests.integration.web.looking import looked_at

pytestmark = pytest.mark.browser

DROP = """([name, size]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(size).fill(65)], name, { type: "text/plain" }));
  for (const kind of ["dragover", "drop"]) {
    const event = new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: data });
    document.getElementById("text").dispatchEvent(event);
  }
}"""
TEN = 10_000_000
"""Bytes of a file in four pieces."""


@pytest.fixture
async def web(mongo_uri: str, database: str, aws: Aws, mail_bucket: str) -> AsyncIterator[Harness]:
    """The app with a bucket, in which replies can be undone."""
    made = Harness(mongo_uri, database, aws, mail_bucket=mail_bucket, undo_seconds=60)
    async with made.opened() as harness:
        yield harness


async def test_files_are_chosen_dropped_and_taken_out_and_an_undo_brings_all_back(
    web: Harness, chromium: Browser
) -> None:
    conversation = await web.conversation()
    async with looked_at(web, chromium) as page:
        await page.goto(f"/conversations/{conversation}")
        await page.evaluate(DROP, ["large.bin", 27_000_000])
        await expect(page.locator(".attach > .reason")).to_contain_text("Take one out")
        small = FilePayload(name="small.txt", mimeType="text/plain", buffer=b"Hello")
        await page.locator("#files").set_input_files([small])
        await page.evaluate(DROP, ["dropped.txt", 7])
        await expect(page.locator(".chosen li")).to_have_count(3)
        bucket = web.settings.mail_bucket
        assert await web.parts.aws.list_versions(bucket, UPLOADS_FOLDER) == {}, "nothing was sent"
        await page.get_by_label("Reply to").fill("Here they are.")
        await page.get_by_role("button", name="Send reply").click()
        assert (await web.stream(SHOP, conversation)).count("conversation.reply_written") == 0
        await page.get_by_role("button", name="Remove large.bin").click()
        await expect(page.locator(".attach > .reason")).to_be_hidden()
        await expect(page.locator(".chosen input[name]")).to_have_count(2)
        await expect(page.locator("input[data-files]:valid")).to_have_count(1)
        await page.get_by_role("button", name="Send reply").click()
        mine = page.locator(".message.mine")
        await expect(mine).to_contain_text("Sending in")
        await expect(mine).to_contain_text("dropped.txt")
        await page.reload()
        await page.get_by_label("Reply to").fill("Something new.")
        await page.get_by_role("button", name="Undo").click()
        box = page.get_by_label("Reply to")
        await expect(box).to_have_value("Here they are.\n\nSomething new.")
        await expect(page.locator(".message.mine")).to_have_count(0)
        await expect(page.locator(".kept li")).to_have_count(2)
        await page.reload()
        await expect(box).to_have_value("Here they are.\n\nSomething new.")


async def test_a_large_file_goes_in_pieces_and_on_after_faults(
    web: Harness, chromium: Browser
) -> None:
    conversation = await web.conversation()
    asked: list[int] = []

    async def faulty(route: Route) -> None:
        asked.append(len(asked))
        if len(asked) == 2:
            await route.abort()  # is tried again by itself
        elif len(asked) == 4:
            await route.fulfill(status=422, json={"reason": "Not now."})
        else:
            await route.continue_()

    async with looked_at(web, chromium) as page:
        await page.goto(f"/conversations/{conversation}")
        await page.route("**/api/uploads", faulty)
        await page.evaluate(DROP, ["large.txt", TEN])
        await page.get_by_label("Reply to").fill("Here it is.")
        await expect(page.locator(".chosen .reason")).to_have_text("Not now.")
        await page.get_by_role("button", name="Send reply").click()
        assert await replies(web, conversation) == [], "what is not whole is not sent"
        await page.get_by_role("button", name="Try again large.txt").click()
        await expect(page.locator("input[data-files]:valid")).to_have_count(1)
        assert len(asked) == 6, "four pieces, and two of them twice"
        await page.get_by_role("button", name="Send reply").click()
        await expect(page.locator(".message.mine")).to_contain_text("large.txt")
    [reply] = await replies(web, conversation)
    [file] = reply.files or ()
    assert await web.parts.files.get(SHOP, file) == b"A" * TEN


async def test_a_large_file_goes_in_pieces_inside_the_admin_without_a_cookie(
    mongo_uri: str, database: str, aws: Aws, mail_bucket: str, chromium: Browser
) -> None:
    async with framed(mongo_uri, database, aws, mail_bucket=mail_bucket) as admin:
        talk = await admin.web.conversation()
        context = await chromium.new_context()
        page = await context.new_page()
        await admin.open(page, f"/conversations/{talk}")
        frame = page.frame_locator("#app")
        await expect(frame.get_by_label("Reply to")).to_be_visible(timeout=20_000)
        inside = page.frames[-1]
        await inside.evaluate(DROP, ["large.txt", TEN])
        await frame.get_by_label("Reply to").fill("Here it is.")
        await expect(frame.locator(".chosen input[name]")).to_have_count(1, timeout=20_000)
        await frame.get_by_role("button", name="Send reply").click()
        await expect(frame.locator(".message.mine")).to_contain_text("large.txt", timeout=20_000)
        assert await context.cookies(admin.web.settings.app_url) == []
        await context.close()
        [reply] = await replies(admin.web, talk)
        assert [(one.name, one.size) for one in reply.files or ()] == [("large.txt", TEN)]


async def test_what_was_sent_on_the_way_through_a_list_is_a_draft_no_more_and_the_rest_stays(
    web: Harness, chromium: Browser
) -> None:
    first, second = [await web.conversation(subject=one, conversation_id=one) for one in ("a", "b")]
    box, listed = "#text", "?list=view%3Dunanswered"
    async with looked_at(web, chromium) as page:
        await page.goto(f"/conversations/{second}{listed}")
        await page.fill(box, "Half of an answer to b")
        await page.goto(f"/conversations/{first}{listed}")
        await page.fill(box, "The answer to a")
        await page.get_by_role("button", name="Send and next").click()
        await expect(page.get_by_text("Your reply is on its way.")).to_be_visible()
        await expect(page.locator(box)).to_have_value("Half of an answer to b")
        await page.goto(f"/conversations/{first}{listed}")
        await expect(page.locator(box)).to_have_value("")
        await page.fill(box, "Another to a")
        await page.goto(f"/conversations/{second}{listed}")
        await page.get_by_role("button", name="Send and close").click()
        await expect(page.get_by_text("That was the last one in this list.")).to_be_visible()
        await page.goto(f"/conversations/{second}")
        await expect(page.locator(box)).to_have_value("")
        await page.goto(f"/conversations/{first}")
        await expect(page.locator(box)).to_have_value("Another to a")
        await page.get_by_role("button", name="Send and close").click()
        await expect(page.get_by_text("Closed.", exact=True)).to_be_visible()
        await expect(page.locator(box)).to_have_value("")
        await page.fill(box, "And once more")
        await page.reload()
        await expect(page.locator(box)).to_have_value("And once more")


async def test_what_was_sent_on_the_way_through_a_list_is_undone_where_that_is_said(
    web: Harness, chromium: Browser
) -> None:
    one = await web.conversation()
    async with looked_at(web, chromium) as page:
        await page.goto(f"/conversations/{one}?list=view%3Dunanswered")
        await page.fill("#text", "Too soon")
        await page.get_by_role("button", name="Send and close").click()
        await page.locator("main").get_by_role("button", name="Undo").click()
        await expect(page.get_by_text("Undone: it was not sent.")).to_be_visible()
        await expect(page.locator("#text")).to_have_value("Too soon")
