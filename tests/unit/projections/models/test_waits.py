"""Replies that wait to be sent: what is withdrawn leaves everything as if it never was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from cplus.events.base import Recorded
from cplus.events.catalogue.conversations import ReplyWithdrawn
from cplus.events.catalogue.mail import MailSent
from cplus.events.catalogue.privacy import PersonErased
from cplus.projections.base import Projection, Row
from cplus.projections.models.conversations import CONVERSATIONS
from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.models.deliveries import DELIVERIES
from cplus.projections.models.messages import MESSAGES
from cplus.projections.models.metrics import METRICS, TOTAL
from tests.unit.projections.models.told_events import (
    CLOSED,
    REOPENED,
    STARTED,
    at,
    fold,
    mail,
    received,
    recorded,
    reply,
    thread,
)

Step: TypeAlias = tuple[str, int]
_STEPS: Final = ("customer", "machine", "reply", "wait", "withdraw", "send", "close", "reopen")


def waits(message_id: str, text: str = "Hi Ada") -> tuple[Any, dict[str, Any]]:
    kind, fields = reply(message_id, text)
    return kind, {**fields, "send_at": at(10_000)}


def withdrawn(message_id: str) -> tuple[Any, dict[str, Any]]:
    return ReplyWithdrawn, {"message_id": message_id}


def told(steps: Sequence[Step]) -> list[Recorded]:
    """What happened, as the log can have it: what was sent is not withdrawn, nor what was."""
    makers: list[Any] = [STARTED]
    sent: list[tuple[int, str]] = []
    waiting: list[str] = []
    for number, (step, which) in enumerate(steps):
        name = f"m{number}"
        one = waiting[which % len(waiting)] if waiting else None
        match step:
            case "customer":
                makers.append(received(name, f"text {name}"))
            case "machine":
                makers.append(received(name, f"text {name}", automatic=True))
            case "reply":
                makers.append(reply(name, f"text {name}"))
                sent.append((len(makers), name))
            case "wait":
                makers.append(waits(name, f"text {name}"))
                waiting.append(name)
            case "withdraw" if one:
                waiting.remove(one)
                makers.append(withdrawn(one))
            case "send" if one:
                waiting.remove(one)
                sent.append((len(makers), one))
            case "close" | "reopen":
                makers.append(CLOSED if step == "close" else REOPENED)
    events = thread(*makers)
    for after, name in reversed(sent):
        fate = mail(MailSent, after, name, ses_message_id=f"ses-{name}")
        events.insert(after, fate)
    return events


def without_the_withdrawn(events: Sequence[Recorded]) -> list[Recorded]:
    gone = {e.event.message_id for e in events if isinstance(e.event, ReplyWithdrawn)}
    return [e for e in events if getattr(e.event, "message_id", "") not in gone]


def compared(projection: Projection, events: Sequence[Recorded]) -> dict[str, Row]:
    unlike = {"version", "waits"}
    rows = {
        key: {name: value for name, value in row.items() if name not in unlike}
        for key, row in fold(projection, events).items()
    }
    return {key: row for key, row in rows.items() if not row.get("withdrawn")}


@given(st.lists(st.tuples(st.sampled_from(_STEPS), st.integers(0, 5)), max_size=14))
@settings(max_examples=100)
def test_a_withdrawn_reply_leaves_every_row_as_if_it_had_not_been_written(
    steps: list[Step],
) -> None:
    events = told(steps)
    for projection in (CONVERSATIONS, MESSAGES, DELIVERIES, METRICS, CUSTOMERS):
        assert compared(projection, events) == compared(projection, without_the_withdrawn(events))


def test_a_reply_that_waits_counts_when_it_goes_out() -> None:
    events = thread(STARTED, received("m1"), waits("m2"))
    before = fold(METRICS, events)[TOTAL]
    assert (before["messages_out"], before["first_answers"]) == (0, 0)
    sent = mail(MailSent, 60, "m2", ses_message_id="ses-1")
    after = fold(METRICS, [*events, sent, sent])[TOTAL]
    assert (after["messages_out"], after["first_answers"]) == (1, 1)
    assert after["waited_ms"] == 58 * 60_000


def test_what_a_merchant_begins_is_no_customers_conversation() -> None:
    kind, fields = STARTED
    begun = (kind, {**fields, "by": "merchant", "address": "ada@example.com"})
    events = thread(begun, waits("m1"))
    [row] = fold(CONVERSATIONS, events).values()
    assert (row["unanswered"], row["from_address"]) == (False, "ada@example.com")
    assert TOTAL not in fold(METRICS, events), "neither a conversation nor a person is counted"
    [person] = fold(CUSTOMERS, events).values()
    assert person["contact"]["address"] == "ada@example.com"
    answered = fold(CONVERSATIONS, thread(begun, waits("m1"), received("m2")))
    assert answered["c1"]["unanswered"]


def test_a_message_shows_who_gets_copies_until_the_person_is_erased() -> None:
    kind, fields = reply("m2")
    events = thread(STARTED, (kind, {**fields, "cc": ("b@example.com",)}))
    assert fold(MESSAGES, events)["m2"]["cc"] == ["b@example.com"]
    erased = PersonErased(erasure="e1", person="person/a", conversations=("c1",), messages=("m2",))
    assert "cc" not in fold(MESSAGES, [*events, recorded(erased, 9, 9)])["m2"]


def test_a_withdrawn_reply_stays_away_if_it_is_told_again() -> None:
    events = thread(STARTED, received("m1"), waits("m2"), withdrawn("m2"))
    again = recorded(events[2].event, 3, 3, "conversation/c1", 3)
    for projection in (MESSAGES, DELIVERIES):
        assert fold(projection, [*events, again]) == fold(projection, events)


def test_who_got_the_last_mail_gets_the_reply_too_unless_its_sender_was_not_proved() -> None:
    copied = received("m1", proved=True, cc=("b@example.com",))
    assert fold(CONVERSATIONS, thread(STARTED, copied))["c1"]["cc"] == ["b@example.com"]
    forged = received("m2", proved=False, cc=("eve@example.org",))
    assert fold(CONVERSATIONS, thread(STARTED, copied, forged))["c1"]["cc"] == []
    assert fold(CONVERSATIONS, thread(STARTED, copied, received("m2")))["c1"]["cc"] == []
    assert "cc" not in fold(CONVERSATIONS, thread(STARTED, received("m1")))["c1"]
