"""A message that is moved to another conversation, and what is split off, on the pages."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from cplus.aws import Aws
from tests.integration.web.harness import OTHER, SHOP, Harness, fields_of, path_of


@pytest.fixture
async def web(mongo_uri: str, database: str, aws: Aws) -> AsyncIterator[Harness]:
    async with Harness(mongo_uri, database, aws).opened() as harness:
        yield harness


async def two_messages(web: Harness, browser: httpx.AsyncClient) -> tuple[str, str]:
    """A conversation with a message and a reply, and the reply's id."""
    a = await web.conversation(subject="Jam")
    fields = fields_of((await browser.get(f"/conversations/{a}")).text, f"/conversations/{a}/reply")
    await browser.post(f"/conversations/{a}/reply", data={**fields, "text": "Yes, tomorrow."})
    web.clock.forward(60)
    page = (await browser.get(f"/conversations/{a}")).text
    return a, page.split('id="m-')[-1].split('"')[0]


async def done(browser: httpx.AsyncClient, page: str, action: str) -> str:
    """Sends the form; the page to which that leads."""
    fields = fields_of((await browser.get(page)).text, action)
    answer = await browser.post(action, data=fields)
    assert answer.status_code == 303
    return (await browser.get(path_of(answer))).text


async def test_moved_and_back_on_its_page(web: Harness, browser: httpx.AsyncClient) -> None:
    a, message = await two_messages(web, browser)
    b = await web.conversation(subject="Honey")
    there = f"/conversations/{a}/messages/{message}/move"
    assert there in (await browser.get(f"/conversations/{a}")).text
    assert f"{there}?into={b}" in (await browser.get(there)).text
    page = await done(browser, f"{there}?into={b}", there)
    assert "Moved. New mail that answers it comes here." in page
    assert "Yes, tomorrow." in page
    assert "Moved here from another conversation" in page
    assert "Yes, tomorrow." not in (await browser.get(f"/conversations/{a}")).text
    page = await done(
        browser, f"/conversations/{b}", f"/conversations/{b}/messages/{message}/move-back"
    )
    assert "Undone: the message stands where it came from." in page
    assert "Yes, tomorrow." not in page
    assert "Yes, tomorrow." in (await browser.get(f"/conversations/{a}")).text
    history = (await browser.get(f"/conversations/{b}/history")).text
    assert history.count("Moved messages between conversations") == 2


async def test_where_a_message_goes_is_searched_for(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    a, message = await two_messages(web, browser)
    own = await web.conversation(subject="Plums, mine")
    other = await web.conversation(subject="Plums", person="person/bea", name="Bea")
    here = f"/conversations/{a}/messages/{message}/move"
    at_first = (await browser.get(here)).text
    assert f"{here}?into={own}" in at_first
    assert other not in at_first
    found = (await browser.get(here, params={"q": "PLUM"})).text
    assert f"{here}?into={other}" in found
    assert "<bdi>Bea</bdi>" in found
    merge = f"/conversations/{a}/merge"
    assert f"{merge}?into={other}" in (await browser.get(merge, params={"q": "plum"})).text
    assert "No conversation has all" in (await browser.get(merge, params={"q": "jam pear"})).text


async def test_split_off_and_undone(web: Harness, browser: httpx.AsyncClient) -> None:
    a, message = await two_messages(web, browser)
    here = f"/conversations/{a}/messages/{message}"
    page = await done(browser, f"{here}/move", f"{here}/split")
    assert "These messages were split off" in page
    assert "Yes, tomorrow." in page
    new = page.split("/unsplit")[0].rsplit("/conversations/", 1)[1]
    assert new in (await browser.get("/inbox")).text
    back = await done(browser, f"/conversations/{new}", f"/conversations/{new}/unsplit")
    assert "Undone: the messages that were split off are back." in back
    assert "Yes, tomorrow." in back
    assert (await browser.get(f"/conversations/{new}")).status_code == 404
    assert new not in (await browser.get("/inbox?tab=closed")).text


async def test_to_somebody_else_it_warns_and_what_cannot_be_is_refused(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    a, message = await two_messages(web, browser)
    b = await web.conversation(person="person/bea", name="Bea")
    foreign = await web.conversation(OTHER)
    url = f"/conversations/{a}/messages/{message}/move"
    told = (await browser.get(url, params={"into": f"https://app.test/conversations/{b}"})).text
    assert "That is a conversation with somebody else." in told
    for into in (foreign, "<b>"):
        told = (await browser.get(url, params={"into": into})).text
        assert "no conversation of this shop" in told
    assert "already stands" in (await browser.get(url, params={"into": a})).text
    assert (await browser.get(f"/conversations/{b}/messages/{message}/move")).status_code == 404
    assert (await browser.get(f"/conversations/{a}/messages/none/move")).status_code == 404
    refused = await browser.post(url, data={"csrf": "x", "key": "k", "into": b})
    assert refused.status_code == 403
    first = (await browser.get(f"/conversations/{b}")).text.split('id="m-')[1].split('"')[0]
    only = f"/conversations/{b}/messages/{first}/move"
    assert "nothing would be left" in (await browser.get(only, params={"into": a})).text.lower()
    assert "/split" not in (await browser.get(only)).text
    assert "conversation.message_moved" not in await web.stream(SHOP, a)
