"""Every personal field of every event comes out of the export of the person, for programs and for
people to read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest
from pydantic import BaseModel

from cplus.actors import MERCHANT
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.aggregates.settings import ShopSettings
from cplus.events.aggregates.team import Team
from cplus.events.base import AggregateEvent, Event
from cplus.events.catalogue import all_events
from cplus.events.catalogue.conversations import AnswersMoved, ConversationStarted, DeliveryFailed
from cplus.events.catalogue.mailboxes import MailboxAdded
from cplus.events.catalogue.saved_replies import ReplySaved
from cplus.events.catalogue.segments import CustomersExported, SegmentSaved
from cplus.events.catalogue.settings import AutoReplySet, SenderChosen, SignatureSet
from cplus.events.catalogue.tags import TagChanged, TagMade, ViewSaved
from cplus.events.catalogue.threads import (
    ConversationRearranged,
    ConversationSplit,
    MessageMoved,
)
from cplus.events.files import StoredFile
from cplus.privacy.export import Export
from cplus.privacy.export.document import as_json
from cplus.web.kit.auth import Session
from cplus.web.kit.pages import Pages
from cplus.web.kit.signed_in import Merchant
from tests.samples import sample
from tests.unit.privacy.export_world import ANN, NOON, SHOP, TALK, Log

ME = Merchant(
    Session(SHOP, "s1", NOON, MERCHANT),
    row=None,
    csrf="",
    team=Team.empty(f"team/{SHOP}"),
    settings=ShopSettings.empty(f"settings/{SHOP}"),
)

TOLD_ELSEWHERE: Final[Mapping[type[Event], frozenset[str]]] = {
    # The aggregate copies them from the message that it names, whose own event tells them.
    AnswersMoved: frozenset({"name", "address", "rfc_message_id"}),
    # The person of a merchant's mailbox is no customer, and is offered for no export: the settings
    # show the address to those whose it is.
    MailboxAdded: frozenset({"address"}),
    # The beginning of a message that was moved, and who sent it: its own event tells them.
    MessageMoved: frozenset({"text", "subject", "name", "address", "rfc_message_id"}),
    ConversationRearranged: frozenset({"text"}),
    ConversationSplit: frozenset({"subject", "address"}),
    # One of those that the reply went to, whose own event tells them.
    DeliveryFailed: frozenset({"address"}),
    # The same as those of the first message, which is in the same commit.
    ConversationStarted: frozenset({"subject", "address"}),
}
"""Personal fields that are only copies of what another event of the person tells."""

PLACES: Final[Mapping[type[BaseModel], frozenset[str]]] = {
    StoredFile: frozenset({"bucket", "key", "opens"}),
}
"""Texts of parts that say where something is, and nothing about anybody."""

OF_NO_CUSTOMER: Final[frozenset[type[Event]]] = frozenset(
    {
        AutoReplySet,
        CustomersExported,
        ReplySaved,
        SegmentSaved,
        SenderChosen,
        SignatureSet,
        TagChanged,
        TagMade,
        ViewSaved,
    }
)
"""Words of the merchant, sealed under a key of their own. No directory knows its person, so nobody
can ask for an export of them; the merchant sees them on the page on which they set them."""

PERSONAL = [kind for kind in all_events() if kind.PERSONAL_FIELDS and kind not in OF_NO_CUSTOMER]


def about_ann(kind: type[Event]) -> Event:
    """An event about Ann, in which each personal field can be recognised."""
    values: dict[str, Any] = dict(sample(kind).event)
    for name in kind.PERSONAL_FIELDS:
        values[name] = _marked(values[name], mark(name))
    values |= {"person": ANN}
    if issubclass(kind, AggregateEvent):
        values |= {"originator_id": TALK}
    return kind.model_validate(values)


def _marked(value: Any, with_mark: str) -> Any:
    if not isinstance(value, tuple):
        return with_mark
    if not isinstance(value[0], BaseModel):
        return [with_mark]
    return [{**dict(value[0]), **_texts_of(value[0], with_mark)}]


def _texts_of(part: BaseModel, with_mark: str) -> dict[str, Any]:
    """Every text of a part of an event, with a mark of its own that ends with `with_mark`."""
    about = [(name, value) for name, value in part if name not in PLACES.get(type(part), ())]
    texts = {name: f"{name}/{with_mark}" for name, value in about if isinstance(value, str)}
    lists = {name: [f"{name}/{with_mark}"] for name, value in part if isinstance(value, tuple)}
    return {**texts, **lists}


def mark(field: str) -> str:
    return f"kept-as-{field.replace('_', '-')}-of-ann"


def _is_told(event: Event, field: str, text: str) -> bool:
    """Whether all that the field holds is in the text."""
    told = getattr(event, field)
    if isinstance(told, tuple) and isinstance(told[0], BaseModel):
        marks = _texts_of(told[0], mark(field)).values()
        return all((one if isinstance(one, str) else one[0]) in text for one in marks)
    return mark(field) in text


def as_html(export: Export) -> str:
    pages = Pages(lambda: NOON, "https://admin.example.com")
    names: dict[str, Any] = {
        "me": ME,
        "customer": None,
        "export": export,
        "now": NOON,
        "rest": None,
    }
    return bytes(pages.render("privacy/export_file.html", **names).body).decode()


@pytest.mark.parametrize("kind", PERSONAL, ids=lambda kind: kind.TYPE)
async def test_every_personal_field_of_an_event_comes_out_of_the_export(kind: type[Event]) -> None:
    log = Log()
    event = about_ann(kind)
    await log.hold(event, refs=(ANN,))
    export = await log.export(ANN)
    files = {
        "JSON": as_json(export, shop=SHOP, now=NOON, profile=None, rest=None).decode(),
        "HTML": as_html(export),
    }
    for name, text in files.items():
        missing = {field for field in kind.PERSONAL_FIELDS if not _is_told(event, field, text)}
        assert missing == TOLD_ELSEWHERE.get(kind, frozenset()), (
            f"missing in the {name} of the export: tell them in cplus/privacy/export/reading.py "
            "and cplus/web/templates/export_file.html, or say here why not"
        )


def test_whose_answers_are_wanted_is_copied_from_their_message() -> None:
    mail: dict[str, Any] = {"person": ANN, "from_name": "Ann", "from_address": "ann@example.com"}
    mail |= {"subject": "A lamp", "text": "Blue?", "rfc_message_id": "<1@example.com>"}
    talk = Conversation.empty(TALK)
    talk.start(person=ANN, channel="email", subject="A lamp", now=NOON)
    talk.receive(now=NOON, message_id="m1", **mail)
    talk.receive(now=NOON, message_id="m2", **{**mail, "from_address": "bob@example.com"})
    talk.answer_to(message_id="m1", now=NOON)
    [moved] = [one for one in talk.collect_events() if isinstance(one, AnswersMoved)]
    copied = (moved.name, moved.address, moved.rfc_message_id)
    assert copied == (mail["from_name"], mail["from_address"], mail["rfc_message_id"])
    assert moved.person == ANN
