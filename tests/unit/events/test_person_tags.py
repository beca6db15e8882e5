"""What the tags of the shop on a person promise."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from cplus.errors import InvalidInput
from cplus.events.aggregates.person_tags import MAX_TAGS, PersonTags
from cplus.events.aggregates.tags import Tag
from cplus.events.base import Recorded
from cplus.events.catalogue.persons import PersonTagged
from cplus.events.repository import decided
from cplus.projections.models.customers import evolve
from cplus.projections.models.persons import combine, own_tags

NOW = datetime(2026, 12, 1, 6, tzinfo=UTC)
KNOWN = {tag: Tag(tag, tag.upper(), "red") for tag in (f"t{n}" for n in range(40))}
HOW: dict[str, Any] = {"person": "person/ada", "known": KNOWN, "now": NOW}


def given(*tags: str) -> PersonTags:
    found = PersonTags.empty("tags/ada")
    if tags:
        found.change(**HOW, added=tags)
    found.collect_events()
    return found


def then(tags: PersonTags) -> list[Any]:
    return [new.event for new in decided(tags)]


def test_a_change_says_what_it_changed_and_what_that_was_called() -> None:
    tags = given("t1", "t2")
    tags.change(**HOW, added=["t2", "t3"], removed=["t1", "t9"])
    [event] = then(tags)
    assert (event.added, event.removed) == (("t3",), ("t1",))
    assert (event.added_names, event.removed_names) == (("T3",), ("T1",))
    tags.change(**HOW, added=["t2"], removed=["t9"])
    assert then(tags) == []


def test_a_tag_that_the_shop_has_no_more_goes_with_the_next_change() -> None:
    tags = given("t1", "t2")
    left = {**HOW, "known": {tag: one for tag, one in KNOWN.items() if tag != "t1"}}
    tags.change(**left, added=["t2"])
    assert then(tags) == []
    tags.change(**left, added=["t3"])
    assert then(tags)[0].removed == ("t1",)
    with pytest.raises(InvalidInput) as refused:
        tags.change(**left, added=["t1"])
    assert refused.value.values["code"] == "tag"


def test_a_person_has_so_many_tags_and_no_more() -> None:
    tags = given(*list(KNOWN)[:MAX_TAGS])
    with pytest.raises(InvalidInput) as refused:
        tags.change(**HOW, added=["t39"])
    assert refused.value.values["code"] == "tags"
    tags.change(**HOW, added=["t39"], removed=["t0"])
    assert len(tags.tags) == MAX_TAGS


def test_an_undo_leaves_what_somebody_changed_since() -> None:
    tags = given("t1", "t2")  # version 1
    tags.change(**HOW, added=["t3"], removed=["t1", "t2"])  # 2
    tags.change(**HOW, added=["t2"], removed=["t3"])  # 3
    tags.change(**HOW, added=["t3"])  # 4
    tags.undo(**HOW, versions={2})
    assert tags.tags == ["t2", "t3", "t1"]
    tags.undo(**HOW, versions={2})
    assert len(then(tags)) == 4


CHANGES = st.lists(
    st.tuples(st.sets(st.sampled_from(list(KNOWN)[:6])), st.sets(st.sampled_from(list(KNOWN)[:6]))),
    max_size=8,
)


@for_all(changes=CHANGES, random=st.randoms(use_true_random=False))
def test_a_row_says_the_same_whatever_the_order_and_however_often_events_come(
    changes: list[tuple[set[str], set[str]]], random: Any
) -> None:
    tags = given()
    for added, removed in changes:
        tags.change(**HOW, added=sorted(added), removed=sorted(removed))
    events = [_recorded(one) for one in then(tags)]
    told = [*events, *random.sample(events, len(events) // 2)]
    random.shuffle(told)
    row = None
    for event in told:
        row = evolve("person/ada", row, event)
    assert sorted(own_tags(row or {})) == sorted(tags.tags)
    if row is not None:
        assert sorted(own_tags(combine([row]))) == sorted(tags.tags)


def _recorded(event: PersonTagged) -> Recorded:
    version = event.originator_version
    return Recorded(
        shop="acorn.myshopify.com",
        position=version,
        number=version,
        id=f"c/{version}",
        stream="tags/ada",
        version=version,
        occurred_at=NOW,
        recorded_at=NOW,
        source="dashboard",
        actor="merchant/7",
        event=event,
    )
