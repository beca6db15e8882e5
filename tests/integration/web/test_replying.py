"""The form for a reply: copies, undoing, sending later."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from cplus.events.catalogue.conversations import ReplyWritten
from tests.integration.web.harness import SHOP, Harness, fields_of, form_fields, path_of


@pytest.fixture
async def web(mongo_uri: str, database: str) -> AsyncIterator[Harness]:
    """The app, in which replies can be undone."""
    async with Harness(mongo_uri, database, undo_seconds=10).opened() as harness:
        yield harness


async def replies(web: Harness, conversation: str) -> list[ReplyWritten]:
    commits = await web.parts.store.stream(SHOP, f"conversation/{conversation}")
    read = await web.parts.reader.read(commits, [ReplyWritten])
    events = [recorded.event for one in read for recorded in one]
    return [event for event in events if isinstance(event, ReplyWritten)]


async def send(
    browser: httpx.AsyncClient, conversation: str, text: str = "Yes", **more: str
) -> httpx.Response:
    fields = await form_fields(browser, conversation, "reply")
    return await browser.post(
        f"/conversations/{conversation}/reply", data={**fields, "text": text, **more}
    )


async def undo(browser: httpx.AsyncClient, conversation: str) -> httpx.Response:
    url = f"/conversations/{conversation}/undo"
    fields = fields_of((await browser.get(f"/conversations/{conversation}")).text, url)
    return await browser.post(url, data=fields)


async def test_a_reply_can_be_undone_and_its_text_comes_back(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    sent = await send(browser, conversation, "Yes, in blue.", bcc="log@example.org")
    assert "Sending in 10 s" in (await browser.get(path_of(sent))).text
    [reply] = await replies(web, conversation)
    assert reply.send_at == web.clock() + timedelta(seconds=10)
    undone = await undo(browser, conversation)
    page = (await browser.get(path_of(undone))).text
    assert "Undone: it was not sent." in page
    assert "Yes, in blue.</textarea>" in page
    assert 'value="log@example.org"' in page
    assert "Awaiting reply" in page
    assert f'id="m-{reply.message_id}"' not in page
    again = fields_of(page, f"/conversations/{conversation}/reply")
    reloaded = (await browser.get(path_of(undone))).text
    assert fields_of(reloaded, f"/conversations/{conversation}/reply")["key"] == again["key"]
    answers = [
        await browser.post(
            f"/conversations/{conversation}/reply", data={**again, "text": "Yes, in red."}
        )
        for _ in range(2)
    ]
    assert {one.status_code for one in answers} == {303}
    assert [one.text for one in await replies(web, conversation)] == [
        "Yes, in blue.",
        "Yes, in red.",
    ]


async def test_undoing_twice_is_undoing_once_and_of_another_conversation_nothing(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation, other = await web.conversation(), await web.conversation()
    await send(browser, conversation)
    url = f"/conversations/{conversation}/undo"
    fields = fields_of((await browser.get(f"/conversations/{conversation}")).text, url)
    refused = await browser.post(f"/conversations/{other}/undo", data=fields)
    assert refused.status_code == 404
    answers = [await browser.post(url, data=fields) for _ in range(2)]
    assert len({path_of(one) for one in answers}) == 1
    assert (await web.stream(SHOP, conversation)).count("conversation.reply_withdrawn") == 1
    page = await browser.get(f"/conversations/{other}?undone={fields['message']}")
    assert "Yes</textarea>" not in page.text


async def test_copies_are_read_as_people_write_them(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    cc = "Cem A. <Cem@Example.org>; ben@example.org, ben@example.org ada@example.com"
    await send(browser, conversation, cc=cc, bcc="ben@example.org\nlog@example.org")
    [reply] = await replies(web, conversation)
    assert reply.cc == ("cem@example.org", "ben@example.org")
    assert reply.bcc == ("log@example.org",)
    page = (await browser.get(f"/conversations/{conversation}")).text
    assert "Cc <bdi>cem@" in page


@pytest.mark.parametrize(
    ("cc", "words"),
    [
        ("ben@example.org, nobody", "“nobody” in Cc is not an email address"),
        ("acorn@mail.example.com", "an address of this app"),
        (", ".join(f"a{number}@example.org" for number in range(50)), "up to 50 addresses"),
    ],
)
async def test_copies_that_cannot_be_sent_are_refused_with_everything_kept(
    web: Harness, browser: httpx.AsyncClient, cc: str, words: str
) -> None:
    conversation = await web.conversation()
    refused = await send(browser, conversation, "My words", cc=cc)
    assert refused.status_code == 422
    assert words in refused.text
    assert "My words</textarea>" in refused.text
    assert f'value="{cc}"' in refused.text
    assert await replies(web, conversation) == []


async def test_a_reply_is_scheduled_in_the_time_zone_of_the_shop(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    soon = web.clock() + timedelta(days=2)
    at = soon.strftime("%Y-%m-%dT%H:%M")
    sent = await send(browser, conversation, "On Monday.", at=at, later="1")
    [reply] = await replies(web, conversation)
    assert reply.send_at is not None
    assert reply.send_at.strftime("%Y-%m-%dT%H:%M") == at
    page = (await browser.get(path_of(sent))).text
    assert "Scheduled for" in page
    # Nor does it look answered in the inbox before it goes.
    inbox = (await browser.get("/inbox?tab=open")).text
    assert f'<span class="chip">Scheduled: {soon.day} {soon:%b}</span>' in inbox
    assert "The customer wrote after this was scheduled" not in page
    back = await browser.get(path_of(await undo(browser, conversation)))
    assert "On Monday.</textarea>" in back.text
    assert "Scheduled:" not in (await browser.get("/inbox?tab=open")).text


async def test_a_reply_that_only_waits_to_be_undone_is_not_called_scheduled(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    at = (web.clock() + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M")
    await send(browser, conversation, "Yes.", at=at, later="1")
    assert "Scheduled:" not in (await browser.get("/inbox?tab=open")).text


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("", "Choose a date and a time"),
        ("2020-01-01T09:00", "still to come"),
        ("2199-01-01T09:00", "up to 60 days ahead"),
        ("0001-01-01T00:00", "still to come"),
    ],
)
async def test_a_moment_that_makes_no_sense_is_refused(
    web: Harness, browser: httpx.AsyncClient, at: str, words: str
) -> None:
    conversation = await web.conversation()
    refused = await send(browser, conversation, "My words", at=at, later="1")
    assert refused.status_code == 422
    assert words in refused.text
    assert "My words</textarea>" in refused.text
    assert await replies(web, conversation) == []


async def test_a_form_that_is_sent_again_for_another_moment_is_another_reply(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    fields = await form_fields(browser, conversation, "reply")
    url = f"/conversations/{conversation}/reply"
    soon, late = (
        (web.clock() + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M") for days in (1, 30)
    )
    data = {**fields, "text": "On Monday.", "later": "1"}
    statuses = [
        (await browser.post(url, data={**data, "at": at})).status_code for at in (soon, soon, late)
    ]
    at_once = await browser.post(url, data={**fields, "text": "On Monday."})
    assert [*statuses, at_once.status_code] == [303, 303, 409, 409]
    assert len(await replies(web, conversation)) == 1


def _seen(page: str) -> str:
    [found] = re.findall(r'name="seen" value="([^"]*)" form="end"', page)
    return str(found)


async def test_who_replies_to_an_old_page_is_told_what_came_and_may_send_all_the_same(
    web: Harness,
) -> None:
    conversation = await web.conversation()
    url = f"/conversations/{conversation}"
    async with (
        web.signed_in(user="ada", called="Ada Agent") as ada,
        web.signed_in(user="bea", called="Bea Agent") as bea,
    ):
        old = _seen((await ada.get(url)).text)
        assert (await send(bea, conversation, "It ships tomorrow.")).status_code == 303
        fields = await form_fields(ada, conversation, "reply")
        mine = {**fields, "text": "It ships <today>.", "cc": "log@example.org", "seen": old}
        held = await ada.post(f"{url}/reply", data=mine)
        assert held.status_code == 409
        assert "bea wrote here since you opened this page." in held.text
        assert "It ships tomorrow." in held.text, "what came"
        assert "It ships &lt;today&gt;.</textarea>" in held.text
        assert 'value="log@example.org"' in held.text
        [first] = re.findall(r'href="#(m-\w+)"', held.text)
        assert f'id="{first}"' in held.text
        assert len(await replies(web, conversation)) == 1
        again = fields_of(held.text, f"{url}/reply") | {"seen": _seen(held.text)}
        assert again["key"] == mine["key"]
        sent = await ada.post(f"{url}/reply", data={**mine, **again})
        assert sent.status_code == 303
        assert [one.author for one in await replies(web, conversation)] == ["bea", "ada"]
        assert (await ada.post(f"{url}/reply", data=mine)).status_code == 303, "the same form again"
        older = (await ada.get(f"{url}?from=start")).text
        assert _seen(older) == _seen((await ada.get(url)).text)


async def test_of_two_who_send_at_once_one_is_told(web: Harness) -> None:
    conversation = await web.conversation()
    url = f"/conversations/{conversation}"
    async with web.signed_in(user="ada") as ada, web.signed_in(user="bea") as bea:
        seen = _seen((await ada.get(url)).text)
        forms = [await form_fields(one, conversation, "reply") for one in (ada, bea)]
        answers = await asyncio.gather(
            *(
                one.post(f"{url}/reply", data={**form, "text": "Yes", "seen": seen})
                for one, form in zip((ada, bea), forms, strict=True)
            )
        )
    assert sorted(one.status_code for one in answers) == [303, 409]
    assert len(await replies(web, conversation)) == 1


@pytest.mark.parametrize("seen", ["", "x", "<b>", "a " * 5_000, "é"])
async def test_what_no_page_says_was_seen_holds_nothing(
    web: Harness, browser: httpx.AsyncClient, seen: str
) -> None:
    conversation = await web.conversation()
    assert (await send(browser, conversation, seen=seen)).status_code == 303
