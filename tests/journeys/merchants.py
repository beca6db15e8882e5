"""A merchant in the Admin of a running stack."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import FrameLocator, Page, expect

from cplus.local.stack import Stack
from tests.journeys.shoppers import write_as_a_shopper

# Playwright tries to run scripts of its own in each frame, also in one that may run none.
_RUNS_NOTHING = "the 'allow-scripts' permission is not set"


@dataclass
class Faults:
    """What the pages of the app complained of."""

    app: str
    found: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Hears what the page says."""
        page.on("pageerror", lambda error: self.found.append(f"{page.url}: {error}"))
        page.on("console", self._said)

    def _said(self, said: Any) -> None:
        if _RUNS_NOTHING in said.text:
            return
        if said.type == "error" and self.app in said.location["url"]:
            self.found.append(f"{said.location['url'].partition('?')[0]}: {said.text}")


@dataclass
class Merchant:
    """Somebody in the Admin of one shop; on a phone, its menu has to be opened."""

    stack: Stack
    handle: str
    page: Page
    phone: bool = False

    @property
    def address(self) -> str:
        """Where the app is in the Admin."""
        return f"{self.stack.admin_url}/store/{self.handle}/apps/conversations-plus"

    @property
    def app(self) -> FrameLocator:
        """What is in the frame."""
        return self.page.frame_locator("#app")

    async def installs(self) -> None:
        """From the list of shops by the consent page into the frame."""
        await self.page.goto(self.stack.admin_url)
        row = self.page.get_by_role("row").filter(has_text=f"{self.handle}.myshopify.com")
        await row.get_by_role("link", name="Install").click()
        await self.page.get_by_role("button", name="Install app").click()
        await expect(self.app.get_by_role("heading", name="Inbox", level=1)).to_be_visible()

    async def goes_to(self, name: str) -> None:
        """A page of the app, by the Admin's menu."""
        await self._opens_the_menu()
        await self.page.get_by_role("navigation").get_by_role("link", name=name).click()
        await expect(self.app.get_by_role("heading", name=name, level=1)).to_be_visible()

    async def sees_the_import_run(self) -> None:
        """The first step says how many customers are there so far."""
        step = self.app.get_by_role("listitem").filter(has_text="Import your customers")
        await expect(step.get_by_text(re.compile(r"\d+ so far"))).to_be_visible()

    async def sees_the_import_end(self, customers: int) -> None:
        """And then that it is done; nobody reloads."""
        step = self.app.get_by_role("listitem").filter(has_text="Import your customers")
        await expect(step.get_by_text("Done")).to_be_visible()
        await expect(step.get_by_text(f"{customers} customers from Shopify")).to_be_visible()

    async def is_written_to(self, name: str, text: str, number: int = 0) -> None:
        """A shopper writes; the open page tells of it without being asked."""
        await asyncio.to_thread(write_as_a_shopper, self.stack, self.handle, name, text, number)
        await expect(self.app.get_by_role("link").filter(has_text=name)).to_be_visible()

    async def uninstalls(self) -> None:
        """At the side of the Admin."""
        await self._opens_the_menu()
        await self.page.get_by_role("button", name="Uninstall the app").click()
        await expect(self.page.get_by_role("button", name="Install app")).to_be_visible()

    async def _opens_the_menu(self) -> None:
        if self.phone:
            await self.page.get_by_role("button", name="Menu").click()


async def answers(page: Page | FrameLocator, name: str, text: str) -> None:
    """Opens the conversation with the shopper, writes, and sees the answer delivered."""
    await page.get_by_role("link").filter(has_text=name).click()
    thread = page.get_by_role("region", name="Messages")
    await page.get_by_label(f"Reply to {name}").fill(text)
    await page.get_by_role("button", name="Send reply").click()
    await expect(thread.get_by_text(text)).to_be_visible()
    await expect(thread.get_by_text("Delivered")).to_be_visible()
