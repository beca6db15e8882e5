"""The form for a reply in a browser: files are listed and taken out, and an undo counts down."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, FilePayload, expect

from cplus.aws import Aws
from tests.integration.web.harness import SHOP, Harness
from tests.integration.web.looking import looked_at

pytestmark = pytest.mark.browser

DROP = """(text) => {
  const data = new DataTransfer();
  data.items.add(new File([text], "dropped.txt", { type: "text/plain" }));
  for (const kind of ["dragover", "drop"]) {
    const event = new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: data });
    document.getElementById("text").dispatchEvent(event);
  }
}"""


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
        large = FilePayload(name="large.bin", mimeType="text/plain", buffer=b"x" * 5_000_000)
        small = FilePayload(name="small.txt", mimeType="text/plain", buffer=b"Hello")
        await page.locator("#files").set_input_files([large, small])
        await page.evaluate(DROP, "dropped")
        await expect(page.locator(".chosen li")).to_have_count(3)
        await expect(page.locator(".attach .reason")).to_contain_text("Take one out")
        await page.get_by_label("Reply to").fill("Here they are.")
        await page.get_by_role("button", name="Send reply").click()
        assert (await web.stream(SHOP, conversation)).count("conversation.reply_written") == 0
        await page.get_by_role("button", name="Remove large.bin").click()
        await expect(page.locator(".attach .reason")).to_be_hidden()
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
