"""What takes back what was done with a conversation: given, when, then."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import example, settings
from hypothesis import given as given_any
from hypothesis import strategies as st

from cplus.errors import InvalidInput
from cplus.events.aggregates.conversation import handling
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.aggregates.conversation.undoing import undo
from cplus.events.base import AggregateEvent
from tests.unit.events.conversations_given import NOW, closed, given, received, started, then

KNOWN = {"t1", "t2"}
LATER = NOW + timedelta(days=1)
ACTS: dict[str, Callable[[Conversation], Any]] = {
    "close": closed,
    "reopen": lambda talk: talk.reopen(NOW),
    "spam": lambda talk: talk.mark_spam(NOW),
    "not spam": lambda talk: talk.unmark_spam(NOW),
    "ada": partial(handling.assign, assignee="ada", now=NOW),
    "nobody": partial(handling.assign, assignee=None, now=NOW),
    "urgent": partial(handling.prioritize, priority="urgent", now=NOW),
    "low": partial(handling.prioritize, priority="low", now=NOW),
    "snooze": partial(handling.snooze, until=LATER, now=NOW),
    "for a reply": partial(handling.snooze, until=None, until_reply=True, now=NOW),
    "wake": partial(handling.wake, now=NOW),
    "tag": partial(handling.tag, added=["t1"], known=KNOWN, now=NOW),
    "untag": partial(handling.tag, removed=["t1"], known=KNOWN, now=NOW),
}


def standing(talk: Conversation) -> Any:
    told = deepcopy(talk.handling)
    told.tags.sort()
    return talk.open, talk.spam, told


def done(talk: Conversation, act: str) -> set[int]:
    """Does it; the versions of its events."""
    with suppress(InvalidInput):
        ACTS[act](talk)
    events = talk.collect_events()
    return {one.originator_version for one in events if isinstance(one, AggregateEvent)}


def taken_back(talk: Conversation, versions: set[int], **more: Any) -> list[str]:
    asked: dict[str, Any] = {"versions": versions, "known": KNOWN, "now": NOW}
    undo(talk, **(asked | more))
    return then(talk)


@settings(max_examples=60)
@example(["for a reply", "spam"], "close")  # spam keeps its snooze, and closing ends it
@given_any(st.lists(st.sampled_from(sorted(ACTS)), max_size=6), st.sampled_from(sorted(ACTS)))
def test_whatever_was_done_is_brought_back_to_how_it_stood(before: list[str], act: str) -> None:
    talk = given(started, received)
    for one in before:
        done(talk, one)
    stood = standing(talk)
    versions = done(talk, act)
    taken_back(talk, versions)
    assert standing(talk) == stood
    assert taken_back(talk, versions) == [], "taken back again changes nothing"


def test_what_was_snoozed_and_closed_is_open_and_snoozed_again() -> None:
    talk = given(started, received, ACTS["snooze"])
    assert taken_back(talk, done(talk, "close")) == [
        "conversation.reopened",
        "conversation.snoozed",
    ]


@pytest.mark.parametrize(
    ("act", "since"),
    [
        ("close", ["reopen", "close"]),
        ("spam", ["not spam", "spam"]),
        ("snooze", ["wake", "for a reply"]),
        ("snooze", ["wake", "snooze"]),
        ("ada", ["nobody", "ada"]),
        ("urgent", ["low", "urgent"]),
        ("tag", ["untag", "tag"]),
    ],
)
def test_what_somebody_chose_since_stays_also_if_it_is_the_same(act: str, since: list[str]) -> None:
    talk = given(started, received)
    versions = done(talk, act)
    for one in since:
        done(talk, one)
    assert taken_back(talk, versions) == []


def test_a_snooze_that_is_over_and_a_tag_that_is_removed_do_not_come_back() -> None:
    talk = given(started, received, ACTS["snooze"])
    assert taken_back(talk, done(talk, "wake"), now=LATER) == []
    talk = given(started, received, ACTS["tag"])
    assert taken_back(talk, done(talk, "untag"), known={"t2"}) == []


def test_what_was_merged_since_is_left_alone() -> None:
    talk = given(started, received)
    versions = done(talk, "ada")
    talk.merged_into = "c2"
    with pytest.raises(InvalidInput, match="merged"):
        taken_back(talk, versions)
