"""A browser in which merchant and operator are signed in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, Page

from cplus.commands.sessions import sign_in_link
from tests.integration.web.harness import OPERATOR, SHOP, Harness, served


@asynccontextmanager
async def looked_at(web: Harness, chromium: Browser, **context: Any) -> AsyncIterator[Page]:
    """A page in which merchant and operator are signed in."""
    async with served(web) as address:
        opened = await chromium.new_context(base_url=address, **context)
        page = await opened.new_page()
        await page.goto(sign_in_link(web.settings, SHOP, web.clock).replace("http://app.test", ""))
        await page.get_by_role("button", name="Sign in").click()
        await page.goto("/console")
        await page.get_by_label("Your name").fill("jo")
        await page.get_by_label("Operator token").fill(OPERATOR)
        await page.get_by_role("button", name="Open the console").click()
        yield page
        await opened.close()
