"""Two persons whom a merchant merges, and divides again, on every page that shows them."""

from __future__ import annotations

from decimal import Decimal

import httpx

from cplus.actors import LOCAL
from cplus.clock import zone
from cplus.commands import merging_persons
from cplus.events.catalogue.customers import PersonsJoined
from cplus.events.segment import Definition
from cplus.ids import random_id
from cplus.privacy.export import gather
from cplus.projections.checks.verify import Difference, verify_shop
from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.queries import PersonCounts, Wanted
from tests.integration.web.erased import ADA, BEA, erase_ada
from tests.integration.web.harness import OTHER, SHOP, Harness, fields_of, path_of
from tests.integration.web.merged import merge, two, unmerge


async def rows_are_wrong(web: Harness) -> list[Difference]:
    """What is folded anew otherwise than it was folded event by event."""
    parts = web.parts
    found = await verify_shop(web.mongo, parts.store, parts.reader, CUSTOMERS, SHOP)
    return list(found.differences)


async def test_merged_they_are_one_on_every_page_and_divided_they_are_two(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    mine, theirs = await two(web)
    chosen = (await browser.get("/customers/ada/merge?q=bea")).text
    assert "/customers/ada/merge?with=bea" in chosen
    assert (await web.parts.queries.person_counts(SHOP)).customers == 2
    before = [(await browser.get(f"/customers/{one}")).text for one in ("ada", "bea")]
    page = await merge(browser)
    assert "Merged. They count as one person now." in page
    for address in ("/customers/ada", "/customers/bea"):
        page = (await browser.get(address)).text
        assert all(one in page for one in ("Blue jam", "Plum jam", "#1009", "€25.00")), address
        assert "bea@" not in page or "ada@example.com" in page
    # Each conversation stays what it is, and names the other one.
    for own, other in ((mine, theirs), (theirs, mine)):
        assert f'href="/conversations/{other}"' in (await browser.get(f"/conversations/{own}")).text
    assert (await web.parts.queries.person_counts(SHOP)) == PersonCounts(customers=1, leads=0)
    assert (await browser.get("/customers")).text.count('<div class="cell">') == 1
    assert (await browser.get("/search?q=Bea")).text.count('href="/customers/ada"') == 1
    wanted = Wanted(Definition(spent_from=Decimal(25)), web.clock(), zone(None))
    assert await web.parts.queries.count_members(SHOP, wanted) == 1
    # A mail from the second address comes while they are one.
    await web.conversation(person=BEA, name="Bea Brandt", subject="Cherry jam")
    assert "Cherry jam" in (await browser.get("/customers/ada")).text
    assert await rows_are_wrong(web) == []
    assert "they are two again" in await unmerge(browser)
    assert (await web.parts.queries.person_counts(SHOP)).customers == 2
    ada, bea = [(await browser.get(f"/customers/{one}")).text for one in ("ada", "bea")]
    assert "Cherry jam" not in ada
    assert "Plum jam" not in ada
    assert "€20.00" in ada
    assert all(one in bea for one in ("Cherry jam", "Plum jam", "#1009"))
    assert "Blue jam" not in bea
    assert all("Merged from" not in one for one in (ada, bea, *before))
    assert await rows_are_wrong(web) == []


async def test_an_export_and_an_erasure_of_one_are_of_both_until_they_are_divided(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    mine, theirs = await two(web)
    form = (await browser.get("/privacy/people/ada/erase")).text
    old = fields_of(form, "/privacy/people/ada/erase")
    await merge(browser)
    ids = await web.parts.all_ids(SHOP, [BEA])
    export = await gather(web.parts.store, web.parts.reader, SHOP, ids)
    assert {one.subject for one in export.messages} == {"Blue jam", "Plum jam"}
    assert "merged two records, as of one person" in [one.did for one in export.history]
    assert (
        "the file holds what is kept about all" in (await browser.get("/privacy/people/bea")).text
    )
    # The form of before they were merged said nothing of Bea.
    answer = await browser.post("/privacy/people/ada/erase", data=old)
    assert path_of(answer) == "/privacy/people/ada/erase"
    asks = (await browser.get(path_of(answer))).text
    assert "all of these are erased" in asks
    assert "Bea Brandt" in asks
    web.clock.forward(60)
    await erase_ada(web)
    await web.nudger.fold({SHOP: (await web.parts.store.head(SHOP)).position})
    for address in ("/customers/bea", f"/conversations/{theirs}", f"/conversations/{mine}"):
        assert "jam" not in (await browser.get(address)).text, address
    again = await browser.get("/customers/bea/merge?with=ada")
    assert "They are one person already" in again.text


async def test_who_is_erased_alone_after_they_were_divided_leaves_the_other(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    await two(web)
    await merge(browser)
    await unmerge(browser)
    web.clock.forward(60)
    await erase_ada(web)
    await web.nudger.fold({SHOP: (await web.parts.store.head(SHOP)).position})
    assert "Plum jam" in (await browser.get("/customers/bea")).text
    page = (await browser.get("/customers/bea/merge?with=ada")).text
    assert "One of them was erased, or is about to be" in page


async def test_a_merge_counts_once_and_is_refused_with_oneself_and_with_strangers(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    await two(web)
    await web.conversation(OTHER, person="person/cyd")
    address = "/customers/ada/merge"
    fields = fields_of((await browser.get(f"{address}?with=bea")).text, address)
    for other, said in (("ada", "one person already"), ("cyd", "no person of this shop")):
        assert said in (await browser.get(f"{address}?with={other}")).text
    for other, status in (("ada", 422), ("cyd", 404), ("", 422)):
        wrong = {**fields, "key": random_id(26), "with": other}
        assert (await browser.post(address, data=wrong)).status_code == status, other
    answers = [await browser.post(address, data=fields) for _ in range(2)]
    assert [path_of(one) for one in answers] == [path_of(answers[0])] * 2
    # The same key for another pair is another form.
    await web.conversation(person="person/dan", name="Dan")
    another = await browser.post(address, data={**fields, "with": "dan"})
    assert another.status_code == 409
    assert await web.parts.all_ids(SHOP, [ADA]) == [ADA, BEA]
    how = {"actor": LOCAL, "source": "dashboard", "use": web.parts.erasures}
    at = await merging_persons.unmerge_persons(SHOP, BEA, ADA, key=random_id(26), **how)  # type: ignore[arg-type]
    assert at is not None
    assert await web.parts.all_ids(SHOP, [ADA]) == [ADA]


async def test_only_so_many_records_become_one_person_by_merging(web: Harness) -> None:
    await two(web)
    others = [f"person/x{number}" for number in range(merging_persons.MAX_MERGED - 1)]
    joins = [PersonsJoined(person=ADA, absorbed=one) for one in others]
    await web.record(SHOP, ADA, *joins, refs=[ADA, *others])
    use = web.parts.erasures
    why = await merging_persons.refusal(SHOP, BEA, ADA, use=use)
    assert why == "too many records would be one person (up to 20 can)"


async def test_nobody_is_erased_whom_the_page_did_not_name(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    """Whoever was merged since, also where the rows do not show it yet, or in place of another."""
    await two(web)
    await web.conversation(person="person/carl", name="Carl Best", subject="Lamp")
    erase, carl = "/privacy/people/ada/erase", "/customers/ada/merge?with=carl"
    alone = fields_of((await browser.get(erase)).text, erase)
    await merge(browser)
    of_two = {**fields_of((await browser.get(erase)).text, erase), "all": "yes"}
    await unmerge(browser)
    form = fields_of((await browser.get(carl)).text, "/customers/ada/merge")
    web.nudger.on = False
    assert (await browser.post("/customers/ada/merge", data=form)).status_code == 303
    for old in (alone, of_two):
        assert path_of(await browser.post(erase, data=old)) == erase
    assert "This page may be behind" in (await browser.get(erase)).text
    web.nudger.on = True
    await web.nudger.fold({SHOP: (await web.parts.store.head(SHOP)).position})
    page = (await browser.get(erase)).text
    assert "This page may be behind" not in page
    assert "Carl" in page
    answer = await browser.post(erase, data={**fields_of(page, erase), "all": "yes"})
    assert path_of(answer).startswith("/privacy?erasing=")


async def test_a_merge_that_was_taken_back_is_not_said_to_be_there(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    await two(web)
    address = "/customers/ada/merge"
    fields = fields_of((await browser.get(f"{address}?with=bea")).text, address)
    assert (await browser.post(address, data=fields)).status_code == 303
    await unmerge(browser)
    again = await browser.post(address, data=fields)
    assert again.status_code == 422
    assert "They were merged with this form, and divided since." in again.text
