"""A shop as a merchant has it after some weeks, for the pictures of docs/images."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from cplus.actors import LOCAL
from cplus.commands import team
from cplus.commands.blocking import block_sender
from cplus.commands.conversations import handling
from cplus.commands.conversations.answering import close
from cplus.commands.conversations.noting import write_note
from cplus.commands.conversations.spam import mark_spam
from cplus.commands.mail_settings import set_signature, settings_of
from cplus.commands.person_notes import write_note as note_on_person
from cplus.commands.person_tags import tag_person
from cplus.commands.saved_replies import save_reply, saved_replies_of
from cplus.commands.segments import save_segment
from cplus.commands.tags import make_tag, save_view
from cplus.events.aggregates.tags import Shown
from cplus.events.catalogue.customers import CustomerImported
from cplus.events.catalogue.imports import (
    ImportEnded,
    ImportOrdersLoaded,
    ImportPageLoaded,
    ImportStarted,
)
from cplus.events.catalogue.mail import MailBounced
from cplus.events.catalogue.orders import OrderChanged
from cplus.events.catalogue.privacy import DataRequested
from cplus.events.files import StoredFile
from cplus.events.names import (
    INSTALLED_REF,
    data_request_stream,
    mail_stream,
    message_ref,
)
from cplus.events.order_parts import Fulfillment, LineItem, Tracking
from cplus.events.segment import Definition
from cplus.ids import random_id
from cplus.shopify.oauth import Tokens
from cplus.workspace.drafts import Place
from tests.integration.web.erased import erase_person
from tests.integration.web.framed import Framed
from tests.integration.web.harness import SHOP
from tests.pictured_world import PEOPLE, ROBIN, SAM, TOLD, Pictured
from tests.samples import MAIL_ASIDE, installed


async def pictured(admin: Framed) -> dict[str, str]:
    """Fills the shop as it is by now; answers the ids that pages are looked up by."""
    shop = Pictured(admin.web, admin.web.clock())
    shop.ago(24 * 40)
    await _install(admin)
    await _team(shop)
    tags = await _settings(shop)
    ids = await _talks(shop, tags)
    await _customers(shop, tags)
    await _privacy(shop)
    await shop.web.parts.drafts.save(
        SHOP,
        ROBIN.author,
        Place("reply", ids["bruno"]),
        key=random_id(26),
        version=0,
        person=PEOPLE["bruno"].id,
        fields={"text": TOLD["draft"]},
    )
    ids["saved"] = next(iter((await saved_replies_of(admin.web.parts.recorder, SHOP)).replies))
    shop.web.clock.now = shop.now
    return ids


async def _install(admin: Framed) -> None:
    settings, shopify = admin.web.settings, admin.shopify
    scopes = f"{settings.shopify_scopes},{settings.shopify_optional_scopes}"
    shopify.registered.scopes = scopes
    shopify.grants.grant(SHOP, scopes)
    profile: dict[str, Any] = {"currency": "EUR", "timezone": "Europe/Berlin", "country": "DE"}
    shopify.store.state.shops[SHOP] = shopify.store.state.shops[SHOP].model_copy(update=profile)
    await admin.web.parts.credentials.save(SHOP, Tokens(access_token="shpat_of-a-picture"))
    told = installed(
        "Acorn & Co", tuple(scopes.split(",")), shop=SHOP, at=admin.web.clock(),
        shopify_plan="Basic", **profile,
    )  # fmt: skip
    await admin.web.record(SHOP, f"shop/{SHOP}", told, refs=[INSTALLED_REF])


async def _team(shop: Pictured) -> None:
    use: Any = {"source": "dashboard", "recorder": shop.web.parts.recorder, "clock": shop.web.clock}
    for actor, role in ((ROBIN, "owner"), (SAM, "agent")):
        await team.see(SHOP, actor, **use)
        await team.change_role(SHOP, actor.author, role, key=random_id(), actor=LOCAL, **use)


async def _customers(shop: Pictured, tags: Mapping[str, str]) -> None:
    record = shop.web.record
    for number, told in TOLD["orders"].items():
        order = _order(shop, int(number), *told)
        await record(SHOP, f"order/{number}", order, refs=[str(order.person)])
    shop.ago(1)
    known = [one for one in PEOPLE.values() if one.number]
    await record(SHOP, "import/i1", ImportStarted(import_id="i1", total=len(known)))
    for one in known:
        first, _, last = one.name.partition(" ")
        event = CustomerImported(
            shopify_customer_id=one.number,
            person=one.id,
            first_name=first,
            last_name=last,
            email=one.address,
            orders=one.orders,
            amount_spent=one.spent,
            currency="EUR",
            tags=tuple(one.tags),
            email_consent=one.consent,
            created_at=shop.now - timedelta(days=60 + 31 * one.number),
        )
        await record(SHOP, f"customer/{one.number}", event, refs=[one.id])
    loaded = ImportPageLoaded(import_id="i1", page=1, customers=len(known))
    await record(SHOP, "import/i1", loaded)
    orders = ImportOrdersLoaded(import_id="i1", page=2, orders=len(TOLD["orders"]))
    await record(SHOP, "import/i1", orders)
    ended = ImportEnded(import_id="i1", outcome="complete", pages=1, orders="complete")
    await record(SHOP, "import/i1", ended)
    for name, people in TOLD["people_tagged"].items():
        for person in people:
            await tag_person(
                SHOP,
                PEOPLE[person].id,
                added=[tags[name]],
                **{**shop.who(), "use": shop.web.parts.erasures},
            )


GOODS: Final = (("Desk lamp", "Walnut"), ("Reading lamp", "Oak"), ("Shade, linen", "Natural"))


def _order(
    shop: Pictured, number: int, key: str, days: float, total: str, how: str
) -> OrderChanged:
    """An order of so many days ago, with one item, and with its parcel if that was sent."""
    shop.ago(24 * days)
    at, (title, variant), sent = shop.web.clock(), GOODS[number % 3], how != "unfulfilled"
    item: dict[str, Any] = {"id": number, "title": title, "variant": variant}
    parcel: dict[str, Any] = {"id": number, "status": "success", "shipment_status": how}
    url = f"https://tracking.example.com/1Z0{number}"
    way = Tracking(fulfillment=number, company="DHL", numbers=(f"1Z0{number}",), urls=(url,))
    return OrderChanged(
        shopify_order_id=number,
        shopify_customer_id=PEOPLE[key].number,
        person=PEOPLE[key].id,
        name=f"#{number}",
        currency="EUR",
        total_price=total,
        financial_status="paid",
        fulfillment_status="fulfilled" if sent else None,
        created_at=at,
        items=(LineItem(**item, quantity=1, current=1, unfulfilled=int(not sent)),),
        item_count=1,
        fulfillments=(Fulfillment(**parcel, created_at=at, updated_at=at),) if sent else (),
        tracking=(way,) if sent else (),
    )


async def _settings(shop: Pictured) -> dict[str, str]:
    """Answers the shop's tags, each id by its name."""
    shop.ago(24 * 38)
    for name, colour in TOLD["tags"].items():
        await make_tag(SHOP, name, colour, **shop.who(ROBIN))
    made = await settings_of(shop.web.parts.recorder, SHOP)
    tags = {tag.name: tag.id for tag in made.tags.values()}
    members = shop.web.parts.workspace.members
    shown = Shown("unanswered", tag=tags["Shipping"])
    await save_view(SHOP, "Shipping, waiting", shown, members=members, **shop.who(ROBIN))
    for name, text in TOLD["saved_replies"].items():
        await save_reply(SHOP, name, text, **shop.who(ROBIN))
    await set_signature(SHOP, TOLD["signature"], **shop.who(ROBIN))
    for name, definition in SEGMENTS.items():
        await save_segment(SHOP, name, definition, **shop.who(ROBIN))
    return tags


