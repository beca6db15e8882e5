"""Leads that bought, on the page of the person and beside their conversation."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from cplus.events.catalogue.customers import CustomerImported
from cplus.events.catalogue.orders import OrderChanged
from cplus.projections.queries import CustomerDetail, FirstOrder, source_of
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


async def first(web: Harness, person: str = ADA) -> FirstOrder | None:
    return await web.parts.queries.first_order(SHOP, await detail(web, person), 30)


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
    assert await web.parts.queries.first_order(OTHER, await detail(web), 30) == FirstOrder(
        (await detail(web)).orders[-1], None, 30
    )  # of another shop nothing is read
    await erase_ada(web)
    page = (await browser.get("/customers/ada")).text
    assert "First order" not in page
    assert "Came by" not in page


async def test_what_is_spam_is_no_conversation(web: Harness, browser: httpx.AsyncClient) -> None:
    talk = await web.conversation()
    await ordered(web, 1, web.clock() + DAY)
    assert source_of(await detail(web)) == "email"
    fields = await form_fields(browser, talk, "spam")
    assert (await browser.post(f"/conversations/{talk}/spam", data=fields)).status_code == 303
    assert await bought(web) == ("#1001", False)
    assert source_of(await detail(web)) is None


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
            assert answer.headers["Location"] == "/settings?leads=refused#h-leads"
        assert "Choose 1 to 365 days." in (await owner.get("/settings?leads=refused")).text
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
