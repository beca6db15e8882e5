"""Filters of the page of customers, segments, and customers as a file."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx

from cplus.clock import zone
from cplus.commands.segments import segments_of
from cplus.events.catalogue.customers import CustomerImported, PersonsJoined
from cplus.events.catalogue.orders import OrderChanged
from cplus.events.catalogue.segments import CustomersExported
from cplus.events.names import segments_stream
from cplus.events.segment import Definition
from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.queries import Wanted
from tests.integration.web.harness import OTHER, SHOP, Harness, fields_of


async def world(web: Harness) -> None:
    """Ada wrote and bought much; Bea bought once, long ago; Cyd wrote only; Dan did nothing."""
    customers: dict[str, dict[str, Any]] = {
        "ada": {"orders": 5, "amount_spent": "250.00", "email_consent": "subscribed"},
        "bea": {"orders": 1, "amount_spent": "20.00", "tags": ("Wholesale", "VIP")},
        "dan": {"orders": 0, "amount_spent": "0.00", "email_consent": "not_subscribed"},
    }
    for number, (name, told) in enumerate(customers.items(), 1):
        known: dict[str, Any] = {
            "first_name": name.title(),
            "email": f"{name}@example.com",
            "currency": "EUR",
        }
        event = CustomerImported(
            shopify_customer_id=number,
            person=f"person/{name}",
            created_at=web.clock() - timedelta(days=number),
            **known,
            **told,
        )
        await web.record(SHOP, f"customer/{number}", event)
    for number, (name, days) in enumerate((("ada", 1), ("ada", 90), ("bea", 60)), 1):
        order = OrderChanged(
            shopify_order_id=number,
            shopify_customer_id=1 if name == "ada" else 2,
            person=f"person/{name}",
            name=f"#{number}",
            total_price="10.00",
            currency="EUR",
            created_at=web.clock() - timedelta(days=days),
        )
        await web.record(SHOP, f"order/{number}", order)
    await web.conversation()
    await web.conversation(person="person/cyd", name="Cyd")


def day(web: Harness, ago: int) -> str:
    return str((web.clock() - timedelta(days=ago)).date())


CASES: list[tuple[dict[str, Any], str]] = [
    ({"spent_from": "20", "spent_to": "249.99"}, "bea"),
    ({"spent_from": "250"}, "ada"),
    ({"orders_from": "1"}, "ada bea"),
    ({"orders_to": "0"}, "cyd dan"),
    ({"ordered_within": "30"}, "ada"),
    ({"not_ordered_for": "30"}, "bea cyd dan"),
    ({"ordered_since": 60, "ordered_until": 60}, "bea"),
    ({"tag": "vip"}, "bea"),
    ({"tag": "vi"}, ""),
    ({"consent": "subscribed"}, "ada"),
    ({"consent": "unknown", "kind": "customers"}, "bea"),
    ({"talked": "yes"}, "ada cyd"),
    ({"talked": "no"}, "bea dan"),
    ({"talked": "yes", "kind": "leads"}, "cyd"),
    ({"known_since": 1}, "ada cyd"),
    ({"known_until": 3}, "dan"),
    ({"talked": "yes", "spent_from": "1", "consent": "subscribed", "ordered_within": "2"}, "ada"),
    ({"source": "email"}, "ada cyd"),
    ({"source": "merchant"}, ""),
    ({"source": "email", "kind": "leads"}, "cyd"),
    ({"first_order": "other"}, "bea"),  # of Ada's five orders two are known here
    ({"first_order": "after"}, ""),
    ({"q": "example.com", "first_order": "other"}, "bea"),
    ({"q": "example.com", "orders_from": "1", "not_ordered_for": "30"}, "bea"),
]
"""What is chosen (a number: the day so many days ago), and who is meant."""


async def test_each_filter_leaves_those_whom_it_means(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    await world(web)
    for chosen, found in CASES:
        asked = {key: day(web, one) if isinstance(one, int) else one for key, one in chosen.items()}
        page = (await browser.get(f"/customers?{urlencode(asked)}")).text
        shown = re.findall(r'<a href="/customers/([a-z]+)"><bdi>', page)
        assert sorted(shown) == found.split(), chosen
        assert ("No one fits all of these filters" in page) == (not found)
        if "q" in chosen:
            continue
        # A list, its file and its audience mean the same.
        wanted = Wanted(Definition.of(asked), web.clock(), zone(None))
        ids = [id_ async for part in web.parts.queries.all_member_ids(SHOP, wanted) for id_ in part]
        assert ids == [f"person/{one}" for one in found.split()], chosen
        assert await web.parts.queries.count_members(SHOP, wanted) == len(ids)


async def test_filters_lead_through_pages_and_joined_persons_are_one(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    await world(web)
    await web.record(SHOP, "person/cyd", PersonsJoined(person="person/bea", absorbed="person/cyd"))
    queries = web.parts.queries
    wanted = Wanted(Definition(talked=True), web.clock(), zone(None))
    found, cursor = list[str](), None
    for _ in range(6):
        page = await queries.members(SHOP, wanted, cursor, limit=1)
        found += [one.person for one in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert sorted(found) == ["person/ada", "person/bea"]
    both = Wanted(Definition(talked=True, tag="vip", not_ordered_for=30), web.clock(), zone(None))
    [bea] = (await queries.members(SHOP, both)).items
    assert bea.persons == ("person/bea", "person/cyd")
    [[member]] = [part async for part in queries.all_members(SHOP, both)]
    assert member.customer == bea
    assert member.last_order_at == web.clock() - timedelta(days=60)
    assert (await queries.members(OTHER, wanted)).items == []
    page_ = (await browser.get("/customers?talked=yes&cursor=x")).status_code
    assert page_ == 400


async def test_what_a_list_shows_is_saved_changed_and_removed_as_a_segment(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    await world(web)
    save = "/customers/segments/save"
    page = (await browser.get("/customers?kind=customers&spent_from=100")).text
    fields = fields_of(page, save) | {"name": "Big <b>", "as": "new"}
    for _ in range(2):  # the form counts once
        assert (await browser.post(save, data=fields)).status_code == 303
    page = (await browser.get("/customers/segments")).text
    assert "Big &lt;b&gt;" in page
    [address] = re.findall(r'href="(/customers\?[^"]*segment=[^"]*)"', page)
    page = (await browser.get(address.replace("&amp;", "&"))).text
    assert re.findall(r'<a href="/customers/([a-z]+)"><bdi>', page) == ["ada"]
    assert "Segment: <bdi>Big &lt;b&gt;</bdi>" in page
    [saved] = (await segments_of(web.parts.recorder, SHOP)).segments.values()
    # The same name again is refused, with the words kept.
    again = fields_of(page, save) | {"name": "big <B>", "as": "new"}
    refused = await browser.post(save, data=again)
    assert refused.status_code == 422
    assert "There is a segment with this name already" in refused.text
    assert 'value="big &lt;B&gt;"' in refused.text
    page = (await browser.get(f"/customers?kind=customers&tag=VIP&segment={saved.id}")).text
    change = fields_of(page, save) | {"name": "VIPs", "as": "change"}
    assert (await browser.post(save, data=change)).status_code == 303
    [changed] = (await segments_of(web.parts.recorder, SHOP)).segments.values()
    assert (changed.id, changed.name, changed.revision) == (saved.id, "VIPs", 2)
    assert changed.definition == Definition(kind="customers", tag="VIP")
    page = (await browser.get("/customers/segments")).text
    remove = "/customers/segments/remove"
    assert (await browser.post(remove, data=fields_of(page, remove))).status_code == 303
    assert "There are no segments yet" in (await browser.get("/customers/segments")).text


async def exported(browser: httpx.AsyncClient, query: str = "") -> tuple[str, httpx.Response]:
    page = (await browser.get(f"/customers/export?{query}")).text
    fields = fields_of(page, "/customers/export/file")
    return page, await browser.post("/customers/export/file", data=fields)


async def test_customers_are_downloaded_without_formulas_and_that_is_recorded(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    await world(web)
    await web.conversation(person="person/eve", name='=HYPERLINK("https://e.example")', text="x")
    await web.conversation(OTHER, person="person/zoe", name="Zoe")
    _, answer = await exported(browser, "talked=yes")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    head, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert head[:5] == ["Name", "Email", "Phone", "Kind", "Email marketing"]
    assert [row[0] for row in rows] == ["Ada", "Cyd", '\'=HYPERLINK("https://e.example")']
    ada = dict(zip(head, rows[0], strict=True))
    assert (ada["Orders"], ada["Amount spent"], ada["Currency"]) == ("5", "250.00", "EUR")
    assert (ada["Last order"], ada["Conversations"]) == (day(web, 1), "1")
    commits = await web.parts.store.by_ref(SHOP, segments_stream(SHOP), 10)
    [[told]] = await web.parts.reader.read(commits, [CustomersExported])
    assert isinstance(told.event, CustomersExported)
    assert told.event.customers == 3
    assert Definition.read(told.event.definition or "") == Definition(talked=True)
    assert told.actor == commits[0].actor
    assert "merchant" in told.actor


async def test_a_long_list_is_downloaded_in_parts_that_hold_everybody_once(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    rows = web.parts.mongo.database[CUSTOMERS.collection]
    await web.conversation()
    one = await rows.find_one({"_id": f"{SHOP}/person/ada"})
    assert one is not None
    await rows.insert_many([{**one, "_id": f"{SHOP}/person/p{number:03}"} for number in range(249)])
    query, found = "kind=leads&rows=100", list[str]()
    for part in (1, 2, 3):
        page, answer = await exported(browser, query)
        assert f"This is part {part}." in page
        assert f"-{part}.csv" in answer.headers["content-disposition"]
        found += answer.text.splitlines()[1:]
        following = re.findall(r'href="/customers/export\?([^"]*after=[^"]*)"', page)
        assert len(following) == (part < 3)
        query = following[0].replace("&amp;", "&") if following else ""
    assert len(found) == 250
