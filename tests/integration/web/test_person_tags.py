"""Tags of the shop on persons, on the pages that show them."""

from __future__ import annotations

import csv
import io
from typing import Any

import httpx

from cplus.actors import LOCAL
from cplus.commands.mail_settings import settings_of
from cplus.commands.person_tags import tag_person
from cplus.commands.tags import make_tag, remove_tag
from cplus.events.catalogue.customers import CustomerImported
from cplus.ids import random_id
from cplus.privacy.export import gather
from cplus.projections.checks.verify import verify_shop
from cplus.projections.models.customers import CUSTOMERS
from tests.integration.web.erased import ADA, BEA, erase_ada
from tests.integration.web.harness import OTHER, SHOP, Harness, fields_of, path_of
from tests.integration.web.merged import merge, two, unmerge


async def made(web: Harness, *names: str, shop: str = SHOP) -> list[str]:
    """Tags with these names; their ids."""
    who: dict[str, Any] = {"actor": LOCAL, "source": "dashboard", "use": web.parts.conversations}
    for name in names:
        await make_tag(shop, name, "teal", key=random_id(26), **who)
    settings = (await settings_of(web.parts.recorder, shop)).tags
    ids = {tag.name: tag.id for tag in settings.values()}
    return [ids[name] for name in names]


async def tag(web: Harness, person: str, *tags: str) -> None:
    await tag_person(
        SHOP, person, added=tags, key=random_id(26), actor=LOCAL, source="dashboard",
        use=web.parts.erasures,
    )  # fmt: skip


async def ticked(browser: httpx.AsyncClient, person: str, *tags: str) -> httpx.Response:
    """Saves the form of the person's page with these ticked, and no others."""
    action = f"/customers/{person}/tags"
    fields = fields_of((await browser.get(f"/customers/{person}")).text, action)
    kept = {name: value for name, value in fields.items() if not name.startswith("tag-")}
    return await browser.post(action, data={**kept, **{f"tag-{one}": "1" for one in tags}})


def chips(page: str) -> int:
    return page.count('class="chip tag tag-teal"')


