"""What is being written is kept: while it is typed, by a button, and for who wrote it alone."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.async_api import Browser, expect

from cplus.events.catalogue.team import Role
from cplus.web.kit.forms import new_key
from cplus.workspace.drafts import MAX_BYTES, MOST, Drafts
from tests.integration.web.erased import erase_ada
from tests.integration.web.harness import OTHER, Harness, fields_of, path_of
from tests.integration.web.looking import looked_at


def seen(page: httpx.Response) -> str:
    """The words of a page."""
    return " ".join(re.sub(r"<[^>]*>", " ", page.text.partition("</head>")[2]).split())


async def _forms(browser: httpx.AsyncClient, talk: str, kind: str = "reply") -> dict[str, str]:
    page = (await browser.get(f"/conversations/{talk}")).text
    return fields_of(page, f"/conversations/{talk}/{kind}")


async def _save(
    browser: httpx.AsyncClient, fields: dict[str, str], text: str, **more: str
) -> httpx.Response:
    return await browser.post("/api/drafts", data={**fields, "text": text, **more})


async def _rows(web: Harness) -> int:
    return int(await web.parts.mongo.database[Drafts.NAME].count_documents({}))


async def test_a_draft_is_found_again_by_its_author_marked_and_gone_once_sent(web: Harness) -> None:
    talk = await web.conversation()
    async with web.signed_in(user="ada") as ada, web.signed_in(user="bea") as bea:
        fields = await _forms(ada, talk)
        saved = await _save(ada, fields, "Dear Ada,", cc="cleo@example.com")
        assert (saved.status_code, saved.json()["version"]) == (200, 1)
        assert "Draft saved" in saved.json()["told"]
        page = (await ada.get(f"/conversations/{talk}")).text
        assert ">\nDear Ada,</textarea>" in page
        assert 'value="cleo@example.com"' in page
        assert "Draft saved" in page
        again = fields_of(page, f"/conversations/{talk}/reply")
        assert (again["key"], again["draft-version"]) == (fields["key"], "1")
        inbox = seen(await ada.get("/inbox"))
        assert "Drafts 1" in inbox
        assert '<span class="chip draft">' in (await ada.get("/inbox")).text
        listed = seen(await ada.get("/inbox/drafts"))
        assert "Dear Ada," in listed
        for address in (f"/conversations/{talk}", "/inbox", "/inbox/drafts"):
            assert "Dear Ada," not in (await bea.get(address)).text, "it is nobody else's"
        assert "Drafts" not in seen(await bea.get("/inbox"))
        sent = await ada.post(
            f"/conversations/{talk}/reply", data={**again, "text": "Dear Ada, yes"}
        )
        assert sent.status_code == 303
        assert await _rows(web) == 0
        late = await _save(ada, fields, "Dear Ada, y", **{"draft-version": "1"})
        assert (late.status_code, await _rows(web)) == (410, 0), "a late save brings none back"
        assert late.json()["key"] not in ("", fields["key"])
        assert "Drafts" not in seen(await ada.get("/inbox"))


async def test_without_scripts_a_button_saves_shows_both_texts_and_discards(web: Harness) -> None:
    talk = await web.conversation()
    async with web.signed_in(user="ada") as ada:
        for kind, box in (("reply", "Dear Ada"), ("note", "Ask the kitchen")):
            address = f"/conversations/{talk}/{kind}"
            first, second = await _forms(ada, talk, kind), await _forms(ada, talk, kind)
            saved = await ada.post(address, data={**first, "text": box, "draft": "1"})
            page = await ada.get(path_of(saved).partition("#")[0])
            assert "Draft saved. Only you see it." in seen(page)
            refused = await ada.post(address, data={**second, "text": "Mine", "draft": "1"})
            assert refused.status_code == 409
            assert ">\nMine</textarea>" in refused.text, "what was written here stays"
            assert box in seen(refused), "and what was saved there is shown"
            third = fields_of(refused.text, address)
            over = await ada.post(address, data={**third, "text": "Mine", "draft": "1"})
            assert over.status_code == 303
            assert ">\nMine</textarea>" in (await ada.get(f"/conversations/{talk}")).text
            gone = await ada.post("/drafts/discard", data=await _forms(ada, talk, kind))
            page = await ada.get(path_of(gone).partition("#")[0])
            assert ">\nMine</textarea>" not in page.text
            back = await ada.post("/drafts/restore", data=fields_of(page.text, "/drafts/restore"))
            page = await ada.get(path_of(back).partition("#")[0])
            assert ">\nMine</textarea>" in page.text
            empty = await ada.post(address, data={**third, "text": " ", "draft": "1"})
            assert empty.status_code in (409, 422)
            sent = await ada.post(address, data={**await _forms(ada, talk, kind), "text": "Mine"})
            assert (sent.status_code, await _rows(web)) == (303, 0)


async def test_a_new_message_is_a_draft_for_each_form(web: Harness) -> None:
    async with web.signed_in(user="ada") as ada:
        kept = []
        for subject in ("Lamps", "Vases"):
            fields = fields_of((await ada.get("/conversations/new")).text, "/conversations/new")
            data = {
                **fields,
                "to": "cleo@example.com",
                "subject": subject,
                "text": "",
                "draft": "1",
            }
            saved = await ada.post("/conversations/new", data=data)
            kept.append(path_of(saved))
        listed = (await ada.get("/inbox/drafts")).text
        assert "Lamps" in listed
        assert "Vases" in listed
        assert "cleo@example.com" in listed
        page = (await ada.get(kept[0])).text
        assert 'value="Lamps"' in page
        fields = {**fields_of(page, "/conversations/new"), "text": "Here they are"}
        fields |= {"to": "cleo@example.com", "subject": "Lamps"}
        begun = await ada.post("/conversations/new", data=fields)
        assert begun.status_code == 303
        left = (await ada.get("/inbox/drafts")).text
        assert "Lamps" not in left
        gone = await ada.post("/drafts/discard", data=fields_of(left, "/drafts/discard"))
        told = (await ada.get(path_of(gone))).text
        assert "No drafts" in told
        await ada.post("/drafts/restore", data=fields_of(told, "/drafts/restore"))
        assert "Vases" in (await ada.get("/inbox/drafts")).text


async def test_a_reply_that_was_taken_back_goes_on_as_a_draft(
    mongo_uri: str, database: str
) -> None:
    async with Harness(mongo_uri, database, undo_seconds=60).opened() as web:
        talk = await web.conversation()
        async with web.signed_in(user="ada") as ada:
            data = {**await _forms(ada, talk), "text": "Too soon"}
            await ada.post(f"/conversations/{talk}/reply", data=data)
            await _save(ada, await _forms(ada, talk), "Something new")
            page = (await ada.get(f"/conversations/{talk}")).text
            taken = await ada.post(
                f"/conversations/{talk}/undo", data=fields_of(page, f"/conversations/{talk}/undo")
            )
            undone = path_of(taken).partition("#")[0]
            page = (await ada.get(undone)).text
            assert ">\nToo soon\n\nSomething new</textarea>" in page
            fields = fields_of(page, f"/conversations/{talk}/reply")
            saved = await _save(ada, fields, "Too soon\n\nSomething new, really")
            assert saved.status_code == 200
            for address in (undone, f"/conversations/{talk}"):
                assert "Something new, really</textarea>" in (await ada.get(address)).text


async def test_other_shops_and_readers_save_nothing_and_bad_input_is_refused(web: Harness) -> None:
    talk = await web.conversation()
    await web.install(OTHER)
    async with web.signed_in(user="ada") as ada, web.signed_in(OTHER, user="eve") as eve:
        fields = await _forms(ada, talk)
        own = {"csrf": fields_of((await eve.get("/inbox")).text, "/auth/sign-out")["csrf"]}
        for place in (fields["place"], "reply/nothere", "reply/../x", "note/", "x", "new/A$"):
            told = {"place": place, "key": new_key(), "text": "x"}
            answer = await eve.post("/api/drafts", data={**own, **told})
            assert answer.status_code == 404, place
            for way in ("discard", "restore"):
                answer = await eve.post(f"/drafts/{way}", data={**own, **told})
                assert answer.status_code in (303, 404)
        assert await _rows(web) == 0
        assert (await _save(ada, fields, "x" * (MAX_BYTES + 1))).status_code in (413, 422)
        assert (await _save(ada, {**fields, "key": "no"}, "x")).status_code == 400
        assert (await _save(ada, {**fields, "csrf": "no"}, "x")).status_code == 403
        empty = await _save(ada, fields, " \r\n ")
        assert (empty.status_code, await _rows(web)) == (410, 0), "nothing is no draft"
        for number in range(MOST):
            new = {"place": f"new/{number}", "key": new_key(), "csrf": fields["csrf"]}
            assert (await _save(ada, new, "x")).status_code == 200
        full = await _save(ada, fields, "x")
        assert full.status_code == 422
        assert "drafts" in full.json()["reason"]


async def test_who_only_reads_has_no_drafts(web: Harness) -> None:
    talk = await web.conversation()
    async with web.signed_in(user="ada") as ada, web.signed_in(user="bea") as bea:
        await ada.get("/inbox")  # who comes first is the owner
        await _save(bea, await _forms(bea, talk), "Dear Ada,")
        token = await _forms(bea, talk)
        await _role(web, ada, "bea", "reader")
        assert (await _save(bea, token, "More")).status_code == 403
        assert (await bea.post("/drafts/discard", data=token)).status_code == 403
        assert (await bea.get("/inbox/drafts")).status_code == 403
        page = await bea.get(f"/conversations/{talk}")
        assert (page.status_code, "Dear Ada," in page.text) == (200, False)
        assert "Drafts" not in seen(await bea.get("/inbox"))


async def test_an_erased_person_has_no_draft_and_gets_none(web: Harness) -> None:
    talk, other = await web.conversation(), await web.conversation(person="person/bea", name="Bea")
    async with web.signed_in(user="mary") as mary:
        fields = await _forms(mary, talk)
        await _save(mary, fields, "Dear Ada,")
        await _save(mary, await _forms(mary, talk, "note"), "Ada was here")
        await _save(mary, await _forms(mary, other), "Dear Bea,")
        await erase_ada(web)
        listed = seen(await mary.get("/inbox/drafts"))
        assert ("Dear Bea," in listed, "Ada" in listed, await _rows(web)) == (True, False, 1)
        assert (await _save(mary, fields, "Dear Ada, again")).status_code == 404
        assert await _rows(web) == 1


async def _role(web: Harness, owner: httpx.AsyncClient, member: str, role: Role) -> None:
    page = (await owner.get("/settings/team")).text
    fields = fields_of(page, "/settings/team/role")
    answer = await owner.post(
        "/settings/team/role", data={**fields, "member": member, "role": role}
    )
    assert answer.status_code == 303


@pytest.mark.browser
async def test_a_draft_goes_from_one_tab_to_another_and_neither_loses_words(
    web: Harness, chromium: Browser
) -> None:
    talk = await web.conversation()
    async with looked_at(web, chromium) as first:
        await first.goto(f"/conversations/{talk}")
        second = await first.context.new_page()
        await second.goto(f"/conversations/{talk}")
        await expect(first.get_by_role("button", name="Save draft")).to_have_count(0)
        await first.fill("#text", "Dear Ada, from here")
        await expect(first.get_by_text("Draft saved")).to_be_visible()
        await second.fill("#text", "Dear Ada, from there")
        other = second.locator("form#end [data-draft-other]")
        await expect(other).to_be_visible()
        await other.get_by_text("Show the other text").click()
        await expect(other.get_by_text("Dear Ada, from here")).to_be_visible()
        await expect(second.locator("#text")).to_have_value("Dear Ada, from there")
        await other.get_by_role("button", name="Keep what stands here").click()
        await expect(second.get_by_text("Draft saved")).to_be_visible()
        await first.reload()
        await expect(first.locator("#text")).to_have_value("Dear Ada, from there")
        await first.get_by_role("button", name="Discard draft").first.click()
        await expect(first.get_by_text("Draft discarded.")).to_be_visible()
        await expect(first.locator("#text")).to_have_value("")
        await first.locator("main").get_by_role("button", name="Undo").click()
        await expect(first.locator("#text")).to_have_value("Dear Ada, from there")
        # The connection is lost: the tab remembers, and saves once it is back.
        await first.route("**/api/drafts", lambda route: route.abort())
        await first.fill("#text", "Typed without a connection")
        await expect(first.get_by_text("Not saved yet.")).to_be_visible()
        await first.unroute("**/api/drafts")
        await first.reload()
        await expect(first.locator("#text")).to_have_value("Typed without a connection")
        await expect(first.get_by_text("Draft saved")).to_be_visible()
        await first.goto("/conversations/new")
        await first.fill("#subject", "A new one")
        await expect(first.get_by_text("Draft saved")).to_be_visible()
        await first.reload()
        await expect(first.locator("#subject")).to_have_value("A new one")
