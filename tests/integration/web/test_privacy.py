"""Customers who ask for their data, as the merchant sees them."""

from __future__ import annotations

import html
import re
from typing import Any

import httpx

from cplus.events.base import Event
from cplus.events.catalogue.customers import PersonsJoined
from cplus.events.catalogue.privacy import (
    NoticeBounced,
    NoticeDelivered,
    NoticeRejected,
    NoticeRequested,
    PersonErased,
    PersonExported,
)
from cplus.events.names import data_request_stream, person_id
from cplus.mongo import Mongo
from cplus.projections.models.data_requests import DATA_REQUESTS
from tests.integration.web.asking import asks
from tests.integration.web.harness import OTHER, SHOP, Harness, fields_of

DAY = 24 * 3600
NOTHING = "Nothing is kept about this person."


async def test_requests_are_listed_with_what_is_to_be_done_about_them(web: Harness) -> None:
    known = await web.parts.persons.resolve(SHOP, address="ada@example.com")
    assert known
    await web.conversation(person=known.person)
    assert await asks(web, 1, email="ada@example.com") == known.person
    web.clock.forward(1)
    await asks(web, 2, email="<b>bob@example.com")
    web.clock.forward(1)
    await asks(web, 3, id=77, phone="+1555")
    await asks(web, 4, shop=OTHER, email="cleo@example.com")
    async with web.signed_in() as browser:
        page = (await browser.get("/privacy")).text
        rows = re.findall(r"<tr>\s*<td>.*?</tr>", page, re.DOTALL)
        assert ["+1555" in rows[0], "bob@" in rows[1], "ada@" in rows[2]] == [True] * 3
        assert [NOTHING in row for row in rows] == [True, True, False]
        assert "<b>bob" not in page
        assert "cleo@" not in page
        assert 'Open <span class="count">3</span>' in page
        assert "Overdue" not in page
    web.clock.forward(30 * DAY + 1)
    exported = PersonExported(person=known.person, request_id=1, format="json")
    await web.record(SHOP, known.person, exported, refs=[known.person])
    async with web.signed_in() as browser:
        assert (await browser.get("/privacy")).text.count(">Overdue<") == 2
        done = (await browser.get("/privacy?state=exported")).text
        assert ">Exported</span>" in done
        assert ">Overdue<" not in done
        for wrong in ("?state=x", "?cursor=x"):
            assert (await browser.get(f"/privacy{wrong}")).status_code == 400


async def test_the_inbox_reminds_of_the_request_that_is_due_first(web: Harness) -> None:
    note = re.compile(r'<p class="note([^"]*)">A customer asked for their data.*?</p>', re.DOTALL)
    async with web.signed_in() as browser:
        assert not note.search((await browser.get("/inbox")).text)
    ada = await asks(web, 1, email="ada@example.com")
    web.clock.forward(DAY)
    bob = await asks(web, 2, email="bob@example.com")
    async with web.signed_in() as browser:
        told = note.search((await browser.get("/inbox")).text)
        assert told
        assert "23 Dec 2026" in told[0]
        assert told[1] == ""
    web.clock.forward(22 * DAY + 1)
    async with web.signed_in() as browser:
        urgent = note.search((await browser.get("/inbox")).text)
        assert urgent
        assert urgent[1] == " warn"
        for number, person, due in ((1, ada, "24 Dec 2026"), (2, bob, "")):
            exported = PersonExported(person=person, request_id=number, format="json")
            await web.record(SHOP, person, exported, refs=[person])
            left = note.search((await browser.get("/inbox")).text)
            assert due in left[0] if left else not due
    rows = web.parts.mongo.database[DATA_REQUESTS.collection]
    oldest = [("at", 1), ("_id", 1)]
    plan = await rows.find({"shop": SHOP, "exported": True}, sort=oldest).limit(1).explain()
    assert plan["executionStats"]["totalDocsExamined"] == 1


