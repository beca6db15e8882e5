"""What an export of a person holds, and that it holds nothing of anybody else."""

from __future__ import annotations

import dataclasses
import json

from cplus.events.audit.history import DEEDS
from cplus.events.base import Event
from cplus.events.catalogue import all_events
from cplus.events.catalogue.conversations import (
    AnswersMoved,
    ConversationClosed,
    ConversationStarted,
    MessageReceived,
    ReplyWritten,
)
from cplus.events.catalogue.customers import (
    CustomerChanged,
    CustomerConsentChanged,
    CustomerImported,
    CustomerSpendChanged,
    PersonsJoined,
)
from cplus.events.catalogue.mail import MailDelivered, MailSetAside, MailTakenUp
from cplus.events.catalogue.operators import OperatorLooked
from cplus.events.catalogue.orders import OrderChanged
from cplus.events.catalogue.privacy import DataRequested
from cplus.privacy.export import (
    AddressNote,
    Consent,
    Deed,
    Details,
    ErasureAsked,
    Export,
    MailOut,
    Order,
    Request,
    Sum,
    TagsTold,
    Written,
)
from cplus.privacy.export.document import as_json
from cplus.privacy.export.reading import deed
from tests.conftest import ROOT
from tests.samples import sample
from tests.unit.privacy.export_world import ANN, BOB, NOON, OTHER, SHOP, TALK, Log
from tests.unit.projections.models.told_events import recorded


def talked(version: int) -> dict[str, object]:
    return {"originator_id": TALK, "originator_version": version, "timestamp": NOON}


def wrote(version: int, person: str, text: str, message: str) -> Event:
    return MessageReceived.model_validate(
        {
            **talked(version), "person": person, "message_id": message, "text": text,
            "from_name": person, "from_address": f"{person[7:]}@example.com",
            "subject": "A lamp", "rfc_message_id": None, "attachments": 2,
        }
    )  # fmt: skip


def replied(version: int, person: str, text: str, message: str) -> Event:
    return ReplyWritten.model_validate(
        {
            **talked(version), "person": person, "message_id": message, "text": text,
            "to_address": f"{person[7:]}@example.com", "subject": "Re: A lamp", "author": "ada",
        }
    )  # fmt: skip


def imported(number: int, person: str, email: str) -> Event:
    return CustomerImported(
        shopify_customer_id=number, person=person, email=email, email_consent="subscribed"
    )


def text_of(export: Export) -> str:
    given = as_json(export, shop=SHOP, now=NOON, profile=None, rest=None)
    return given.decode()


async def a_shared_log() -> Log:
    """Ann's and Bob's data, side by side in commits and in one conversation."""
    log = Log()
    await log.hold(
        imported(1, ANN, "ann@example.com"), imported(2, BOB, "bob@example.com"), refs=(ANN, BOB)
    )
    await log.hold(
        ConversationStarted.model_validate(
            {**talked(1), "person": ANN, "channel": "email", "subject": "A lamp"}
        ),
        wrote(2, ANN, "Is it blue?", "m1"),
        refs=(ANN, "message/m1"),
    )
    await log.hold(wrote(3, BOB, "Bob asks too.", "m2"), refs=(BOB, "message/m2"))
    await log.hold(replied(4, ANN, "It is, Ann.", "m3"), refs=(ANN,))
    await log.hold(replied(5, BOB, "It is, Bob.", "m4"), refs=(BOB,))
    for message in ("m3", "m4"):
        event = MailDelivered(message_id=message, conversation_id="k3")
        await log.hold(event, refs=(TALK, f"message/{message}"))
    moved = {"message_id": "m2", "name": "Bob", "address": "bob@x.example", "rfc_message_id": None}
    await log.hold(AnswersMoved.model_validate({**talked(6), **moved, "person": BOB}), refs=(BOB,))
    await log.hold(ConversationClosed.model_validate(talked(7)), refs=())
    for refs in ((ANN, TALK), (BOB,)):
        await log.hold(OperatorLooked(question="log show", about="position/3"), refs=refs)
    return log


async def test_nothing_of_another_person_is_in_an_export() -> None:
    log = await a_shared_log()
    export = await log.export(ANN)
    assert [(one.direction, one.text) for one in export.messages] == [
        ("in", "Is it blue?"),
        ("out", "It is, Ann."),
    ]
    assert [one.email for one in export.details] == ["ann@example.com"]
    assert [one.email_marketing for one in export.consents] == ["subscribed"]
    assert [one.did for one in export.history] == [
        "imported the customer’s details",
        "started the conversation by email",
        "wrote",
        "replied",
        "delivered the reply",
        "closed the conversation",
        "looked at what is kept about the person",
    ]
    told = text_of(export).lower()
    assert "bob" not in told
    assert "merchant/ada" in told
    assert "ann" not in text_of(await log.export(BOB)).lower()


