"""Conversations that are merged: given what happened in both, when something is asked, then."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import example, settings
from hypothesis import given as for_all
from hypothesis import strategies as st

from cplus.errors import InvalidInput
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.aggregates.failed_delivery import fail
from cplus.events.aggregates.merging import merge, unmerge
from cplus.events.base import AggregateEvent, Recorded
from cplus.events.repository import decided
from cplus.projections.models.conversations import CONVERSATIONS
from tests.unit.events.conversations_given import MAIL, NOW, closed, received, started, then
from tests.unit.projections.models.told_events import fold, recorded


def talk(name: str, *decisions: Callable[[Conversation], None]) -> Conversation:
    one = Conversation.empty(f"conversation/{name}")
    for decision in (started, received, *decisions):
        decision(one)
    one.collect_events()
    return one


def answered(c: Conversation, message_id: str = "r1", **more: Any) -> None:
    c.reply(message_id=message_id, text="Yes", author="merchant", now=NOW, **more)


def test_both_record_it_once_and_undo_it_once() -> None:
    a, b = talk("a"), talk("b")
    for _ in range(2):
        merge(a, b, NOW)
    assert then(a) == then(b) == ["conversation.merged"]
    assert (a.merged_into, a.open, b.open) == ("b", False, True)
    for _ in range(2):
        unmerge(a, b, NOW)
    assert then(a) == then(b) == ["conversation.unmerged"]
    assert (a.merged_into, a.open, a.awaited) == (None, True, True)


def test_who_waits_in_the_one_waits_in_the_other_until_an_answer_or_until_it_is_undone() -> None:
    a, b = talk("a"), talk("b", answered, closed)
    merge(a, b, NOW)
    assert (b.open, b.awaited) == (True, True)
    unmerge(a, b, NOW)
    assert (b.open, b.awaited) == (True, False)
    merge(a, b, NOW)
    answered(b, "r2")
    assert not b.awaited


def test_what_was_closed_opens_nothing_and_is_closed_again() -> None:
    a, b = talk("a", answered, closed), talk("b", answered, closed)
    merge(a, b, NOW)
    assert (b.open, b.awaited) == (False, False)
    unmerge(a, b, NOW)
    assert not a.open


def test_a_merged_one_is_not_replied_in_nor_reopened() -> None:
    a, b = talk("a"), talk("b")
    merge(a, b, NOW)
    for refused in (answered, lambda c: c.reopen(NOW)):
        with pytest.raises(InvalidInput, match="merged"):
            refused(a)


def test_a_reply_of_it_that_fails_later_opens_it_alone() -> None:
    a, b = talk("a", answered, closed), talk("b", answered, closed)
    merge(a, b, NOW)
    told = {"person": "person/p", "address": "ada@shopper.example", "reason": "bounced"}
    fail(a, message_id="r1", **told, now=NOW)
    assert (a.open, b.open) == (True, False)
    unmerge(a, b, NOW)
    assert a.open


def test_what_cannot_be_merged_is_refused_with_the_reason() -> None:
    def waits(c: Conversation) -> None:
        answered(c, send_at=NOW + timedelta(hours=1))

    def failed(c: Conversation) -> None:
        answered(c)
        fail(c, message_id="r1", person="person/p", address="a@b.example", reason="x", now=NOW)

    merged, other = talk("m"), talk("o")
    merge(merged, other, NOW)
    spam = talk("s", lambda c: c.mark_spam(NOW))
    same = talk("b")
    for a, b, why in (
        (same, same, "itself"),
        (merged, talk("b"), "already"),
        (talk("a"), merged, "already"),
        (spam, talk("b"), "spam"),
        (talk("a"), spam, "spam"),
        (talk("a", waits), talk("b"), "waits"),
        (talk("a", failed), talk("b"), "arrive"),
    ):
        with pytest.raises(InvalidInput, match=why):
            merge(a, b, NOW)
        assert then(b) in ([], ["conversation.merged"])


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["merge", "unmerge", "mail", "answer", "withheld", "withdraw", "close"]),
        st.sampled_from("abcd"),
        st.sampled_from("abcd"),
    ),
    max_size=25,
)


_LENT: Final = [
    *[("mail", "a", "a"), ("mail", "c", "c"), ("withheld", "c", "c"), ("mail", "c", "c")],
    ("merge", "a", "c"),
]
"""Somebody who waits is merged into where a mail came after a reply that waits."""


@settings(max_examples=60)
@for_all(_STEPS)
@example(_LENT)
def test_in_any_order_there_is_no_circle_and_the_rows_stand_as_the_log_says(
    steps: list[tuple[str, str, str]],
) -> None:
    talks = {name: Conversation.empty(f"conversation/{name}") for name in "abcd"}
    log: list[Recorded] = []
    for one in talks.values():
        started(one)
    for number, (what, name, other) in enumerate([("", "a", "a"), *steps]):
        with suppress(InvalidInput):
            _do(what, talks, talks[name], talks[other], f"m{number}")
        for changed in talks.values():
            for new in decided(changed):
                assert isinstance(new.event, AggregateEvent)
                event, at = new.event, len(log) + 1
                version = event.originator_version
                log.append(recorded(event, at, at, event.originator_id, version))
    rows = fold(CONVERSATIONS, log)
    assert rows == fold(CONVERSATIONS, [told for told in log for _ in range(2)])
    for name, one in talks.items():
        row, up, end = rows[name], 0, one
        while end.merged_into:
            end, up = talks[end.merged_into], up + 1
            assert up < len(talks)
        assert (row["open"], row.get("merged_into")) == (one.open, one.merged_into)
        inside = {of for of, source in talks.items() if source.merged_into == name}
        assert set(row.get("merged", ())) == inside


def _do(
    what: str,
    talks: dict[str, Conversation],
    one: Conversation,
    other: Conversation,
    message_id: str,
) -> None:
    match what:
        case "merge":
            merge(one, other, NOW)
        case "unmerge" if one.merged_into:
            unmerge(one, talks[one.merged_into], NOW)
        case "mail" if not one.merged_into:
            one.receive(now=NOW, message_id=message_id, **MAIL)
        case "answer":
            answered(one, message_id)
        case "withheld":
            answered(one, message_id, send_at=NOW)
        case "withdraw" if one.waits:
            one.withdraw(message_id=max(one.waits), now=NOW)
        case "close":
            one.close(NOW)
