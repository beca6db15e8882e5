"""A conversation that is spam, on its page, in the inbox and in its history."""

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


async def press(browser: httpx.AsyncClient, conversation: str, what: str) -> str:
    """Presses a button of the conversation; answers the page that it leads to."""
    fields = await form_fields(browser, conversation, what)
    answer = await browser.post(f"/conversations/{conversation}/{what}", data=fields)
    assert answer.status_code == 303
    return (await browser.get(path_of(answer))).text


async def test_marked_it_is_in_the_tab_spam_alone_and_back_when_that_is_undone(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    kept, conversation = await web.conversation(), await web.conversation()
    page = await press(browser, conversation, "spam")
    assert "Marked as spam. You find it in the tab Spam." in page
    assert "Replying takes it back to the inbox." in page
    for tab in ("open", "unanswered", "all"):
        listed = (await browser.get(f"/inbox?tab={tab}")).text
        assert conversation not in listed
        assert kept in listed
        assert 'Spam <span class="count">1<' in listed
        assert 'All <span class="count">1<' in listed
    assert conversation in (await browser.get("/inbox?tab=spam")).text
    told = (await browser.get("/api/inbox?state=spam")).json()
    assert [(one["id"], one["spam"]) for one in told["conversations"]] == [(conversation, True)]
    assert told["counts"] == {"conversations": 1, "open": 1, "unanswered": 1, "spam": 1}
    assert "Not spam. It is back in the inbox." in await press(browser, conversation, "not-spam")
    assert conversation in (await browser.get("/inbox?tab=unanswered")).text
    assert conversation not in (await browser.get("/inbox?tab=spam")).text
    history = (await browser.get(f"/conversations/{conversation}/history")).text
    assert "Marked the conversation as spam" in history
    assert "Took the spam mark away" in history


async def test_an_old_form_does_it_once_and_says_if_that_was_undone(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    url = f"/conversations/{conversation}/spam"
    fields = await form_fields(browser, conversation, "spam")
    for _ in range(2):
        assert "done=spam" in path_of(await browser.post(url, data=fields))
    await press(browser, conversation, "not-spam")
    page = (await browser.get(path_of(await browser.post(url, data=fields)))).text
    assert "which was taken back since" in page
    types = await web.stream(SHOP, conversation)
    assert types[-2:] == ["conversation.marked_spam", "conversation.unmarked_spam"]


async def test_only_the_shops_own_conversation_is_marked_and_only_by_its_own_form(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    own, foreign = await web.conversation(), await web.conversation(OTHER)
    fields = await form_fields(browser, own, "spam")
    assert (await browser.post(f"/conversations/{foreign}/spam", data=fields)).status_code == 404
    refused = await browser.post(f"/conversations/{own}/spam", data={"csrf": "x", "key": "k"})
    assert refused.status_code == 403
    assert "conversation.marked_spam" not in await web.stream(SHOP, own)


async def test_an_answer_takes_it_back_to_the_inbox(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    await press(browser, conversation, "spam")
    fields = await form_fields(browser, conversation, "reply")
    await browser.post(f"/conversations/{conversation}/reply", data={**fields, "text": "Yes"})
    assert conversation in (await browser.get("/inbox?tab=open")).text
