"""What the page of metrics tells a merchant, and only of their own shop."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import pytest

from cplus.events.base import Event
from cplus.events.catalogue.customers import CustomerImported
from cplus.events.catalogue.mail import MailBounced, MailDelivered, MailRejected, MailSent
from cplus.projections.models.metrics import EDGES
from cplus.projections.queries import Day, Figures
from cplus.web.kit.formats import span
from cplus.web.merchant.metrics import Chart, round_above, waits_of
from tests.integration.web.harness import NOW, OTHER, SHOP, Harness, form_fields
from tests.samples import installed


async def answer(web: Harness, browser: httpx.AsyncClient, conversation: str) -> str:
    """The merchant answers; the id of the message."""
    fields = await form_fields(browser, conversation, "reply")
    await browser.post(f"/conversations/{conversation}/reply", data={**fields, "text": "Yes"})
    thread = (await browser.get(f"/conversations/{conversation}")).text
    return str(re.findall(r'class="message mine" id="m-(\w+)"', thread)[-1])


async def tell(web: Harness, message: str, conversation: str, *kinds: type[Event]) -> None:
    ids = {"message_id": message, "conversation_id": conversation}
    more: dict[type[Event], dict[str, object]] = {
        MailSent: {"ses_message_id": f"ses-{message}"},
        MailBounced: {"permanent": True, "reason": "Permanent/NoEmail"},
        MailRejected: {"reason": "Bad content"},
    }
    await web.record(SHOP, f"mail/{message}", *(k(**ids, **more.get(k, {})) for k in kinds))


def tile(page: str, label: str) -> str:
    found = re.search(rf"<dt>{label}</dt><dd[^>]*>([^<]*)<", page)
    assert found, label
    return found[1]


async def test_a_shop_in_which_nothing_happened_is_told_what_comes_here(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    await web.conversation(OTHER)
    page = (await browser.get("/metrics")).text
    assert "No figures yet" in page
    assert '<svg viewBox="0 0 300' not in page


async def test_what_happened_in_the_last_days_is_counted(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    web.clock.forward(-20 * 86_400)
    await web.conversation(person="person/old")
    web.clock.now = NOW
    first, second = await web.conversation(), await web.conversation(person="person/bea")
    await web.conversation(OTHER)
    web.clock.forward(600)
    message = await answer(web, browser, first)
    await tell(web, message, first, MailSent, MailDelivered)
    await tell(web, await answer(web, browser, second), second, MailSent, MailBounced)
    page = (await browser.get("/metrics?days=7")).text
    assert (tile(page, "Conversations"), tile(page, "Replies")) == ("2", "2")
    assert "2 first-time senders" in page
    assert tile(page, "Median first reply") == "about 7.5 min"  # two of ten, evenly in 5 to 10
    assert "90% within about 9.5 min" in page
    assert "<title>23 Nov: 2 received, 2 replies</title>" in page
    assert page.count("<title>") == 1 + 7
    assert "4 Nov" not in page
    page = (await browser.get("/metrics?days=30")).text
    assert tile(page, "Conversations") == "3"
    assert "<title>3 Nov: 1 received, 0 replies</title>" in page
    row = r"<td>Bounced</td><td[^>]*>1</td><td[^>]*>1</td>"
    assert re.search(row, page)


async def test_the_inbox_begins_with_what_waits_and_the_last_seven_days(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    await web.conversation(OTHER)
    assert "Median first reply" not in (await browser.get("/inbox")).text
    web.clock.forward(-20 * 86_400)
    await web.conversation(person="person/old")
    web.clock.now = NOW
    first = await web.conversation()
    await web.conversation(person="person/bea")
    page = (await browser.get("/inbox")).text
    assert tile(page, "Median first reply") == "–"
    web.clock.forward(600)
    await answer(web, browser, first)
    page = (await browser.get("/inbox?tab=closed")).text
    figures = [tile(page, one) for one in ("Awaiting reply", "Started in 7 days")]
    assert (figures, tile(page, "Median first reply")) == (["2", "2"], "10 min")
    assert 'href="/metrics?days=7"' in page


@pytest.mark.parametrize(
    ("timezone", "today"), [("Pacific/Auckland", "24 Nov"), ("America/Los_Angeles", "22 Nov")]
)
async def test_days_are_those_of_the_shops_time_zone(
    web: Harness, browser: httpx.AsyncClient, timezone: str, today: str
) -> None:
    await web.record(SHOP, f"shop/{SHOP}", installed("Acorn & Co", timezone=timezone))
    web.clock.forward(-8 * 3600 if today == "22 Nov" else 0)
    conversation = await web.conversation()
    web.clock.forward(600)
    message = await answer(web, browser, conversation)
    await tell(web, message, conversation, MailSent, MailDelivered)
    page = (await browser.get("/metrics?days=7")).text
    assert f"<title>{today}: 1 received, 1 reply</title>" in page
    days = re.findall(r"<title>(\d+ \w+): ", page)
    assert (days[-1], len(days)) == (today, 7)
    assert (tile(page, "Conversations"), tile(page, "Median first reply")) == ("1", "10 min")
    assert f"your shop’s time zone ({timezone.replace('_', ' ')})" in page
    table = page.partition("<summary>Daily figures")[2]
    assert re.findall(r'<tr><td class="number">([^<]*)<', table) == [today]


async def test_a_day_on_which_nothing_of_the_table_happened_has_no_row_in_it(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    await web.conversation()
    made = CustomerImported(
        shopify_customer_id=7, person="person/ada", created_at=NOW - timedelta(days=2)
    )
    await web.record(SHOP, "customer/7", made)
    page = (await browser.get("/metrics?days=7")).text
    assert tile(page, "New customers") == "1"
    table = page.partition("<summary>Daily figures")[2]
    assert re.findall(r'<tr><td class="number">([^<]*)<', table) == ["23 Nov"]


async def test_mails_that_did_not_arrive_are_listed_with_the_reason_and_paged(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    ids = []
    for number in range(7):
        web.clock.forward(60)
        conversation = await web.conversation(person=f"person/p{number}", subject=f"Jam {number}")
        message = await answer(web, browser, conversation)
        await tell(web, message, conversation, MailSent, MailRejected if number else MailBounced)
        ids.append(conversation)
    arrived = await web.conversation()
    await tell(web, await answer(web, browser, arrived), arrived, MailSent, MailDelivered)
    page = (await browser.get("/metrics?days=7")).text
    seen = re.findall(r'class="row" href="/conversations/(\w+)\?message', page)
    assert "it was flagged as containing a virus" in page
    following = re.search(r'href="([^"]*)" rel="next"', page)
    assert following
    page = (await browser.get(following[1].replace("&amp;", "&"))).text
    assert tile(page, "Conversations") == "8"
    assert "the address doesn’t exist" in page
    assert "Jam 0" in page
    seen += re.findall(r'class="row" href="/conversations/(\w+)\?message', page)
    assert seen == ids[::-1]


@pytest.mark.parametrize(
    "query",
    [
        *("days=8", "days=x", "cursor=x", "days=30&cursor=%00"),
        "cursor=WzAsICJcdWQ4MDAiXQ",  # [0, "\ud800"]
    ],
)
async def test_what_cannot_be_asked_is_refused_kindly(
    browser: httpx.AsyncClient, query: str
) -> None:
    assert (await browser.get(f"/metrics?{query}")).status_code == 400


def test_the_chart_has_a_round_top_that_no_day_passes() -> None:
    assert [round_above(n) for n in (0, 2, 3, 5, 7, 11, 60, 61)] == [2, 2, 4, 6, 10, 20, 60, 100]
    today = NOW.date()
    chart = Chart.of(
        [
            Day(today, Figures(messages_in=12, messages_out=5)),
            Day(today + timedelta(days=1), Figures()),
        ]
    )
    assert chart.top == 20
    heights = [(one.received_height, one.written_height) for one in chart.columns]
    assert heights == [(60, 25), (0, 0)]


def test_a_line_for_each_span_up_to_the_slowest_answer() -> None:
    assert waits_of(Figures()) == []
    lines = waits_of(Figures(buckets=(1, 0, 4, *[0] * 10)))
    assert [(one.label, one.answers, one.share) for one in lines] == [
        ("up to 1 min", 1, 25), ("up to 5 min", 0, 0), ("up to 15 min", 4, 100),
    ]  # fmt: skip
    assert waits_of(Figures(buckets=(*[0] * len(EDGES), 2)))[-1].label == "over 7 days"


def test_how_long_something_took_is_told_in_few_digits() -> None:
    told = {None: "–", 0: "0 s", 40: "40 s", 59.99: "60 s", 90: "1.5 min", 720: "12 min",
            12_600: "3.5 h", 86_400: "1 day", 129_600: "1.5 days", 10**7: "116 days"}  # fmt: skip
    assert {seconds: span(seconds) for seconds in told} == told
