"""What a merchant does: answering, closing, reopening; and forms of others."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Sequence

import httpx
import pytest

from cplus.errors import OutcomeUnknown
from cplus.events.aggregates.conversation.decisions import MAX_REPLY
from cplus.events.catalogue.conversations import ReplyWritten
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import Outcome
from cplus.events.log.store import EventStore
from cplus.projections.models.conversations import CONVERSATIONS
from cplus.projections.models.messages import MESSAGES
from cplus.web.app import create_app
from cplus.web.kit.forms import new_key
from cplus.web.kit.guard import MAX_BODY
from tests.integration.web.harness import (
    SHOP,
    Harness,
    fields_of,
    form_fields,
    path_of,
)


async def test_an_answer_is_recorded_and_seen_at_once(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    fields = await form_fields(browser, conversation, "reply")
    data = {**fields, "text": "Yes, we do.\r\n\r\nBest\r\n"}
    answer = await browser.post(f"/conversations/{conversation}/reply", data=data)
    assert answer.status_code == 303
    assert path_of(answer) == f"/conversations/{conversation}?at=2"
    assert web.nudger.heads == [{SHOP: 2}]
    page = (await browser.get(path_of(answer))).text
    assert "Yes, we do.\n\nBest" in page
    assert "Sending<" in page
    assert "Saved." not in page
    commits = web.parts.store.iterate_stream(SHOP, f"conversation/{conversation}")
    [_, commit] = [commit async for commit in commits]
    event = (await web.parts.reader.of(commit))[0].event
    assert isinstance(event, ReplyWritten)
    assert (event.text, event.to_address) == ("Yes, we do.\n\nBest", "ada@example.com")


async def test_a_double_click_writes_one_answer(web: Harness, browser: httpx.AsyncClient) -> None:
    conversation = await web.conversation()
    fields = await form_fields(browser, conversation, "reply")
    data = {**fields, "text": "Yes"}
    url = f"/conversations/{conversation}/reply"
    answers = await asyncio.gather(*(browser.post(url, data=data) for _ in range(5)))
    assert {(a.status_code, path_of(a)) for a in answers} == {
        (303, f"/conversations/{conversation}?at=2")
    }
    types = await web.stream(SHOP, conversation)
    assert types.count("conversation.reply_written") == 1


async def test_a_form_that_was_sent_and_changed_is_not_swallowed(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    url = f"/conversations/{conversation}/reply"
    fields = await form_fields(browser, conversation, "reply")
    await browser.post(url, data={**fields, "text": "First"})
    again = await browser.post(url, data={**fields, "text": "Second"})
    assert again.status_code == 409
    assert "Second</textarea>" in again.text
    data = {**fields_of(again.text, url), "text": "Second"}
    assert (await browser.post(url, data=data)).status_code == 303
    types = await web.stream(SHOP, conversation)
    assert types.count("conversation.reply_written") == 2


async def test_a_form_of_another_conversation_is_refused_and_its_text_kept(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    one, other = await web.conversation(), await web.conversation()
    fields = {**await form_fields(browser, one, "reply"), "text": "Yes & no"}
    await browser.post(f"/conversations/{one}/reply", data=fields)
    url = f"/conversations/{other}/reply"
    refused = await browser.post(url, data=fields)
    assert refused.status_code == 409
    assert "This form belongs to another conversation" in refused.text
    assert "Yes &amp; no</textarea>" in refused.text
    closing = await form_fields(browser, one, "close")
    await browser.post(f"/conversations/{one}/close", data=closing)
    for what in ("close", "reopen"):
        refused = await browser.post(f"/conversations/{other}/{what}", data=closing)
        assert refused.status_code == 409
        assert "This form belongs to another conversation" in refused.text
    types = await web.stream(SHOP, other)
    assert types == ["conversation.started", "conversation.message_received"]
    data = {**fields, **fields_of((await browser.get(f"/conversations/{other}")).text, url)}
    assert (await browser.post(url, data=data)).status_code == 303


async def test_the_thread_shows_which_user_of_the_shop_wrote_a_reply(web: Harness) -> None:
    conversation = await web.conversation()
    url = f"/conversations/{conversation}/reply"
    users = {"cem": "Cem Aydin", "548380009": ""}
    shown = {"cem": "cem", "548380009": "Staff member 548380009"}
    for user, called in users.items():
        async with web.signed_in(user=user, called=called) as browser:
            fields = await form_fields(browser, conversation, "reply")
            answer = await browser.post(url, data={**fields, "text": f"From {user}"})
            assert answer.status_code == 303
            own = (await browser.get(f"/conversations/{conversation}")).text
            assert f"<b><bdi>{called or shown[user]}</bdi></b>" in own
    async with web.signed_in() as browser:
        page = (await browser.get(f"/conversations/{conversation}")).text
    for user in users:
        assert f"<b><bdi>{shown[user]}</bdi></b>" in page
    assert "Cem Aydin" not in page
    _, *commits = await web.parts.store.stream(SHOP, f"conversation/{conversation}")
    assert [one.actor for one in commits] == ["merchant/cem", "merchant/548380009"]


async def test_a_session_from_before_users_were_known_goes_on_as_the_merchant(
    web: Harness,
) -> None:
    conversation = await web.conversation()
    cookie = web.parts.signer.sign("session", 3600, shop=SHOP, way="link")
    async with web.browser(cookies={"cplus_session": cookie}) as browser:
        fields = await form_fields(browser, conversation, "reply")
        data = {**fields, "text": "As ever"}
        answer = await browser.post(f"/conversations/{conversation}/reply", data=data)
        page = (await browser.get(path_of(answer))).text
    assert "<b><bdi>Merchant</bdi></b>" in page
    [_, commit] = await web.parts.store.stream(SHOP, f"conversation/{conversation}")
    assert commit.actor == "merchant"


class Torn(EventStore):
    """A log that is cut off after the commit and before its answer."""

    async def append(self, drafts: Sequence[Draft]) -> list[Outcome]:
        await super().append(drafts)
        raise OutcomeUnknown(claim=drafts[0].claim)


async def test_an_answer_whose_fate_is_unknown_is_kept_and_can_be_sent_again(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    url = f"/conversations/{conversation}/reply"
    fields = await form_fields(browser, conversation, "reply")
    torn = create_app(web.parts_with(store=Torn(web.mongo, web.clock)))
    async with web.browser(torn, browser.cookies) as cut_off:
        answer = await cut_off.post(url, data={**fields, "text": "Yes"})
        closing = await cut_off.post(f"/conversations/{conversation}/close", data=fields)
    assert (answer.status_code, closing.status_code) == (503, 503)
    assert "Yes</textarea>" in answer.text
    again = await browser.post(url, data={**fields_of(answer.text, url), "text": "Yes"})
    assert again.status_code == 303
    types = await web.stream(SHOP, conversation)
    assert types.count("conversation.reply_written") == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Write something first."),
        (" \r\n\t ", "Write something first."),
        ("x" * (MAX_REPLY + 1), "Replies can be up to 100,000 characters."),
        ("<" * 600_000, "Replies can be up to 100,000 characters."),
    ],
)
async def test_an_answer_that_cannot_be_sent_comes_back_with_its_text_and_the_reason(
    web: Harness, browser: httpx.AsyncClient, text: str, reason: str
) -> None:
    conversation = await web.conversation()
    fields = await form_fields(browser, conversation, "reply")
    url = f"/conversations/{conversation}/reply"
    answer = await browser.post(url, data={**fields, "text": text})
    assert answer.status_code == 422
    assert reason in answer.text
    assert text.replace("\r\n", "\n").replace("<", "&lt;") + "</textarea>" in answer.text
    assert fields_of(answer.text, url)["key"] == fields["key"]
    assert "conversation.reply_written" not in await web.stream(SHOP, conversation)


async def test_a_page_waits_a_bounded_time_and_then_says_that_the_answer_is_saved(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    fields = await form_fields(browser, conversation, "reply")
    web.nudger.on = False
    url = f"/conversations/{conversation}/reply"
    answer = await browser.post(url, data={**fields, "text": "A late one"})
    started = time.monotonic()
    behind = asyncio.create_task(browser.get(path_of(answer)))
    page = (await behind).text
    assert 1.5 < time.monotonic() - started < 5
    assert "Saved. It will show here in a moment." in page
    assert 'data-soon="2"' in page
    waiting = asyncio.create_task(browser.get(path_of(answer)))
    await web.nudger.fold({SHOP: 2})
    page = (await waiting).text
    assert "A late one" in page
    assert "Saved." not in page


@pytest.mark.parametrize(
    ("readers", "shown", "words"),
    [
        (
            [f"messages.v{MESSAGES.version}"],
            False,
            "Showing it here is delayed by a problem on our side.",
        ),
        (["react-replies"], True, "Sending is delayed by a problem on our side."),
        (
            [f"conversations.v{CONVERSATIONS.version}", "react-replies"],
            False,
            "Showing and sending it is delayed by a problem on our side.",
        ),
    ],
)
async def test_in_a_parked_shop_the_page_says_that_the_reply_is_saved_and_delayed(
    web: Harness, browser: httpx.AsyncClient, readers: list[str], *, shown: bool, words: str
) -> None:
    conversation = await web.conversation()
    await web.park(readers)
    web.nudger.on = shown
    fields = await form_fields(browser, conversation, "reply")
    url = f"/conversations/{conversation}/reply"
    answer = await browser.post(url, data={**fields, "text": "A late one"})
    page = (await browser.get(path_of(answer))).text
    assert f"Saved. {words}" in page
    assert ("A late one" in page) is shown
    assert "in a moment" not in page
    assert "Sending<" not in page
    closing = await form_fields(browser, conversation, "close")
    answer = await browser.post(f"/conversations/{conversation}/close", data=closing)
    page = (await browser.get(path_of(answer))).text
    assert ("Saved. Showing it here is delayed by a problem on our side.<" in page) is not shown


async def test_a_conversation_is_closed_and_opened_again(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    closing = await form_fields(browser, conversation, "close")
    await browser.post(f"/conversations/{conversation}/close", data=closing)
    answer = await browser.post(f"/conversations/{conversation}/close", data=closing)
    assert answer.status_code == 303
    # What changed is at the top of the page, so the browser is not sent past it.
    assert "#" not in answer.headers["location"]
    page = (await browser.get(path_of(answer))).text
    assert ">Closed.</p>" in re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)
    assert "This conversation is closed. Replying reopens it." in page
    assert conversation in (await browser.get("/inbox?tab=closed")).text
    opening = await form_fields(browser, conversation, "reopen")
    await browser.post(f"/conversations/{conversation}/reopen", data=opening)
    types = await web.stream(SHOP, conversation)
    assert types[-2:] == ["conversation.closed", "conversation.reopened"]
    # Closing what another tab closed already changes nothing and is no fault.
    late = {**opening, "key": new_key()}
    answer = await browser.post(f"/conversations/{conversation}/reopen", data=late)
    assert path_of(answer) == f"/conversations/{conversation}?done=reopened"
    page = (await browser.get(path_of(answer))).text
    assert "Reopened." in page
    assert "This conversation is closed." not in page
    # An address from before tells nothing that is not so.
    assert ">Closed." not in (await browser.get(f"/conversations/{conversation}?done=closed")).text


# Forms of others


async def test_an_old_page_that_closes_again_what_was_reopened_says_that_it_changed_nothing(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    path = f"/conversations/{conversation}"
    closing = await form_fields(browser, conversation, "close")
    await browser.post(f"{path}/close", data=closing)
    opening = await form_fields(browser, conversation, "reopen")
    await browser.post(f"{path}/reopen", data=opening)
    answer = await browser.post(f"{path}/close", data=closing)
    page = (await browser.get(path_of(answer))).text
    assert "Nothing changed: that page was out of date." in page
    assert "been reopened since" in page
    assert "This conversation is closed." not in page
    # The page that says so closes it.
    await browser.post(f"{path}/close", data=await form_fields(browser, conversation, "close"))
    answer = await browser.post(f"{path}/reopen", data=opening)
    assert "been closed since" in (await browser.get(path_of(answer))).text


@pytest.mark.parametrize("what", ["reply", "close", "reopen"])
async def test_a_form_that_is_not_the_sessions_own_changes_nothing(
    web: Harness, browser: httpx.AsyncClient, what: str
) -> None:
    conversation = await web.conversation()
    url = f"/conversations/{conversation}/{what}"
    async with web.signed_in() as elsewhere:
        foreign = await form_fields(elsewhere, conversation, "reply")
    own = await form_fields(browser, conversation, "reply")
    head = await web.parts.store.head(SHOP)
    for fields in ({}, {"key": own["key"]}, {**own, "csrf": ""}, {**own, "csrf": foreign["csrf"]}):
        answer = await browser.post(url, data={**fields, "text": "Hello"})
        assert answer.status_code == 403, fields
    assert (await browser.post(url, json={**own, "text": "Hello"})).status_code == 400
    for key in ("", "short", "UPPER" * 5, "a" * 300):
        answer = await browser.post(url, data={**own, "key": key, "text": "Hello"})
        assert answer.status_code == 400
    many = "&".join(f"a{number}=1" for number in range(100)).encode()
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert (await browser.post(url, content=many, headers=form)).status_code == 400
    assert await web.parts.store.head(SHOP) == head


async def test_a_body_that_is_too_large_is_refused_declared_or_not(
    browser: httpx.AsyncClient,
) -> None:
    async def stream() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY // 65_536 + 1):
            yield b"x" * 65_536

    form = {"content-type": "application/x-www-form-urlencoded"}
    declared = await browser.post(
        "/conversations/c1/reply", content=b"x" * (MAX_BODY + 1), headers=form
    )
    undeclared = await browser.post("/conversations/c1/reply", content=stream(), headers=form)
    for answer in (declared, undeclared):
        assert answer.status_code == 413
        assert "Too large" in answer.text
