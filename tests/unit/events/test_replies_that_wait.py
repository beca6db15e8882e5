"""Replies that wait to be sent: when they may be scheduled, withdrawn, and to how many they go."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cplus.errors import InvalidInput, NotFound
from cplus.events.aggregates.conversation.decisions import (
    MAX_AHEAD,
    MAX_RECIPIENTS,
    MAX_WAITING,
    Conversation,
)
from cplus.events.catalogue.conversations import ConversationStarted, ReplyWritten
from tests.unit.events.conversations_given import NOW, given, received, started, then


def waiting(c: Conversation, message_id: str = "r1", seconds: float = 10) -> None:
    moment = NOW + timedelta(seconds=seconds)
    c.reply(message_id=message_id, text="Yes", author="ada", now=NOW, send_at=moment)


def test_a_reply_keeps_who_gets_copies_and_when_it_goes_out() -> None:
    conversation = given(started, received)
    conversation.reply(
        message_id="r1", text="Yes", author="ada", now=NOW, send_at=NOW + timedelta(days=3),
        cc=["cem@example.com"], bcc=["log@example.com"],
    )  # fmt: skip
    [event] = conversation.collect_events()
    assert isinstance(event, ReplyWritten)
    assert (event.cc, event.bcc) == (("cem@example.com",), ("log@example.com",))
    assert event.send_at == NOW + timedelta(days=3)


def test_a_mail_goes_to_no_more_than_ses_takes() -> None:
    conversation = given(started, received)
    many = [f"a{number}@example.com" for number in range(MAX_RECIPIENTS)]
    with pytest.raises(InvalidInput, match="up to 50 addresses"):
        conversation.reply(message_id="r1", text="Yes", author="ada", now=NOW, cc=many)
    conversation.reply(message_id="r1", text="Yes", author="ada", now=NOW, cc=many[1:])
    assert then(conversation) == ["conversation.reply_written"]


def test_a_reply_is_scheduled_up_to_60_days_ahead() -> None:
    conversation = given(started, received)
    with pytest.raises(InvalidInput, match="up to 60 days ahead"):
        waiting(conversation, seconds=MAX_AHEAD.total_seconds() + 1)
    waiting(conversation, seconds=MAX_AHEAD.total_seconds())
    assert then(conversation) == ["conversation.reply_written"]


def test_so_many_replies_wait_at_once_and_no_more() -> None:
    conversation = given(started, received)
    for number in range(MAX_WAITING):
        waiting(conversation, f"r{number}")
    with pytest.raises(InvalidInput, match="can wait to be sent"):
        waiting(conversation, "late")
    conversation.withdraw(message_id="r3", now=NOW)
    waiting(conversation, "late")


def test_a_reply_that_waits_is_withdrawn_once() -> None:
    conversation = given(started, received, waiting)
    conversation.withdraw(message_id="r1", now=NOW)
    conversation.withdraw(message_id="r1", now=NOW)
    assert then(conversation) == ["conversation.reply_withdrawn"]


def test_what_goes_out_at_once_or_is_not_there_is_not_withdrawn() -> None:
    conversation = given(
        started,
        received,
        lambda c: c.reply(message_id="r1", text="Yes", author="ada", now=NOW),
    )
    with pytest.raises(InvalidInput):
        conversation.withdraw(message_id="r1", now=NOW)
    with pytest.raises(NotFound):
        conversation.withdraw(message_id="r2", now=NOW)
    assert then(conversation) == []


def test_a_conversation_that_the_merchant_begins_goes_to_the_address_they_gave() -> None:
    conversation = Conversation.empty("conversation/c1")
    conversation.start(
        person="person/p", channel="email", subject="Your order", now=NOW,
        by="merchant", address="ada@shopper.example",
    )  # fmt: skip
    conversation.reply(message_id="r1", text="It is ready.", author="ada", now=NOW)
    begun, reply = conversation.collect_events()
    assert isinstance(begun, ConversationStarted)
    assert begun.by == "merchant"
    assert isinstance(reply, ReplyWritten)
    assert (reply.to_address, reply.person) == ("ada@shopper.example", "person/p")