async def test_the_page_says_what_became_of_the_mail_about_a_request(web: Harness) -> None:
    said: dict[str, Any] = {"message_id": "n1", "request_id": 1, "kind": "first"}
    later = {**said, "message_id": "n2", "kind": "reminder"}
    reason = "the app was removed from the shop before the mail went out"
    steps: list[tuple[Event, list[str]]] = [
        (NoticeRequested(**said, due_at=web.clock()), []),
        (NoticeDelivered(**said), ["Mail to you on <time"]),
        (
            NoticeBounced(**later, permanent=True, reason="Permanent/General"),
            ["A mail to you bounced</b>: the address doesn’t exist", "Mail to you bounced"],
        ),
        (
            NoticeRejected(**later, reason=reason),
            [f"wasn’t sent</b>: {reason}.", "to you not sent"],
        ),
    ]
    person = await asks(web, 1, email="ada@example.com")
    async with web.signed_in() as browser:
        for event, shown in steps:
            await web.record(SHOP, data_request_stream(1), event)
            page = (await browser.get("/privacy")).text
            assert all(words in page for words in shown), shown
            assert page.count("ail to you") == len(shown)
        exported = PersonExported(person=person, request_id=1, format="json")
        await web.record(SHOP, person, exported, refs=[person])
        assert "ail to you" not in (await browser.get("/privacy?state=all")).text


async def test_the_link_in_the_mail_leads_to_the_export_of_the_request(web: Harness) -> None:
    person = await asks(web, 7, email="ada@example.com")
    async with web.signed_in() as browser:
        answer = await browser.get(f"/privacy/requests/7?shop={SHOP}")
        page = f"/privacy/people/{person_id(person)}?request=7"
        assert (answer.status_code, answer.headers["location"]) == (303, page)
        assert (await browser.get(page)).status_code == 200
        for number in (8, 2**63 - 1):
            unknown = await browser.get(f"/privacy/requests/{number}")
            assert unknown.headers["location"] == "/privacy?state=all"
        for wrong in ("0", "x", str(2**63), "-1"):
            assert (await browser.get(f"/privacy/requests/{wrong}")).status_code in (400, 404)
        await web.record(SHOP, person, PersonErased(erasure="e1", person=person, requests=(7,)))
        gone = await browser.get("/privacy/requests/7")
        assert gone.headers["location"] == "/privacy?state=all"
    async with web.browser() as stranger:
        asked = await stranger.get(f"/privacy/requests/7?shop={SHOP}")
        assert asked.headers["location"].startswith("/auth/sign-in?")
        assert "%2Fprivacy%2Frequests%2F7" in asked.headers["location"]


async def test_requests_are_paged_and_each_page_walks_an_index(web: Harness) -> None:
    for request in range(1, 23):
        await asks(web, request, email=f"a{request}@example.com")
    async with web.signed_in() as browser:
        first = (await browser.get("/privacy")).text
        [following] = re.findall(r'href="([^"]*)" rel="next"', first)
        rest = (await browser.get(html.unescape(following))).text
    listed = re.findall(r"a\d+@<wbr>example", first + rest)
    assert len(listed) == len(set(listed)) == 22
    mongo: Mongo = web.parts.mongo
    rows = mongo.database[DATA_REQUESTS.collection]
    for wanted in ({"shop": SHOP}, {"shop": SHOP, "exported": False}):
        plan = await rows.find(wanted, sort=[("at", -1), ("_id", -1)]).limit(21).explain()
        assert plan["executionStats"]["totalDocsExamined"] == 21, wanted


