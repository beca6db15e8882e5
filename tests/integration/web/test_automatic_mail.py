"""The pages of mail that started no conversation by itself."""

from __future__ import annotations

import html
from collections.abc import AsyncIterator

import httpx
import pytest

from cplus.aws import Aws
from tests.integration.web.harness import OTHER, Harness, fields_of, path_of
from tests.integration.web.mails import RAW, set_aside, set_aside_all


@pytest.fixture
async def web(mongo_uri: str, database: str, aws: Aws, mail_bucket: str) -> AsyncIterator[Harness]:
    async with Harness(mongo_uri, database, aws, mail_bucket=mail_bucket).opened() as harness:
        yield harness


async def test_every_mail_is_listed_with_its_reason_and_read_in_full(
    web: Harness, browser: httpx.AsyncClient, aws: Aws, mail_bucket: str
) -> None:
    await aws.put_object(mail_bucket, "k", RAW.encode())
    url = await set_aside(web)
    assert 'href="/inbox/automatic"' in (await browser.get("/inbox")).text
    page = (await browser.get("/inbox/automatic")).text
    assert f'href="{url}"' in page
    assert ">Spam<" in page
    mail = (await browser.get(url)).text
    assert "recognised as spam" in mail
    assert "Shall I keep &lt;b&gt;one&lt;/b&gt;?" in mail
    assert "label.pdf" in mail
    assert "evil.example" not in mail


async def test_pages_of_mail_lead_to_each_one_once(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    urls = await set_aside_all(web, 51)
    first = (await browser.get("/inbox/automatic")).text
    following = first.partition('" rel="next"')[0].rpartition('href="')[2]
    second = (await browser.get(html.unescape(following))).text
    assert [first.count(f'href="{url}"') for url in reversed(urls)] == [1] * 50 + [0]
    assert [second.count(f'href="{url}"') for url in reversed(urls)] == [0] * 50 + [1]


async def test_a_button_makes_it_a_conversation_and_pressed_again_leads_to_the_same(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    url = await set_aside(web)
    form = fields_of((await browser.get(url)).text, f"{url}/conversation")
    made = await browser.post(f"{url}/conversation", data=form)
    assert path_of(made).startswith("/conversations/")
    assert "Is it" in (await browser.get(path_of(made))).text
    whole = await browser.get(f"{path_of(made)}/messages/{url.rpartition('/')[2]}")
    assert whole.status_code == 200
    assert path_of(await browser.post(f"{url}/conversation", data=form)) == path_of(made)
    assert path_of(made) in (await browser.get("/inbox")).text
    assert "Made a conversation" in (await browser.get("/inbox/automatic")).text
    assert f'href="{path_of(made)}"' in (await browser.get(url)).text


async def test_a_mail_with_a_virus_is_in_the_quarantine_and_released_only_with_the_warning(
    web: Harness, browser: httpx.AsyncClient, aws: Aws, mail_bucket: str
) -> None:
    await aws.put_object(mail_bucket, "k", RAW.encode())
    url = await set_aside(web, reason="virus")
    noise = await set_aside(web, reason="autoreply")
    held = (await browser.get("/inbox/automatic?tab=quarantine")).text
    assert f'href="{url}"' in held
    assert noise not in held
    machines = (await browser.get("/inbox/automatic?tab=automatic")).text
    assert f'href="{noise}"' in machines
    assert url not in machines
    page = (await browser.get(url)).text
    assert "a virus was found in it. Its files can’t be downloaded here." in page
    assert "Shall I keep" in page
    assert 'type="checkbox" name="warned" value="yes" required' in page
    form = fields_of(page, f"{url}/conversation")
    assert (await browser.post(f"{url}/conversation", data=form)).status_code == 400
    made = await browser.post(f"{url}/conversation", data={**form, "warned": "yes"})
    assert "Virus found" in (await browser.get(path_of(made))).text


async def test_while_the_read_models_are_behind_the_mail_says_what_it_became(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    url = await set_aside(web)
    form = fields_of((await browser.get(url)).text, f"{url}/conversation")
    web.nudger.on = False
    await web.park(["conversations.v1"])
    answer = await browser.post(f"{url}/conversation", data=form)
    assert path_of(answer) == url
    assert "is a conversation now" in (await browser.get(url)).text


async def test_a_mail_of_another_shop_is_not_found_and_a_foreign_form_refused(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    own, foreign = await set_aside(web), await set_aside(web, shop=OTHER)
    form = fields_of((await browser.get(own)).text, f"{own}/conversation")
    assert (await browser.get(foreign)).status_code == 404
    assert (await browser.post(f"{foreign}/conversation", data=form)).status_code == 404
    assert (await browser.post(f"{own}/conversation", data={"csrf": "x"})).status_code == 403
    assert [len(commit.documents) for commit in await web.parts.store.read(OTHER, 0)] == [1]


async def test_a_mail_whose_raw_mail_is_gone_shows_what_was_kept(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    mail = (await browser.get(await set_aside(web))).text
    assert "not stored any more" in mail
    assert "Shall I keep" not in mail
