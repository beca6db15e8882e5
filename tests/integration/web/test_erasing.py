"""A merchant has a person erased, and sees what became of it."""

from __future__ import annotations

import re

from cplus.events.catalogue.customers import PersonsJoined
from cplus.events.catalogue.privacy import ErasureCompleted, ErasureRequested, PersonErased
from cplus.events.names import erasure_stream, person_id
from cplus.projections.queries import DataRequestCounts
from tests.integration.web.asking import asks
from tests.integration.web.harness import OTHER, SHOP, Harness, fields_of, path_of

DAY = 24 * 3600


async def requests(web: Harness, person: str) -> list[tuple[str, str]]:
    """Who asked that the person be erased, and under which id."""
    commits = [one async for one in web.parts.store.iterate_ref(SHOP, person)]
    found = await web.parts.reader.read(commits, [ErasureRequested])
    return [
        (one.actor, getattr(one.event, "erasure"))  # noqa: B009  it has one
        for events in found
        for one in events
    ]


async def erased(web: Harness, person: str, *numbers: int) -> None:
    """The log says that the person is erased."""
    event = PersonErased(erasure="e1", person=person, requests=numbers)
    await web.record(SHOP, person, event, refs=[erasure_stream("e1"), person])


async def asked_by_shopify(web: Harness, person: str, erasure: str) -> None:
    """The log says that somebody asked for the person's erasure."""
    stream = erasure_stream(erasure)
    event = ErasureRequested(erasure=erasure, person=person, due_at=web.parts.clock())
    await web.record(SHOP, stream, event, refs=[stream, person])


async def test_a_person_is_erased_once_however_often_it_is_asked_for(web: Harness) -> None:
    ada = await asks(web, 1, email="ada@example.com")
    await web.conversation(person=ada, text="A lamp, please")
    page = f"/privacy/people/{person_id(ada)}/erase"
    async with web.signed_in(user="bea", called="Bea Brandt") as browser:
        assert f'href="{page}"' in (await browser.get(f"/customers/{person_id(ada)}")).text
        answer = await browser.get(f"/privacy/people/{person_id(ada)}?request=1")
        assert f'href="{page}"' in answer.text
        shown = (await browser.get(page)).text
        assert "What stays" in shown
        fields = fields_of(shown, page)
        other = fields_of((await browser.get(page)).text, page)
        assert other["key"] != fields["key"]
        answers = [await browser.post(page, data=one) for one in (fields, fields, other)]
        assert {one.headers["location"] for one in answers} == {f"/privacy?erasing={fields['key']}"}
        assert await requests(web, ada) == [("merchant/bea", fields["key"])]
        listed = (await browser.get(answers[0].headers["location"])).text
        assert "The person is being erased." in listed
        assert ">Requested</span>" in listed
        assert "by <bdi>Bea Brandt</bdi>" in listed
        assert f'href="/privacy/erasures/{fields["key"]}"' in listed
        again = (await browser.get(page)).text
        assert "Somebody asked for this" in again
        assert '<form method="post" action="/privacy/people' not in again


async def test_a_form_erases_nobody_but_whom_it_was_made_for(web: Harness) -> None:
    ada = await asks(web, 1, email="ada@example.com")
    bob = await asks(web, 2, email="bob@example.com")
    await web.conversation(person=ada)
    await web.conversation(person=bob)
    page = f"/privacy/people/{person_id(ada)}/erase"
    async with web.signed_in() as browser:
        fields = fields_of((await browser.get(page)).text, page)
        assert (await browser.post(page, data=fields)).status_code == 303
        address = f"/privacy/people/{person_id(bob)}/erase"
        assert path_of(await browser.post(address, data=fields)) == address
        forged = await browser.post(address, data={**fields, "who": person_id(bob)})
        assert forged.status_code == 409
    assert await requests(web, bob) == []


