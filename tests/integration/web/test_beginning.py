"""The page on which a merchant writes first."""

from __future__ import annotations

import httpx

from tests.integration.web.harness import SHOP, Harness, fields_of, path_of

URL = "/conversations/new"


async def test_a_new_message_leads_to_its_conversation_once(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    assert 'href="/conversations/new"' in (await browser.get("/inbox")).text
    fields = fields_of((await browser.get(URL)).text, URL)
    data = {**fields, "to": "ada@example.org", "subject": "Your order", "text": "It is ready."}
    answers = [await browser.post(URL, data=data) for _ in range(2)]
    assert len({path_of(one) for one in answers}) == 1
    page = await browser.get(path_of(answers[0]))
    assert page.status_code == 200
    assert "It is ready." in page.text
    assert "Awaiting reply" not in page.text
    assert "ada@example.org" in (await browser.get("/customers?kind=leads")).text
    for other in ({"subject": "Another order"}, {"cc": "colleague@example.org"}):
        assert (await browser.post(URL, data={**data, **other})).status_code == 409
    changed = await browser.post(URL, data={**data, "text": "Another"})
    assert changed.status_code == 409
    assert "Another</textarea>" in changed.text


async def test_the_form_knows_whom_it_was_opened_for(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    await web.conversation()
    person = "ada"
    assert f'href="/customers/{person}"' in (await browser.get("/customers")).text
    page = (await browser.get(f"/customers/{person}")).text
    assert f"/conversations/new?person={person}" in page
    assert 'value="ada@example.com"' in (await browser.get(f"{URL}?person={person}")).text
    assert 'name="to" value=""' in (await browser.get(f"{URL}?person=nobody")).text
    async with web.signed_in("birch.myshopify.com") as other:
        assert 'name="to" value=""' in (await other.get(f"{URL}?person={person}")).text


async def test_what_is_wrong_is_said_and_everything_kept(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    fields = fields_of((await browser.get(URL)).text, URL)
    data = {**fields, "to": "nobody", "subject": "My subject", "text": "My words"}
    refused = await browser.post(URL, data=data)
    assert refused.status_code == 422
    for kept in ('value="nobody"', 'value="My subject"', "My words</textarea>"):
        assert kept in refused.text
    assert (await browser.post(URL, data={**data, "csrf": "x"})).status_code == 403
    assert (await web.parts.store.head(SHOP)).position == 0