async def test_an_export_is_recorded_and_answers_the_request(web: Harness) -> None:
    ada = await asks(web, 1, email="ada@example.com")
    text = "<script>alert(1)</script> {{ 7*7 }}"
    await web.conversation(person=ada, text=text, subject="<b>jam</b>")
    await web.conversation(OTHER, person=ada, text="Said in another shop.")
    page = f"/privacy/people/{person_id(ada)}"
    async with web.signed_in(user="bea", called="Bea Brandt") as browser:
        assert f'href="{page}?request=1"' in (await browser.get("/privacy")).text
        assert f'href="{page}"' in (await browser.get(f"/customers/{person_id(ada)}")).text
        shown = (await browser.get(f"{page}?request=1")).text
        fields = fields_of(shown, f"{page}/export")
        assert (fields["request"], fields["format"]) == ("1", "html")
        read = await browser.post(f"{page}/export", data=fields)
        named = f'attachment; filename="person-{person_id(ada)}.html"'
        assert read.headers["content-disposition"] == named
        assert read.headers["cache-control"] == "no-store"
        assert "&lt;script&gt;alert(1)" in read.text
        assert "&lt;b&gt;jam" in read.text
        for wrong in ("<script", "<b>jam", "49", "another shop"):
            assert wrong not in read.text.replace("2349", ""), wrong
        told = await browser.post(f"{page}/export", data={**fields, "format": "json"})
        assert told.headers["content-type"] == "application/json"
        document = told.json()
        assert (document["format"], document["shop"]) == ("conversations-plus/person", SHOP)
        assert [one["text"] for one in document["messages"]] == [text]
        assert document["person"]["email"] == "ada@example.com"
        assert [(one["actor"], one["did"]) for one in document["history"]][-2:] == [
            ("merchant/bea", "downloaded what is kept about the person")
        ] * 2, "each download, before it is answered"
        assert "by <bdi>Bea Brandt</bdi>" in (await browser.get("/privacy?state=exported")).text
        assert (await browser.get(f"{page}/export")).status_code == 303
        await _refused(web, browser, page, fields)
    [asked, *_] = await web.parts.store.page_of_ref(SHOP, data_request_stream(1), limit=1)
    exports = [
        commit
        async for commit in web.parts.store.iterate_ref(SHOP, ada)
        if PersonExported.TYPE in commit.types
    ]
    assert [(one.causation_id, one.actor) for one in exports] == [(asked.id, "merchant/bea")] * 2


async def _refused(
    web: Harness, browser: httpx.AsyncClient, page: str, fields: dict[str, str]
) -> None:
    """What answers no file, and records nothing."""
    cleo = person_id(await asks(web, 2, email="cleo@example.com"))
    head = await web.parts.store.head(SHOP)
    action = f"{page}/export"
    for changed, status in (
        ({"csrf": "x"}, 403),
        ({"request": "2"}, 404),
        ({"request": "99"}, 404),
        ({"request": "x"}, 400),
        ({"after": "-1"}, 400),
    ):
        answer = await browser.post(action, data={**fields, **changed})
        assert answer.status_code == status, changed
    unknown = await browser.post("/privacy/people/nobody/export", data={**fields, "request": ""})
    assert unknown.status_code == 404
    for path in (f"{page}?request=2", "/privacy/people/nobody", "/privacy/people/A", f"{page}?x="):
        assert (await browser.get(path)).status_code == (200 if path.endswith("x=") else 404), path
    async with web.signed_in(OTHER) as other:
        assert (await other.get(f"/privacy/people/{cleo}?request=2")).status_code == 404
    async with web.browser() as nobody:
        assert (await nobody.post(action, data=fields)).status_code == 303
    assert await web.parts.store.head(SHOP) == head


async def test_persons_who_turned_out_to_be_one_are_exported_by_any_of_their_ids(
    web: Harness,
) -> None:
    await web.conversation(person="person/ada", text="From the old address.")
    await web.conversation(person="person/zoe", text="From the new address.")
    joined = PersonsJoined(person="person/ada", absorbed="person/zoe")
    await web.record(SHOP, "person/ada", joined, refs=["person/ada", "person/zoe"])
    async with web.signed_in() as browser:
        for one in ("ada", "zoe"):
            page = f"/privacy/people/{one}"
            fields = fields_of((await browser.get(page)).text, f"{page}/export")
            file = await browser.post(f"{page}/export", data={**fields, "format": "json"})
            said = [message["text"] for message in file.json()["messages"]]
            assert said == ["From the old address.", "From the new address."]


async def test_who_nobody_knows_gets_a_file_that_says_so(web: Harness) -> None:
    bob = person_id(await asks(web, 3, id=77))
    async with web.signed_in() as browser:
        page = f"/privacy/people/{bob}"
        shown = (await browser.get(f"{page}?request=3")).text
        assert "Nothing is kept about this person" in shown
        assert (await browser.get(page)).status_code == 404, "a page of nobody's"
        fields = fields_of(shown, f"{page}/export")
        assert (
            "Nothing is kept about you" in (await browser.post(f"{page}/export", data=fields)).text
        )
        file = await browser.post(f"{page}/export", data={**fields, "format": "json"})
        assert file.json()["nothing_is_kept"] is True
