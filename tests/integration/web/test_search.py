"""The page of search: what it shows as found, where it leads, and what nobody else hears of it."""

from __future__ import annotations

import html
import logging
import re
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import httpx
import pytest
from structlog.testing import capture_logs

from cplus.aws import Aws
from cplus.events.catalogue.customers import CustomerImported
from cplus.events.catalogue.orders import OrderChanged
from cplus.projections.models.messages import MESSAGES
from tests.integration.web.harness import OTHER, SHOP, Harness, fields_of, form_fields, path_of


@pytest.fixture
async def web(mongo_uri: str, database: str, aws: Aws) -> AsyncIterator[Harness]:
    async with Harness(mongo_uri, database, aws).opened() as harness:
        yield harness


async def search(browser: httpx.AsyncClient, q: str, **more: str) -> str:
    answer = await browser.get(f"/search?{urlencode({'q': q, **more})}")
    assert answer.status_code == 200
    return answer.text


async def test_what_was_found_is_marked_and_leads_to_its_message(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    found = await web.conversation(text="Ships <b>Müller</b> to Norway?", subject="Blue jam")
    other = await web.conversation(text="Something else", name="Bea")
    page = await search(browser, "MULLER blu")
    assert "Ships &lt;b&gt;<mark>Müller</mark>&lt;/b&gt; to Norway?" in page
    assert "<mark>Blue</mark> jam" in page
    assert other not in page
    [message] = (await web.parts.queries.messages_of(SHOP, found)).items
    asked = urlencode({"list": urlencode({"q": "MULLER blu"}), "message": message.id})
    address = f"/conversations/{found}?{asked}#m-{message.id}:~:text=M%C3%BCller"
    assert f'href="{html.escape(address)}"' in page
    assert f'id="m-{message.id}"' in (await browser.get(f"/conversations/{found}")).text
    # An address that nothing on the page shows says where it was found.
    assert re.search(
        r"Found in:.*<mark>ada@example.com</mark>", await search(browser, "ada@example.com")
    )
    assert "<mark>Ada</mark> Brandt" in await search(browser, "ada norway")


async def test_a_very_long_message_is_found_by_its_subject_and_begins_with_its_first_words(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    text = "Grüße aus Köln und " * 11_800 + "needle"
    found = await web.conversation(subject="Hay", text=text)
    page = await search(browser, "hay")
    assert found in page
    assert "Grüße aus Köln" in page
    assert found not in await search(browser, "needle")


async def test_a_message_far_back_in_a_long_thread_is_on_the_page_it_leads_to(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation(text="the needle")
    rows = web.parts.mongo.database["conversations.v1"]
    await rows.update_one({"_id": f"{SHOP}/{conversation}"}, {"$set": {"messages": 500}})
    [address] = re.findall(
        rf'href="(/conversations/{conversation}[^"]+)"', await search(browser, "needle")
    )
    address, _, place = address.partition("#")
    place, _, words = place.partition(":~:text=")
    assert words == "needle"
    assert "from=" in address
    assert f'id="{place}"' in (await browser.get(address.replace("&amp;", "&"))).text


async def test_from_what_was_found_there_is_a_way_back_to_the_search_also_after_a_reply(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    talk = await web.conversation(text="Blue & green?")
    page = await search(browser, "blue & green", since="2026-11-01", state="open")
    [address] = re.findall(rf'href="(/conversations/{talk}[^"#]+)', page)
    opened = (await browser.get(html.unescape(address))).text
    back = "/search?q=blue+%26+green&amp;state=open&amp;since=2026-11-01"
    crumb = f'<a class="crumb" href="{back}#c-{talk}"'
    assert crumb in opened
    assert "Search results" in opened
    assert "Send and next" not in opened
    assert f'<li id="c-{talk}">' in (await browser.get(html.unescape(back))).text
    [action] = re.findall(rf'action="(/conversations/{talk}/reply[^"]*)"', opened)
    form = {**fields_of(opened, action), "text": "Both.", "then": "close"}
    sent = await browser.post(html.unescape(action), data=form)
    assert crumb in (await browser.get(path_of(sent))).text


async def test_filters_stay_in_the_form_and_narrow_what_is_found(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    day = web.clock().date().isoformat()
    assert conversation in await search(browser, "norway", since=day, until=day, state="open")
    page = await search(browser, "norway", until="2026-01-31", state="open", files="")
    assert conversation not in page
    assert 'value="2026-01-31"' in page
    assert '<option value="open" selected>' in page
    assert 'href="/search?q=norway"' in page  # everywhere
    assert conversation not in await search(browser, "norway", files="1")
    # What a field for dates has while a year is typed, and years that nobody wrote mail in.
    assert conversation in await search(browser, "norway", since="0002-02-02", until="2300-01-01")
    assert conversation not in await search(browser, "norway", until="1600-01-01")
    for wrong in ({"since": "yesterday"}, {"until": "9999-12-31"}, {"state": "x"}, {"cursor": "x"}):
        answer = await browser.get(f"/search?{urlencode({'q': 'norway', **wrong})}")
        assert answer.status_code == 400, wrong


async def test_spam_is_found_where_it_is_asked_for(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    fields = await form_fields(browser, conversation, "spam")
    await browser.post(f"/conversations/{conversation}/spam", data=fields)
    page = await search(browser, "norway")
    assert conversation not in page
    assert 'href="/search?q=norway&amp;state=spam"' in page
    assert conversation in await search(browser, "norway", state="spam")


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("", "Search all conversations"),
        ("   ", "Search all conversations"),
        ("?! …", "Nothing to search for"),
        ("nowhere", "Nothing found"),
        (" ".join(f"w{number}" for number in range(40)), "Only the first 12 words"),
        ("norway " * 60, "only the first 200 characters"),
        ("\x00", "Nothing to search for"),
        ("<script>alert(1)</script>", "Nothing found"),
    ],
)
async def test_a_search_that_finds_nothing_says_what_to_do(
    web: Harness, browser: httpx.AsyncClient, query: str, told: str
) -> None:
    page = await search(browser, query)
    assert told in page
    assert "<script>alert" not in page


async def test_a_shop_finds_its_own_messages_and_no_others(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    other = await web.conversation(OTHER, text="the secret of another shop")
    assert other not in await search(browser, "secret")


async def test_people_and_who_placed_an_order_stand_above_the_messages(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    known = {"shopify_customer_id": 7, "person": "person/ada", "email": "ada@example.com"}
    told = CustomerImported(**known, first_name="Ada", orders=1, currency="EUR")  # type: ignore[arg-type]
    await web.record(SHOP, "customer/7", told)
    order = OrderChanged(
        shopify_order_id=9, person="person/ada", name="#1009", currency="EUR", total_price="9"
    )
    await web.record(SHOP, "order/9", order)
    for query in ("ada", "1009", "#1009"):
        page = await search(browser, query)
        assert re.search(r"<h2[^>]*>People</h2>.*/customers/ada", page, re.DOTALL), query
        listed = (await browser.get(f"/customers?{urlencode({'q': query})}")).text
        assert 'href="/customers/ada"' in listed
        assert f'href="/customers?{urlencode({"q": query})}&amp;kind=leads"' in listed
    assert "No message has all of these words." in await search(browser, "1009")
    assert "People</h2>" not in await search(browser, "ada", state="open")
    nobody = (await browser.get("/customers?q=nobody")).text
    assert "Nobody found" in nobody
    assert 'value="nobody"' in nobody


async def test_no_log_line_has_what_was_searched_for(
    web: Harness, browser: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    conversation = await web.conversation(text="Frobnicate")
    caplog.set_level(logging.INFO)
    with capture_logs() as lines:
        assert conversation in await search(browser, "frobnicate", since="2026-01-01")
        refused = await browser.get("/search?q=frobnicate&cursor=frobnicate")
        rows = web.parts.mongo.database[MESSAGES.collection]
        await rows.update_many({"shop": SHOP}, {"$unset": {"direction": True}})
        failed = await browser.get("/search?q=frobnicate")
        assert "Nobody found" in (await browser.get("/customers?q=frobnicate")).text
    assert (refused.status_code, failed.status_code) == (400, 500)
    assert [one["event"] for one in lines if one["log_level"] == "error"] == ["request_failed"]
    assert "frobnicate" not in f"{lines}{refused.text}{failed.text}".casefold()
    # The client of this test is no part of the app, and tells of its own requests.
    told = [one.getMessage() for one in caplog.records if not one.name.startswith("http")]
    assert "frobnicate" not in " ".join(told).casefold()
