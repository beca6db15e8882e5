"""How staff works on a conversation: given what happened, when something is asked, then."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from cplus.errors import InvalidInput
from cplus.events.aggregates.conversation import handling
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.catalogue.handling import ConversationTagged
from tests.unit.events.conversations_given import NOW, closed, given, received, started, then

KNOWN = {"t1", "t2", "t3", *(f"more{n}" for n in range(20))}
LATER = NOW + timedelta(days=1)
snoozed = partial(handling.snooze, until=LATER, now=NOW)
for_reply = partial(handling.snooze, until=None, until_reply=True, now=NOW)
mine = partial(handling.assign, assignee="ada", now=NOW)


def replied(c: Conversation, message_id: str = "r1", **more: Any) -> None:
    c.reply(message_id=message_id, text="Yes", author="ada", now=NOW, **more)


def test_what_is_asked_again_changes_nothing() -> None:
    talk = given(started, received)
    for _ in range(2):
        mine(talk)
        handling.tag(talk, added=["t1", "t2"], known=KNOWN, now=NOW)
        handling.prioritize(talk, priority="urgent", now=NOW)
        snoozed(talk)
    assert then(talk) == [
        "conversation.assigned",
        "conversation.tagged",
        "conversation.prioritized",
        "conversation.snoozed",
    ]
    told = talk.handling
    assert (told.assignee, told.tags, told.priority) == ("ada", ["t1", "t2"], "urgent")
    assert (told.snoozed, told.snoozed_until) == (True, LATER)


def test_tags_are_put_on_and_taken_off_each_once() -> None:
    talk = given(started, partial(handling.tag, added=["t1", "t1", "t2"], known=KNOWN, now=NOW))
    handling.tag(talk, added=["t3"], removed=["t1", "t9"], known=KNOWN, now=NOW)
    [event] = talk.collect_events()
    assert isinstance(event, ConversationTagged)
    assert (event.added, event.removed) == (("t3",), ("t1",))
    assert talk.handling.tags == ["t2", "t3"]
    with pytest.raises(InvalidInput, match="up to 20 tags"):
        handling.tag(talk, added=[f"more{n}" for n in range(19)], known=KNOWN, now=NOW)


def test_only_tags_of_the_shop_are_put_on_it_and_removed_ones_go_with_the_next_change() -> None:
    talk = given(started, partial(handling.tag, added=["t1", "t2"], known=KNOWN, now=NOW))
    with pytest.raises(InvalidInput, match="no such tag"):
        handling.tag(talk, added=["My neighbour Bob"], known=KNOWN, now=NOW)
    handling.tag(talk, added=["t1"], known={"t1"}, now=NOW)
    assert then(talk) == [], "nothing else changes: nothing is recorded"
    handling.tag(talk, added=["t3"], known={"t1", "t3"}, now=NOW)
    assert talk.handling.tags == ["t1", "t3"]
    many = [f"more{n}" for n in range(18)]
    handling.tag(talk, added=many, known={"t1", "t3", *many}, now=NOW)
    handling.tag(talk, added=["t2"], known={"t2"}, now=NOW)
    assert talk.handling.tags == ["t2"], "what was removed from the shop takes no place"


@pytest.mark.parametrize("way", [snoozed, for_reply])
def test_a_mail_from_the_customer_wakes_it_and_a_machines_does_not(way: Any) -> None:
    talk = given(started, received, way)
    received(talk, "m2", automatic=True)
    assert talk.handling.snoozed
    received(talk, "m3")
    assert then(talk)[-1] == "conversation.woken"
    assert not talk.handling.snoozed


def test_a_reply_ends_until_a_reply_and_no_moment() -> None:
    talk = given(started, received, for_reply)
    replied(talk)
    assert then(talk) == ["conversation.reply_written", "conversation.woken"]
    talk = given(started, received, snoozed)
    replied(talk)
    assert then(talk) == ["conversation.reply_written"]


def test_it_wakes_at_its_moment_and_not_before() -> None:
    talk = given(started, received, snoozed)
    handling.wake_due(talk, now=LATER - timedelta(seconds=1))
    assert then(talk) == []
    handling.wake_due(talk, now=LATER)
    handling.wake_due(talk, now=LATER)
    assert then(talk) == ["conversation.woken"]


def test_closing_ends_the_snooze() -> None:
    talk = given(started, received, snoozed)
    talk.close(NOW)
    assert then(talk) == ["conversation.woken", "conversation.closed"]


@pytest.mark.parametrize(
    ("until", "words"),
    [
        (NOW, "still to come"),
        (NOW + timedelta(days=400), "up to a year"),
        (None, "until when"),
    ],
)
def test_a_moment_must_lie_ahead(until: Any, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        handling.snooze(given(started, received), until=until, now=NOW)


def test_what_is_closed_or_spam_cannot_be_put_off_but_tagged() -> None:
    for talk in (given(started, closed), given(started, lambda c: c.mark_spam(NOW))):
        with pytest.raises(InvalidInput, match="can’t be snoozed"):
            snoozed(talk)
        handling.tag(talk, added=["t1"], known=KNOWN, now=NOW)
        assert talk.handling.tags == ["t1"]


@pytest.mark.parametrize(
    "act",
    [
        mine,
        snoozed,
        partial(handling.tag, added=["t1"], known=KNOWN, now=NOW),
        partial(handling.prioritize, priority="high", now=NOW),
    ],
)
def test_nobody_works_on_what_was_merged_or_erased(act: Any) -> None:
    merged, erased = given(started, received), given(started, received)
    merged.merged_into, erased.erased = "c2", True
    for talk in (merged, erased):
        with pytest.raises(InvalidInput):
            act(talk)
        assert then(talk) == []


@pytest.mark.parametrize("assignee", ["", "mailbox/m1", "a b", "x" * 65])
def test_only_an_id_of_staff_can_be_assigned(assignee: str) -> None:
    with pytest.raises(InvalidInput, match="staff"):
        handling.assign(given(started), assignee=assignee, now=NOW)


def test_an_unknown_priority_is_refused() -> None:
    with pytest.raises(InvalidInput, match="priority"):
        handling.prioritize(given(started), priority="asap", now=NOW)


def test_a_reply_that_is_taken_back_opens_what_was_closed_with_it() -> None:
    talk = given(started, received)
    replied(talk, send_at=LATER)
    talk.close(NOW)
    talk.collect_events()
    talk.withdraw(message_id="r1", now=NOW)
    assert then(talk) == ["conversation.reply_withdrawn", "conversation.reopened"]
    assert talk.open
    talk.close(NOW)
    talk.withdraw(message_id="r1", now=NOW)
    assert not talk.open, "taken back again changes nothing"
