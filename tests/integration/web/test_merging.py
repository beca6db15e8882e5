"""A conversation that is merged into another, on the pages of both."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from cplus.aws import Aws
from tests.integration.web.harness import OTHER, SHOP, Harness, form_fields, path_of


@pytest.fixture
async def web(mongo_uri: str, database: str, aws: Aws) -> AsyncIterator[Harness]:
    async with Harness(mongo_uri, database, aws).opened() as harness:
        yield harness


async def merged(browser: httpx.AsyncClient, source: str, into: str) -> str:
    """Merges them on the page for it; answers the page that this leads to."""
    url = f"/conversations/{source}/merge"
    page = (await browser.get(f"{url}?into={into}")).text
    key = page.split('name="key" value="')[-1].split('"')[0]
    csrf = page.split('name="csrf" value="')[-1].split('"')[0]
    answer = await browser.post(url, data={"csrf": csrf, "key": key, "into": into})
    assert answer.status_code == 303
    return (await browser.get(path_of(answer))).text


async def test_merged_and_undone_on_its_page(web: Harness, browser: httpx.AsyncClient) -> None:
    a = await web.conversation(subject="Jam again", text="And plum jam?")
    web.clock.forward(60)
    b = await web.conversation(subject="Jam", text="Is there jam?")
    chosen = (await browser.get(f"/conversations/{a}/merge")).text
    assert f"/conversations/{a}/merge?into={b}" in chosen
    page = await merged(browser, a, b)
    assert "Merged. New mail to both comes here." in page
    assert f'<a href="/conversations/{a}"><bdi>Jam again</bdi></a>' in page
    # Among each other by their dates, with a mark.
    assert -1 < page.index("And plum jam?") < page.index("Is there jam?")
    assert page.count("From the merged") == 1
    source = (await browser.get(f"/conversations/{a}")).text
    assert f'was merged into <a href="/conversations/{b}"><bdi>Jam</bdi></a>' in source
    assert f"/conversations/{a}/reply" not in source
    assert a in (await browser.get("/inbox?tab=closed")).text
    fields = await form_fields(browser, a, "unmerge")
    answer = await browser.post(f"/conversations/{a}/unmerge", data=fields)
    back = (await browser.get(path_of(answer))).text
    assert "it is on its own again" in back
    assert "And plum jam?" not in (await browser.get(f"/conversations/{b}")).text
    assert f"/conversations/{a}/reply" in back
    history = (await browser.get(f"/conversations/{a}/history")).text
    assert "Merged two conversations" in history
    assert "Took the merge of two conversations back" in history
    assert (
        f'<a href="/conversations/{a}"><bdi>Jam again</bdi></a>, whose'
        not in (await browser.get(f"/conversations/{b}")).text
    )


async def test_of_different_people_it_warns_who_gets_replies(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    a, b = await web.conversation(), await web.conversation(person="person/bea", name="Bea")
    pasted = f"https://app.test/conversations/{b}?done=closed%23end"
    page = (await browser.get(f"/conversations/{a}/merge", params={"into": pasted})).text
    assert "These two are conversations with different people." in page
    assert "Replies go to <bdi>ada@example.com</bdi>" in page


async def test_what_is_no_other_conversation_of_the_shop_is_refused(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    a, foreign = await web.conversation(), await web.conversation(OTHER)
    url = f"/conversations/{a}/merge"
    for into in (foreign, "<b>", "x" * 600):
        assert (
            "no conversation of this shop" in (await browser.get(url, params={"into": into})).text
        )
    assert "merged into itself" in (await browser.get(url, params={"into": a})).text
    assert (await browser.get(f"/conversations/{foreign}/merge")).status_code == 404
    refused = await browser.post(url, data={"csrf": "x", "key": "k", "into": foreign})
    assert refused.status_code == 403
    assert "conversation.merged" not in await web.stream(SHOP, a)
