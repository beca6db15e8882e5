"""What pages, files and routes say of somebody who was erased."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
import pytest
from playwright.async_api import Browser

from cplus.actors import merchant
from cplus.commands.conversations import answering
from cplus.commands.sessions import sign_in_link
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.base import ERASED
from cplus.events.catalogue.customers import CustomerImported
from cplus.events.catalogue.orders import OrderChanged
from cplus.events.log.commit import Draft
from cplus.events.names import conversation_stream, mail_stream, message_ref
from cplus.events.repository import decided
from cplus.ids import random_id
from tests.integration.web.asking import asks
from tests.integration.web.erased import ADA, BEA, erase_ada
from tests.integration.web.harness import SHOP, Harness, fields_of, served
from tests.samples import MAIL_ASIDE, installed

WORDS = re.compile(r"ada brandt|ada@|norway|jam|\bwe do\b|a lamp|\+49|\[erased\]", re.IGNORECASE)
SAID = "This person was erased on "


@dataclass(frozen=True)
class Erased:
    """A shop in which Ada was erased, who wrote, was answered and wrote to Bea's conversation."""

    web: Harness
    own: str
    of_bea: str
    aside: str
    messages: list[str]

    def pages(self) -> Mapping[str, str]:
        """The addresses of all pages that showed something of her."""
        first = f"/conversations/{self.own}"
        return {
            "inbox": "/inbox",
            "all": "/inbox?tab=all",
            "automatic": "/inbox/automatic",
            "conversation": first,
            "other": f"/conversations/{self.of_bea}",
            "message": f"{first}/messages/{self.messages[0]}",
            "history": f"{first}/history",
            "then": f"{first}/history/{self.web.nudger.heads[-1][SHOP]}",
            "customers": "/customers",
            "customer": "/customers/ada",
            "export": "/privacy/people/ada",
            "metrics": "/metrics",
            "aside": f"/inbox/automatic/{self.aside}",
        }


async def erased_shop(web: Harness, *, fold: bool = True) -> Erased:
    """Makes the shop, and erases Ada, a day after all that she did."""
    await web.record(SHOP, f"shop/{SHOP}", installed("Acorn & Co"))
    known = CustomerImported(
        shopify_customer_id=7, person=ADA, email="ada@example.com", phone="+4915112345", orders=3
    )
    await web.record(SHOP, "customer/7", known, refs=[ADA])
    order = OrderChanged(
        shopify_order_id=9, person=ADA, name="#1009", total_price="9", currency="EUR"
    )
    await web.record(SHOP, "order/9", order, refs=[ADA])
    own = await web.conversation()
    use, mary = web.parts.conversations, merchant("mary")
    await answering.reply(
        SHOP, own, text="We do.", key="k" * 26, source="dashboard", actor=mary, use=use
    )
    of_bea = await web.conversation(person=BEA, subject="Table", text="A table?", name="Bea")
    talk = await web.parts.recorder.load(Conversation, SHOP, conversation_stream(of_bea))
    talk.receive(
        now=web.clock(), person=ADA, message_id=random_id(), answer_here=False,
        from_name="Ada Brandt", from_address="ada@elsewhere.example", subject="Blue jam",
        text="I came for a lamp.", rfc_message_id=None,
    )  # fmt: skip
    new = decided(talk)
    draft = Draft(SHOP, random_id(), "mail", "shopper", new, refs=[talk.id, BEA, ADA])
    await web.parts.store.append([draft])
    await web.nudger.fold({SHOP: (await web.parts.store.head(SHOP)).position})
    aside = random_id()
    mail = MAIL_ASIDE.model_copy(update={"message_id": aside, "person": ADA})
    refs = [mail_stream(aside), message_ref(aside), ADA]
    await web.record(SHOP, mail_stream(aside), mail, refs=refs)
    messages = [one.id for one in (await web.parts.queries.messages_of(SHOP, own)).items]
    web.clock.forward(24 * 3600)
    web.nudger.on = fold
    await erase_ada(web)
    return Erased(web, own, of_bea, aside, messages)


def seen(page: httpx.Response) -> str:
    """The text of a page, without what only a program reads."""
    text = re.sub(r"<(script|style|svg)\b.*?</\1>", "", page.text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())


async def test_no_page_shows_a_word_of_an_erased_person(web: Harness) -> None:
    shop = await erased_shop(web)
    async with web.signed_in() as browser:
        for name, address in shop.pages().items():
            page = await browser.get(address)
            assert page.status_code == 200, name
            found = set(WORDS.findall(page.text))
            # Bea writes from the same address.
            assert found <= ({"ada@"} if name in {"other", "customers"} else set()), name