async def test_persons_who_are_one_are_exported_together_and_shops_never() -> None:
    log = await a_shared_log()
    await log.hold(PersonsJoined(person=ANN, absorbed=BOB), refs=(ANN,))
    await log.hold(imported(3, ANN, "elsewhere@example.com"), refs=(ANN,), shop=OTHER)
    both = await log.export(ANN, BOB)
    assert both.persons == [ANN, BOB]
    assert len(both.messages) == 4
    assert {one.email for one in both.details} == {"ann@example.com", "bob@example.com"}
    assert "elsewhere" not in text_of(both)
    assert "found that two records are one person" in text_of(both)
    assert [one.email for one in (await log.export(ANN, shop=OTHER)).details] == [
        "elsewhere@example.com"
    ]


async def test_a_large_export_comes_in_parts_that_are_the_whole_together() -> None:
    log = await a_shared_log()
    whole, parts, after = await log.export(ANN, BOB), list[Export](), 0
    while True:
        parts.append(await log.export(ANN, BOB, after=after, most=300))
        if parts[-1].following is None:
            break
        assert parts[-1].following > after
        after = parts[-1].following
    assert len(parts) > 3
    for kind in ("details", "consents", "sums", "messages", "history"):
        assert [one for part in parts for one in getattr(part, kind)] == getattr(whole, kind)


async def test_what_shopify_says_again_and_again_is_listed_once() -> None:
    log = Log()
    known = {"shopify_customer_id": 7, "person": ANN}
    for email in ("a@example.com", "a@example.com", "b@example.com"):
        await log.hold(CustomerChanged(**known, email=email), refs=(ANN,))  # type: ignore[arg-type]
        await log.hold(
            CustomerConsentChanged(**known, email_consent="subscribed"),  # type: ignore[arg-type]
            CustomerSpendChanged(**known, orders=1, amount_spent="5.00"),  # type: ignore[arg-type]
            refs=(ANN,),
        )
    for status in ("pending", "paid"):
        order = OrderChanged(
            shopify_order_id=70, person=ANN, name="#1", currency="EUR", total_price="5.00",
            financial_status=status,
        )  # fmt: skip
        await log.hold(order, refs=(ANN,))
    export = await log.export(ANN)
    assert [one.email for one in export.details] == ["a@example.com", "b@example.com"]
    assert (len(export.consents), len(export.sums)) == (1, 1)
    assert [one.financial_status for one in export.orders] == ["paid"]
    assert len(export.history) == 11, "each time is something that was done"


async def test_a_mail_of_which_a_conversation_was_made_is_listed_once() -> None:
    log = Log()
    aside = {"message_id": "m1", "reason": "spam", "channel": "email", "person": ANN,
             "from_name": None, "from_address": "ann@example.com", "subject": "s",
             "text": "Is it blue?", "rfc_message_id": None,
             "raw": {"bucket": "b", "key": "k"}}  # fmt: skip
    await log.hold(MailSetAside.model_validate(aside), refs=(ANN, "message/m1"))
    taken = MailTakenUp(message_id="m1", conversation_id="k3")
    await log.hold(wrote(1, ANN, "Is it blue?", "m1"), taken, refs=(ANN, "message/m1"))
    export = await log.export(ANN)
    assert [(one.text, one.conversation) for one in export.messages] == [("Is it blue?", None)]
    assert [(one.actor, one.did) for one in export.history] == [
        ("shopper", "wrote a mail that started no conversation"),
        ("merchant/ada", "made a conversation of the mail"),
    ]


async def test_nothing_is_kept_of_who_only_asked() -> None:
    log = Log()
    asked = DataRequested(request_id=9, person=ANN, email="ann@example.com", due_at=NOON)
    await log.hold(asked, OperatorLooked(question="log person", about=ANN), refs=(ANN,))
    export = await log.export(ANN)
    assert export.empty
    told = json.loads(text_of(export))
    assert (told["nothing_is_kept"], len(told["requests"]), len(told["history"])) == (True, 1, 2)
    assert not (await (await a_shared_log()).export(ANN)).empty


def test_whatever_names_a_person_is_told_in_words() -> None:
    for kind in all_events():
        if "person" in kind.model_fields or kind in DEEDS:
            assert deed(recorded(sample(kind).event)).did != kind.TYPE, kind


def test_the_shape_of_the_file_stands_in_the_docs() -> None:
    page = (ROOT / "docs" / "privacy.md").read_text("utf-8")
    document = json.loads(text_of(Export()))
    kinds = (
        AddressNote,
        Consent,
        Deed,
        Details,
        ErasureAsked,
        MailOut,
        Order,
        Request,
        Sum,
        TagsTold,
        Written,
    )
    fields = {field.name for kind in kinds for field in dataclasses.fields(kind)}
    assert [name for name in sorted(fields | document.keys()) if f"`{name}`" not in page] == []
