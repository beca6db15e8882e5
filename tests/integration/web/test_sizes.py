"""How large pages get: a phone on a slow network loads each of them."""

from __future__ import annotations

from typing import Any

from cplus.actors import LOCAL
from cplus.commands import tags
from cplus.commands.mail_settings import settings_of
from cplus.events.catalogue.customers import CustomerImported
from cplus.projections.models.conversations import CONVERSATIONS
from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.models.messages import MESSAGES
from tests.integration.web.harness import SHOP, Harness

MOST = 100_000
"""Bytes of a page, without compression."""
SUBJECT = "Where is my order of “Lingon & Ä” jam, please? " * 3
WORDS = "The jar of <blue> jam came broken, & I’d like another one, please. Größe: 2. " * 4


async def _full(web: Harness) -> str:
    """A shop in which lists are long and their rows too; a conversation of 300 messages."""
    database = web.parts.mongo.database
    who: dict[str, Any] = {"actor": LOCAL, "source": "dashboard", "use": web.parts.conversations}
    for n in range(20):
        await tags.make_tag(SHOP, f"A tag of some length {n}", "blue", key=f"k{n:025}", **who)
    ids = list((await settings_of(web.parts.recorder, SHOP)).tags)
    talk = await web.conversation(subject=SUBJECT, text=WORDS, name="Ada Brandt of Lüneburg " * 3)
    known = CustomerImported(shopify_customer_id=7, person="person/ada", orders=3)
    await web.record(SHOP, "customer/7", known, refs=["person/ada"])
    for model, key, count, fields in (
        (CONVERSATIONS, talk, 60, {"tags": ids[:5]}),
        (CUSTOMERS, "person/ada", 60, {}),
    ):
        rows = database[model.collection]
        first = await rows.find_one({"_id": f"{SHOP}/{key}"})
        assert first is not None
        copies = [{**first, **fields, "_id": f"{SHOP}/{key}{n}"} for n in range(count)]
        await rows.insert_many(copies)
    rows = database[MESSAGES.collection]
    first = await rows.find_one({"shop": SHOP, "conversation_id": talk})
    assert first is not None
    mine = {"direction": "out", "author": "merchant/ada", "status": "delivered"}
    await rows.insert_many(
        {**first, **(mine if n % 2 else {}), "_id": f"{SHOP}/n{n}", "number": n, "text": WORDS}
        for n in range(3, 303)
    )
    return talk


async def test_no_page_is_larger_than_100_kb(web: Harness, pages: list[str]) -> None:
    talk = await _full(web)
    newest = (await web.parts.store.head(SHOP)).position
    addresses = [
        *pages,
        f"/conversations/{talk}",
        f"/conversations/{talk}?list=view%3Dopen",
        f"/conversations/{talk}/history/{newest}",
    ]
    sizes = {}
    async with web.signed_in() as browser:
        for language in ("en", "de"):
            for address in addresses:
                page = await browser.get(address, headers={"Accept-Language": language})
                sizes[language, address] = len(page.content)
    assert {one: size for one, size in sizes.items() if size > MOST} == {}
    assert max(sizes.values()) > MOST // 2, "there was much to show"