SEGMENTS: Final = {
    "Spent 200 or more": Definition(kind="customers", spent_from=Decimal(200)),
    "No order for 60 days": Definition(kind="customers", not_ordered_for=60),
    "Leads who wrote": Definition(kind="leads", talked=True),
}


async def _talks(shop: Pictured, tags: dict[str, str]) -> dict[str, str]:
    ids = await _long_thread(shop, tags)
    await _older(shop)
    bounced = await shop.asked("goran", 49, "Invoice", "Can you send me the invoice once more?")
    message = await shop.replied(bounced, 47, "Here it is, Goran.")
    failed = MailBounced(
        message_id=message, conversation_id=bounced, permanent=True, reason="Permanent/General"
    )
    await shop.web.record(SHOP, f"mail/{message}", failed)
    for one in TOLD["waiting"]:
        talk = await shop.asked(one["who"], one["hours"], one["subject"], one["text"])
        ids[one["who"]] = talk
        if tag := one.get("tag"):
            await handling.tag(SHOP, talk, added=[tags[tag]], **shop.who(ROBIN))
        if priority := one.get("priority"):
            await handling.prioritize(SHOP, talk, priority, **shop.who(ROBIN))
    spam = await shop.asked("quinn", 60, "Rank first on Google", "We bring you 1000 visitors.")
    await mark_spam(SHOP, spam, **shop.who())
    await block_sender(SHOP, spam, kind="address", **shop.who())
    for hours, (reason, name, subject, text) in enumerate(TOLD["set_aside"].values(), start=20):
        shop.ago(hours)
        changes = {"message_id": random_id(), "reason": reason, "subject": subject, "text": text}
        mail = MAIL_ASIDE.model_copy(update={**changes, "from_name": name})
        stream, id_ = mail_stream(mail.message_id), mail.message_id
        await shop.web.record(SHOP, stream, mail, refs=[stream, message_ref(id_)])
        ids["aside"] = id_
    return ids


