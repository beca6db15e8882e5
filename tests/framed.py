"""A merchant's browser, in which the app runs in the frame of Shopify's Admin: what it allows the
frame, and how a page of the frame feels by Core Web Vitals."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import (
    BrowserContext,
    CDPSession,
    Error,
    Frame,
    Page,
    async_playwright,
)

PATIENCE = 30_000  # milliseconds that anything may take on a busy machine
PHONE, WIDE = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
_ALLOWED, _BLOCKED = 0, 1  # profile.cookie_controls_mode of Chromium's settings

_FLAGS = [
    *("--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


# As the library web-vitals measures: of layout shifts the worst window (5 s at most, 1 s between
# two), of interactions the slowest.
_OBSERVED = """
if (window.parent !== window) {
  const seen = (window.__vitals = { lcp: 0, cls: 0, inp: 0 });
  const observe = (type, take, more = {}) =>
    new PerformanceObserver((list) => list.getEntries().forEach(take))
      .observe({ type, buffered: true, ...more });
  observe("largest-contentful-paint", (entry) => { seen.lcp = entry.startTime; });
  let [sum, first, last] = [0, 0, 0];
  observe("layout-shift", (entry) => {
    if (entry.hadRecentInput) return;
    const goesOn = entry.startTime - last < 1000 && entry.startTime - first < 5000;
    [sum, first] = goesOn ? [sum + entry.value, first] : [entry.value, entry.startTime];
    last = entry.startTime;
    seen.cls = Math.max(seen.cls, sum);
  });
  observe("event", (entry) => {
    if (entry.interactionId) seen.inp = Math.max(seen.inp, entry.duration);
  }, { durationThreshold: 16 });
}
"""
_SOURCE = """async (address) => {
  const page = new DOMParser().parseFromString(await (await fetch(address)).text(), "text/html");
  return page.getElementById("app").getAttribute("src");
}"""
_SEEN = """() => new Promise((done) => {
  const look = () => window.__vitals.lcp ? done() : requestAnimationFrame(look);
  look();
})"""
_PAINTED = "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))"


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


@dataclass(frozen=True)
class Vitals:
    """How one page of the frame felt: LCP and INP in milliseconds, and CLS."""

    lcp: float
    """0 if the browser told of none: see `painted`."""
    cls: float
    inp: float
    """0 if each interaction was answered within 16 ms: the browser tells of none of these."""
    interactions: int


async def observe_vitals(context: BrowserContext) -> None:
    """Has every document of a frame that is loaded from now on observe itself."""
    await context.add_init_script(_OBSERVED)


async def slowed(page: Page, rate: float) -> list[CDPSession]:
    """Slows the processor for the page and its frame until the sessions are detached."""
    sessions = [await page.context.new_cdp_session(page)]
    with contextlib.suppress(Error):  # where the frame has no process of its own
        sessions.append(await page.context.new_cdp_session(await app_frame(page)))
    for session in sessions:
        await session.send("Emulation.setCPUThrottlingRate", {"rate": rate})
    return sessions


async def opened_anew(page: Page, path: str) -> Frame:
    """The frame, with the document that the Admin would open at this path of the app; the frame
    itself stays, and how it is slowed with it."""
    base = "/".join(urlsplit(page.url).path.split("/")[:5])
    source = await page.evaluate(_SOURCE, base + path)
    frame = await app_frame(page)
    await frame.goto(source, wait_until="load", timeout=PATIENCE)
    await frame.locator("h1").first.wait_for()
    return frame


async def painted(frame: Frame) -> None:
    """Returns once the browser told of the largest paint of the frame's document. A busy machine's
    browser may tell of none: only what measures it waits for it."""
    # Not by Playwright's own waiting, which the page's security policy forbids: it is an eval.
    async with asyncio.timeout(PATIENCE / 1000):
        await frame.evaluate(_SEEN)


async def vitals(frame: Frame) -> Vitals:
    """How the frame's document felt; somebody types into its first field, if it has one, and
    presses its heading and a key."""
    field = frame.locator("#main :is(textarea, input[type=search], input[type=text]):visible")
    if await field.count():
        await field.first.press_sequentially("abc")
    await frame.locator("h1").first.click()
    await frame.page.keyboard.press("Shift")
    await frame.evaluate(_PAINTED)
    count = "performance.interactionCount"
    found = await frame.evaluate(f"({{ ...window.__vitals, interactions: {count} }})")
    return Vitals(**found)
