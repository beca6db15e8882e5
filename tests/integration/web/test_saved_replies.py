"""Saved replies: kept in the settings, found while typing, filled in for a conversation."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, expect

from cplus.actors import LOCAL
from cplus.commands.saved_replies import save_reply, saved_replies_of
from cplus.events.catalogue.customers import CustomerImported
from cplus.events.catalogue.orders import OrderChanged
from cplus.events.order_parts import Fulfillment, Tracking
from cplus.ids import random_id
from tests.integration.web.harness import OTHER, SHOP, Harness, fields_of, form_fields
from tests.integration.web.looking import looked_at

PAGE = "/settings/saved-replies"
WHERE = (
    "Hi {{customer.first_name|there}}, {{order.name}} ({{order.status}}): {{order.tracking_url}}"
)
PARCEL = "https://example.com/parcel"


async def keep(web: Harness, name: str, text: str, shop: str = SHOP) -> str:
    use: dict[str, Any] = {"source": "dashboard", "use": web.parts.conversations}
    await save_reply(shop, name, text, key=random_id(26), actor=LOCAL, **use)
    return list((await saved_replies_of(web.parts.recorder, shop)).replies)[-1]


async def ordered(web: Harness) -> None:
    ada: dict[str, Any] = {"person": "person/ada", "shopify_customer_id": 7}
    event = CustomerImported(**ada, first_name="Ada", orders=1, amount_spent="9")
    await web.record(SHOP, "customer/7", event)
    for number, days in ((1001, 1), (1000, 9)):
        order = OrderChanged(
            shopify_order_id=number,
            name=f"#{number}",
            total_price="9",
            currency="EUR",
            created_at=web.clock() - timedelta(days=days),
            fulfillment_status="fulfilled",
            fulfillments=(Fulfillment(id=1, status="success", updated_at=web.clock()),),
            tracking=(Tracking(fulfillment=1, urls=(PARCEL,)),) if number == 1001 else (),
            **ada,
        )
        await web.record(SHOP, f"order/{number}", order)


async def test_a_reply_is_made_changed_and_removed_in_the_settings(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    form = fields_of((await browser.get(f"{PAGE}/new")).text, f"{PAGE}/save")
    wrong = await browser.post(
        f"{PAGE}/save", data={**form, "name": "Hello", "text": "Hi {{customer.nam}}"}
    )
    assert wrong.status_code == 422
    assert (
        "There is no placeholder {{customer.nam}}; these are known: {{customer.first" in wrong.text
    )
    assert "Hi {{customer.nam}}</textarea>" in wrong.text
    for _ in range(2):
        done = await browser.post(f"{PAGE}/save", data={**form, "name": "Hello", "text": "Hi!"})
        assert done.status_code == 303
    [one] = (await saved_replies_of(web.parts.recorder, SHOP)).replies.values()
    form = fields_of((await browser.get(f"{PAGE}/{one.id}")).text, f"{PAGE}/save")
    await browser.post(f"{PAGE}/save", data={**form, "name": "Hello all", "text": "Hi, all!"})
    listed = (await browser.get(f"{PAGE}?q=ALL")).text
    assert "Hello all" in listed
    assert "Local user" in listed
    assert "No saved reply has these words" in (await browser.get(f"{PAGE}?q=jam")).text
    page = (await browser.get(f"{PAGE}/{one.id}")).text
    await browser.post(f"{PAGE}/remove", data=fields_of(page, f"{PAGE}/remove"))
    assert (await browser.get(f"{PAGE}/{one.id}")).status_code == 404
    late = await browser.post(
        f"{PAGE}/save", data={**form, "key": random_id(26), "name": "Hello", "text": "Mine"}
    )
    assert late.status_code == 422
    assert "Mine</textarea>" in late.text


async def test_who_saves_what_was_changed_meanwhile_is_shown_it_and_keeps_their_words(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    first = fields_of((await browser.get(f"{PAGE}/new")).text, f"{PAGE}/save")
    told = {**first, "name": "Hello", "text": "One"}
    assert (await browser.post(f"{PAGE}/save", data=told)).status_code == 303
    # Gone back to, changed, and sent again: the key is the same.
    again = await browser.post(f"{PAGE}/save", data={**told, "text": "Two"})
    assert again.status_code == 409
    for words in ("Two</textarea>", ">One</p>", "What Local user saved:"):
        assert words in re.sub("</?bdi>", "", again.text)
    form = {**fields_of(again.text, f"{PAGE}/save"), "name": "Hello"}
    stale = {**form, "key": random_id(26), "text": "Three"}
    assert (await browser.post(f"{PAGE}/save", data={**form, "text": "Two"})).status_code == 303
    assert (await browser.post(f"{PAGE}/save", data=stale)).status_code == 409
    [one] = (await saved_replies_of(web.parts.recorder, SHOP)).replies.values()
    assert (one.text, one.revision) == ("Two", 2)


async def test_many_saved_replies_stand_on_pages(web: Harness, browser: httpx.AsyncClient) -> None:
    for number in range(53):
        await keep(web, f"Reply {number:03}", "Hi")
    first, second = [(await browser.get(f"{PAGE}?page={page}")).text for page in (1, 2)]
    assert ("Reply 049" in first, "Reply 050" in first) == (True, False)
    assert ("Reply 049" in second, "Reply 052" in second) == (False, True)
    assert second == re.sub(r"\s+$", "", (await browser.get(f"{PAGE}?page=9")).text)


async def test_a_saved_reply_is_filled_in_for_its_conversation(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    await ordered(web)
    await keep(web, "Where is it?", WHERE)
    conversation, stranger = await web.conversation(), await web.conversation(person="person/bea")
    address = "/api/conversations/{}/saved-replies?q=where"
    [known] = (await browser.get(address.format(conversation))).json()["replies"]
    assert known["text"] == f"Hi Ada, #1001 (Fulfilled): {PARCEL}"
    assert known["missing"] == []
    [unknown] = (await browser.get(address.format(stranger))).json()["replies"]
    assert unknown["text"].startswith("Hi there, {{order.name}}")
    assert unknown["missing"] == ["{{order.name}}", "{{order.status}}", "{{order.tracking_url}}"]
    assert (await browser.get(address.format("nobody"))).status_code == 404


async def test_without_the_script_one_is_chosen_and_comes_below_what_was_written(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    conversation = await web.conversation()
    url = f"/conversations/{conversation}/reply"
    fields = {**await form_fields(browser, conversation, "reply"), "text": "Thanks!", "cc": ""}
    assert "no saved replies yet" in (await browser.post(url, data={**fields, "insert": "1"})).text
    await keep(web, "Elsewhere", "Never", OTHER)
    saved = await keep(web, "Order", "See {{order.name}} of {{customer.name}}")
    page = (await browser.post(url, data={**fields, "insert": "1"})).text
    assert f'<option value="{saved}">Order</option>' in page
    assert "Elsewhere" not in page
    page = (await browser.post(url, data={**fields, "insert": "1", "saved": saved})).text
    assert "Thanks!\n\nSee {{order.name}} of Ada Brandt</textarea>" in page
    assert "Fill in before you send: {{order.name}}" in page
    assert fields_of(page, url)["key"] == fields["key"]
    text = "Thanks!\n\nSee {{order.name}} of Ada Brandt"
    refused = await browser.post(url, data={**fields, "text": text})
    assert refused.status_code == 422
    assert f"{text}</textarea>" in refused.text
    assert "Fill in or take out {{order.name}}" in refused.text
    sent = await browser.post(url, data={**fields, "text": text.replace("{{order.name}}", "#9")})
    assert sent.status_code == 303
    assert (await web.stream(SHOP, conversation)).count("conversation.reply_written") == 1


async def test_a_first_message_with_a_placeholder_is_not_sent(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    page = await browser.get("/conversations/new")
    fields = fields_of(page.text, "/conversations/new")
    told = {"to": "bea@example.com", "subject": "Jam", "text": "Hi {{ customer.name }}"}
    refused = await browser.post("/conversations/new", data={**fields, **told})
    assert (refused.status_code, "Hi {{ customer.name }}</textarea>" in refused.text) == (422, True)


@pytest.mark.browser
async def test_saved_replies_are_found_and_put_in_by_keyboard_alone(
    web: Harness, chromium: Browser
) -> None:
    await ordered(web)
    await keep(web, "Where is it?", "Your order is {{order.name}}.")
    await keep(web, "Who are we?", "We are {{shop.name}}.")
    conversation = await web.conversation()
    async with looked_at(web, chromium) as page:
        await page.goto(f"/conversations/{conversation}")
        text = page.locator("#text")
        await text.fill("Hi Ada,\n")
        await text.press("/")
        field = page.get_by_role("combobox", name="Find a saved reply")
        await expect(field).to_be_focused()
        await expect(page.get_by_role("option")).to_have_count(2)
        await page.keyboard.type("order")
        await expect(page.get_by_role("option")).to_have_count(1)
        await page.keyboard.press("Enter")
        await expect(text).to_have_value("Hi Ada,\nYour order is #1001.")
        await expect(text).to_be_focused()
        await page.keyboard.press("Control+z")
        await expect(text).to_have_value("Hi Ada,\n")
        await page.keyboard.press("/")
        await expect(page.get_by_role("option")).to_have_count(2)
        await page.keyboard.press("Escape")
        await expect(text).to_have_value("Hi Ada,\n/")
        await page.keyboard.press("Escape")
        await page.keyboard.press("i")
        await expect(page.get_by_role("option")).to_have_count(2)
        await page.keyboard.press("ArrowDown")
        await expect(page.get_by_role("option", selected=True)).to_contain_text("Who are we?")
        await page.keyboard.press("Enter")
        await expect(page.locator("#saved-told")).to_have_text(
            "Fill in before you send: {{shop.name}}"
        )
        await page.keyboard.type("Acorn")
        await expect(text).to_have_value("Hi Ada,\n/We are Acorn.")


async def test_a_first_message_takes_a_saved_reply_filled_in_for_the_person(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    saved = await keep(web, "Shipping", WHERE)
    await web.conversation()
    await ordered(web)
    page = (await browser.get("/conversations/new?person=ada")).text
    fields = fields_of(page, "/conversations/new")
    assert fields["person"] == "ada"
    typed = {**fields, "to": "ada@example.com", "subject": "Yours", "text": "Good news.\r\n"}
    listed = await browser.post("/conversations/new", data={**typed, "insert": "1"})
    assert f'<option value="{saved}">Shipping</option>' in listed.text
    assert 'value="Yours"' in listed.text
    done = await browser.post(
        "/conversations/new", data={**typed, "insert": "1", "saved": saved, "key": fields["key"]}
    )
    assert f"Good news.\n\nHi Ada, #1001 (Fulfilled): {PARCEL}</textarea>" in done.text
    assert fields_of(done.text, "/conversations/new")["key"] == fields["key"]
    asked = {"q": "ship", "person": "ada"}
    [offer] = (await browser.get("/api/saved-replies", params=asked)).json()["replies"]
    assert offer["text"] == f"Hi Ada, #1001 (Fulfilled): {PARCEL}"
    for person in ("", "nobody", "x" * 64, "../ada"):
        answer = await browser.get("/api/saved-replies", params={"q": "ship", "person": person})
        [offer] = answer.json()["replies"]
        assert offer["text"].startswith("Hi there, {{order.name}}"), person
    assert "saved" not in (await browser.post("/conversations/new", data=typed)).text
    async with web.signed_in(OTHER) as other:
        assert (await other.get("/api/saved-replies", params=asked)).json()["replies"] == []
