"""Converts events to and from their stored documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cplus.errors import UnknownEvent
from cplus.events.base import Event, NewEvent
from cplus.events.catalogue import CATALOGUE, Catalogue

CLEAR = "none"
"""The scheme of a sealed slot whose fields are not encrypted."""


def encode(new: NewEvent) -> dict[str, Any]:
    """The stored document of an event: its envelope, clear data and the slot for personal data."""
    event = new.event
    kind = type(event)
    data = event.model_dump()
    for name in kind.ENVELOPE_FIELDS:
        del data[name]
    # In their order: the hash of the commit is over its bytes.
    personal = {name: data.pop(name) for name in list(data) if name in kind.PERSONAL_FIELDS}
    document: dict[str, Any] = {
        "type": kind.TYPE,
        "schema": kind.VERSION,
        "stream": new.stream,
        "version": new.version,
        "occurred_at": new.occurred_at,
        "data": data,
    }
    if new.told_at is not None:
        document["told_at"] = new.told_at
    if kind.PERSONAL_FIELDS:
        document["sealed"] = {
            "scheme": CLEAR,
            "person": getattr(event, "person", None),
            "fields": personal,
        }
    return document


def decode(document: Mapping[str, Any], catalogue: Catalogue = CATALOGUE) -> Event:
    """The event of a stored document, upcast to its newest shape; raises UnknownEvent."""
    type_, schema = document["type"], document["schema"]
    kind = catalogue.find(type_, schema)
    data, sealed = {**document["data"]}, document.get("sealed")
    if sealed is not None:
        if sealed["scheme"] != CLEAR:
            raise UnknownEvent(type=f"{type_} sealed by {sealed['scheme']}", schema=schema)
        data.update(sealed["fields"])
    if schema != kind.VERSION:
        data = catalogue.upcast(type_, schema, data)
    if kind.ENVELOPE_FIELDS:
        data["originator_id"] = document["stream"]
        # 0 if it was recorded as a fact, from before an aggregate decided it.
        data["originator_version"] = document["version"] or 0
        data["timestamp"] = document["occurred_at"]
    return kind.model_validate(data)
