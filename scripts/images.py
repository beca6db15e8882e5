"""Takes the pictures of docs/images: each page of the dashboard as a merchant sees it.

`make images` starts a MongoDB, a local Shopify and the app, fills a shop (tests/pictured.py), opens
its pages in the Admin's frame in Chromium, and writes each as a PNG with a palette. What is named
in ARGS is taken alone: `make images ARGS='inbox search'`. It is no test: look at what it made.
"""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from PIL import Image
from playwright.async_api import Browser, Page, async_playwright

from cplus.aws import Aws
from cplus.commands.sessions import sign_in_link
from cplus.local.aws.endpoint import REGION, AwsEndpoint
from cplus.local.mongod import Mongod
from tests.integration.dead_world import queue_of
from tests.integration.web.framed import Framed, framed
from tests.integration.web.harness import OPERATOR, SHOP, web_database
from tests.pictured import pictured

IMAGES: Final = Path(__file__).resolve().parent.parent / "docs" / "images"
COLOURS: Final = 128
"""Of a palette: what a page has, and enough of the steps in between at the edges of letters."""
WIDE: Final = {"width": 1280, "height": 800}
PHONE: Final = {"width": 390, "height": 780}


@dataclass(frozen=True)
class Picture:
    """A page, and what is done on it before it is taken; `{name}` stands for an id."""

    name: str
    path: str
    how: Literal["wide", "phone", "dark", "outside", "operator"] = "wide"
    """In the Admin's frame, `wide` or on a `phone`; in a window of its own, `dark`, for who is not
    signed in, or for an operator."""
    press: str = ""
    """What is clicked, as a selector."""
    height: int = 0
    """Of the window, if the page wants another."""
    whole: bool = False
    """Whether Shopify's Admin around it is in the picture."""


THREAD: Final = "/conversations/{thread}?list=view%3Dunanswered"
PICTURES: Final = (
    Picture("inbox", "/inbox", whole=True),
    Picture("inbox-dark", "/inbox", "dark"),
    Picture("inbox-phone", "/inbox", "phone"),
    Picture("conversation", THREAD, height=1000),
    Picture("conversation-dark", THREAD, "dark", height=1000),
    Picture("conversation-phone", THREAD, "phone"),
    Picture("note", "/conversations/{bruno}", press="label:has-text('Note')", height=900),
    Picture("bulk", "/inbox?view=unanswered", press=".pick-all input"),
    Picture("drafts", "/inbox/drafts"),
    Picture("history", "/conversations/{thread}/history"),
    Picture("whole-message", "/conversations/{thread}/messages/{message}"),
    Picture("history-then", "/conversations/{thread}/history/{then}"),
    Picture("move-message", "/conversations/{thread}/messages/{message}/move"),
    Picture("search", "/search?q=norway"),
    Picture("new-message", "/conversations/new"),
    Picture("merge-conversations", "/conversations/{thread}/merge"),
    Picture("set-aside", "/inbox/automatic"),
    Picture("set-aside-mail", "/inbox/automatic/{aside}"),
    Picture("blocked", "/inbox/blocked"),
    Picture("keys", "/inbox/keys"),
    Picture("customers", "/customers"),
    Picture("customers-phone", "/customers", "phone"),
    Picture("customer", "/customers/ada", height=1000),
    Picture("customer-phone", "/customers/ada", "phone"),
    Picture("segments", "/customers/segments"),
    Picture("export-customers", "/customers/export"),
    Picture("merge-persons", "/customers/ada/merge?with=dalia"),
    Picture("privacy", "/privacy"),
    Picture("export-person", "/privacy/people/ada"),
    Picture("erase-person", "/privacy/people/ada/erase"),
    Picture("erasures", "/privacy/erasures"),
    Picture("erasure", "/privacy/erasures/e1"),
    Picture("metrics", "/metrics"),
    Picture("billing", "/billing"),
    Picture("settings", "/settings"),
    Picture("settings-phone", "/settings", "phone"),
    Picture("mail", "/settings/mail", height=1000),
    Picture("saved-replies", "/settings/saved-replies"),
    Picture("saved-reply", "/settings/saved-replies/{saved}"),
    Picture("tags", "/settings/tags"),
    Picture("team", "/settings/team"),
    Picture("notifications", "/settings/notifications"),
    Picture("getting-started", "/getting-started"),
    Picture("sign-in", "/auth/sign-in", "outside", height=560),
    Picture("console", "/console", "operator"),
    Picture("console-dead", "/console/dead", "operator"),
)


