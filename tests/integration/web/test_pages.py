"""What a merchant sees, and what of other shops they never see."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Literal

import httpx
import pytest

from cplus.events.aggregates.billing_account import BillingAccount
from cplus.events.catalogue.billing import SubscriptionChanged
from cplus.events.catalogue.customers import CustomerImported
from cplus.events.catalogue.imports import (
    ImportEnded,
    ImportOrdersLoaded,
    ImportPageLoaded,
    ImportStarted,
)
from cplus.events.catalogue.mail import MailBounced
from cplus.events.catalogue.orders import OrderChanged
from cplus.events.names import billing_stream
from cplus.events.order_parts import Fulfillment, LineItem, Refund, Tracking
from cplus.projections.models.messages import MESSAGES
from tests.integration.web.harness import (
    NOW,
    OTHER,
    SHOP,
    Harness,
    form_fields,
)
from tests.samples import installed


async def test_the_inbox_shows_the_shops_own_conversations(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    mine = await web.conversation()
    other = await web.conversation(OTHER, subject="A secret of the other shop")
    page = (await browser.get("/inbox")).text
    assert f"/conversations/{mine}" in page
    assert "Ada Brandt" in page
    assert "awaiting reply" in page
    assert "Awaiting reply" in page, "the tab"
    assert other not in page
    assert "secret" not in page
    assert "No closed conversations" in (await browser.get("/inbox?tab=closed")).text
    assert mine in (await browser.get("/inbox?tab=unanswered")).text


async def test_a_long_thread_begins_with_its_newest_messages_and_leads_to_all(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    rows = web.parts.mongo.database[MESSAGES.collection]
    first = await rows.find_one({"shop": SHOP, "conversation_id": conversation})
    assert first is not None
    much = {60: "y" * 390_000, 61: "z" * 390_000}
    await rows.insert_many(
        {**first, "_id": f"{SHOP}/n{n}", "number": n, "text": much.get(n, f"no. {n}")}
        for n in range(3, 302)
    )

    def shown(page: str) -> list[int]:
        return [int(n) for n in re.findall(r'<li class="message" id="m-n(\d+)"', page)]

    def link(page: str, words: str) -> str | None:
        found = re.search(rf'href="([^"]*)">{words}</a>', page)
        return found and html.unescape(found[1])

    pages = []
    page = (await browser.get(f"/conversations/{conversation}")).text
    pages.append(shown(page))
    while path := link(page, "Earlier messages"):
        page = (await browser.get(path)).text
        pages.append(shown(page))
    assert pages[0] == list(range(252, 302)), "the newest, the oldest of them first"
    assert [n for page in reversed(pages) for n in page] == list(range(3, 302))
    # From the oldest page the way leads on to the page behind it.
    newer = link(page, "Newer messages")
    assert newer is not None
    assert shown((await browser.get(newer)).text)[0] == pages[-1][-1] + 1
    # What is cut on an earlier page is shown in full there.
    assert 60 in pages[-2]
    cut = (await browser.get(newer)).text
    full = link(cut, "Show the full message")
    assert full is not None
    assert (await browser.get(full.split("#")[0])).text.count("y") > 390_000


async def test_an_empty_shop_is_told_what_comes_here(browser: httpx.AsyncClient) -> None:
    assert "No conversations yet" in (await browser.get("/inbox")).text
    assert "No customers yet" in (await browser.get("/customers")).text
    assert "free plan" in (await browser.get("/billing")).text
    assert "acorn@mail.example.com" in (await browser.get("/settings")).text


async def test_a_long_inbox_comes_in_pages_and_loses_none(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    ids = set()
    for number in range(53):
        web.clock.forward(1)
        ids.add(await web.conversation(person=f"person/p{number}", fold=number == 52))
    seen: list[str] = []
    path: str | None = "/inbox"
    while path:
        page = (await browser.get(path)).text
        seen += re.findall(r'class="row[^"]*" href="/conversations/(\w+)', page)
        following = re.search(r'href="([^"]*)" rel="next"', page)
        path = following[1].replace("&amp;", "&") if following else None
    assert len(seen) == 53
    assert set(seen) == ids


async def test_a_cursor_or_tab_that_is_none_is_refused_kindly(browser: httpx.AsyncClient) -> None:
    for path in (
        "/inbox?cursor=nonsense",
        "/inbox?tab=nonsense",
        "/customers?cursor=%00",
        "/api/inbox?limit=100000",
        "/api/inbox?cursor=x",
    ):
        assert (await browser.get(path)).status_code == 400, path


async def test_what_is_known_of_the_shopper_stands_beside_the_conversation(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    earlier = await web.conversation(subject="An earlier matter")
    imported = CustomerImported(
        shopify_customer_id=7,
        person="person/ada",
        first_name="Ada",
        last_name="Brandt",
        email="ada@example.com",
        orders=3,
        amount_spent="1234.50",
        currency="EUR",
        email_consent="subscribed",
    )
    await web.record(SHOP, "customer/7", imported)
    order = OrderChanged(
        shopify_order_id=9,
        person="person/ada",
        name="#1009",
        currency="EUR",
        total_price="19.90",
        created_at=web.clock(),
    )
    await web.record(SHOP, "order/9", order)
    page = (await browser.get(f"/conversations/{conversation}")).text
    for words in ("€1,234.50", "Subscribed", "#1009", "€19.90", "An earlier matter", earlier):
        assert words in page
    people = (await browser.get("/customers?kind=customers")).text
    assert "/customers/ada" in people
    person = (await browser.get("/customers/ada")).text
    assert "#1009" in person
    assert f"/conversations/{conversation}" in person


async def test_orders_that_are_counted_and_not_listed_are_said_to_be(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    imported = CustomerImported(
        shopify_customer_id=7,
        person="person/ada",
        email="ada@example.com",
        orders=2,
        amount_spent="30.00",
        currency="EUR",
    )
    await web.record(SHOP, "customer/7", imported)
    addresses = ("/customers/ada", f"/conversations/{conversation}")
    for path in addresses:
        page = (await browser.get(path)).text
        assert "No orders yet" not in page
        assert "2 earlier orders are not listed here: Shopify shows apps only orders of" in page
        assert "/store/acorn/customers/7" in page
    order = OrderChanged(
        shopify_order_id=9,
        person="person/ada",
        name="#1009",
        currency="EUR",
        total_price="19.90",
        created_at=NOW - timedelta(days=2),
        financial_status="paid",
        fulfillment_status="partial",
    )
    await web.record(SHOP, "order/9", order)
    for path in addresses:
        page = (await browser.get(path)).text
        for words in ("21 Nov 2026", "Paid", "Partially fulfilled"):
            assert words in page, path
    nobody = CustomerImported(shopify_customer_id=8, person="person/bea", orders=0)
    await web.record(SHOP, "customer/8", nobody)
    assert "No orders yet" in (await browser.get("/customers/bea")).text


async def test_where_an_order_is_stands_beside_the_conversation_and_on_the_persons_page(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    known = CustomerImported(shopify_customer_id=7, person="person/ada", orders=1)
    await web.record(SHOP, "customer/7", known)
    url = "https://carrier.example.com/1Z2345"
    order = OrderChanged(
        shopify_order_id=9,
        person="person/ada",
        name="#1009",
        currency="EUR",
        total_price="19.90",
        created_at=NOW,
        items=(
            LineItem(id=1, title="<Lamp>", variant="Blue", quantity=3, current=2, unfulfilled=1),
        ),
        item_count=51,
        fulfillments=(
            Fulfillment(id=3, status="success", shipment_status="in_transit", updated_at=NOW),
            Fulfillment(id=4, status="cancelled", updated_at=NOW),
        ),
        tracking=(Tracking(fulfillment=3, company="Post", numbers=("1Z2345",), urls=(url,)),),
        refunds=(Refund(id=1, at=NOW, amount="5.00", currency="EUR"), Refund(id=2, amount="0")),
    )
    await web.record(SHOP, "order/9", order)
    for path in ("/customers/ada", f"/conversations/{conversation}"):
        page = (await browser.get(path)).text
        for words in ("&lt;Lamp&gt;", "Blue", "1 removed", "1 unfulfilled", "50 more items"):
            assert words in page, (path, words)
        for words in ("In transit", "Fulfillment cancelled", "Post", "€5.00"):
            assert words in page, (path, words)
        assert page.count("Refunded") == 1
        assert f'<a href="{url}" target="_blank" rel="noopener noreferrer"><bdi>1Z2345' in page
        admin = f"https://admin.shopify.com/store/{SHOP.partition('.')[0]}/orders/9"
        assert f'<a href="{admin}"' in page
        assert "No orders" not in page


async def test_the_plan_and_the_shops_facts_are_shown(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    begun = installed("Acorn & Co", timezone="Europe/Oslo")
    await web.record(SHOP, f"shop/{SHOP}", begun)
    plan = SubscriptionChanged(
        subscription_id="gid://shopify/AppSubscription/1",
        name="Growth",
        status="active",
        price="29.00",
        currency="USD",
        interval="every_30_days",
    )
    await web.record(SHOP, f"billing/{SHOP}", plan)
    assert "$29.00" in (await browser.get("/billing")).text
    settings = (await browser.get("/settings")).text
    assert "Acorn &amp; Co" in settings
    assert "Europe/Oslo" in settings


async def test_settings_say_how_many_customers_an_import_left_out(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    pages = [ImportPageLoaded(import_id="i1", page=n, customers=150, skipped=1) for n in (1, 2)]
    done = ImportEnded(import_id="i1", outcome="complete", pages=2)
    await web.record(SHOP, "import/i1", ImportStarted(import_id="i1"), *pages, done)
    page = (await browser.get("/settings")).text
    assert "300 customers from Shopify" in page
    assert "2 customers couldn’t be imported." in page


async def test_pages_say_how_far_an_import_is_since_when_and_what_it_waits_for(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    begun = ImportStarted(import_id="i1", total=120_000, bulk=True)
    await web.record(SHOP, "import/i1", begun)
    for path in ("/settings", "/customers"):
        page = (await browser.get(path)).text
        assert "putting together the list of your <b>120,000</b> customers. This can" in page
        assert "Running since <time" in page
        assert 'data-news="/api/shop/changes"' in page
    loaded = ImportPageLoaded(import_id="i1", page=3, customers=1500)
    await web.record(SHOP, "import/i1", loaded)
    for path in ("/settings", "/customers"):
        page = (await browser.get(path)).text
        assert "<b>1,500</b> of 120,000 so far" in page
        assert "putting together" not in page
    orders = [ImportOrdersLoaded(import_id="i1", page=n, orders=5) for n in (4, 5)]
    await web.record(SHOP, "import/i1", *orders)
    for path in ("/settings", "/customers"):
        page = (await browser.get(path)).text
        assert "Importing your orders of the last 60 days" in page
        assert "<b>10</b> so far" in page


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("denied", "Shopify doesn’t let the app read your orders, so orders from before"),
        ("refused", "Only 5 orders of the 60 days before that could be imported. Shopify refused"),
        ("unreadable", "Shopify gave answers that the app couldn’t read"),
        ("complete", "5 orders of the 60 days before that."),
    ],
)
async def test_settings_say_what_an_import_could_not_read_of_the_orders(
    web: Harness,
    browser: httpx.AsyncClient,
    missing: Literal["complete", "denied", "refused", "unreadable"],
    words: str,
) -> None:
    loaded = ImportPageLoaded(import_id="i1", page=1, customers=12)
    orders = ImportOrdersLoaded(import_id="i1", page=2, orders=5)
    done = ImportEnded(import_id="i1", outcome="complete", pages=1, orders=missing)
    await web.record(SHOP, "import/i1", ImportStarted(import_id="i1"), loaded, orders, done)
    page = html.unescape((await browser.get("/settings")).text)
    assert "12 customers from Shopify" in page
    assert words in page
    assert "Approve the app’s permissions" not in page


async def test_settings_say_what_to_do_after_an_import_that_shopify_refused(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    refused = ImportEnded(import_id="i1", outcome="refused", pages=0)
    await web.record(SHOP, "import/i1", ImportStarted(import_id="i1"), refused)
    page = html.unescape((await browser.get("/settings")).text)
    assert f'<a href="/auth/install?shop={SHOP}&next=/settings">Approve the app’s permiss' in page
    assert "which starts the import again. If it stops once more, contact" in page


async def test_settings_say_that_the_import_of_a_closed_shop_goes_on_by_itself(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    closed = ImportEnded(import_id="i1", outcome="closed", pages=0)
    await web.record(SHOP, "import/i1", ImportStarted(import_id="i1"), closed)
    page = html.unescape((await browser.get("/settings")).text)
    assert "The import goes on by itself once it does." in page
    assert "uninstalled" not in page


async def test_the_free_plan_tells_what_is_used_of_it_and_when_it_is_used_up(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    for allowed, words in ((3, "1 of 3"), (1, "You’ve used this month’s free conversations")):
        shop = SHOP if allowed == 3 else OTHER
        account = BillingAccount.empty(billing_stream(shop))
        account.open(conversations=allowed, now=web.clock())
        account.count(month="2026-11", started=1, subscribed=False, now=web.clock())
        await web.decided(shop, account)
        await web.conversation(shop)
        async with web.signed_in(shop) as merchant:
            assert words in (await merchant.get("/billing")).text
    web.clock.forward(30 * 86_400)
    async with web.signed_in(OTHER) as merchant:
        page = (await merchant.get("/billing")).text
    assert "0 of 1" in page
    assert "free conversations" not in page


def _subscription(number: int, status: str, days: int) -> SubscriptionChanged:
    return SubscriptionChanged(
        subscription_id=f"gid://shopify/AppSubscription/{number}",
        name=f"Plan {number}",
        status=status,
        price="29.00",
        currency="USD",
        created_at=NOW + timedelta(days=days),
    )


async def test_the_newest_active_subscription_is_the_plan_and_only_ended_ones_are_earlier(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    plans = [(1, "active", 2), (2, "active", 1), (3, "cancelled", 4), (4, "pending", 5)]
    for plan in plans:
        await web.record(SHOP, f"billing/{SHOP}", _subscription(*plan))
    page = (await browser.get("/billing")).text
    told, rest = page.split('<h2 id="h-plan"')
    assert "2 subscriptions are active at the same time." in told
    assert "Plan 2" in told
    shown, rest = rest.split("Inactive subscriptions")
    waiting, ended = rest.split("Past subscriptions")
    assert re.findall(r"Plan \d", shown) == ["Plan 1"]
    assert re.findall(r"Plan \d", waiting) == ["Plan 4"]
    assert re.findall(r"Plan \d", ended) == ["Plan 3"]


async def test_a_customer_without_a_name_goes_by_shopifys_number(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    nobody = CustomerImported(
        shopify_customer_id=7007,
        person="person/nn",
        orders=0,
        amount_spent="0.00",
        currency="USD",
    )
    await web.record(SHOP, "customer/7007", nobody)
    for path in ("/customers", "/customers/nn"):
        page = (await browser.get(path)).text
        assert "Customer no. 7007 in Shopify" in page
        assert "$0.00" not in page  # as where nothing was ever said of money


async def test_the_inbox_tells_what_is_closed_and_what_did_not_arrive(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation(text="", subject="")
    assert 'class="dash"' not in (await browser.get("/inbox")).text
    fields = await form_fields(browser, conversation, "reply")
    await browser.post(f"/conversations/{conversation}/reply", data={**fields, "text": "Yes"})
    thread = (await browser.get(f"/conversations/{conversation}")).text
    [message] = re.findall(r'class="message mine" id="m-(\w+)"', thread)
    bounced = MailBounced(
        message_id=message,
        conversation_id=conversation,
        permanent=True,
        reason="Permanent/NoEmail",
    )
    await web.record(SHOP, f"conversation/{conversation}", bounced)
    assert "Not delivered" in (await browser.get("/inbox")).text
    thread = (await browser.get(f"/conversations/{conversation}")).text
    assert "Bounced: the address doesn’t exist" in thread
    closing = await form_fields(browser, conversation, "close")
    await browser.post(f"/conversations/{conversation}/close", data=closing)
    assert '<span class="chip">Closed</span>' in (await browser.get("/inbox?tab=all")).text


# Never another's


@pytest.mark.parametrize("what", ["", "/reply", "/close", "/reopen"])
async def test_another_shops_conversation_is_not_there(
    web: Harness, browser: httpx.AsyncClient, what: str
) -> None:
    other = await web.conversation(OTHER)
    mine = await web.conversation()
    before = await web.stream(OTHER, other)
    if what:
        fields = await form_fields(browser, mine, "reply")
        data = {**fields, "text": "Hello"}
        answer = await browser.post(f"/conversations/{other}{what}", data=data)
    else:
        answer = await browser.get(f"/conversations/{other}")
        assert (await browser.get(f"/api/conversations/{other}")).status_code == 404
    assert answer.status_code == 404
    assert "Norway" not in answer.text
    assert await web.stream(OTHER, other) == before
    assert await web.stream(SHOP, other) == []


async def test_another_shops_customer_is_not_there(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    await web.conversation(OTHER, person="person/eve", name="Eve Other")
    assert (await browser.get("/customers/eve")).status_code == 404
    assert "Eve Other" not in (await browser.get("/customers")).text
    assert (await browser.get("/api/changes")).json()["position"] == 0


@pytest.mark.parametrize("bad", ["..%2f..", "%00", "a" * 5000, "C1", "$ne", "c1%2fx", "-"])
async def test_an_id_that_is_none_is_not_found(browser: httpx.AsyncClient, bad: str) -> None:
    assert (await browser.get(f"/conversations/{bad}")).status_code == 404
    assert (await browser.get(f"/customers/{bad}")).status_code == 404
    assert (await browser.get(f"/api/conversations/{bad}")).status_code == 404
