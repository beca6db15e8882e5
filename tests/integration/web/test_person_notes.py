"""Notes of the shop on a person, on the pages that show them."""

from __future__ import annotations

import html

import httpx

from cplus.actors import LOCAL
from cplus.commands.exporting import export_person
from cplus.commands.person_notes import notes_on
from cplus.events.aggregates.person_notes import MAX_NOTE
from cplus.events.catalogue.customers import CustomerImported, PersonsJoined
from cplus.privacy.export import gather
from tests.integration.web.erased import ADA, erase_ada
from tests.integration.web.harness import OTHER, SHOP, Harness, fields_of, path_of

WORDS = "Pays late. <b>Ask her sister.</b>"


async def noted(browser: httpx.AsyncClient, address: str, text: str = WORDS) -> httpx.Response:
    """Writes a note with the form of that page; answers what comes back."""
    action = "/customers/ada/notes"
    fields = fields_of((await browser.get(address)).text, action)
    return await browser.post(action, data={**fields, "note_text": text})


async def test_a_note_shows_beside_each_conversation_and_on_the_page_of_the_person(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    talk, other = await web.conversation(), await web.conversation(subject="Plum jam")
    address = f"/conversations/{talk}?list=view%3Dall"
    fields = fields_of((await browser.get(address)).text, "/customers/ada/notes?list=view%3Dall")
    sent = {**fields, "note_text": WORDS}
    answer = await browser.post("/customers/ada/notes?list=view%3Dall", data=sent)
    assert path_of(answer) == f"/conversations/{talk}?done=noted&list=view%3Dall"
    assert "Note saved." in (await browser.get(path_of(answer))).text
    # Sent twice, it is one.
    again = await browser.post("/customers/ada/notes?list=view%3Dall", data=sent)
    assert again.status_code == 303
    for page in (f"/conversations/{talk}", f"/conversations/{other}", "/customers/ada"):
        assert (await browser.get(page)).text.count(html.escape(WORDS)) == 1, page
    [note] = await notes_on(web.parts.recorder, SHOP, [ADA])
    assert (note.text, note.at) == (WORDS, web.clock())


async def test_a_note_is_taken_back_and_only_that_one(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    await web.conversation()
    await noted(browser, "/customers/ada", "Stays.")
    web.clock.forward(60)
    await noted(browser, "/customers/ada")
    page = (await browser.get("/customers/ada")).text
    fields = fields_of(page, "/customers/ada/notes/remove")  # of the first, which is the newest
    answer = await browser.post("/customers/ada/notes/remove", data=fields)
    assert path_of(answer) == "/customers/ada?done=note-removed"
    left = (await browser.get("/customers/ada")).text
    assert "Stays." in left
    assert "Pays late." not in left
    export = await gather(web.parts.store, web.parts.reader, SHOP, [ADA])
    assert [one.text for one in export.notes] == ["Stays.", WORDS]  # the log forgets nothing
    assert "removed a note on the person" in [one.did for one in export.history]


async def test_a_note_that_is_too_long_comes_back_as_it_was_typed(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    talk = await web.conversation()
    answer = await noted(browser, f"/conversations/{talk}", "x" * (MAX_NOTE + 1))
    assert answer.status_code == 422
    assert "x" * (MAX_NOTE + 1) in answer.text
    assert "A note has up to 2,000 characters." in answer.text
    fields = fields_of(answer.text, "/customers/ada/notes")
    shorter = await browser.post("/customers/ada/notes", data={**fields, "note_text": "x"})
    assert path_of(shorter) == f"/conversations/{talk}?done=noted"


async def test_notes_of_joined_persons_stand_together(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    await web.conversation()
    await noted(browser, "/customers/ada")
    known = CustomerImported(shopify_customer_id=7, person="person/zoe", email="z@example.com")
    await web.record(SHOP, "customer/7", known, refs=["person/zoe"])
    joined = PersonsJoined(person=ADA, absorbed="person/zoe")
    await web.record(SHOP, ADA, joined, refs=["person/zoe"])
    assert html.escape(WORDS) in (await browser.get("/customers/zoe")).text
    ids = await export_person(
        SHOP, "person/zoe", file="json", actor=LOCAL, source="dashboard",
        use=web.parts.exports,
    )  # fmt: skip
    export = await gather(web.parts.store, web.parts.reader, SHOP, ids)
    assert [one.text for one in export.notes] == [WORDS]


async def test_notes_are_gone_with_an_erased_person(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    talk = await web.conversation()
    fields = fields_of((await browser.get("/customers/ada")).text, "/customers/ada/notes")
    await noted(browser, "/customers/ada")
    web.clock.forward(60)
    await erase_ada(web)
    assert await notes_on(web.parts.recorder, SHOP, [ADA]) == []
    for page in (f"/conversations/{talk}", "/customers/ada"):
        assert "Pays late" not in (await browser.get(page)).text
    late = await browser.post("/customers/ada/notes", data={**fields, "note_text": "More."})
    assert late.status_code == 422


async def test_nobody_writes_a_note_on_a_person_of_another_shop(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    await web.conversation()
    fields = fields_of((await browser.get("/customers/ada")).text, "/customers/ada/notes")
    await web.conversation(OTHER, person="person/bea")
    answer = await browser.post("/customers/bea/notes", data={**fields, "note_text": "Mine."})
    assert answer.status_code == 404
    assert await notes_on(web.parts.recorder, OTHER, ["person/bea"]) == []


async def test_another_note_by_the_same_form_comes_back_as_it_was_typed(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    await web.conversation()
    fields = fields_of((await browser.get("/customers/ada")).text, "/customers/ada/notes")
    await browser.post("/customers/ada/notes", data={**fields, "note_text": "First."})
    answer = await browser.post("/customers/ada/notes", data={**fields, "note_text": "Second."})
    assert answer.status_code == 422
    assert ">Second.</textarea>" in answer.text
    assert "Another note was saved with this form: save this one too." in answer.text
    again = fields_of(answer.text, "/customers/ada/notes")
    await browser.post("/customers/ada/notes", data={**again, "note_text": "Second."})
    notes = await notes_on(web.parts.recorder, SHOP, [ADA])
    assert {one.text for one in notes} == {"First.", "Second."}