@dataclass
class Camera:
    """Chromium, and the shop in front of it."""

    chromium: Browser
    admin: Framed
    ids: dict[str, str] = field(default_factory=dict)

    @asynccontextmanager
    async def window(self, picture: Picture, member: str = "1") -> AsyncIterator[Page]:
        """A window as the picture wants it, in which this member of staff is signed in."""
        size: Any = dict(PHONE if picture.how == "phone" else WIDE)
        size["height"] = picture.height or size["height"]
        scheme: Any = "dark" if picture.how == "dark" else "light"
        context = await self.chromium.new_context(
            viewport=size, color_scheme=scheme, locale="en-US", reduced_motion="reduce"
        )
        address = self.admin.shopify.admin_url
        await context.add_cookies([{"name": "local_shopify_user", "value": member, "url": address}])
        yield await context.new_page()
        await context.close()

    async def _alone(self, page: Page, path: str) -> Page:
        """The page in a window of its own, which is dark for who has a dark browser; Shopify's
        Admin is light for everybody."""
        web = self.admin.web
        await page.goto(sign_in_link(web.settings, SHOP, web.clock, user="1", called="Robin Vale"))
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url("**/inbox")
        await page.goto(web.settings.app_url + path)
        return page

    async def _outside(self, page: Page, path: str) -> Page:
        await page.goto(self.admin.web.settings.app_url + path)
        return page

    async def _operator(self, page: Page, path: str) -> Page:
        await self._outside(page, "/console")
        await page.get_by_label("Your name").fill("jo")
        await page.get_by_label("Operator token").fill(OPERATOR)
        await page.get_by_role("button", name="Open the console").click()
        await page.wait_for_url("**/console")
        return await self._outside(page, path)

    async def take(self, picture: Picture) -> None:
        """Opens the page and keeps its picture."""
        async with self.window(picture) as page:
            path = picture.path.format(**self.ids)
            ways = {"dark": self._alone, "outside": self._outside, "operator": self._operator}
            frame = await ways.get(picture.how, self.admin.open)(page, path)
            await frame.locator("h1").first.wait_for()
            if picture.press:
                await frame.locator(picture.press).first.click()
            whole = picture.whole or picture.how in ways
            seen = page if whole else page.locator("#app")
            png = await seen.screenshot(animations="disabled", caret="hide")
        few = Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        few.save(IMAGES / f"{picture.name}.png", optimize=True)


@asynccontextmanager
async def _mongo() -> AsyncIterator[str]:
    with tempfile.TemporaryDirectory(prefix="cplus-images-") as directory:
        mongod = Mongod(Path(directory), environment={"PATH": os.environ.get("PATH", "")})
        await mongod.start()
        try:
            yield mongod.uri
        finally:
            if mongod.child:
                await mongod.child.stop(grace=0.0)


@asynccontextmanager
async def _aws() -> AsyncIterator[Aws]:
    """An AWS endpoint of this machine, which clients made in this process find."""
    told = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "testing")
    with tempfile.TemporaryDirectory(prefix="cplus-images-") as directory:
        endpoint, aws = AwsEndpoint(Path(directory)), Aws()
        await endpoint.start()
        os.environ |= {**told, "AWS_ENDPOINT_URL": endpoint.endpoint, "AWS_REGION": REGION}
        os.environ["AWS_DEFAULT_REGION"] = REGION
        try:
            yield aws
        finally:
            await aws.close()
            await endpoint.stop()


async def _around(aws: Aws, admin: Framed) -> None:
    """What pages ask AWS for: the bucket that certificates name, and queues."""
    settings = admin.web.settings
    bucket = settings.needed("roots_bucket")
    await (await aws.client("s3")).create_bucket(Bucket=bucket)
    for name in ("mail", "send", "webhooks"):
        await queue_of(aws, settings.stage, name)
    failed = await queue_of(aws, settings.stage, "send")
    await (await aws.client("sqs")).send_message(QueueUrl=f"{failed}-dead", MessageBody="{}")


async def main(wanted: set[str]) -> None:
    pictures = [one for one in PICTURES if not wanted or one.name in wanted]
    flags = ["--headless=new", "--disable-gpu", *(["--no-sandbox"] * (os.geteuid() == 0))]
    async with (
        _mongo() as uri,
        _aws() as aws,
        web_database(uri) as name,
        framed(uri, name, aws) as admin,
        async_playwright() as playwright,
    ):
        path = shutil.which("chromium")
        chromium = await playwright.chromium.launch(executable_path=path, args=flags)
        camera = Camera(chromium, admin)
        camera.ids = await pictured(admin)
        await _around(aws, admin)
        for member in ("1", "2"):  # who say what they are called
            async with camera.window(PICTURES[0], member) as page:
                await (await admin.open(page)).locator("h1").first.wait_for()
        for picture in pictures:
            await camera.take(picture)
            print(picture.name, (IMAGES / f"{picture.name}.png").stat().st_size // 1024, "KB")
        await chromium.close()


if __name__ == "__main__":
    asyncio.run(main(set(sys.argv[1:])))
