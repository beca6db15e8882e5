"""A merchant's browser, in which the app runs in the frame of Shopify's Admin."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext, Frame, Page, async_playwright

PATIENCE = 30_000  # milliseconds that anything may take on a busy machine
PHONE, WIDE = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
_ALLOWED, _BLOCKED = 0, 1  # profile.cookie_controls_mode of Chromium's settings

_FLAGS = [
    *("--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


@asynccontextmanager
async def merchants_browser(
    path: str | None, profile: Path, *, third_party_cookies: bool = False, **context: Any
) -> AsyncIterator[BrowserContext]:
    """A Chromium of which the settings say whether frames of other sites may have cookies. A
    switch of the command line does not: it is ignored, or blocks no cookie (Chromium 156)."""
    mode = _ALLOWED if third_party_cookies else _BLOCKED
    settings = profile / "Default" / "Preferences"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"profile": {"cookie_controls_mode": mode}}), "utf-8")
    # Chromium's sandbox does not run as root.
    flags = [*_FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch_persistent_context(
            profile, executable_path=path, args=flags, **context
        )
        opened.set_default_timeout(PATIENCE)
        yield opened
        await opened.close()


async def app_frame(page: Page) -> Frame:
    """The frame with the app."""
    element = await page.wait_for_selector("iframe#app")
    assert element
    frame = await element.content_frame()
    assert frame
    return frame
