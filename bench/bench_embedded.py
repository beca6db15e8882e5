"""How the dashboard feels inside the Admin: Core Web Vitals of each page in the frame.

`python bench/bench_embedded.py [--rounds 5]` writes bench/results/embedded.json. It starts a whole
stack of its own, installs the app in a shop through the local Shopify's Admin, fills its inbox by
mail, and opens each page in Chromium with the processor slowed four times, third-party cookies
blocked. The budgets are those of Built for Shopify, for the 75th percentile.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import httpx
from playwright.async_api import Page, ViewportSize, expect

from bench.measure import Figure, write
from cplus.local.aws.email.inbound import Receipt, deliver
from cplus.local.stack import MAIL_DOMAIN, Stack
from tests.framed import (
    PATIENCE,
    PHONE,
    WIDE,
    Vitals,
    app_frame,
    merchants_browser,
    observe_vitals,
    opened_anew,
    painted,
    slowed,
    vitals,
)

SHOP = "blue-jam.myshopify.com"
SLOWER = 4
OPENED = 3
"""How often a page is opened at most of which the browser tells no paint at all, as it does now and
then."""
CUSTOMERS, LETTERS = 300, 60
BUDGETS: dict[str, tuple[str, float, Callable[[Vitals], float]]] = {
    "LCP": ("ms", 2_500, lambda one: one.lcp),
    "CLS": ("", 0.1, lambda one: one.cls),
    "INP": ("ms", 200, lambda one: one.inp),
}
PAGES = {
    "inbox": "/inbox",
    "conversation": "/conversations/{conversation}",
    "customers": "/customers",
    "metrics": "/metrics",
    "privacy": "/privacy",
    "billing": "/billing",
    "settings": "/settings",
}


async def _fill(stack: Stack) -> None:
    """A shop with customers, and letters of shoppers to it."""
    people = [
        {"id": number, "first_name": f"First{number}", "email": f"person{number}@example.com"}
        for number in range(1, CUSTOMERS + 1)
    ]
    shop: dict[str, Any] = {"host": SHOP, "name": "Blue Jam", "email": "owner@example.com"}
    async with httpx.AsyncClient(timeout=30) as http:
        url = f"{stack.shopify_url}/_control/shops"
        (await http.post(url, json={**shop, "customers": people})).raise_for_status()


def _write_letters(stack: Stack) -> None:
    exports = stack.application.exports
    receipt = Receipt(
        endpoint=stack.aws.endpoint,
        bucket=str(exports["cplus-local-mail-bucket"]),
        topic=str(exports["cplus-local-mail-topic"]),
    )
    for number in range(LETTERS):
        mail = EmailMessage()
        mail["From"] = f"First{number} <person{number}@example.com>"
        mail["To"] = f"blue-jam@{MAIL_DOMAIN}"
        mail["Subject"] = f"A question about order {number}"
        mail["Message-ID"] = f"<letter-{number}@example.com>"
        mail.set_content("Where is my order? It was to be here last week.\n" * (1 + number % 5))
        sender = f"person{number}@example.com"
        deliver(receipt, mail.as_bytes(), [f"blue-jam@{MAIL_DOMAIN}"], sender)


async def _conversation(stack: Stack, page: Page) -> str:
    """Installs the app; answers a conversation once all letters are there."""
    await page.goto(stack.admin_url)
    await page.get_by_role("link", name="Install").first.click()
    await page.get_by_role("button", name="Install app").click()
    frame = await app_frame(page)
    await frame.wait_for_selector("h1")
    await asyncio.to_thread(_write_letters, stack)
    frame = await opened_anew(page, "/inbox")
    rows = frame.locator("a[href^='/conversations/']")
    open_ones = frame.get_by_role("link", name=f"Open {LETTERS}")
    await expect(open_ones).to_be_visible(timeout=4 * PATIENCE)
    address = await rows.first.get_attribute("href")
    assert address
    return address.rpartition("/")[2].partition("?")[0]


async def _felt(page: Page, path: str) -> Vitals:
    """Opens a page, goes to the next of its tabs if it has some, and types into its first field."""
    for _ in range(OPENED):
        frame = await opened_anew(page, path)
        # Before the first click, after which the browser tells of no larger one.
        with contextlib.suppress(TimeoutError):
            await painted(frame)
            break
        print(f"The browser told of no paint of {path}.", file=sys.stderr)
    else:
        raise TimeoutError(path)
    tabs = frame.locator("#main nav.tabs a")
    if await tabs.count() > 1:
        await tabs.nth(1).click()
        await expect(tabs.nth(1)).to_have_attribute("aria-current", "page", timeout=PATIENCE)
    return await vitals(frame)


def _figures(page: str, seen: list[Vitals]) -> list[Figure]:
    made = []
    for name, (unit, budget, take) in BUDGETS.items():
        values = [take(one) for one in seen]
        several = len(values) > 1
        low, _, p75 = (
            statistics.quantiles(values, n=4, method="inclusive") if several else values * 3
        )
        goal, spread = f"at most {budget:g}", (round(low, 3), round(p75, 3))
        what, met = f"{page}, {name}, 75th percentile", p75 <= budget
        made.append(Figure(what, round(p75, 3), unit, None, "", goal, met, len(values), spread))
    return made


async def _measure(rounds: int) -> dict[str, list[Figure]]:
    browser = os.environ.get("CPLUS_TEST_BROWSER") or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    found: dict[str, list[Figure]] = {}
    with tempfile.TemporaryDirectory(prefix="cplus-bench-") as directory:
        async with (
            Stack(Path(directory) / "stack") as stack,
            merchants_browser(browser, Path(directory) / "profile", viewport=WIDE) as context,
        ):
            await observe_vitals(context)
            await _fill(stack)
            page = await context.new_page()
            conversation = await _conversation(stack, page)
            await slowed(page, SLOWER)
            for part, viewport in (("wide", WIDE), ("phone", PHONE)):
                await page.set_viewport_size(
                    ViewportSize(width=viewport["width"], height=viewport["height"])
                )
                seen: dict[str, list[Vitals]] = {name: [] for name in PAGES}
                for number in range(rounds + 1):
                    for name, path in PAGES.items():
                        one = await _felt(page, path.format(conversation=conversation))
                        if number:  # in the first round, caches fill
                            seen[name].append(one)
                found[part] = [
                    line
                    for name, some in seen.items()
                    for line in _figures(f"{name}, {part}", some)
                ]
    return found


def main() -> None:
    """Measures and writes the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    write("embedded", asyncio.run(_measure(rounds)), slowed=SLOWER)


if __name__ == "__main__":
    main()
