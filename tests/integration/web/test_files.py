"""Files of messages in the dashboard: by links that are soon over and open one file alone, in which
nothing of a stranger runs."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from email.message import EmailMessage

import httpx
import pytest
from PIL import Image
from playwright.async_api import Browser

from cplus.aws import Aws
from cplus.commands.sessions import sign_in_link
from cplus.web.kit.file_links import FileLinks, Way
from cplus.web.kit.pages import PIECE
from tests.integration.web.harness import OTHER, SHOP, Harness, served
from tests.integration.web.mails import RAW, arrive, arrives

QUOTED = "Shall I keep one?"
EVIL = "<script>parent.hacked = 1</script><form action='https://evil.example'><input></form>"
HTML = f"""<p>A <b style="color:#b00">photo</b>.</p><img src="cid:one%40x" width="300">
<img src="https://tracker.example/t.gif"><meta http-equiv="refresh" content="0;url=//evil.example">
{EVIL}"""


def picture(color: str = "red", size: tuple[int, int] = (800, 600)) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, color).save(made, "PNG")
    return made.getvalue()


LARGE = bytes(range(256)) * (PIECE // 256) + b"the rest"
FILES = {
    "photo\u202egpj.html": (picture("blue"), "image/png"),
    "invoice.pdf": (b"%PDF-1.7 x", "application/pdf"),
    "logo.svg": (b"<svg onload=alert(1)>", "image/svg+xml"),
    "page.png": (b"<!doctype html><script>alert(1)</script>", "image/png"),
    "large.bin": (LARGE, "application/octet-stream"),
}


def rich() -> bytes:
    mail = EmailMessage()
    mail["From"] = "Ada Brandt <ada@example.com>"
    mail["Subject"] = "Broken lamp"
    mail["Message-ID"] = "<rich@example.com>"
    mail["In-Reply-To"] = "<x@example.com>"
    written = "On Mon, 2 Nov 2026 at 10:00, Shop <s@example.com> wrote:"
    mail.set_content(f"A photo.\n\n{written}\n> {QUOTED}\n")
    mail.add_alternative(HTML, subtype="html")
    inner = mail.get_payload(1)
    assert isinstance(inner, EmailMessage)
    inner.add_related(picture(), "image", "png", cid="<one@x>", filename="lamp.png")
    for name, (data, kind) in FILES.items():
        maintype, _, subtype = kind.partition("/")
        mail.add_attachment(data, maintype=maintype, subtype=subtype, filename=name)
    return mail.as_bytes()


@pytest.fixture
async def web(mongo_uri: str, database: str, aws: Aws, mail_bucket: str) -> AsyncIterator[Harness]:
    async with Harness(mongo_uri, database, aws, mail_bucket=mail_bucket).opened() as harness:
        yield harness


@pytest.fixture
async def stranger(web: Harness) -> AsyncIterator[httpx.AsyncClient]:
    """A browser in which nobody is signed in, as the frame of a mail is one."""
    async with web.browser() as opened:
        yield opened


async def ids(web: Harness, message: str) -> dict[str, str]:
    """The files of the message: their ids by their names."""
    files = web.parts.message_files
    found = await files.message(SHOP, message)
    assert found
    return {one.name: one.id for one in await files.listed(SHOP, found)}


def link(web: Harness, message: str, file: str, way: Way = "save", shop: str = SHOP) -> str:
    return FileLinks(web.parts.signer).address(shop, message, file, way)


async def test_a_file_is_saved_under_its_name_and_runs_nowhere(
    web: Harness, stranger: httpx.AsyncClient, aws: Aws
) -> None:
    message = await arrive(web, aws, rich())
    known = await ids(web, message)
    assert list(known) == ["lamp.png", "photogpj.html", *list(FILES)[1:]]
    for name, way in (
        ("invoice.pdf", "save"),
        ("invoice.pdf", "show"),
        ("logo.svg", "show"),
        ("page.png", "show"),
        ("photogpj.html", "save"),
    ):
        answer = await stranger.get(link(web, message, known[name], way))  # type: ignore[arg-type]
        assert answer.status_code == 200
        assert answer.headers["content-disposition"].startswith(f'attachment; filename="{name}"')
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
    answer = await stranger.get(link(web, message, known["photogpj.html"], "show"))
    assert answer.headers["content-disposition"].startswith("inline")
    assert (answer.headers["content-type"], answer.content) == ("image/png", picture("blue"))


async def test_a_link_opens_one_file_of_one_message_for_15_minutes(
    web: Harness, browser: httpx.AsyncClient, stranger: httpx.AsyncClient, aws: Aws
) -> None:
    message = await arrive(web, aws, rich())
    file = (await ids(web, message))["invoice.pdf"]
    good, frame = link(web, message, file), link(web, message, "html", "frame")
    assert (await stranger.get(good)).status_code == 200
    assert (await stranger.get(link(web, message, file, shop=OTHER))).status_code == 404
    assert (await stranger.get(link(web, "another", file))).status_code == 404
    assert (await stranger.get(link(web, message, "99"))).status_code == 404
    for forged in (good[:-1], good + "A", "/files/x", "/files/" + "A" * 5_000):
        assert (await stranger.get(forged)).status_code == 404
    web.clock.now += timedelta(minutes=15)
    over = await stranger.get(good)
    assert over.status_code == 410
    in_frame = await stranger.get(frame)
    assert in_frame.status_code == 410
    assert "frame-ancestors 'self'" in in_frame.headers["content-security-policy"]
    [lasting] = re.findall(r'href="(/messages/[^"]+)"', over.text)
    assert (await stranger.get(lasting)).status_code == 303
    assert "/auth/" in (await stranger.get(lasting)).headers["location"]
    fresh = await browser.get(lasting)
    assert fresh.status_code == 303
    assert (await stranger.get(fresh.headers["location"])).content == b"%PDF-1.7 x"


async def test_the_lasting_address_of_another_shops_file_leads_nowhere(
    web: Harness, browser: httpx.AsyncClient, aws: Aws, mail_bucket: str
) -> None:
    await aws.put_object(mail_bucket, "k", RAW.encode())
    foreign = (await arrives(web, shop=OTHER)).rpartition("/")[2]
    assert (await browser.get(f"/messages/{foreign}/files/2")).status_code == 404
    assert (await browser.get(f"/messages/{foreign}/files/original")).status_code == 404


async def test_a_file_larger_than_an_answer_comes_in_pieces(
    web: Harness, stranger: httpx.AsyncClient, aws: Aws
) -> None:
    message = await arrive(web, aws, rich())
    address = link(web, message, (await ids(web, message))["large.bin"])
    page = (await stranger.get(address)).text
    assert 'data-pieces="2"' in page
    pieces = [await stranger.get(f"{address}?piece={number}") for number in (0, 1)]
    assert b"".join(one.content for one in pieces) == LARGE
    assert 'filename="large.bin.part2"' in pieces[1].headers["content-disposition"]
    assert (await stranger.get(f"{address}?piece=2")).status_code == 404


async def test_the_original_is_the_mail_as_it_came(
    web: Harness, stranger: httpx.AsyncClient, aws: Aws
) -> None:
    raw = rich()
    message = await arrive(web, aws, raw)
    address = link(web, message, "original")
    pieces = [await stranger.get(f"{address}?piece={n}") for n in range(-(-len(raw) // PIECE))]
    assert b"".join(one.content for one in pieces) == raw


async def test_mail_from_before_has_its_files_from_the_raw_mail(
    web: Harness, browser: httpx.AsyncClient, aws: Aws, mail_bucket: str
) -> None:
    await aws.put_object(mail_bucket, "k", RAW.encode())
    for stored in (None, await web.parts.mails.put(SHOP, RAW.encode())):
        url = await arrives(web, stored=stored)
        page = (await browser.get(url)).text
        [address] = re.findall(r'href="(/files/[^"]+)"><bdi>', page)
        answer = await browser.get(address)
        assert answer.content == b"%PDF"
        assert 'filename="label.pdf"' in answer.headers["content-disposition"]


async def test_the_frame_of_a_mail_loads_nothing_from_elsewhere_before_it_is_asked_to(
    web: Harness, stranger: httpx.AsyncClient, aws: Aws
) -> None:
    message = await arrive(web, aws, rich())
    answer = await stranger.get(link(web, message, "html", "frame"))
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "img-src 'self';" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert f"frame-ancestors 'self' https://{SHOP} " in policy
    for bad in ("tracker.example", "evil.example", "<script", "<form", 'http-equiv="refresh'):
        assert bad not in answer.text
    [shown] = re.findall(r'<img src="(/files/[^"]+)"', answer.text)
    assert (await stranger.get(shown)).content == picture()
    [more] = re.findall(r'href="(/files/[^"]+)">Show remote images', answer.text)
    asked = await stranger.get(more)
    assert 'src="https://tracker.example/t.gif"' in asked.text
    assert "img-src 'self' https: http:;" in asked.headers["content-security-policy"]
    assert "no-referrer" in asked.headers["referrer-policy"]


async def test_small_pictures_are_made_and_a_bomb_is_not_decoded(
    web: Harness, stranger: httpx.AsyncClient, aws: Aws
) -> None:
    mail = EmailMessage()
    mail["From"] = "ada@example.com"
    mail.set_content("Two")
    for name, size in (("lamp.png", (800, 600)), ("bomb.png", (10_000, 10_000))):
        data = picture(size=size)
        mail.add_attachment(data, maintype="image", subtype="png", filename=name)
    message = await arrive(web, aws, mail.as_bytes())
    known = await ids(web, message)
    sizes = []
    for name in ("lamp.png", "bomb.png"):
        answer = await stranger.get(link(web, message, known[name], "small"))
        sizes.append(Image.open(io.BytesIO(answer.content)).size)
    assert sizes == [(240, 180), (1, 1)]


async def test_of_an_erased_person_no_link_opens_anything(
    web: Harness, browser: httpx.AsyncClient, stranger: httpx.AsyncClient, aws: Aws
) -> None:
    message = await arrive(web, aws, rich())
    file = (await ids(web, message))["lamp.png"]
    found = await web.parts.message_files.message(SHOP, message)
    assert found
    await web.parts.keyring.condemn(SHOP, [found.person])
    await web.parts.keyring.destroy(SHOP, [found.person])
    for way in ("save", "show"):
        assert (await stranger.get(link(web, message, file, way))).status_code == 404
    assert (await stranger.get(link(web, message, "original"))).status_code == 404
    assert "no formatted version" in (await stranger.get(link(web, message, "x", "frame"))).text
    assert len((await stranger.get(link(web, message, file, "small"))).content) < 100
    assert (await browser.get(f"/messages/{message}/files/{file}")).status_code == 404


async def test_files_of_a_mail_with_a_virus_are_not_to_be_had(
    web: Harness, browser: httpx.AsyncClient, stranger: httpx.AsyncClient, aws: Aws
) -> None:
    message = await arrive(web, aws, rich(), virus="FAIL")
    assert await web.parts.message_files.message(SHOP, message) is None
    assert (await stranger.get(link(web, message, "original"))).status_code == 404
    page = (await browser.get(f"/inbox/automatic/{message}")).text
    assert "/files/" not in page


@pytest.mark.browser
async def test_in_a_browser_nothing_of_a_mail_runs_and_all_of_it_is_seen(
    web: Harness, chromium: Browser, aws: Aws
) -> None:
    message = await arrive(web, aws, rich())
    [row] = (await web.parts.queries.list_conversations(SHOP)).items
    async with served(web) as address:
        opened = await chromium.new_context(base_url=address)
        page = await opened.new_page()
        await page.goto(sign_in_link(web.settings, SHOP, web.clock).replace("http://app.test", ""))
        await page.get_by_role("button", name="Sign in").click()
        asked: list[str] = []
        page.on("request", lambda one: asked.append(one.url))
        await page.goto(f"/conversations/{row.id}")
        await page.get_by_text("Show formatted").click()
        frame = page.frame_locator("iframe.formatted")
        shown = frame.locator("img").first
        await shown.wait_for()
        assert await shown.evaluate("one => one.decode().then(() => one.naturalWidth)") == 800
        assert await page.evaluate("window.hacked") is None
        await page.get_by_text("Show quoted text and signature").click()
        await page.get_by_text(QUOTED).wait_for()
        assert "/messages/" not in page.url
        assert not [one for one in asked if not one.startswith(address)]
        await page.goto(f"/conversations/{row.id}/messages/{message}")
        async with page.expect_popup() as waiting:
            await page.get_by_role("link", name="large.bin").click()
        large = await waiting.value
        async with large.expect_download() as saving:
            await large.get_by_role("button", name="Download the file").click()
        saved = await saving.value
        assert (await saved.path()).read_bytes() == LARGE
        assert saved.suggested_filename == "large.bin"
        await opened.close()
