"""The bytes of a commit: those that the driver would make, and no others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import bson
import pytest
from bson.codec_options import CodecOptions

from cplus.errors import InvalidDraft
from cplus.events.audit.chain import Link
from cplus.events.base import Cause, NewEvent
from cplus.events.catalogue.conversations import ConversationClosed
from cplus.events.log.commit import GENESIS, Draft, Head, prepare, split

OPTIONS: CodecOptions[Any] = CodecOptions(tz_aware=True)
NOW = datetime(2026, 11, 1, 12, 0, 0, 7000, tzinfo=UTC)
CLOSED = ConversationClosed(originator_id="conversation/a", originator_version=3, timestamp=NOW)
DRAFT = Draft(
    shop="acorn.myshopify.com",
    claim="command/1",
    source="dashboard",
    actor="merchant",
    events=[NewEvent.decided(CLOSED)],
    cause=Cause("command", body=b"{}", headers={"x": "y"}),
    refs=["person/p", "person/p"],
    correlation_id="k",
    reason="why",
)


@pytest.mark.parametrize("position", [0, 1, 2**31 - 2, 2**31 - 1, 2**40])
def test_the_bytes_are_those_that_the_driver_would_make(position: int) -> None:
    head = Head(position, position * 2, b"h" * 32, NOW - timedelta(hours=1), 1)
    prepared = prepare(DRAFT)
    raw, after = prepared.place(head, NOW)
    assert raw == bson.encode(bson.decode(raw, OPTIONS))
    assert Link.of(raw).intact
    assert len(raw) <= prepared.size
    stored = bson.decode(raw, OPTIONS)
    assert Head.of(stored) == after
    assert (stored["position"], stored["seq"], stored["n"]) == (position + 1, position * 2, 1)
    assert stored["recorded_at"] == NOW
    assert stored["claims"] == ["command/1", "conversation/a@0000000003"]
    assert stored["refs"] == ["person/p", "correlation/k"]
    assert stored["reason"] == "why"
    assert stored["prev"] == b"h" * 32


def test_a_place_later_in_the_log_changes_the_place_and_the_hash_only() -> None:
    prepared = prepare(DRAFT)
    first, head = prepared.place(Head.of(None), NOW)
    second, _ = prepared.place(head, NOW)
    before, after = bson.decode(first), bson.decode(second)
    different = {name for name in before if before[name] != after[name]}
    assert different == {"position", "seq", "prev", "hash"}
    assert before["prev"] == GENESIS
    assert after["prev"] == before["hash"]
    assert split(first + second) == [first, second]


def test_what_bson_cannot_hold_is_refused() -> None:
    for bad in ({"x": "\ud800"}, {"x\0": "y"}):
        draft = Draft("acorn.myshopify.com", "c", "s", "a", cause=Cause("command", headers=bad))
        with pytest.raises(InvalidDraft, match="BSON"):
            prepare(draft)