async def test_a_conversation_says_that_its_person_was_erased_in_place_of_the_form(
    web: Harness,
) -> None:
    shop = await erased_shop(web)
    async with web.signed_in() as browser:
        page = await browser.get(shop.pages()["conversation"])
        assert f"{SAID}24 Nov 2026 ." in seen(page)
        assert 'name="text"' not in page.text
        assert page.text.count('<p class="gone">Erased</p>') == 2
        assert "answer-to" not in page.text
        assert "Erased person" in seen(page)
        other = await browser.get(shop.pages()["other"])
        assert "A table?" in other.text
        # The row forgot where replies go, and the log knows that it was nobody's who was erased.
        assert 'name="to" value="ada@example.com"' in other.text
        assert other.text.count('<p class="gone">Erased</p>') == 1
        inbox = await browser.get("/inbox?tab=all")
        assert "Erased person" in seen(inbox)
        assert 'Awaiting reply <span class="count">1</span>' in inbox.text


async def test_the_page_of_an_erased_customer_says_so_and_so_does_the_history(
    web: Harness,
) -> None:
    shop = await erased_shop(web)
    async with web.signed_in() as browser:
        page = seen(await browser.get("/customers/ada"))
        assert f"{SAID}24 Nov 2026 ." in page
        assert "Amount spent" not in page
        assert "ada" not in seen(await browser.get("/customers")).lower().split()
        history = seen(await browser.get(shop.pages()["history"]))
        assert "mary Erased the person 24 Nov 2026" in history


async def test_the_export_of_an_erased_person_holds_what_was_done_and_no_more(
    web: Harness,
) -> None:
    await asks(web, 7, email="ada@example.com")
    await erased_shop(web)
    async with web.signed_in() as browser:
        page = await browser.get("/privacy/people/ada")
        assert "Nothing is kept about them, apart from what was done" in seen(page)
        form = {**fields_of(page.text, "/privacy/people/ada/export"), "format": "json"}
        file = json.loads((await browser.post("/privacy/people/ada/export", data=form)).text)
        assert (file["nothing_is_kept"], file["person"]) == (True, None)
        assert file["erased_at"].startswith("2026-11-24T12:00:00")
        lists = ("details", "consents", "sums", "orders", "messages", "requests")
        assert [file[name] for name in lists] == [[]] * len(lists)
        assert "privacy.person_erased" in [one["type"] for one in file["history"]]
        assert not WORDS.search(json.dumps(file))
        shown = await browser.post("/privacy/people/ada/export", data={**form, "format": "html"})
        assert "You were erased" in shown.text
        assert not WORDS.search(shown.text)


async def test_routes_for_programs_tell_erased_texts_from_what_somebody_wrote(
    web: Harness,
) -> None:
    shop = await erased_shop(web)
    await web.conversation(person=BEA, subject=f"{ERASED}?", text="Who was that?")
    async with web.signed_in() as browser:
        told = (await browser.get(f"/api/conversations/{shop.own}")).json()
        assert told["conversation"]["erased"] is True
        assert [one["text"] for one in told["messages"]] == [None, None]
        listed = (await browser.get("/api/inbox?state=all")).json()["conversations"]
        assert {one["subject"]: one["erased"] for one in listed} == {
            f"{ERASED}?": False,
            "Table": False,
            None: True,
        }


async def test_nobody_is_answered_who_was_erased_though_the_page_is_behind(
    web: Harness,
) -> None:
    shop = await erased_shop(web, fold=False)
    address = f"/conversations/{shop.own}"
    async with web.signed_in() as browser:
        page = await browser.get(address)
        form = {**fields_of(page.text, f"{address}/reply"), "text": "Hello?"}
        answer = await browser.post(f"{address}/reply", data=form)
        assert answer.status_code == 422
        assert "The person of this conversation was erased." in seen(answer)
        took = fields_of((await browser.get("/settings")).text, "/auth/sign-out")
        taken = await browser.post(f"/inbox/automatic/{shop.aside}/conversation", data=took)
        assert taken.status_code == 400
        assert "ho wrote this mail was erased" in seen(taken)


@pytest.mark.browser
async def test_a_browser_forgets_the_draft_of_a_reply_to_who_was_erased(
    web: Harness, chromium: Browser
) -> None:
    own = await web.conversation()
    kept = "Object.keys(sessionStorage).filter(key => key.startsWith('draft ')).length"
    async with served(web) as address, await chromium.new_page(base_url=address) as page:
        await page.goto(sign_in_link(web.settings, SHOP, web.clock).replace("http://app.test", ""))
        await page.get_by_role("button", name="Sign in").click()
        await page.goto(f"/conversations/{own}")
        await page.get_by_label("Reply to Ada Brandt").fill("Dear Ada,")
        assert await page.evaluate(kept) == 1
        await erase_ada(web)
        await page.goto(f"/conversations/{own}")
        assert await page.get_by_text("Nobody can be answered here any more.").is_visible()
        assert await page.evaluate(kept) == 0
