"""Whatever object an event names, an erasure finds it, of a person and of a shop."""

from __future__ import annotations

from typing import Any

from cplus.events.base import Event
from cplus.events.catalogue import all_events
from cplus.events.catalogue.privacy import ErasureCompleted
from cplus.privacy.erasing.listing import objects_of
from cplus.privacy.erasing.shops import WITH_OBJECTS
from tests.samples import sample

PLACE = {"bucket": "b", "key": "k"}


def named(event: Event) -> list[Any]:
    """The places in the clear fields of a sample event, however the fields are called."""
    found = []
    for name in type(event).model_fields:
        value = getattr(event, name)
        if name not in type(event).PERSONAL_FIELDS and name != "about":
            values = value if isinstance(value, tuple) else (value,)
            found += [one for one in values if one == PLACE]
    return found


def test_an_erasure_finds_every_object_that_an_event_names() -> None:
    samples = [sample(kind).event for kind in all_events()]
    with_objects = {type(one) for one in samples if objects_of(one)}
    assert with_objects == set(WITH_OBJECTS)
    for event in samples:
        if type(event) in with_objects:
            assert objects_of(event) == named(event)


def test_how_many_objects_were_deleted_is_no_object() -> None:
    assert objects_of(sample(ErasureCompleted).event) == []
