"""A conversation that is spam: given what happened, when something is asked, then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cplus.events.aggregates.conversation.decisions import Conversation, allowance_refs
from cplus.events.catalogue.conversations import ConversationMarkedSpam, ConversationUnmarkedSpam
from cplus.events.repository import decided
from tests.unit.events.conversations_given import MAIL, NOW, closed, given, received, started, then

LATER = datetime(2026, 12, 3, tzinfo=UTC)


def marked(c: Conversation, now: datetime = NOW) -> None:
    c.mark_spam(now)


def unmarked(c: Conversation, now: datetime = NOW) -> None:
    c.unmark_spam(now)


def test_it_is_marked_and_unmarked_once() -> None:
    conversation = given(started, received)
    marked(conversation)
    marked(conversation)
    assert then(conversation) == ["conversation.marked_spam"]
    unmarked(conversation)
    unmarked(conversation)
    assert then(conversation) == ["conversation.unmarked_spam"]
    assert (conversation.spam, conversation.open) == (False, True)


def test_later_mail_stays_spam_and_opens_nothing_until_it_is_unmarked() -> None:
    conversation = given(started, received, closed, marked)
    received(conversation, "m2")
    assert then(conversation) == ["conversation.message_received"]
    assert conversation.spam
    assert not conversation.open
    unmarked(conversation)
    assert then(conversation) == ["conversation.unmarked_spam", "conversation.reopened"]


def test_unmarked_without_later_mail_of_a_person_it_is_closed_as_before() -> None:
    conversation = given(started, received, closed, marked)
    received(conversation, "m2", automatic=True)
    unmarked(conversation)
    assert not conversation.open


def test_an_answer_says_that_it_is_no_spam() -> None:
    conversation = given(started, received, closed, marked)
    conversation.reply(message_id="r1", text="Yes", author="merchant", now=NOW)
    assert then(conversation) == [
        "conversation.reply_written",
        "conversation.unmarked_spam",
        "conversation.reopened",
    ]


def test_the_days_on_which_mail_came_are_told() -> None:
    conversation = given(started, received)
    mail: dict[str, Any] = MAIL
    conversation.receive(now=NOW + timedelta(days=2), message_id="m2", **mail)
    conversation.collect_events()
    marked(conversation)
    [event] = conversation.collect_events()
    assert isinstance(event, ConversationMarkedSpam)
    assert (event.person, event.days) == ("person/p", ("2026-11-01", "2026-11-03"))


def test_marked_in_its_month_it_gives_its_place_back_and_takes_one_when_unmarked() -> None:
    conversation = given(started, received)
    marked(conversation)
    assert allowance_refs(decided(conversation)) == ["given-back/2026-11"]
    unmarked(conversation, LATER)
    assert allowance_refs(decided(conversation)) == ["started/2026-12"]
    marked(conversation, LATER)
    assert allowance_refs(decided(conversation)) == ["given-back/2026-12"]


def test_marked_after_its_month_it_keeps_its_place_and_takes_no_second_one() -> None:
    conversation = given(started, received)
    marked(conversation, LATER)
    assert allowance_refs(decided(conversation)) == []
    unmarked(conversation, LATER)
    [event] = conversation.collect_events()
    assert isinstance(event, ConversationUnmarkedSpam)
    assert event.month is None
