"""Leads that bought, on the page of the person and beside their conversation."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.catalogue.customers import CustomerImported
from cplus.events.catalogue.orders import OrderChanged
from cplus.ids import random_id
from cplus.projections.queries import CustomerDetail, FirstOrder, Lead
from tests.integration.web.erased import ADA, BEA, erase_ada
from tests.integration.web.harness import OTHER, SHOP, Harness, fields_of, form_fields

DAY = timedelta(days=1)


async def ordered(
    web: Harness, number: int, placed: datetime, person: str = ADA, **told: Any
) -> None:
    """Shopify tells of an order, now, that was placed then."""
    order = OrderChanged(
        shopify_order_id=number, person=person, name=f"#10{number:02}", total_price="5.00",
        currency="EUR", created_at=placed, **told,
    )  # fmt: skip
    await web.record(SHOP, f"order/{number}", order, refs=[person])


async def detail(web: Harness, person: str = ADA) -> CustomerDetail:
    found = await web.parts.queries.customer(SHOP, person)
    assert found is not None
    return found


async def lead(web: Harness, person: str = ADA) -> Lead:
    customer = (await detail(web, person)).customer
    return (await web.parts.queries.leads_of(SHOP, [customer], 30))[customer.person]


async def first(web: Harness, person: str = ADA) -> FirstOrder | None:
    return (await lead(web, person)).first_order


async def bought(web: Harness) -> tuple[str, bool] | None:
    found = await first(web)
    return (found.order.name, found.bought_after) if found else None


async def test_a_lead_that_orders_shows_as_a_customer_who_bought_after_a_conversation(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    talk = await web.conversation()
    person, beside = "/customers/ada", f"/conversations/{talk}"
    page = (await browser.get(person)).text
    assert "Came by</dt><dd>Email" in page
    assert "First order" not in page + (await browser.get(beside)).text
    assert (await detail(web)).customer.kind == "lead"
    said = web.clock()
    # The later order is told first, and the first one twice.
    await ordered(web, 2, said + 20 * DAY)
    assert await bought(web) == ("#1002", True)
    for _ in range(2):
        await ordered(web, 1, said + 3 * DAY, financial_status="refunded")
    await ordered(web, 3, said + DAY, test=True)
    assert await bought(web) == ("#1001", True)
    assert (await detail(web)).customer.kind == "customer"
    for address in (person, beside):
        page = (await browser.get(address)).text
        words = page.split("First order</dt>")[1].split("</dd>")[0]
        assert "#1001" in words, address
        assert "Refunded" in words, address
        assert "Bought after a conversation, 3 days after its last message." in words, address


@pytest.mark.parametrize(
    ("after", "counts", "words"),
    [
        (timedelta(seconds=-1), False, "Ordered before any conversation."),
        (timedelta(minutes=5), True, "within a day of its last message."),
        (30 * DAY, True, "Bought after a conversation, 30 days after its last message."),
        (30 * DAY + timedelta(seconds=1), False, "More than 30 days after the last message."),
    ],
)
async def test_an_order_counts_up_to_thirty_days_after_the_last_message(
    web: Harness, browser: httpx.AsyncClient, after: timedelta, *, counts: bool, words: str
) -> None:
    talk = await web.conversation()
    await ordered(web, 1, web.clock() + after, cancelled=True)
    assert await bought(web) == ("#1001", counts)
    page = (await browser.get("/customers/ada")).text
    assert words in page
    assert "Cancelled" in page.split("First order</dt>")[1].split("</dd>")[0]
    # Beside a conversation it shows only if it counts.
    assert ("First order" in (await browser.get(f"/conversations/{talk}")).text) is counts


async def test_the_last_message_before_the_order_counts_and_no_later_one(web: Harness) -> None:
    await web.conversation(subject="Plum jam")
    web.clock.forward(40 * 86_400)
    await web.conversation()
    said = web.clock()
    web.clock.forward(86_400)
    placed = web.clock()
    web.clock.forward(86_400)
    await web.conversation(subject="Where is it?")
    await ordered(web, 1, placed)  # told late
    found = await first(web)
    assert found is not None
    assert (found.said_at, found.days, found.bought_after) == (said, 1, True)


async def test_it_is_not_told_where_an_earlier_order_may_be_missing(web: Harness) -> None:
    await web.conversation()
    known = CustomerImported(
        shopify_customer_id=7, person=ADA, first_name="Ada", last_name="Brandt",
        email="ada@example.com", orders=5, amount_spent="50.00", currency="EUR",
    )  # fmt: skip
    await web.record(SHOP, "customer/7", known, refs=[ADA])
    await ordered(web, 1, web.clock() + DAY)
    assert await bought(web) is None


async def test_merged_persons_have_one_first_order_and_erased_ones_none(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    await web.conversation()
    said = web.clock()
    web.clock.forward(60)
    await web.conversation(person=BEA, name="Bea Brandt", subject="Plum jam")
    await ordered(web, 1, said + 2 * DAY, person=BEA)
    await ordered(web, 2, said + 9 * DAY)
    assert await bought(web) == ("#1002", True)
    address = "/customers/ada/merge"
    fields = fields_of((await browser.get(f"{address}?with=bea")).text, address)
    assert (await browser.post(address, data=fields)).status_code == 303
    assert await bought(web) == ("#1001", True)
    theirs = await web.parts.queries.leads_of(OTHER, [(await detail(web)).customer], 30)
    assert theirs == {ADA: Lead(None, None)}  # of another shop nothing is read
    await erase_ada(web)
    page = (await browser.get("/customers/ada")).text
    assert "First order" not in page
    assert "Came by" not in page


async def test_what_is_spam_is_no_conversation(web: Harness, browser: httpx.AsyncClient) -> None:
    talk = await web.conversation()
    await ordered(web, 1, web.clock() + DAY)
    assert (await lead(web)).source == "email"
    fields = await form_fields(browser, talk, "spam")
    assert (await browser.post(f"/conversations/{talk}/spam", data=fields)).status_code == 303
    assert await bought(web) == ("#1001", False)
    assert (await lead(web)).source is None


async def test_the_merchant_chooses_the_days_of_the_rule(web: Harness) -> None:
    talk = await web.conversation()
    await ordered(web, 1, web.clock() + 9 * DAY)
    async with web.signed_in() as owner:
        assert "Bought after a conversation, 9 days" in (await owner.get("/customers/ada")).text
        page = (await owner.get("/settings")).text
        fields = fields_of(page, "/settings/leads")
        assert 'name="days" min="1" max="365" step="1" required value="30"' in page
        for wrong in ("", "0", "366", "-1", "1.5", "x", "٣", "9" * 50):
            answer = await owner.post("/settings/leads", data={**fields, "days": wrong})
            assert answer.headers["Location"].startswith("/settings?leads=refused&typed=")
        page = (await owner.get("/settings?leads=refused&typed=366")).text
        assert "Choose 1 to 365 days." in page
        assert 'required value="366"' in page
        for days in ("8", "8"):
            answer = await owner.post("/settings/leads", data={**fields, "days": days})
            assert answer.headers["Location"] == "/settings?leads=saved#h-leads"
        page = (await owner.get("/customers/ada")).text
        assert "More than 8 days after the last message." in page
        beside = (await owner.get(f"/conversations/{talk}")).text
        assert "Bought after a conversation" not in beside
        assert 'value="8"' in (await owner.get("/settings")).text
    stream = await web.parts.store.stream(SHOP, f"settings/{SHOP}")
    assert [one.types for one in stream] == [["settings.lead_days_set"]], "the form counts once"


async def test_it_narrows_a_list_a_segment_and_is_in_the_file(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    await web.conversation(person=BEA, name="Bea Brandt", subject="Plum jam")
    await web.conversation()
    await ordered(web, 1, web.clock() + 9 * DAY)
    await ordered(web, 2, web.clock() - DAY, person=BEA)
    for query, (there, not_there) in {
        "first_order=after": ("ada", "bea"),
        "first_order=other": ("bea", "ada"),
        "source=email": ("ada", "zed"),
        "q=ada&first_order=after": ("ada", "bea"),
    }.items():
        page = (await browser.get(f"/customers?{query}")).text
        assert f'href="/customers/{there}"' in page, query
        assert f'href="/customers/{not_there}"' not in page, query
    page = (await browser.get("/customers?first_order=after")).text
    saved = {**fields_of(page, "/customers/segments/save"), "name": "Won"}
    assert (await browser.post("/customers/segments/save", data=saved)).status_code == 303
    assert "first_order=after" in (await browser.get("/customers/segments")).text
    fields = fields_of((await browser.get("/customers/export")).text, "/customers/export/file")
    answer = await browser.post("/customers/export/file", data=fields)
    head, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    told = [dict(zip(head, row, strict=True)) for row in rows]
    columns = ("First order", "Bought after a conversation", "Came by")
    day, other = ((web.clock() + days * DAY).date().isoformat() for days in (9, -1))
    assert [tuple(one[name] for name in columns) for one in told] == [
        (day, "Yes", "Email"),
        (other, "No", "Email"),
    ]
    # With fewer days, the same order is none that counts.
    async with web.signed_in() as owner:
        settings = fields_of((await owner.get("/settings")).text, "/settings/leads")
        await owner.post("/settings/leads", data={**settings, "days": "8"})
        page = (await owner.get("/customers?first_order=other")).text
    assert all(f'href="/customers/{one}"' in page for one in ("ada", "bea"))


async def wrote_again(web: Harness, conversation: str) -> None:
    """Bea writes once more."""

    def receive(talk: Conversation) -> None:
        talk.receive(
            now=web.clock(), person=BEA, message_id=random_id(), from_name="Bea Brandt",
            from_address="bea@example.com", subject="Plum jam", text="Any news?", proved=True,
            rfc_message_id=f"<{random_id()}@example.com>",
        )  # fmt: skip

    outcome = await web.parts.recorder.decide(
        Conversation, SHOP, f"conversation/{conversation}", receive,
        claim=f"mail/{random_id()}", source="mail", actor="shopper",
    )  # fmt: skip
    assert outcome is not None
    await web.nudger.fold({SHOP: outcome.position})


async def test_messages_that_were_moved_and_conversations_that_were_merged_count_where_they_are(
    web: Harness,
) -> None:
    """Bea's message is moved to Ada's conversation: it counts for whom it stands with."""
    mine = await web.conversation()
    said = web.clock()
    web.clock.forward(20 * 86_400)
    theirs = await web.conversation(person=BEA, name="Bea Brandt", subject="Plum jam")
    web.clock.forward(60)
    await wrote_again(web, theirs)
    later = web.clock()
    await ordered(web, 1, later + DAY)
    found = await first(web)
    assert found is not None
    assert found.said_at == said
    message = (await web.parts.queries.messages_of(SHOP, theirs)).items[-1].id
    async with web.signed_in() as browser:
        move = f"/conversations/{theirs}/messages/{message}/move"
        fields = fields_of((await browser.get(f"{move}?into={mine}")).text, move)
        assert (await browser.post(move, data=fields)).status_code == 303
        found = await first(web)
        assert found is not None
        assert (found.said_at, found.days) == (later, 1)
        # Two of Ada's are merged into one: what was said in either was said to her.
        other = await web.conversation(subject="Cherry jam")
        merge = f"/conversations/{other}/merge"
        fields = fields_of((await browser.get(f"{merge}?into={mine}")).text, merge)
        assert (await browser.post(merge, data=fields)).status_code == 303
        assert await first(web) == found
        assert (await lead(web)).source == "email"
