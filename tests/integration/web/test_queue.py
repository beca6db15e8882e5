"""Working a queue: views, many at once, what staff does with one, and on to the next."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from cplus.actors import merchant
from cplus.commands import tags
from cplus.ids import random_id
from tests.integration.web.harness import NOW, SHOP, Harness, fields_of, path_of

ADA = merchant("ada", "Ada Brandt")


def listed(page: str) -> list[str]:
    """The conversations of the list, in their order."""
    return re.findall(r'<a class="row[^"]*" href="/conversations/([a-z0-9]+)', page)


async def talks(web: Harness, number: int) -> list[str]:
    """So many conversations that await a reply, each a minute after the one before."""
    made = []
    for n in range(number):
        web.clock.forward(60)
        made.append(await web.conversation(subject=f"Question {n}", conversation_id=f"c{n:02}"))
    return made


async def were_here(web: Harness, *members: str) -> None:
    """These members of staff have opened the app."""
    for member in members:
        await web.parts.workspace.members.visit(SHOP, member, NOW)


async def send(browser: httpx.AsyncClient, page: str, action: str, **more: Any) -> httpx.Response:
    """Sends the form of this page that goes to `action`."""
    return await browser.post(action, data={**fields_of(page, action), **more})


async def bulk(browser: httpx.AsyncClient, view: str, ids: list[str], **more: Any) -> str:
    """What the list says once that was done with these."""
    page = (await browser.get(f"/inbox?view={view}")).text
    picked = {f"pick-{one}": "1" for one in ids}
    answer = await send(browser, page, "/inbox/bulk", **picked, **more)
    return (await browser.get(path_of(answer))).text


async def test_each_view_lists_its_own_and_what_awaits_a_reply_the_longest_wait_first(
    web: Harness,
) -> None:
    first, second, third = await talks(web, 3)
    async with web.signed_in(user="ada", called="Ada Brandt") as browser:
        assert listed((await browser.get("/inbox")).text) == [third, second, first]
        waiting = (await browser.get("/inbox?view=unanswered")).text
        assert listed(waiting) == [first, second, third]
        assert "<title>(3) Inbox" in waiting
        assert waiting.count("waiting since <time") == 3
        await bulk(browser, "open", [first], act="assign", assignee="ada")
        await bulk(browser, "open", [second], act="snooze", until="tomorrow")
        shown = {
            view: listed((await browser.get(f"/inbox?view={view}")).text)
            for view in ("open", "unanswered", "mine", "unassigned", "snoozed", "closed")
        }
    assert shown == {
        "open": [third, first],
        "unanswered": [first, third],
        "mine": [first],
        "unassigned": [third],
        "snoozed": [second],
        "closed": [],
    }


async def test_many_are_changed_at_once_and_exactly_those_are_changed_back(web: Harness) -> None:
    ids = await talks(web, 4)
    async with web.signed_in(user="ada", called="Ada Brandt") as browser:
        await bulk(browser, "open", ids[:1], act="close")
        page = (await browser.get("/inbox?view=all")).text
        form = fields_of(page, "/inbox/bulk")
        picked = {f"pick-{one}": "1" for one in ids}
        answers = [
            await browser.post("/inbox/bulk", data={**form, **picked, "act": "close"})
            for _ in range(2)
        ]
        assert path_of(answers[0]) == path_of(answers[1]), "a form that is sent twice is one act"
        page = (await browser.get(path_of(answers[0]))).text
        assert "3 conversations closed." in page
        assert listed((await browser.get("/inbox?view=closed")).text) == ids[::-1]
        undone = await send(browser, page, "/inbox/undo")
        assert "Undone in 3 conversations." in (await browser.get(path_of(undone))).text
        assert listed((await browser.get("/inbox?view=closed")).text) == ids[:1]


@pytest.mark.parametrize(
    ("chosen", "before"),
    [
        ({"act": "assign", "assignee": "ben"}, {"act": "assign", "assignee": "ada"}),
        ({"act": "priority", "priority": "urgent"}, {"act": "priority", "priority": "low"}),
        ({"act": "snooze", "until": "week"}, {"act": "snooze", "until": "reply"}),
        ({"act": "spam"}, None),
    ],
)
async def test_undo_brings_back_how_each_stood_before(
    web: Harness, chosen: dict[str, str], before: dict[str, str] | None
) -> None:
    one, other = await talks(web, 2)
    await were_here(web, "ben")
    async with web.signed_in(user="ada", called="Ada Brandt") as browser:
        if before:
            await bulk(browser, "open", [one], **before)
        rows = [await web.parts.queries.conversation(SHOP, name) for name in (one, other)]
        page = await bulk(browser, "all", [one, other], **chosen)
        changed = [await web.parts.queries.conversation(SHOP, name) for name in (one, other)]
        assert all(a != b for a, b in zip(rows, changed, strict=True))
        await browser.get(path_of(await send(browser, page, "/inbox/undo")))
        again = [await web.parts.queries.conversation(SHOP, name) for name in (one, other)]
    assert again == rows


async def test_undo_leaves_what_somebody_changed_since(web: Harness) -> None:
    one, other = await talks(web, 2)
    await were_here(web, "ben", "carl")
    async with web.signed_in(user="ada", called="Ada Brandt") as browser:
        page = await bulk(browser, "open", [one, other], act="assign", assignee="ben")
        await bulk(browser, "open", [one], act="assign", assignee="carl")
        await send(browser, page, "/inbox/undo")
    rows = [await web.parts.queries.conversation(SHOP, name) for name in (one, other)]
    assert [row.assignee for row in rows if row] == ["carl", None]


async def test_another_act_of_the_same_form_is_an_act_of_its_own(web: Harness) -> None:
    one, other = await talks(web, 2)
    async with web.signed_in(user="ada", called="Ada Brandt") as browser:
        form = fields_of((await browser.get("/inbox?view=open")).text, "/inbox/bulk")
        first = {f"pick-{one}": "1", "act": "assign", "assignee": "ada"}
        await browser.post("/inbox/bulk", data=form | first)
        second = {f"pick-{one}": "1", f"pick-{other}": "1", "act": "close"}
        page = (
            await browser.get(path_of(await browser.post("/inbox/bulk", data=form | second)))
        ).text
        assert "2 conversations closed." in page
        rows = [await web.parts.queries.conversation(SHOP, name) for name in (one, other)]
        assert [row.open for row in rows if row] == [False, False]
        await browser.get(path_of(await send(browser, page, "/inbox/undo")))
    rows = [await web.parts.queries.conversation(SHOP, name) for name in (one, other)]
    assert [(row.open, row.assignee) for row in rows if row] == [(True, "ada"), (True, None)]


async def test_a_form_that_is_sent_again_does_not_change_what_it_had_left_alone(
    web: Harness,
) -> None:
    one, other = await talks(web, 2)
    async with web.signed_in() as browser:
        await bulk(browser, "open", [other], act="close")
        form = fields_of((await browser.get("/inbox?view=all")).text, "/inbox/bulk")
        form |= {f"pick-{one}": "1", f"pick-{other}": "1", "act": "close"}
        answers = [await browser.post("/inbox/bulk", data=form)]
        await bulk(browser, "closed", [other], act="reopen")
        answers.append(await browser.post("/inbox/bulk", data=form))
        assert path_of(answers[0]) == path_of(answers[1])
        assert "1 conversation closed." in (await browser.get(path_of(answers[1]))).text
    row = await web.parts.queries.conversation(SHOP, other)
    assert row
    assert row.open


@pytest.mark.parametrize(
    ("act", "back"),
    [
        ({"act": "snooze", "until": "hours"}, {"act": "wake"}),
        ({"act": "close"}, {"act": "reopen"}),
    ],
)
async def test_undo_leaves_what_somebody_else_chose_since_also_if_it_is_the_same(
    web: Harness, act: dict[str, str], back: dict[str, str]
) -> None:
    [one] = await talks(web, 1)
    async with (
        web.signed_in(user="ada", called="Ada") as ada,
        web.signed_in(user="ben", called="Ben") as ben,
    ):
        page = await bulk(ada, "open", [one], **act)
        await bulk(ben, "all", [one], **back)
        await bulk(ben, "open", [one], **act)
        before = await web.parts.queries.conversation(SHOP, one)
        undone = await send(ada, page, "/inbox/undo")
        assert "Undone in 0 conversations." in (await ada.get(path_of(undone))).text
    assert await web.parts.queries.conversation(SHOP, one) == before


async def test_what_cannot_be_changed_is_said_with_its_reason(web: Harness) -> None:
    one, other = await talks(web, 2)
    async with web.signed_in() as browser:
        await bulk(browser, "open", [one], act="close")
        page = await bulk(browser, "all", [one, other], act="snooze", until="hours")
        assert "1 conversation snoozed." in page
        assert "1 conversation was left as it is: a conversation that is closed" in page
        nothing = await bulk(browser, "all", [], act="close")
        assert "Choose some conversations first." in nothing
        unknown = await bulk(browser, "all", [other], act="burn")
        assert "Choose what to do." in unknown
        assert "Call us" not in (await browser.get("/inbox?problem=Call us")).text
        assert (
            "merged into another: reply there"
            in (await browser.get("/inbox?problem=merged-reply")).text
        )


async def test_what_another_member_did_cannot_be_undone_by_its_key(web: Harness) -> None:
    [one] = await talks(web, 1)
    async with web.signed_in(user="ada", called="Ada Brandt") as browser:
        page = await bulk(browser, "open", [one], act="close")
    async with web.signed_in(user="ben", called="Ben") as other:
        own = (await other.get("/inbox?view=all")).text
        assert 'action="/inbox/undo"' not in own
        form = fields_of(own, "/inbox/bulk") | {"did": fields_of(page, "/inbox/undo")["did"]}
        answer = await other.post("/inbox/undo", data=form)
        assert "undone any more" in (await other.get(path_of(answer))).text
    row = await web.parts.queries.conversation(SHOP, one)
    assert row
    assert not row.open


async def test_tags_are_made_put_on_found_renamed_and_removed(web: Harness) -> None:
    one, other = await talks(web, 2)
    async with web.signed_in() as browser:
        page = (await browser.get("/settings/tags")).text
        made = await send(browser, page, "/settings/tags/make", name=" Wholesale  ", colour="teal")
        assert path_of(made) == "/settings/tags?saved=yes"
        page = (await browser.get("/settings/tags")).text
        again = await send(browser, page, "/settings/tags/make", name="wholesale", colour="red")
        assert again.status_code == 422
        assert "There is a tag with this name already." in again.text
        thread = (await browser.get(f"/conversations/{one}")).text
        [tag] = re.findall(r'name="tag-([a-z0-9]+)"', thread)
        action = f"/conversations/{one}/tags"
        answer = await send(browser, thread, action, **{f"tag-{tag}": "1"})
        assert "Tags saved." in (await browser.get(path_of(answer))).text
        found = (await browser.get(f"/inbox?view=open&tag={tag}")).text
        assert listed(found) == [one]
        assert "Wholesale" in found
        await send(browser, page, "/settings/tags/change", tag=tag, name="Resellers", colour="red")
        assert "Resellers" in (await browser.get("/inbox")).text
        page = (await browser.get("/settings/tags")).text
        await send(browser, page, "/settings/tags/remove", tag=tag)
        assert "Resellers" not in (await browser.get("/inbox")).text
    assert other


async def test_no_other_words_than_ids_of_tags_and_staff_are_recorded(web: Harness) -> None:
    [one] = await talks(web, 1)
    await tags.make_tag(
        SHOP, "A", "red", key=random_id(26), actor=ADA, source="cli", use=web.parts.conversations
    )
    async with web.signed_in(user="ada", called="Ada Brandt") as browser:
        page = (await browser.get(f"/conversations/{one}")).text
        for what, fields, said in (
            ("tags", {"tag-My neighbour Bob is ill": "1"}, "There is no such tag any more."),
            ("assign", {"assignee": "nobody-here"}, "Choose somebody of your staff."),
        ):
            answer = await send(browser, page, f"/conversations/{one}/{what}", **fields)
            assert said in (await browser.get(path_of(answer))).text
        for fields, said in (
            ({"act": "tag", "tag": "no-such-tag"}, "There is no such tag any more."),
            ({"act": "assign", "assignee": "nobody-here"}, "Choose somebody of your staff."),
        ):
            assert said in await bulk(browser, "open", [one], **fields)
    assert len(await web.stream(SHOP, one)) == 2


async def test_tags_that_somebody_else_put_on_meanwhile_stay(web: Harness) -> None:
    [one] = await talks(web, 1)
    for name in ("A", "B"):
        await tags.make_tag(
            SHOP, name, "red", key=random_id(26), actor=ADA, source="cli",
            use=web.parts.conversations,
        )  # fmt: skip
    async with web.signed_in() as browser:
        page = (await browser.get(f"/conversations/{one}")).text
        first, second = re.findall(r'name="tag-([a-z0-9]+)"', page)
        action = f"/conversations/{one}/tags"
        await send(browser, page, action, **{f"tag-{first}": "1"})
        newer = fields_of(page, action) | {"key": random_id(26), f"tag-{second}": "1"}
        await browser.post(action, data=newer)
    row = await web.parts.queries.conversation(SHOP, one)
    assert row
    assert set(row.tags) == {first, second}


async def test_a_view_is_saved_with_its_filter_and_leads_there(web: Harness) -> None:
    one, other = await talks(web, 2)
    async with web.signed_in(user="ada", called="Ada") as browser:
        await bulk(browser, "open", [one], act="priority", priority="urgent")
        address = "/inbox?view=open&priority=urgent"
        page = (await browser.get(address)).text
        assert listed(page) == [one]
        saved = await send(browser, page, "/settings/views/save", name="Burning")
        assert path_of(saved) == address
        page = (await browser.get("/inbox")).text
        assert listed(page) == [other, one]
        assert ">Burning<" in page
        thread = await browser.get(f"/conversations/{one}?list=view%3Dopen%26priority%3Durgent")
        assert ">Burning<" in thread.text
        settings = (await browser.get("/settings/tags")).text
        await send(browser, settings, "/settings/views/remove")
        assert ">Burning<" not in (await browser.get("/inbox")).text


async def test_a_conversation_keeps_the_list_it_was_opened_from(web: Harness) -> None:
    first, second, third = await talks(web, 3)
    async with web.signed_in() as browser:
        page = (await browser.get("/inbox?view=unanswered")).text
        [address] = re.findall(rf'href="(/conversations/{second}[^"]*)"', page)
        thread = (await browser.get(address)).text
        assert listed(thread) == [first, second, third], "the list stands beside it"
        ways = {
            rel: urlsplit(href).path
            for href, rel in re.findall(r'href="([^"]+)" rel="(prev|next)"', thread)
        }
        assert ways == {"prev": f"/conversations/{first}", "next": f"/conversations/{third}"}
        assert f'class="crumb" href="/inbox?view=unanswered#c-{second}"' in thread
        action = f"/conversations/{second}/close?list=view%3Dunanswered"
        closed = await send(browser, thread, action)
        assert parse_qs(urlsplit(path_of(closed)).query)["list"] == ["view=unanswered"]
        after = (await browser.get(path_of(closed))).text
        assert listed(after) == [first, third]
        plain = (await browser.get(f"/conversations/{second}")).text
        assert listed(plain) == []
        strange = await browser.get(f"/conversations/{second}?list=https://evil.example/&cursor=x")
        assert strange.status_code == 200
        assert "evil" not in strange.text


async def test_the_neighbours_lie_also_on_the_pages_before_and_after(web: Harness) -> None:
    ids = (await talks(web, 53))[::-1]
    async with web.signed_in() as browser:
        page = (await browser.get("/inbox?view=open")).text
        assert listed(page) == ids[:50]
        [on] = re.findall(r'href="([^"]+)" rel="next"', page)
        last = re.findall(rf'href="(/conversations/{ids[49]}[^"]*)"', page)[0]
        thread = (await browser.get(last)).text
        [over] = re.findall(r'href="([^"]+)" rel="next"', thread)
        assert urlsplit(over).path == f"/conversations/{ids[50]}"
        following = (await browser.get(over.replace("&amp;", "&"))).text
        assert listed(following) == ids[50:]
        [back] = re.findall(r'href="([^"]+)" rel="prev"', following)
        assert urlsplit(back).path == f"/conversations/{ids[49]}"
        assert listed((await browser.get(back.replace("&amp;", "&"))).text) == ids[36:50], (
            "those around it"
        )
        second = (await browser.get(on.replace("&amp;", "&"))).text
        [first] = re.findall(r'href="([^"]+)" rel="prev"', second)
        assert listed((await browser.get(first.replace("&amp;", "&"))).text) == ids[:50]


@pytest.mark.parametrize(("then", "is_open"), [("next", True), ("close", False)])
async def test_a_reply_is_sent_and_leads_on_to_the_next(
    web: Harness, then: str, is_open: bool
) -> None:
    first, second = await talks(web, 2)
    action = f"/conversations/{first}/reply?list=view%3Dunanswered"
    async with web.signed_in() as browser:
        thread = (await browser.get(f"/conversations/{first}?list=view%3Dunanswered")).text
        form = fields_of(thread, action) | {"text": "Yes", "then": then}
        answers = [await browser.post(action, data=form) for _ in range(2)]
        assert path_of(answers[0]) == path_of(answers[1])
        at = path_of(answers[0])
        assert urlsplit(at).path == f"/conversations/{second}"
        page = (await browser.get(at)).text
        assert "Your reply is on its way." in page
        assert listed(page) == [second]
        action = action.replace(first, second)
        last = await send(browser, page, action, text="Yes", then="next")
        assert "That was the last one" in (await browser.get(path_of(last))).text
    row = await web.parts.queries.conversation(SHOP, first)
    assert row
    assert row.open is is_open
    assert (await web.stream(SHOP, first)).count("conversation.reply_written") == 1


async def test_one_is_assigned_snoozed_woken_and_given_a_priority(web: Harness) -> None:
    [one] = await talks(web, 1)
    async with web.signed_in(user="ada", called="Ada Brandt") as browser:

        async def done(what: str, **fields: str) -> str:
            page = (await browser.get(f"/conversations/{one}")).text
            answer = await send(browser, page, f"/conversations/{one}/{what}", **fields)
            return (await browser.get(path_of(answer))).text

        assert "Assigned." in await done("assign", assignee="ada")
        assert "Ada Brandt" in (await browser.get("/inbox?view=mine")).text
        assert "Priority saved." in await done("priority", priority="high")
        assert "Choose a date and a time." in await done("snooze", until="at", at="soon")
        past = (NOW - timedelta(days=1)).isoformat()
        assert "Choose a time that is still to come." in await done("snooze", until="at", at=past)
        assert "Snoozed until somebody writes in it." in await done("snooze", until="reply")
        assert "The snooze is over." in await done("wake")
        assert "Assigned to nobody any more." in await done("assign", assignee="")
    assert (await web.stream(SHOP, one))[2:] == [
        "conversation.assigned",
        "conversation.prioritized",
        "conversation.snoozed",
        "conversation.woken",
        "conversation.assigned",
    ]


async def test_what_is_new_is_unread_for_each_member_until_they_open_it(web: Harness) -> None:
    old = (await talks(web, 1))[0]
    async with (
        web.signed_in(user="ada", called="Ada") as ada,
        web.signed_in(user="ben", called="Ben") as ben,
    ):
        for browser in (ada, ben):
            assert "row waiting unread" not in (await browser.get("/inbox")).text, "came before"
        web.clock.forward(60)
        new = await web.conversation(subject="New")
        for browser in (ada, ben):
            assert (await browser.get("/inbox")).text.count("row waiting unread") == 1
        await ada.head(f"/conversations/{new}")
        assert "row waiting unread" in (await ada.get("/inbox")).text
        await ada.get(f"/conversations/{new}")
        assert "row waiting unread" not in (await ada.get("/inbox")).text
        assert (await ben.get("/inbox")).text.count("row waiting unread") == 1
    assert old


async def test_single_keys_are_turned_off_and_on_by_each_member(web: Harness) -> None:
    async with (
        web.signed_in(user="ada", called="Ada") as ada,
        web.signed_in(user="ben", called="Ben") as ben,
    ):
        page = (await ada.get("/inbox/keys")).text
        await send(ada, page, "/inbox/keys")
        assert 'data-keys="off"' in (await ada.get("/inbox")).text
        assert 'data-keys="off"' not in (await ben.get("/inbox")).text
        page = (await ada.get("/inbox/keys")).text
        assert "turned off for you" in page
        await send(ada, page, "/inbox/keys")
        assert 'data-keys="off"' not in (await ada.get("/inbox")).text
