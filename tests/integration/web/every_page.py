"""A shop in which every page has something to show.

It takes a second to make, so a worker makes it once, and each further test is given a copy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cplus.actors import LOCAL
from cplus.commands.blocking import block_sender
from cplus.commands.conversations.spam import mark_spam
from cplus.commands.merging_persons import merge_persons
from cplus.commands.saved_replies import save_reply, saved_replies_of
from cplus.commands.sessions import sign_in_link
from cplus.events.catalogue.customers import CustomerImported
from cplus.events.catalogue.imports import ImportStarted
from cplus.events.catalogue.orders import OrderChanged
from cplus.events.catalogue.privacy import ErasureRequested
from cplus.events.names import person_id
from cplus.events.order_parts import Fulfillment, LineItem, Refund, Tracking
from cplus.ids import random_id
from cplus.workspace.drafts import Place
from tests.databases import Documents, documents_of, put
from tests.integration.web.asking import asks
from tests.integration.web.harness import SHOP, Harness
from tests.integration.web.mails import set_aside
from tests.samples import installed


@dataclass(frozen=True)
class _Filled:
    """The addresses of the pages, and what the databases hold for them."""

    pages: list[str]
    documents: Documents
    keyring: Documents


_made: list[_Filled] = []  # of this process


async def every_page(web: Harness) -> list[str]:
    """Fills a shop that has no history yet so that each page has something to show; answers their
    addresses. Every test of a worker has the same ids."""
    assert not (await web.parts.store.head(SHOP)).position, "fill the shop before all else"
    mongo = web.parts.mongo
    if not _made:
        pages = await _fill(web)
        holds = [await documents_of(database) for database in (mongo.database, mongo.keyring)]
        _made.append(_Filled(pages, *holds))
    else:
        await put(mongo.database, _made[0].documents)
        await put(mongo.keyring, _made[0].keyring)
    return list(_made[0].pages)


async def _fill(web: Harness) -> list[str]:
    await web.record(SHOP, f"shop/{SHOP}", installed("Acorn & Co"))
    await web.record(SHOP, "import/i1", ImportStarted(import_id="i1"))
    known: dict[str, Any] = {
        "shopify_customer_id": 7,
        "person": "person/ada",
        "email": "ada@example.com",
    }
    await web.record(SHOP, "customer/7", CustomerImported(**known, orders=3, amount_spent="9"))
    order: dict[str, Any] = {
        "shopify_order_id": 9,
        "person": "person/ada",
        "name": "#9",
        "total_price": "9",
    }
    item = LineItem(id=1, title="Lamp " * 20, variant="Blue", quantity=3, current=2, unfulfilled=1)
    order |= {
        "items": (item,),
        "item_count": 60,
        "fulfillments": (Fulfillment(id=1, status="success", updated_at=web.clock()),),
        "tracking": (
            Tracking(fulfillment=1, numbers=("1" * 60,), urls=("https://example.com/1",)),
        ),
        "refunds": (Refund(id=1, at=web.clock(), amount="1.00", currency="EUR"),),
    }
    await web.record(SHOP, "order/9", OrderChanged(**order, currency="EUR"))
    gone = ErasureRequested(erasure="e1", person="person/ada", due_at=web.clock())
    await web.record(SHOP, "erasure/e1", gone)
    long = await web.conversation(text="A long letter. " * 400)
    await web.conversation(person="person/bea", name="Bea")
    spam = await web.conversation(person="person/bea", name="Bea")
    who: dict[str, Any] = {"actor": LOCAL, "source": "dashboard", "use": web.parts.conversations}
    await mark_spam(SHOP, spam, key=random_id(), **who)
    await block_sender(SHOP, spam, kind="address", key=random_id(), **who)
    await web.nudger.fold({SHOP: (await web.parts.store.head(SHOP)).position})
    for number, name in ((8, "fay"), (9, "gil")):
        same = CustomerImported(shopify_customer_id=number, person=f"person/{name}", orders=1)
        await web.record(SHOP, f"customer/{number}", same, refs=[same.person])
    who["use"] = web.parts.erasures
    await merge_persons(SHOP, "person/fay", "person/gil", key=random_id(26), **who)
    [message] = (await web.parts.queries.messages_of(SHOP, long)).items
    return [
        "/inbox",
        "/conversations/new",
        "/inbox?tab=closed",
        "/inbox?view=snoozed&priority=high",
        "/inbox/keys",
        await _drafts(web, long),
        "/settings/tags",
        "/settings/team",
        "/settings/saved-replies",
        "/settings/saved-replies/new",
        f"/settings/saved-replies/{await _saved_reply(web, who)}",
        "/customers?spent_from=5&talked=yes&tag=VIP",
        "/customers/segments",
        "/customers/export",
        f"/conversations/{long}?list=view%3Dopen",
        "/inbox?tab=spam",
        "/inbox/blocked",
        f"/conversations/{spam}",
        "/inbox/automatic",
        await set_aside(web),
        f"/conversations/{long}",
        f"/conversations/{long}/messages/{message.id}",
        f"/conversations/{long}/merge",
        f"/conversations/{long}/messages/{message.id}/move",
        f"/conversations/{long}/history",
        f"/conversations/{long}/history/{(await web.parts.store.head(SHOP)).position}",
        "/search?q=letter+ada",
        "/search?q=nothing",
        "/customers",
        "/customers/ada",
        "/customers/fay",
        "/customers/ada/merge?q=bea",
        "/customers/ada/merge?with=bea",
        "/privacy/people/fay/erase",
        "/privacy",
        "/privacy/people/ada",
        "/privacy/people/bea/erase",
        f"/privacy/people/{person_id(await asks(web, 7, email='cleo@example.com'))}?request=7",
        "/privacy/erasures",
        "/privacy/erasures/e1",
        "/metrics",
        "/billing",
        "/settings",
        "/settings/mail",
        "/settings/notifications",
        "/getting-started",
        "/inbox?tab=nonsense",
        "/nothing",
        "/auth/sign-in",
        sign_in_link(web.settings, SHOP, web.clock).replace("http://app.test", ""),
        "/console",
    ]


async def _saved_reply(web: Harness, who: dict[str, Any]) -> str:
    text = "Hi {{customer.first_name|there}}, your order {{order.name}} is on its way. " * 9
    await save_reply(SHOP, "Where is my order?", text, key=random_id(), **who)
    return next(iter((await saved_replies_of(web.parts.recorder, SHOP)).replies))


async def _drafts(web: Harness, talk: str) -> str:
    """The page of what its reader has begun to write: a reply, a note and a new message."""
    words = {
        "text": "Dear Ada, " * 30,
        "subject": "About lamps",
        "to": f"{'long' * 20}@example.com",
    }
    for place in (Place("reply", talk), Place("note", talk), Place("new", "k1")):
        person = "person/ada" if place.conversation else None
        await web.parts.drafts.save(
            SHOP, LOCAL.author, place, key=random_id(26), version=0, person=person, fields=words
        )
    return "/inbox/drafts"
