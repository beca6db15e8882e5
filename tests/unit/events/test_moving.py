"""Messages that are moved and split off: given what happened, when something is asked of two
conversations, then."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from cplus.errors import InvalidInput, NotFound
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.aggregates.failed_delivery import fail
from cplus.events.aggregates.merging import merge, unmerge
from cplus.events.aggregates.moving import move, split, unsplit
from cplus.events.base import AggregateEvent, Recorded
from cplus.events.catalogue.conversations import AutoReplied, MessageReceived
from cplus.events.catalogue.privacy import PersonErased
from cplus.events.repository import decided
from cplus.projections.base import Projection, Row
from cplus.projections.models.conversations import CONVERSATIONS
from cplus.projections.models.messages import MESSAGES
from tests.unit.events.conversations_given import MAIL, NOW, closed, started, then
from tests.unit.projections.models.told_events import fold, recorded

BEA: dict[str, Any] = {
    "person": "person/b",
    "from_name": "Bea",
    "from_address": "bea@shopper.example",
    "subject": "Returns",
    "text": "Can I send it back?",
    "rfc_message_id": "<b@shopper.example>",
}


def at(minutes: int) -> Any:
    return NOW + timedelta(minutes=minutes)


def came(message_id: str, minutes: int = 0, **mail: Any) -> Callable[[Conversation], None]:
    told = {**MAIL, "rfc_message_id": f"<{message_id}@shopper.example>", **mail}
    return lambda c: c.receive(now=at(minutes), message_id=message_id, **told)


def answered(message_id: str, minutes: int = 0, **more: Any) -> Callable[[Conversation], None]:
    def decide(c: Conversation) -> None:
        c.reply(message_id=message_id, text="Yes", author="merchant", now=at(minutes), **more)

    return decide


def talk(name: str, *decisions: Callable[[Conversation], None]) -> Conversation:
    one = Conversation.empty(f"conversation/{name}")
    for decision in (started, *decisions):
        decision(one)
    one.collect_events()
    return one


def ids(c: Conversation) -> list[str]:
    return [one.message_id for one in c.thread.lines]


def test_a_message_stands_in_the_other_one_by_its_time_and_back() -> None:
    a = talk("a", came("m1"), came("m2", 1))
    b = talk("b", came("n1", 0), came("n2", 2))
    for _ in range(2):
        move(a, b, ["m2"], NOW)
    told = ["conversation.message_moved", "conversation.rearranged"]
    assert then(a) == then(b) == told
    assert (ids(a), ids(b)) == (["m1"], ["n1", "m2", "n2"])
    move(b, a, ["m2"], NOW, back=True)
    assert (ids(a), ids(b)) == (["m1", "m2"], ["n1", "n2"])
    assert (a.thread.left, a.thread.came, b.thread.came) == ({}, {}, {})


def test_who_waits_waits_where_the_message_stands_and_who_was_answered_nowhere() -> None:
    a, b = talk("a", came("m1"), answered("r1"), came("m2")), talk("b", came("n1"), answered("s1"))
    closed(b)
    move(a, b, ["m2"], NOW)
    assert (a.awaited, b.awaited, b.open) == (False, True, True)
    c = talk("c", came("o1"), answered("t1"), closed)
    move(a, c, ["m1"], NOW)
    assert (c.awaited, c.open) == (False, False)


def test_a_split_takes_the_message_and_all_that_follow_with_who_wrote_and_where_they_are() -> None:
    a = talk("a", came("m1"), answered("r1", 1), came("m2", 2, **BEA), answered("r2", 3))
    b = Conversation.empty("conversation/b")
    split(a, b, "m2", NOW)
    assert (ids(a), ids(b)) == (["m1", "r1"], ["m2", "r2"])
    assert then(b)[0] == "conversation.split"
    assert (b.person, b.address, b.subject) == ("person/b", "bea@shopper.example", "Returns")
    assert (b.channel, b.last_message_id) == (a.channel, "<b@shopper.example>")
    assert (a.address, a.last_message_id) == ("ada@shopper.example", "<m1@shopper.example>")
    assert (b.counts, b.counts_in) == (False, None)


def test_replies_go_to_who_is_left_if_they_went_to_whom_was_split_off() -> None:
    a = talk("a", came("m1"), came("m2", 1, **BEA, answer_here=True))
    assert a.address == "bea@shopper.example"
    split(a, Conversation.empty("conversation/b"), "m2", NOW)
    assert "conversation.answers_moved" in then(a)
    assert a.address == "ada@shopper.example"


def test_a_split_is_undone_and_mail_that_came_since_stays() -> None:
    a = talk("a", came("m1"), came("m2", 1))
    b, c = Conversation.empty("conversation/b"), Conversation.empty("conversation/c")
    split(a, b, "m2", NOW)
    b.note(message_id="n", text="Mine", author="merchant", now=at(2))
    unsplit(b, a, NOW)
    assert (ids(a), ids(b)) == (["m1", "m2", "n"], [])
    assert (b.merged_into, b.open) == ("a", False)
    b.collect_events()
    unsplit(b, a, NOW)
    unmerge(b, a, NOW)
    assert then(b) == []
    split(a, c, "m2", NOW)
    came("m3", 5)(c)
    unsplit(c, a, NOW)
    assert (ids(c), c.merged_into, c.awaited) == (["m3"], None, True)
    with pytest.raises(InvalidInput, match="nothing that was split"):
        unsplit(c, a, NOW)


def test_an_automatic_reply_goes_with_what_it_answers() -> None:
    a, b = talk("a", came("m1"), came("m2", 1)), talk("b", came("n1"))
    told = {"message_id": "x", "answers": "m2", "kind": "away", "person": "person/p"}
    sent = {"to_address": "ada@shopper.example", "subject": "Re", "text": "Later"}
    a.trigger_event(AutoReplied, **told, **sent, timestamp=at(1))
    move(a, b, ["m2"], NOW)
    assert (ids(a), ids(b)) == (["m1"], ["n1", "m2", "x"])


def test_a_reply_that_fails_where_it_stands_is_told_there() -> None:
    a, b = talk("a", came("m1"), answered("r1", 1)), talk("b", came("n1"), answered("s1"), closed)
    move(a, b, ["r1"], NOW)
    told = {"person": "person/p", "address": "ada@shopper.example", "reason": "bounced"}
    fail(b, message_id="r1", **told, now=NOW)
    assert (b.open, b.failed) == (True, {"r1"})


def test_what_cannot_be_moved_is_refused_with_the_reason() -> None:
    def waits(c: Conversation) -> None:
        answered("w", send_at=at(60))(c)

    def failed(c: Conversation) -> None:
        answered("m2")(c)
        fail(c, message_id="m2", person="person/p", address="a@b.example", reason="x", now=NOW)

    two = (came("m1"), came("m2"))
    merged, spam = talk("m", *two), talk("s", *two, lambda c: c.mark_spam(NOW))
    merge(merged, talk("o", came("n1")), NOW)
    same = talk("b", *two)
    for a, b, why in (
        (same, same, None),
        (merged, talk("b"), "merged"),
        (talk("a", *two), merged, None),
        (spam, talk("b"), "spam"),
        (talk("a", *two), talk("s", lambda c: c.mark_spam(NOW)), "spam"),
        (talk("a", *two, waits), talk("b"), "waits"),
        (talk("a", *two), talk("b", came("n1"), waits), "waits"),
        (talk("a", came("m1"), failed), talk("b"), "arrive"),
        (talk("a", came("m2")), talk("b"), "nothing would be left"),
    ):
        if why is None:  # it stands there already
            move(a, b, ["m2"], NOW)
            assert not then(b) or b is merged
            continue
        with pytest.raises(InvalidInput, match=why):
            move(a, b, ["m2"], NOW)
    with pytest.raises(NotFound):
        move(talk("a", *two), talk("b"), ["other"], NOW)
    with pytest.raises(NotFound):
        split(talk("a", *two), Conversation.empty("conversation/n"), "other", NOW)
    with pytest.raises(InvalidInput, match="nothing would be left"):
        split(talk("a", *two), Conversation.empty("conversation/n"), "m1", NOW)


_DEEDS = (
    *("move", "back", "split", "unsplit", "merge", "unmerge", "mail", "answer", "withheld"),
    *("withdraw", "close", "spam", "note", "erase"),
)
_STEPS = st.lists(
    st.tuples(
        st.sampled_from(_DEEDS),
        st.sampled_from("abc"),
        st.sampled_from("abc"),
        st.integers(0, 5),
    ),
    max_size=30,
)


class World:
    """Conversations, their log, and whom it forgot."""

    def __init__(self) -> None:
        self.talks = {name: talk(name) for name in "abc"}
        self.log: list[Recorded] = []
        self.erased = set[str]()
        self.written = set[str]()
        self.number = 0
        for name in self.talks:
            self.talks[name] = Conversation.empty(f"conversation/{name}")
            started(self.talks[name])
            self.do("mail", name, name, 0)

    def do(self, what: str, name: str, other: str, which: int) -> None:
        self.number += 1
        one, to = self.talks[name], self.talks[other]
        with suppress(InvalidInput, NotFound):
            self._do(what, one, to, which, f"m{self.number}")
        for changed in list(self.talks.values()):
            for new in decided(changed):
                assert isinstance(new.event, AggregateEvent)
                at_ = len(self.log) + 1
                stream, version = new.event.originator_id, new.event.originator_version
                self.log.append(recorded(new.event, self.number, at_, stream, version))

    def _do(self, what: str, one: Conversation, to: Conversation, which: int, new: str) -> None:
        now = at(self.number)
        match what:
            case "merge":
                merge(one, to, now)
            case "unmerge" if one.merged_into:
                unmerge(one, self.talks[one.merged_into], now)
            case "move" | "back" | "split" | "unsplit":
                self._move(what, one, to, which, new)
            case "close":
                one.close(now)
            case "spam":
                (one.unmark_spam if one.spam else one.mark_spam)(now)
            case "erase":
                self._erase(f"person/b{len(self.erased)}", now)
            case _:
                self._write(what, one, which, new)

    def _move(self, what: str, one: Conversation, to: Conversation, which: int, new: str) -> None:
        now, lines = at(self.number), one.thread.lines
        chosen = lines[which % len(lines)].message_id if lines else "none"
        match what:
            case "move":
                move(one, to, [chosen], now)
            case "back" if chosen in one.thread.came:
                move(one, self.talks[one.thread.came[chosen]], [chosen], now, back=True)
            case "split" if len(self.talks) < 8:
                made = Conversation.empty(f"conversation/{new}")
                split(one, made, chosen, now)
                self.talks[new] = made
            case "unsplit":
                off = [c for c in self.talks.values() if c.split_from == one.conversation_id]
                if off:
                    unsplit(off[which % len(off)], one, now)

    def _write(self, what: str, one: Conversation, which: int, new: str) -> None:
        now = at(self.number)
        match what:
            case "mail" if not one.merged_into:
                # Whoever writes again after their erasure is somebody new.
                who = BEA | {"person": f"person/b{len(self.erased)}"} if which % 2 else MAIL
                one.receive(now=now, message_id=new, **who)
                self.written.add(new)
            case "note":
                one.note(message_id=new, text="Mine", author="merchant", now=now)
                self.written.add(new)
            case "answer" | "withheld":
                later = {"send_at": now} if what == "withheld" else {}
                one.reply(message_id=new, text="Yes", author="merchant", now=now, **later)
                self.written.add(new)
            case "withdraw" if one.waits:
                taken = max(one.waits)
                one.withdraw(message_id=taken, now=now)
                self.written.discard(taken)

    def _erase(self, person: str, now: Any) -> None:
        self.erased.add(person)
        named = [one for one in self.log if getattr(one.event, "person", None) == person]
        event = PersonErased(
            erasure="e",
            person=person,
            conversations=tuple({one.stream.partition("/")[2] for one in named}),
            messages=tuple({getattr(one.event, "message_id", "") for one in named} - {""}),
            requests=(),
            orders=(),
        )
        self.log.append(recorded(event, self.number, len(self.log) + 1, "erasure/e", 1))
        self.talks = {name: Conversation.empty(f"conversation/{name}") for name in self.talks}
        for told in self.forgotten():
            if isinstance(told.event, AggregateEvent):
                told.event.mutate(self.talks[told.stream.partition("/")[2]])

    def forgotten(self) -> list[Recorded]:
        """The log as it reads once the keys of who was erased are gone."""
        return [
            one._replace(event=_unsealed(one.event))
            if getattr(one.event, "person", None) in self.erased
            else one
            for one in self.log
        ]


def _unsealed(event: Any) -> Any:
    return event.model_copy(update=dict(event.ERASED_FIELDS))


def _rows(projection: Projection, log: list[Recorded]) -> dict[str, Row]:
    return dict(fold(projection, log))


@settings(max_examples=60)
@for_all(_STEPS)
def test_whatever_is_moved_each_message_stands_in_one_place_and_rows_say_what_the_log_says(
    steps: list[tuple[str, str, str, int]],
) -> None:
    world = World()
    for what, name, other, which in steps:
        names = list(world.talks)
        pick = names[which % len(names)] if which > 2 else name
        world.do(what, pick, other, which)
    stands = [one for c in world.talks.values() for one in ids(c)]
    assert sorted(stands) == sorted(world.written)
    letters, talks = _rows(MESSAGES, world.log), _rows(CONVERSATIONS, world.log)
    for name, c in world.talks.items():
        there = {key for key, row in letters.items() if row["conversation_id"] == name}
        assert {key for key in there if letters[key]["number"]} == set(ids(c))
        assert (name in talks) is not c.split_undone
        if name in talks and not talks[name].get("erased"):
            assert talks[name]["open"] == c.open
            assert talks[name]["messages"] == len(c.thread.mails)
            assert talks[name]["waiting"] == c.awaited
    for projection in (MESSAGES, CONVERSATIONS):
        rows = _rows(projection, world.log)
        assert rows == _rows(projection, world.forgotten())
        assert rows == _rows(projection, [told for told in world.log for _ in range(2)])


def test_the_beginning_of_a_message_is_kept_and_no_more() -> None:
    a = talk("a", came("m1"), came("m2", 1, text="x" * 10_000))
    b = talk("b", came("n1"))
    move(a, b, ["m2"], NOW)
    moved = next(e for e in b.collect_events() if not isinstance(e, MessageReceived))
    assert len(getattr(moved, "text")) == 500  # noqa: B009
