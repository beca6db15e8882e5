"""Two of the team answer one conversation: the second is told what came before they sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given as cases
from hypothesis import strategies as st

from cplus.errors import OthersWrote
from cplus.events.aggregates.conversation.decisions import Conversation
from tests.unit.events.conversations_given import NOW, given, received, started, then


def _replied(author: str, message_id: str = "r1") -> Callable[[Conversation], None]:
    return lambda c: c.reply(message_id=message_id, text="Yes", author=author, now=NOW)


def _reply(c: Conversation, seen: list[str], author: str = "ada") -> None:
    c.reply(message_id="mine", text="Yes", author=author, now=NOW, seen=seen)


def _since(c: Conversation, seen: list[str], author: str = "ada") -> dict[str, str | None]:
    with pytest.raises(OthersWrote) as error:
        _reply(c, seen, author)
    assert then(c) == []
    return dict(error.value.values["since"])


def test_a_reply_is_held_for_what_others_wrote_since() -> None:
    c = given(started, received, _replied("bea"), lambda c: received(c, "m2"))
    assert _since(c, ["m1"]) == {"r1": "bea", "m2": None}
    assert _since(c, ["m1", "r1"]) == {"m2": None}
    _reply(c, ["m2", "m1"])
    assert then(c) == ["conversation.reply_written"]


def test_a_note_of_another_holds_it_too() -> None:
    c = given(
        started, received, lambda c: c.note(message_id="n1", text="Wait!", author="bea", now=NOW)
    )
    assert _since(c, ["m1"]) == {"n1": "bea"}


@pytest.mark.parametrize(
    "since",
    [
        _replied("ada"),
        lambda c: c.note(message_id="n1", text="For me", author="ada", now=NOW),
        lambda c: received(c, "m2", automatic=True),
        lambda c: c.auto_reply(message_id="a1", answers="m1", kind="away", text="Closed", now=NOW),
        lambda c: c.close(NOW),
    ],
)
def test_nothing_is_held_for_what_no_other_person_wrote(since: object) -> None:
    c = given(started, received, since)  # type: ignore[arg-type]
    _reply(c, ["m1"])
    assert then(c)[:1] == ["conversation.reply_written"]


def test_a_reply_that_was_taken_back_is_nothing_that_came() -> None:
    later = NOW + timedelta(minutes=1)

    def scheduled(c: Conversation) -> None:
        c.reply(message_id="r1", text="No", author="bea", now=NOW, send_at=later)

    c = given(started, received, scheduled)
    assert _since(c, ["m1"]) == {"r1": "bea"}
    c.withdraw(message_id="r1", now=NOW)
    _reply(c, ["m1"])


def test_who_says_nothing_of_what_they_saw_or_saw_what_is_not_here_is_not_held() -> None:
    c = given(started, received, _replied("bea"))
    for seen in ([], ["of-another"]):
        _reply(c, seen)
        c.written.discard("mine")


def test_the_same_command_again_is_the_same_reply() -> None:
    c = given(started, received)
    _reply(c, ["m1"])
    received(c, "m2")
    c.collect_events()
    _reply(c, ["m1"])
    assert then(c) == []


@cases(
    st.lists(st.sampled_from(["customer", "ada", "bea", "cleo"]), min_size=1, max_size=12),
    st.data(),
)
def test_exactly_what_others_wrote_after_the_newest_that_was_seen(
    writers: list[str], data: st.DataObject
) -> None:
    c = given(started)
    ids = [f"m{number}" for number in range(len(writers))]
    for one, writer in zip(ids, writers, strict=True):
        if writer == "customer":
            received(c, one)
        else:
            _reply_as(c, one, writer)
    seen = data.draw(st.lists(st.sampled_from(ids), min_size=1))
    newest = max(ids.index(one) for one in seen)
    after = list(zip(ids, writers, strict=True))[newest + 1 :]
    expected = {
        one: None if writer == "customer" else writer for one, writer in after if writer != "ada"
    }
    assert c.thread.since(seen, "ada") == expected
    assert list(c.thread.since(seen, "ada")) == list(expected)


def _reply_as(c: Conversation, message_id: str, author: str) -> None:
    if c.address:
        c.reply(message_id=message_id, text="Yes", author=author, now=NOW)
    else:
        c.note(message_id=message_id, text="Hm", author=author, now=NOW)
