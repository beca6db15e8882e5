"""A message in full: read from the raw mail, by the shop that got it, as text."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from cplus.aws import Aws
from cplus.consumers.mail.stored_mail import READ_LIMIT
from tests.integration.intake import new_bucket
from tests.integration.web.harness import OTHER, SHOP, Harness
from tests.integration.web.mails import RAW, arrives


@pytest.fixture
async def web(mongo_uri: str, database: str, aws: Aws, mail_bucket: str) -> AsyncIterator[Harness]:
    async with Harness(mongo_uri, database, aws, mail_bucket=mail_bucket).opened() as harness:
        yield harness


async def test_all_that_was_written_is_shown_and_nothing_is_loaded(
    web: Harness, browser: httpx.AsyncClient, aws: Aws, mail_bucket: str
) -> None:
    await aws.put_object(mail_bucket, "k", RAW.encode())
    url = await arrives(web)
    thread = (await browser.get(url.partition("/messages")[0])).text
    assert f'href="{url}"' in thread
    assert "Shall I keep" not in thread
    answer = await browser.get(url)
    assert answer.status_code == 200
    assert "Shall I keep &lt;b&gt;one&lt;/b&gt;?" in answer.text
    assert "label.pdf" in answer.text
    assert "evil.example" not in answer.text
    assert "alert(1)" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_it_says_to_whom_the_mail_was_sent(
    web: Harness, browser: httpx.AsyncClient, aws: Aws, mail_bucket: str
) -> None:
    to = "To: Shop <Orders@acorn.example>, sam@acorn.example\r\nCc: Tom <tom@partner.example>\r\n"
    await aws.put_object(mail_bucket, "k", f"{to}{RAW}".encode())
    page = (await browser.get(await arrives(web))).text
    for label, address in (
        ("To", "orders@<wbr>acorn.example</bdi>, <bdi>sam@<wbr>acorn.example"),
        ("Cc", "tom@<wbr>partner.example"),
    ):
        assert f"<dt>{label}</dt><dd><bdi>{address}</bdi></dd>" in page


async def test_a_message_of_another_shop_or_conversation_is_not_found(
    web: Harness, browser: httpx.AsyncClient, aws: Aws, mail_bucket: str
) -> None:
    await aws.put_object(mail_bucket, "k", RAW.encode())
    own, foreign = await arrives(web), await arrives(web, shop=OTHER)
    assert (await browser.get(foreign)).status_code == 404
    mixed = f"{(await arrives(web)).rpartition('/')[0]}/{own.rpartition('/')[2]}"
    assert (await browser.get(mixed)).status_code == 404
    async with web.browser() as stranger:
        assert (await stranger.get(own)).status_code == 303


@pytest.mark.parametrize(("own", "key"), [(True, "gone"), (False, "k")])
async def test_a_mail_that_is_not_in_the_bucket_shows_what_was_kept(
    web: Harness, browser: httpx.AsyncClient, aws: Aws, mail_bucket: str, own: bool, key: str
) -> None:
    others = await new_bucket(aws, "others")
    await aws.put_object(others, "k", RAW.encode())
    url = await arrives(web, held=mail_bucket if own else others, key=key)
    page = (await browser.get(url)).text
    assert "not stored any more" in page
    assert "Yes please." in page
    assert "Shall I keep" not in page


async def test_of_a_very_large_mail_the_beginning_is_read(
    web: Harness, browser: httpx.AsyncClient, aws: Aws, mail_bucket: str
) -> None:
    large = RAW.replace("%PDF", "%PDF" + "x" * 70 + "\r\n" + ("y" * 70 + "\r\n") * 120_000)
    assert len(large) > READ_LIMIT
    await aws.put_object(mail_bucket, "k", large.encode())
    sealed = await web.parts.mails.put(SHOP, large.encode())
    for stored in (None, sealed):
        page = (await browser.get(await arrives(web, stored=stored))).text
        assert "too long for a page" in page
        assert "Shall I keep" in page


async def test_a_sealed_mail_is_shown_until_its_person_is_erased(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    url = await arrives(web, stored=await web.parts.mails.put(SHOP, RAW.encode()))
    page = (await browser.get(url)).text
    assert "Shall I keep" in page
    assert "label.pdf" in page
    await web.parts.keyring.condemn(SHOP, ["person/ada"])
    await web.parts.keyring.destroy(SHOP, ["person/ada"])
    page = (await browser.get(url)).text
    assert "Shall I keep" not in page
    assert "label.pdf" not in page