async def _long_thread(shop: Pictured, tags: dict[str, str]) -> dict[str, str]:
    told = TOLD["thread"]
    talk = await shop.asked("ada", 52, told["subject"], told["question"])
    members = shop.web.parts.workspace.members
    await handling.assign(SHOP, talk, SAM.author, members=members, **shop.who(ROBIN))
    await handling.tag(SHOP, talk, added=[tags["Shipping"]], **shop.who())
    await shop.answered(talk, 50, told["answer"])
    shop.ago(49.5)
    await write_note(SHOP, talk, text=TOLD["note"], **shop.who())
    then = (await shop.web.parts.store.head(SHOP)).position
    card = StoredFile(
        id="1", name="card-for-liv.pdf", content_type="application/pdf", size=48_213,
        bucket="b", key="k", opens="k",
    )  # fmt: skip
    await shop.wrote("ada", talk, 2.1, told["again"], card)
    await note_on_person(SHOP, PEOPLE["ada"].id, TOLD["person_note"], **shop.who())
    [first, *_] = (await shop.web.parts.queries.messages_of(SHOP, talk)).items
    return {"thread": talk, "message": first.id, "then": str(then)}


async def _older(shop: Pictured) -> None:
    """Conversations that came to an end, over the last weeks; and two that rest."""
    for key, days, subject, text, answer in TOLD["older"].values():
        talk = await shop.asked(key, 24 * days, subject, text)
        await shop.answered(talk, 24 * days - 2 - days % 3, answer, ROBIN if days % 2 else SAM)
        shop.ago(24 * days - 6)
        await close(SHOP, talk, **shop.who())
    waits = await shop.asked("hana", 30, "Back in stock?", "When is the oak lamp back in stock?")
    await shop.answered(waits, 28, "On the 9th, Hana. I write to you on that day.")
    await handling.snooze(SHOP, waits, shop.now + timedelta(days=6), **shop.who())
    rests = await shop.asked("chidi", 23, "Thank you!", "It is beautiful. Do you sell bulbs?")
    await shop.answered(rests, 22, "So glad, Chidi. Any E27 LED bulb up to 9 W fits.")


GONE: Final = "person/gone"
"""Who is erased; nothing else names them."""


async def _privacy(shop: Pictured) -> None:
    shop.ago(24 * 5)
    one, due = PEOPLE["dalia"], shop.web.clock() + timedelta(days=30)
    asked = DataRequested(request_id=7, person=one.id, email=one.address, due_at=due)
    stream = data_request_stream(7)
    await shop.web.record(SHOP, stream, asked, refs=[stream, one.id])
    known = CustomerImported(shopify_customer_id=99, person=GONE, first_name="Noor")
    await shop.web.record(SHOP, "customer/99", known, refs=[GONE])
    await erase_person(shop.web, GONE)