async def test_who_was_joined_with_somebody_after_their_erasure_can_be_erased(
    web: Harness,
) -> None:
    ada = await asks(web, 1, email="ada@example.com")
    bob = await asks(web, 2, email="bob@example.com")
    await asked_by_shopify(web, ada, "e1")
    await erased(web, ada, 1)
    one, two = sorted((ada, bob))
    await web.record(SHOP, one, PersonsJoined(person=one, absorbed=two), refs=[one, two])
    pages = {who: f"/privacy/people/{person_id(who)}/erase" for who in (ada, bob)}
    async with web.signed_in() as browser:
        # An erasure that goes on finds the join.
        assert "Somebody asked for this" in (await browser.get(pages[bob])).text
        end = ErasureCompleted(erasure="e1", person=ada, keys=1, objects=0)
        await web.record(SHOP, erasure_stream("e1"), end, refs=[erasure_stream("e1"), ada])
        assert "Somebody asked for this" in (await browser.get(pages[ada])).text
        fields = fields_of((await browser.get(pages[bob])).text, pages[bob])
        answer = await browser.post(pages[bob], data=fields)
        assert answer.headers["location"] == f"/privacy?erasing={fields['key']}"
        assert [erasure for _, erasure in await requests(web, bob)] == [fields["key"]]
        assert "Somebody asked for this" in (await browser.get(pages[bob])).text


async def test_nobody_is_erased_by_another_site_another_shop_or_a_wrong_form(web: Harness) -> None:
    ada = await asks(web, 1, email="ada@example.com")
    cleo = await asks(web, 2, shop=OTHER, email="cleo@example.com")
    await web.conversation(person=ada)
    await web.conversation(OTHER, person=cleo)
    page = f"/privacy/people/{person_id(ada)}/erase"
    async with web.signed_in() as browser:
        fields = fields_of((await browser.get(page)).text, page)
        head = await web.parts.store.head(SHOP)
        for changed, status in (({"csrf": "x"}, 403), ({"key": ""}, 400), ({"key": "a b"}, 400)):
            assert (await browser.post(page, data={**fields, **changed})).status_code == status
        for stranger in (person_id(cleo), "nobody", "A.b"):
            address = f"/privacy/people/{stranger}/erase"
            assert (await browser.get(address)).status_code == 404
            assert (await browser.post(address, data=fields)).status_code == 404
        assert await web.parts.store.head(SHOP) == head


async def test_a_request_of_who_was_erased_is_neither_open_nor_overdue(web: Harness) -> None:
    ada = await asks(web, 1, email="ada@example.com")
    bob = await asks(web, 2, email="bob@example.com")
    await erased(web, ada, 1)
    web.clock.forward(31 * DAY)
    queries = web.parts.queries
    assert await queries.data_request_counts(SHOP) == DataRequestCounts(2, 1, 0)
    first = await queries.first_open_request(SHOP)
    assert first is not None
    assert first.person == bob
    await web.mongo.database["checkpoints"].update_many({}, {"$unset": {"counts": ""}})
    assert await queries.data_request_counts(SHOP) == DataRequestCounts(2, 1, 0), "counted anew"
    async with web.signed_in() as browser:
        opened = (await browser.get("/privacy")).text
        assert opened.count(">Overdue<") == 1
        assert ">Erased<" not in opened
        everything = (await browser.get("/privacy?state=all")).text
        rows = re.findall(r"<tr>\s*<td>.*?</tr>", everything, re.DOTALL)
        [of_ada] = [row for row in rows if ">Erased<" in row]
        assert "Erased person" in of_ada
        assert "Prepare export" not in of_ada
        assert ">Erased<" not in (await browser.get("/privacy?state=exported")).text
    await erased(web, bob, 2)
    assert await queries.first_open_request(SHOP) is None
    async with web.signed_in() as browser:
        assert "asked for their data" not in (await browser.get("/inbox")).text


async def test_all_erasures_are_on_a_page_of_their_own(web: Harness) -> None:
    for number in range(7):
        asked = ErasureRequested(
            erasure=f"e{number}", person=f"person/p{number}", due_at=web.clock(),
            shopify_customer_id=number or None,
        )  # fmt: skip
        await web.record(SHOP, erasure_stream(f"e{number}"), asked)
        web.clock.forward(1)
    async with web.signed_in() as browser:
        shown = (await browser.get("/privacy")).text
        assert re.findall(r"/privacy/erasures/(e\d)", shown) == ["e6", "e5", "e4", "e3", "e2"]
        assert 'href="/privacy/erasures"' in shown
        all_of_them = (await browser.get("/privacy/erasures")).text
        assert len(re.findall(r"/privacy/erasures/e\d", all_of_them)) == 7
        assert "Customer no. 6 in Shopify" in all_of_them
        assert (await browser.get("/privacy/erasures?cursor=x")).status_code == 400
    async with web.signed_in(OTHER) as other:
        assert "Nobody was erased" in (await other.get("/privacy/erasures")).text