async def test_a_persons_tags_are_those_that_are_ticked_and_show_wherever_they_are(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    talk = await web.conversation()
    vip, trade = await made(web, "VIP", "Trade")
    answer = await ticked(browser, "ada", vip)
    page = (await browser.get(path_of(answer))).text
    assert "Tags saved." in page
    for address in ("/customers", f"/conversations/{talk}"):
        assert chips((await browser.get(address)).text) >= 1, address
    # What somebody else put on meanwhile stays.
    fields = fields_of((await browser.get("/customers/ada")).text, "/customers/ada/tags")
    await tag(web, ADA, trade)
    fields.pop(f"tag-{vip}", None)
    await browser.post("/customers/ada/tags", data=fields)
    await browser.post("/customers/ada/tags", data=fields)  # sent twice
    [row] = (await web.parts.queries.customers(SHOP)).items
    assert row.own_tags == [trade]
    # A tag that the shop removed is nobody's any more.
    use: dict[str, Any] = {"actor": LOCAL, "source": "dashboard", "use": web.parts.conversations}
    await remove_tag(SHOP, trade, key=random_id(26), **use)
    assert chips((await browser.get("/customers")).text) == 0
    assert "Nobody found" in (await browser.get(f"/customers?own_tag={trade}")).text
    refused = await browser.post(
        "/customers/ada/tags", data={**fields, "key": random_id(26), f"tag-{trade}": "1"}
    )
    assert "There is no such tag any more." in (await browser.get(path_of(refused))).text


async def test_many_are_tagged_at_once_and_that_is_taken_back(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    for person in (ADA, BEA):
        await web.conversation(person=person, name=person)
    [vip] = await made(web, "VIP")
    await tag(web, BEA, vip)
    page = (await browser.get("/customers?kind=leads")).text
    form = {**fields_of(page, "/customers/tags"), "act": "tag", "tag": vip}
    chosen = {**form, "pick-ada": "1", "pick-bea": "1"}
    answer = await browser.post("/customers/tags", data=chosen)
    page = (await browser.get(path_of(answer))).text
    assert "kind=leads" in path_of(answer)
    assert "1 person tagged." in page
    assert chips(page) == 2
    again = await browser.post("/customers/tags", data=chosen)
    assert "1 person tagged." in (await browser.get(path_of(again))).text
    undo = await browser.post("/customers/tags/undo", data=fields_of(page, "/customers/tags/undo"))
    page = (await browser.get(path_of(undo))).text
    assert "Undone for 1 person." in page
    # Bea had it before.
    people = (await web.parts.queries.customers(SHOP)).items
    assert {one.person: list(one.own_tags) for one in people} == {ADA: [], BEA: [vip]}
    found = await verify_shop(web.mongo, web.parts.store, web.parts.reader, CUSTOMERS, SHOP)
    assert list(found.differences) == []


async def test_a_form_that_chooses_nobody_or_nonsense_says_so(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    await web.conversation()
    [vip] = await made(web, "VIP")
    form = fields_of((await browser.get("/customers")).text, "/customers/tags")
    for told, words in (
        ({"act": "tag", "tag": vip}, "Choose some people first."),
        ({"act": "tag", "tag": "none", "pick-ada": "1"}, "There is no such tag any more."),
        ({"act": "burn", "tag": vip, "pick-ada": "1"}, "Choose what to do."),
        ({"act": "tag", "tag": vip, "pick-nobody": "1"}, "This person isn’t there any more"),
        (
            {"act": "tag", "tag": vip, **{f"pick-p{n}": "1" for n in range(101)}},
            "Up to 100 people can be changed at once.",
        ),
    ):
        answer = await browser.post("/customers/tags", data={**form, **told})
        page = (await browser.get(path_of(answer))).text
        assert words.lower() in page.lower(), words


async def test_a_tag_narrows_a_list_a_segment_and_a_file(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    known = CustomerImported(
        shopify_customer_id=7, person=ADA, first_name="Ada", email="ada@example.com", tags=("b2b",)
    )
    await web.record(SHOP, "customer/7", known, refs=[ADA])
    await web.conversation(person=BEA, name="Bea", subject="Plum jam")
    [vip] = await made(web, "=VIP")
    await tag(web, ADA, vip)
    page = (await browser.get(f"/customers?own_tag={vip}")).text
    assert "/customers/ada" in page
    assert "/customers/bea" not in page
    saved = {**fields_of(page, "/customers/segments/save"), "name": "Best"}
    await browser.post("/customers/segments/save", data=saved)
    segments = (await browser.get("/customers/segments")).text
    assert f"own_tag={vip}" in segments
    export = (await browser.get(f"/customers/export?own_tag={vip}")).text
    answer = await browser.post(
        "/customers/export/file", data=fields_of(export, "/customers/export/file")
    )
    head, *rows = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")))
    told = [dict(zip(head, row, strict=True)) for row in rows]
    assert [(one["Tags in Shopify"], one["Tags"]) for one in told] == [("b2b", "'=VIP")]


async def test_merged_they_have_the_tags_of_both_and_one_is_taken_off_both(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    await two(web)
    vip, trade = await made(web, "VIP", "Trade")
    await tag(web, ADA, vip)
    await tag(web, BEA, vip, trade)
    await merge(browser)
    [one] = (await web.parts.queries.customers(SHOP)).items
    assert sorted(one.own_tags) == sorted([vip, trade])
    await ticked(browser, "ada", trade)
    await unmerge(browser)
    people = (await web.parts.queries.customers(SHOP)).items
    assert {one.person: list(one.own_tags) for one in people} == {ADA: [], BEA: [trade]}


async def test_the_export_tells_the_names_and_an_erasure_takes_the_tags(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    await web.conversation()
    [vip] = await made(web, "Pays late")
    await tag(web, ADA, vip)
    export = await gather(web.parts.store, web.parts.reader, SHOP, [ADA])
    assert [(one.shopify_customer_id, one.added) for one in export.tags] == [(None, ["Pays late"])]
    assert "changed the shop’s tags on the person" in [one.did for one in export.history]
    form = fields_of((await browser.get("/customers/ada")).text, "/customers/ada/tags")
    await erase_ada(web)
    assert chips((await browser.get("/customers/ada")).text) == 0
    answer = await browser.post(
        "/customers/ada/tags", data={**form, "key": random_id(26), f"tag-{vip}": "1", "had": ""}
    )
    assert "This person was erased." in (await browser.get(path_of(answer))).text


async def test_another_shops_tag_or_person_is_none(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    await web.conversation()
    await web.install(OTHER)
    [theirs] = await made(web, "Theirs", shop=OTHER)
    [vip] = await made(web, "VIP")
    fields = fields_of((await browser.get("/customers/ada")).text, "/customers/ada/tags")
    refused = await browser.post("/customers/ada/tags", data={**fields, f"tag-{theirs}": "1"})
    assert "problem=tag" in path_of(refused)
    assert (
        await browser.post("/customers/zed/tags", data={**fields, f"tag-{vip}": "1"})
    ).status_code == 404


async def test_a_form_that_was_sent_before_with_other_tags_says_so(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    await web.conversation()
    vip, trade = await made(web, "VIP", "Trade")
    form = fields_of((await browser.get("/customers/ada")).text, "/customers/ada/tags")
    await browser.post("/customers/ada/tags", data={**form, f"tag-{vip}": "1"})
    answer = await browser.post("/customers/ada/tags", data={**form, f"tag-{trade}": "1"})
    page = (await browser.get(path_of(answer))).text
    assert "The tags were changed otherwise meanwhile: choose again." in page
    assert "Tags saved." not in page
