"""Segments of a shop, and the definitions that they keep."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cplus.errors import InvalidInput
from cplus.events.aggregates.segments import MAX_SEGMENTS, Segments
from cplus.events.base import AggregateEvent
from cplus.events.catalogue.segments import CustomersExported, SegmentSaved
from cplus.events.segment import Definition

NOW = datetime(2026, 12, 1, tzinfo=UTC)
SPENDERS = Definition(kind="customers", spent_from=Decimal(100))


def empty() -> Segments:
    return Segments.empty("segments/acorn.myshopify.com")


def save(
    segments: Segments, id_: str = "s1", name: str = "VIPs", definition: Definition = SPENDERS
) -> None:
    person = f"person/{id_}"
    segments.save(segment=id_, name=name, definition=definition, person=person, now=NOW)


def then(segments: Segments) -> list[str]:
    return [one.TYPE for one in segments.collect_events() if isinstance(one, AggregateEvent)]


def test_a_segment_is_saved_changed_and_removed_each_once() -> None:
    segments = empty()
    for _ in range(2):
        save(segments, name="  V  I P ")
    save(segments, name="V I P", definition=Definition(tag="vip"))
    found = segments.segments["s1"]
    assert (found.name, found.definition, found.revision) == ("V I P", Definition(tag="vip"), 2)
    for _ in range(2):
        segments.remove(segment="s1", now=NOW)
    assert then(segments) == ["segments.saved", "segments.saved", "segments.removed"]
    assert segments.segments == {}


def test_everything_of_a_shop_is_sealed_under_one_key() -> None:
    segments = empty()
    segments.note_export(definition=SPENDERS, customers=3, person="person/x", now=NOW)
    save(segments)
    save(segments, "s2", "Late")
    kinds = (SegmentSaved, CustomersExported)
    found = [one.person for one in segments.collect_events() if isinstance(one, kinds)]
    assert found == ["person/x"] * 3


def test_two_segments_never_have_one_name_and_there_are_not_too_many() -> None:
    segments = empty()
    save(segments)
    with pytest.raises(InvalidInput, match="already"):
        save(segments, "s2", "vips")
    with pytest.raises(InvalidInput, match="name"):
        save(segments, "s2", " ")
    for number in range(MAX_SEGMENTS - 1):
        save(segments, f"n{number}", f"Segment {number}")
    with pytest.raises(InvalidInput, match="up to 100 segments"):
        save(segments, "more", "More")
    save(segments, name="Renamed")


def test_what_is_decided_after_a_shop_was_erased_begins_anew() -> None:
    segments = empty()
    save(segments)
    segments.collect_events()
    segments.forget()
    save(segments, "s2")
    [event] = segments.collect_events()
    assert isinstance(event, SegmentSaved)
    assert (event.anew, event.person, list(segments.segments)) == (True, "person/s2", ["s2"])


texts = st.text(max_size=12) | st.sampled_from(["7", "1e3", "NaN", "-1", "2026-02-30", "yes"])


@given(st.dictionaries(st.sampled_from(sorted(Definition.__dataclass_fields__)), texts))
def test_whatever_an_address_says_is_a_definition_that_reads_as_it_is_stored(
    told: dict[str, str],
) -> None:
    found = Definition.of(told)
    assert Definition.of(found.told) == found
    assert Definition.read(found.stored) == found


def test_a_definition_says_what_is_chosen_and_leaves_out_what_cannot_be_read() -> None:
    told = {
        "kind": "leads",
        "spent_from": "100.50",
        "spent_to": "1e99",
        "orders_from": "2",
        "orders_to": "many",
        "ordered_within": "0",
        "not_ordered_for": "90",
        "tag": " VIP ",
        "consent": "maybe",
        "talked": "no",
        "known_since": "2026-01-31",
        "nothing": "x",
    }
    assert Definition.of(told) == Definition(
        kind="leads",
        spent_from=Decimal("100.5"),
        orders_from=2,
        not_ordered_for=90,
        tag="VIP",
        talked=False,
        known_since=date(2026, 1, 31),
    )


def test_an_amount_may_have_a_comma_if_nobody_can_take_it_for_another() -> None:
    told = {"spent_from": "100,50", "spent_to": "1,000"}
    assert Definition.of(told) == Definition(spent_from=Decimal("100.5"))


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "[]",
        "{}",
        json.dumps({"version": 2}),
        json.dumps({"version": 1, "city": "Oslo"}),
        json.dumps({"version": 1, "talked": "often"}),
    ],
)
def test_a_definition_of_a_newer_release_is_refused_instead_of_read_as_another(
    stored: str,
) -> None:
    with pytest.raises(InvalidInput):
        Definition.read(stored)
