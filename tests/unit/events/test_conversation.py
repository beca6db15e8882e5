"""The conversation's decisions: given what happened, when something is asked, then."""

from __future__ import annotations

import pytest

from cplus.errors import InvalidInput, NotFound
from cplus.events.aggregates.conversation.decisions import MAX_REPLY, Conversation, as_received
from cplus.events.base import AggregateEvent
from cplus.events.catalogue.conversations import MessageReceived
from cplus.events.catalogue.mail import MailSetAside
from tests.unit.events.conversations_given import MAIL, NOW, closed, given, received, started, then


def test_a_first_mail_starts_a_conversation_and_is_its_first_message() -> None:
    conversation = given()
    started(conversation)
    received(conversation)
    assert then(conversation) == ["conversation.started", "conversation.message_received"]
    assert conversation.open
    assert conversation.address == "ada@shopper.example"


def test_the_same_mail_again_changes_nothing() -> None:
    conversation = given(started, received)
    received(conversation)
    assert then(conversation) == []


def test_a_mail_that_may_not_is_received_and_changes_not_where_answers_go() -> None:
    conversation = given(started, received)
    received(conversation, "m2", from_address="other@evil.example", answer_here=False)
    assert then(conversation) == ["conversation.message_received"]
    assert conversation.address == "ada@shopper.example"
    assert conversation.last_message_id == "<1@shopper.example>"


def test_a_mail_opens_a_closed_conversation() -> None:
    conversation = given(started, received, closed)
    received(conversation, "m2")
    assert then(conversation) == ["conversation.message_received", "conversation.reopened"]


def test_a_machines_mail_leaves_it_closed_and_answers_still_go_to_the_person() -> None:
    conversation = given(started, received, closed)
    received(conversation, "m2", automatic=True, from_address="robot@shopper.example")
    assert then(conversation) == ["conversation.message_received"]
    assert not conversation.open
    assert conversation.address == "ada@shopper.example"


def test_an_answer_goes_to_who_wrote_last_and_names_the_mail_it_answers() -> None:
    conversation = given(started, received)
    conversation.reply(message_id="r1", text=" Yes!\r\n", author="merchant", now=NOW)
    [event] = conversation.collect_events()
    assert event.to_address == "ada@shopper.example"  # type: ignore[attr-defined]
    assert event.in_reply_to == "<1@shopper.example>"  # type: ignore[attr-defined]
    assert event.text == "Yes!"  # type: ignore[attr-defined]


def test_the_same_answer_again_changes_nothing() -> None:
    conversation = given(
        started,
        received,
        lambda c: c.reply(message_id="r1", text="Yes", author="merchant", now=NOW),
    )
    conversation.reply(message_id="r1", text="Yes", author="merchant", now=NOW)
    assert then(conversation) == []


def test_answering_a_closed_conversation_opens_it() -> None:
    conversation = given(started, received, closed)
    conversation.reply(message_id="r1", text="Yes", author="merchant", now=NOW)
    assert then(conversation) == ["conversation.reply_written", "conversation.reopened"]


@pytest.mark.parametrize("text", ["", " \n ", "x" * (MAX_REPLY + 1)])
def test_an_answer_of_no_use_is_refused_and_nothing_happens(text: str) -> None:
    conversation = given(started, received)
    with pytest.raises(InvalidInput):
        conversation.reply(message_id="r1", text=text, author="merchant", now=NOW)
    assert then(conversation) == []


def elsewhere(c: Conversation) -> None:
    received(c, "m2", person="person/q", from_address="work@shopper.example", answer_here=False)


def test_the_merchant_moves_answers_to_the_sender_of_a_message_and_back() -> None:
    conversation = given(started, received, elsewhere)
    conversation.answer_to(message_id="m2", now=NOW)
    [moved] = conversation.collect_events()
    assert moved.person == "person/q"  # type: ignore[attr-defined]
    conversation.reply(message_id="r1", text="Yes", author="merchant", now=NOW)
    [event] = conversation.collect_events()
    assert event.to_address == "work@shopper.example"  # type: ignore[attr-defined]
    conversation.answer_to(message_id="m1", now=NOW)
    assert then(conversation) == ["conversation.answers_moved"]
    assert conversation.address == "ada@shopper.example"


def test_answers_that_go_there_already_are_not_moved() -> None:
    conversation = given(started, received, elsewhere)
    conversation.answer_to(message_id="m1", now=NOW)
    assert then(conversation) == []


def test_answers_move_to_no_unknown_message_and_to_no_unknown_sender() -> None:
    conversation = given(started, received, lambda c: received(c, "m2", from_address=None))
    with pytest.raises(NotFound):
        conversation.answer_to(message_id="m3", now=NOW)
    with pytest.raises(InvalidInput):
        conversation.answer_to(message_id="m2", now=NOW)
    assert then(conversation) == []


def test_a_conversation_with_an_unknown_sender_cannot_be_answered() -> None:
    conversation = given(started, lambda c: received(c, from_address=None))
    with pytest.raises(InvalidInput):
        conversation.reply(message_id="r1", text="Yes", author="merchant", now=NOW)
    assert then(conversation) == []


def test_closing_twice_and_opening_twice_change_nothing() -> None:
    conversation = given(started, received, closed)
    conversation.close(NOW)
    assert then(conversation) == []
    conversation.reopen(NOW)
    conversation.reopen(NOW)
    assert then(conversation) == ["conversation.reopened"]


def test_a_conversation_read_from_its_events_is_the_one_that_made_them() -> None:
    made = Conversation.empty("conversation/c1")
    started(made)
    received(made)
    closed(made)
    received(made, "m2")
    made.reply(message_id="r1", text="Yes", author="merchant", now=NOW)
    elsewhere(made)
    made.answer_to(message_id="m2", now=NOW)
    read = Conversation.empty("conversation/c1")
    for event in made.collect_events():
        assert isinstance(event, AggregateEvent)
        event.mutate(read)
    assert vars(read.thread) == vars(made.thread)
    made.thread = read.thread
    assert vars(read) == vars(made)


def test_a_mail_that_was_set_aside_is_received_with_all_that_it_said() -> None:
    aside = MailSetAside(
        **MAIL, message_id="m1", reason="autoreply", channel="email", sent_from="eve@example.org",
        proved=False, attachments=2, raw={"bucket": "b", "key": "k"},
    )  # fmt: skip
    conversation = given(started)
    conversation.receive(now=NOW, **as_received(aside))
    [received] = [e for e in conversation.collect_events() if isinstance(e, MessageReceived)]
    lost = {n for n, v in aside.model_dump().items() if getattr(received, n, None) != v}
    assert lost == {"reason", "channel"}, "the conversation has the channel, the log the reason"
    of_the_stream = AggregateEvent.model_fields.keys()
    decided = MessageReceived.model_fields.keys() - MailSetAside.model_fields.keys() - of_the_stream
    assert decided == {"automatic", "answer_here", "answerable", "virus"}, (
        "what is no word of the mail"
    )
