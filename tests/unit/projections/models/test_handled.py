"""How staff works on conversations, in their rows and numbers."""

from __future__ import annotations

from typing import Any

from cplus.events.catalogue.handling import (
    ConversationAssigned,
    ConversationPrioritized,
    ConversationSnoozed,
    ConversationTagged,
    ConversationWoken,
)
from cplus.projections.base import Row
from cplus.projections.models.conversations import CONVERSATIONS, count
from cplus.projections.queries.row_views import conversation_view
from tests.unit.projections.models.told_events import (
    CLOSED,
    REOPENED,
    SHOP,
    STARTED,
    at,
    fold,
    received,
    reply,
    thread,
)

SNOOZED: Any = (ConversationSnoozed, {"until": at(500)})
WOKEN: Any = (ConversationWoken, {"reason": "due"})


def row_of(*makers: Any) -> Row:
    return fold(CONVERSATIONS, thread(STARTED, *makers))["c1"]


def view_of(row: Row) -> Any:
    return conversation_view({"_id": f"{SHOP}/c1", "shop": SHOP, **row})


def test_a_row_that_was_told_of_nothing_has_no_such_fields() -> None:
    row = row_of(reply("m1"), CLOSED)
    assert not {"assignee", "snoozed", "tags", "priority", "waiting_since", "has_files"} & set(row)
    shown = view_of(row)
    assert (shown.assignee, shown.snoozed, shown.tags, shown.priority) == (
        None,
        False,
        (),
        "normal",
    )


def test_what_staff_did_stands_in_the_row() -> None:
    shown = view_of(
        row_of(
            received("m1", attachments=2),
            (ConversationAssigned, {"assignee": "ada"}),
            (ConversationTagged, {"added": ("t1", "t2")}),
            (ConversationTagged, {"added": ("t3", "t2"), "removed": ("t1",)}),
            (ConversationPrioritized, {"priority": "high"}),
            SNOOZED,
        )
    )
    assert (shown.assignee, shown.tags, shown.priority) == ("ada", ("t2", "t3"), "high")
    assert (shown.snoozed, shown.snoozed_until, shown.has_files) == (True, at(500), True)


def test_what_is_put_off_awaits_no_reply_until_it_wakes() -> None:
    assert not row_of(received("m1"), SNOOZED)["unanswered"]
    assert row_of(received("m1"), SNOOZED, WOKEN)["unanswered"]
    assert row_of(received("m1"), SNOOZED, WOKEN)["waiting_since"] == at(2)


def test_who_waits_has_waited_since_the_first_message_without_a_reply() -> None:
    assert row_of(received("m1"), received("m2"))["waiting_since"] == at(2)
    assert row_of(received("m1"), reply("m2"))["waiting_since"] is None
    assert row_of(received("m1"), reply("m2"), received("m3"))["waiting_since"] == at(4)
    assert row_of(received("m1"), CLOSED, REOPENED)["waiting_since"] == at(2)


def test_a_row_of_before_counts_its_wait_from_its_last_message() -> None:
    [*before, last] = thread(STARTED, received("m1"), received("m2"))
    row = dict(fold(CONVERSATIONS, before)["c1"])
    del row["waiting_since"]
    assert CONVERSATIONS.evolve
    after = CONVERSATIONS.evolve("c1", row, last)
    assert after
    assert after["waiting_since"] == at(2)


def test_what_is_put_off_and_what_somebody_looks_after_is_counted() -> None:
    assigned: Any = (ConversationAssigned, {"assignee": "ada"})
    rows = {
        "a": row_of(received("m1")),
        "b": row_of(received("m1"), assigned),
        "c": row_of(received("m1"), assigned, SNOOZED),
        "d": row_of(received("m1"), assigned, CLOSED),
    }
    assert count(rows) == {
        "conversations": 4,
        "open": 3,
        "unanswered": 2,
        "spam": 0,
        "snoozed": 1,
        "assigned": 1,
    }
