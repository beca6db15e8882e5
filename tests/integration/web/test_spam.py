"""A conversation that is spam, on its page, in the inbox and in its history."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from cplus.aws import Aws
from cplus.events.aggregates.billing_account import BillingAccount
from cplus.events.names import billing_stream
from tests.integration.web.harness import OTHER, SHOP, Harness, fields_of, form_fields, path_of
from tests.integration.web.mails import set_aside


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
    counted = {"conversations": 1, "open": 1, "unanswered": 1, "spam": 1}
    assert told["counts"] == counted | {"snoozed": 0, "assigned": 0}
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


async def test_a_sender_is_blocked_from_the_page_and_unblocked_from_the_list(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    assert "Block ada@example.com" in (await browser.get(f"/conversations/{conversation}")).text
    page = await press(browser, conversation, "block")
    assert "New mail from this sender is held in the quarantine." in page
    assert "Sender blocked" in page
    assert "Block everyone" not in page
    listed = (await browser.get("/inbox/blocked")).text.replace("<wbr>", "")
    assert "ada@example.com" in listed
    assert f'href="/conversations/{conversation}"' in listed
    form = fields_of(listed, "/inbox/blocked/unblock")
    answer = await browser.post("/inbox/blocked/unblock", data=form)
    page = (await browser.get(path_of(answer))).text
    assert "Nobody is blocked" in page
    assert "Unblocked." in page
    # The address of what was undone since says nothing of it any more.
    again = await browser.get(f"/conversations/{conversation}?done=blocked")
    assert "is held in the quarantine" not in again.text
    history = (await browser.get(f"/conversations/{conversation}/history")).text
    assert "Blocked the sender" in history
    assert "Unblocked the sender" in history


async def test_a_block_is_taken_back_on_the_page_too_and_another_shop_knows_nothing_of_it(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation, foreign = await web.conversation(), await web.conversation(OTHER)
    await press(browser, conversation, "block")
    async with web.signed_in(OTHER) as other:
        assert "Nobody is blocked" in (await other.get("/inbox/blocked")).text
        page = (await other.get(f"/conversations/{foreign}")).text
        assert "Sender blocked" not in page
        fields = fields_of(page, f"/conversations/{foreign}/block")
        own = await form_fields(browser, conversation, "unblock")
        mixed = {**fields, "block": own["block"]}
        answer = await other.post("/inbox/blocked/unblock", data=mixed)
        assert answer.status_code == 404
    assert "comes in again" in await press(browser, conversation, "unblock")
    wrong = {**await form_fields(browser, conversation, "block"), "what": "everybody"}
    url = f"/conversations/{conversation}/block"
    assert (await browser.post(url, data=wrong)).status_code == 400


async def test_who_wrote_a_mail_that_was_set_aside_is_blocked_from_its_page(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    url = await set_aside(web, reason="noreply")
    form = fields_of((await browser.get(url)).text, "/inbox/blocked/author")
    answer = await browser.post("/inbox/blocked/author", data=form)
    listed = (await browser.get(path_of(answer))).text
    assert "ada@example.com" in listed.replace("<wbr>", "")
    assert "You blocked this sender." in (await browser.get(url)).text


async def test_spam_is_in_no_figure_of_any_page(web: Harness, browser: httpx.AsyncClient) -> None:
    account = BillingAccount.empty(billing_stream(SHOP))
    account.open(conversations=3, now=web.clock())
    await web.decided(SHOP, account)
    conversation = await web.conversation()
    assert "1 of 3" in (await browser.get("/billing")).text
    assert "1 of 3 steps done" in (await browser.get("/settings")).text
    await press(browser, conversation, "spam")
    assert "0 of 3" in (await browser.get("/billing")).text
    assert "0 of 3 steps done" in (await browser.get("/settings")).text
    total = await web.parts.queries.metrics_total(SHOP)
    assert (total.conversations, total.messages_in, total.people) == (0, 0, 0)
    await press(browser, conversation, "not-spam")
    assert "1 of 3" in (await browser.get("/billing")).text
    assert (await web.parts.queries.metrics_total(SHOP)).messages_in == 1
