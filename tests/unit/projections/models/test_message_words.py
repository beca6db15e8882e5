"""What the row of a message's words promises."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cplus.events.base import ERASED
from cplus.events.catalogue.conversations import NoteWritten, ReplyWithdrawn
from cplus.projections.models.message_words import (
    MESSAGE_WORDS,
    MOST,
    first_order,
    moment_of,
    order_of,
)
from tests.unit.projections.models.told_events import NOW, STARTED, fold, received, reply, thread

NOTE = (NoteWritten, {"message_id": "m3", "person": "person/a", "text": "Vase", "author": "7"})


def test_a_message_is_found_by_all_that_was_written_and_by_who_wrote_it() -> None:
    rows = fold(MESSAGE_WORDS, thread(STARTED, received("m1", "Blue?"), reply("m2"), NOTE))
    assert rows["m1"]["words"] == ["a", "ada", "blue", "com", "example", "lamp"]
    assert {"hi", "ada", "example"} <= set(rows["m2"]["words"])
    assert rows["m3"]["words"] == ["vase"]
    assert {row["conversation_id"] for row in rows.values()} == {"c1"}
    assert "files" not in rows["m1"]
    [row] = fold(MESSAGE_WORDS, thread(STARTED, received("m1", attachments=1))).values()
    assert row["files"] is True


def test_a_reply_that_was_taken_back_has_no_words() -> None:
    taken = (ReplyWithdrawn, {"message_id": "m2"})
    rows = fold(MESSAGE_WORDS, thread(STARTED, reply("m2", "secret"), taken))
    assert rows["m2"].get("words") is None


def test_what_reads_as_erased_is_no_word_and_a_message_without_words_has_no_row() -> None:
    gone = received("m1", ERASED, subject=ERASED, from_name=None, from_address=None)
    assert fold(MESSAGE_WORDS, thread(STARTED, gone)) == {}
    nothing = received("m1", "…", subject="", from_name=None, from_address=None)
    assert fold(MESSAGE_WORDS, thread(STARTED, nothing)) == {}


def test_a_text_of_very_many_words_keeps_names_and_the_subject() -> None:
    text = " ".join(f"{number:03x}" for number in range(MOST + 90))
    [row] = fold(MESSAGE_WORDS, thread(STARTED, received("m1", text))).values()
    assert len(row["words"]) == MOST
    assert {"ada", "lamp", "000"} <= set(row["words"])


def test_the_order_of_messages_is_that_of_their_moments() -> None:
    later = NOW + timedelta(milliseconds=1)
    assert order_of(NOW, "m1") != order_of(NOW, "m2")
    assert first_order(NOW) <= order_of(NOW, "m1") < first_order(later) <= order_of(later, "m1")
    assert moment_of(order_of(NOW, "m1")) == NOW
    assert order_of(NOW, "m1") < 2**63


def test_the_order_of_any_moment_is_a_number_that_the_database_takes() -> None:
    moments = [datetime(year, 1, 1, tzinfo=UTC) for year in (1, 1600, 1970, 2026, 2300, 9999)]
    orders = [first_order(moment) for moment in moments]
    assert orders == sorted(orders)
    assert all(order >= -(2**63) and order + 2**20 <= 2**63 for order in orders)
