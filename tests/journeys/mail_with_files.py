"""A merchant and a mail with files: looks at it, answers with files, and hears that the answer
came back."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field

import httpx
from playwright.async_api import FilePayload, Locator, Route, expect

from tests.framed import PHONE, WIDE, app_frame
from tests.journeys.merchants import Merchant
from tests.journeys.shoppers import (
    PICTURE_ELSEWHERE,
    File,
    files_of,
    mail_with_files,
    mails_to,
    photo,
    send_to_the_shop,
)

_TAGS = re.compile(r"<(style|title).*?</\1>|<[^>]*>", re.DOTALL)
EDGE = 240  # pixels of the longer side of a thumbnail


@dataclass
class Correspondence:
    """One conversation by mail, and what its pages loaded from elsewhere."""

    merchant: Merchant
    name: str
    address: str
    loaded: list[str] = field(default_factory=list)

    @property
    def thread(self) -> Locator:
        """The messages."""
        return self.merchant.app.get_by_role("region", name="Messages")

    async def arrives(self, subject: str, text: str, files: list[File]) -> None:
        """A shopper's mail; the open inbox tells of it without being asked."""
        made = self.merchant
        await made.page.route(PICTURE_ELSEWHERE, self._elsewhere)
        raw = mail_with_files(made.handle, f"{self.name} <{self.address}>", subject, text, files)
        await asyncio.to_thread(send_to_the_shop, made.stack, made.handle, raw, self.address)
        await expect(self._row).to_be_visible()
        await self._row.click()
        await expect(self.thread.get_by_text(text, exact=True)).to_be_visible()

    async def is_looked_at(self, files: list[File]) -> None:
        """Its photo small, its HTML in a frame that runs nothing and loads nothing from elsewhere
        until it is asked to, and its files as they were sent."""
        rows = self.thread.get_by_role("listitem")
        small = rows.filter(has_text=files[0].name).locator(".thumb img").last
        await small.scroll_into_view_if_needed()
        await expect(small).to_have_js_property("naturalWidth", EDGE)
        await self.thread.get_by_text("Show formatted").click()
        frame = self.thread.locator("iframe.formatted")
        assert "allow-scripts" not in (await frame.get_attribute("sandbox") or "allow-scripts")
        formatted = frame.content_frame
        await expect(formatted.get_by_role("img", name="Jar")).to_have_js_property(
            "naturalWidth", 1200
        )
        await expect(formatted.get_by_text("Remote images are not shown")).to_be_visible()
        assert self.loaded == []
        await self._fits("1 looked at")
        async with self.merchant.page.expect_request(PICTURE_ELSEWHERE):
            await formatted.get_by_role("link", name="Show remote images").click()
        await expect(formatted.get_by_text("ran")).to_have_count(0)
        for file in files:
            async with self.merchant.page.expect_download() as downloading:
                await self.thread.get_by_role("link", name=file.name).click()
            download = await downloading.value
            assert download.suggested_filename == file.name
            assert (await download.path()).read_bytes() == file.data

    async def is_answered(self, text: str, files: list[File]) -> None:
        """With files; it waits a few seconds, in which it could be undone, and comes back."""
        app, endpoint = self.merchant.app, self.merchant.stack.aws.endpoint
        async with httpx.AsyncClient(timeout=30) as http:
            fails = {"how": "bounce", "times": 1, "to": self.address}
            (await http.post(f"{endpoint}/_local/ses", json={"fail": [fails]})).raise_for_status()
        await app.get_by_label(f"Reply to {self.name}").fill(text)
        payload: list[FilePayload] = [
            {"name": one.name, "mimeType": one.content_type, "buffer": one.data} for one in files
        ]
        await app.get_by_label("Files, up to").set_input_files(payload)
        # Each goes to the app at once; the form then holds a token of it.
        await expect(app.locator(".chosen input[name]")).to_have_count(len(payload))
        await self._fits("2 written")
        await app.get_by_role("button", name="Send reply").click()
        await expect(self.thread.get_by_text(text)).to_be_visible()
        await expect(app.get_by_label(f"Reply to {self.name}")).to_be_in_viewport()
        await self._fits("3 waits")
        await expect(self.thread.get_by_text("Bounced")).to_be_visible()
        await self._fits("4 came back")

    async def is_awaiting_a_reply_again(self) -> None:
        """It is on top of the tab, with its reason in plain words."""
        app = self.merchant.app
        await app.locator(".crumb").first.click()
        tabs = app.get_by_role("navigation", name="Views")
        await tabs.get_by_role("link", name="Awaiting reply").click()
        await expect(tabs.locator("[aria-current]")).to_contain_text("Awaiting reply")
        first = app.get_by_role("region", name="Conversations").get_by_role("listitem").first
        await expect(first).to_contain_text(self.name)
        await expect(first).to_contain_text("Not delivered: the address doesn’t exist")
        await self._fits("5 awaiting")
        await first.get_by_role("link").click()
        await expect(self._failed).to_contain_text("didn’t arrive")
        await expect(self._failed).to_contain_text("the address doesn’t exist")

    async def is_sent_elsewhere(self, address: str) -> None:
        """And arrives there."""
        await self._failed.get_by_label("Another address").fill(address)
        await self._fits("6 elsewhere")
        await self._failed.get_by_role("button", name="Send there").click()
        await expect(self.thread.get_by_text("Delivered")).to_be_visible()
        await expect(self._failed).to_have_count(0)
        await self._fits("7 delivered")

    async def went_out(self, address: str, text: str, files: list[File]) -> None:
        """To this address, once, with nothing above its words and with its files."""
        [mail] = await mails_to(self.merchant.stack, address)
        assert files_of(mail) == files
        for kind in ("plain", "html"):
            body = mail.get_body((kind,))
            assert body
            words = _TAGS.sub("", body.get_content())
            assert words.strip().startswith(text)
            assert "##-" not in words

    async def _fits(self, name: str) -> None:
        """Nothing is cut off at the side, wide and on a phone."""
        frame = await app_frame(self.merchant.page)
        before = self.merchant.page.viewport_size
        for size in (WIDE, PHONE):
            await self.merchant.page.set_viewport_size(size)  # type: ignore[arg-type]
            widths = await frame.evaluate("[document.documentElement.scrollWidth, innerWidth]")
            assert widths[0] <= widths[1], (name, size, widths)
        await self.merchant.page.set_viewport_size(before)  # type: ignore[arg-type]

    @property
    def _row(self) -> Locator:
        return self.merchant.app.get_by_role("link").filter(has_text=self.name)

    @property
    def _failed(self) -> Locator:
        return self.merchant.app.get_by_role("region", name="Reply that didn’t arrive")

    async def _elsewhere(self, route: Route) -> None:
        self.loaded.append(route.request.url)
        await route.fulfill(body=photo("", size=(1, 1)).data, content_type="image/jpeg")
