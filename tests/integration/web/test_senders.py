"""What a merchant sees of who wrote, and where replies go."""

from __future__ import annotations

import re
from typing import Any

import httpx

from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.ids import random_id
from tests.integration.web.harness import OTHER, SHOP, Harness, fields_of, path_of

CHIP = "Sender not verified"


async def receives(web: Harness, conversation_id: str, **mail: Any) -> str:
    """Another mail in the conversation; answers the id of its message."""
    stream = f"conversation/{conversation_id}"
    conversation: Conversation = await web.parts.recorder.load(Conversation, SHOP, stream)
    fields = {
        "message_id": random_id(),
        "person": "person/ada",
        "from_name": "Ada Brandt",
        "from_address": "mallory@example.net",
        "subject": "Blue jam",
        "text": "Send it to me",
        "rfc_message_id": "<2@example.net>",
        "answer_here": False,
    }
    conversation.receive(now=web.clock(), **{**fields, **mail})
    await web.decided(SHOP, conversation)
    return str({**fields, **mail}["message_id"])


def shown(page: str, message_id: str) -> str:
    """The message as the page shows it."""
    found = re.search(rf'<li class="message[^"]*" id="m-{message_id}">.*?</li>', page, re.DOTALL)
    assert found
    return found[0]


async def test_an_unproved_sender_is_marked_and_its_true_address_is_shown(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    assert CHIP not in (await browser.get(f"/conversations/{conversation}")).text
    forged = await receives(web, conversation, proved=False)
    page = (await browser.get(f"/conversations/{conversation}")).text
    message = shown(page, forged)
    assert CHIP in message
    assert "mallory@<wbr>example.net" in message
    assert page.count(CHIP) == 1
    assert CHIP in (await browser.get("/inbox")).text
    await receives(web, conversation, proved=True, from_address="ada@example.com")
    assert CHIP not in (await browser.get("/inbox")).text


async def test_a_mail_that_was_sent_from_elsewhere_says_from_where(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    told = {"proved": False, "from_address": "ada@example.com", "sent_from": "eve@example.org"}
    forged = await receives(web, conversation, **told)
    # The thread of now, and the thread as it was then.
    for page in ("", "/history/2"):
        message = shown((await browser.get(f"/conversations/{conversation}{page}")).text, forged)
        assert "sent from <bdi>eve@<wbr>example.org</bdi>" in message
        assert CHIP in message


async def test_a_click_moves_replies_to_the_sender_of_a_message(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    other = await receives(web, conversation, proved=True)
    url = f"/conversations/{conversation}/answer-to"
    page = (await browser.get(f"/conversations/{conversation}")).text
    assert "Goes by email to <bdi>ada@<wbr>example.com</bdi>" in page
    fields = fields_of(page, url)
    assert fields["message"] == other
    answer = await browser.post(url, data=fields)
    assert path_of(answer) == f"/conversations/{conversation}?done=answers&at=3"
    page = (await browser.get(path_of(answer))).text
    assert "Goes by email to <bdi>mallory@<wbr>example.net</bdi>" in page
    assert "Replies go to this address from now on." in page
    again = await browser.post(url, data=fields)
    assert again.status_code == 303
    types = await web.stream(SHOP, conversation)
    assert types.count("conversation.answers_moved") == 1


async def test_a_reply_goes_nowhere_else_than_its_page_said(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    await receives(web, conversation, proved=True)
    old = (await browser.get(f"/conversations/{conversation}")).text
    moves, replies = (f"/conversations/{conversation}/{what}" for what in ("answer-to", "reply"))
    await browser.post(moves, data=fields_of(old, moves))
    refused = await browser.post(replies, data={**fields_of(old, replies), "text": "For Ada only"})
    assert refused.status_code == 409
    assert "For Ada only</textarea>" in refused.text
    assert "Replies now go to the address below." in refused.text
    assert "Goes by email to <bdi>mallory@<wbr>example.net</bdi>" in refused.text
    assert "conversation.reply_written" not in await web.stream(SHOP, conversation)
    fields = {**fields_of(refused.text, replies), "text": "For both"}
    assert (await browser.post(replies, data=fields)).status_code == 303
    assert "conversation.reply_written" in await web.stream(SHOP, conversation)


async def test_replies_move_to_no_message_of_elsewhere_and_for_no_other_shop(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation, foreign = await web.conversation(), await web.conversation(OTHER)
    other = await receives(web, conversation, proved=True)
    url = f"/conversations/{conversation}/answer-to"
    fields = fields_of((await browser.get(f"/conversations/{conversation}")).text, url)
    unknown = await browser.post(url, data={**fields, "message": "m" * 16})
    assert unknown.status_code == 404
    elsewhere = await browser.post(f"/conversations/{foreign}/answer-to", data=fields)
    assert elsewhere.status_code == 404
    assert (await browser.post(url, data={"message": other})).status_code == 403


async def test_an_unknown_sender_is_named_so_and_cannot_be_answered(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation_id = random_id()
    begun = Conversation.empty(f"conversation/{conversation_id}")
    now = web.clock()
    begun.start(person="person/x", channel="email", subject="Lamp", now=now)
    begun.receive(
        now=now,
        message_id=random_id(),
        person="person/x",
        from_name=None,
        from_address=None,
        proved=False,
        subject="Lamp",
        text="The lamp is broken.",
        rfc_message_id=None,
    )
    await web.decided(SHOP, begun)
    page = (await browser.get(f"/conversations/{conversation_id}")).text
    assert "<bdi>Unknown sender</bdi>" in page
    assert "This can’t be answered" in page
    assert f"/conversations/{conversation_id}/reply" not in page
    assert "Unknown sender" in (await browser.get("/inbox")).text
    assert (await browser.get("/customers?kind=leads")).status_code == 200
