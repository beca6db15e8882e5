"""Converts events to and from their stored documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cplus.errors import KeyMissing, UnknownEvent
from cplus.events.base import Cause, Event, NewEvent
from cplus.events.catalogue import CATALOGUE, Catalogue
from cplus.events.log.sealing import CLEAR, SEALED, Key, Sealer, open_cause, open_fields

NO_KEYS: Final[Mapping[str, Key]] = {}


def encode(new: NewEvent, sealer: Sealer | None = None, index: int = 0) -> dict[str, Any]:
    """The stored document of an event: its envelope, clear data and the slot for personal data.

    With `sealer`, that is sealed, as the commit's event `index`.
    """
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
        person = getattr(event, "person", None)
        if sealer is None or person is None:
            document["sealed"] = {"scheme": CLEAR, "person": person, "fields": personal}
        else:
            document["sealed"] = sealer.fields(index, person, personal)
    return document


def decode(
    document: Mapping[str, Any],
    catalogue: Catalogue = CATALOGUE,
    keys: Mapping[str, Key] = NO_KEYS,
    *,
    shop: str = "",
    commit: str = "",
    index: int = 0,
    opened: bool = True,
) -> Event:
    """The event of a stored document, upcast to its newest shape.

    `shop`, `commit` (its id) and `index` say where it stands, to open with `keys` what is sealed.
    If it is not `opened`, its personal fields raise FieldNotOpened when they are read. Raises
    UnknownEvent, KeyMissing and SealBroken.
    """
    type_, schema = document["type"], document["schema"]
    kind = catalogue.find(type_, schema)
    data, slot = {**document["data"]}, document.get("sealed")
    if slot is not None:
        if slot["scheme"] not in (CLEAR, SEALED):
            raise UnknownEvent(type=f"{type_} sealed by {slot['scheme']}", schema=schema)
        personal = _personal(slot, keys, shop, commit, index) if opened else None
        data.update(kind.ERASED_FIELDS if personal is None else personal)
    if schema != kind.VERSION:
        data = catalogue.upcast(type_, schema, data)
    if kind.ENVELOPE_FIELDS:
        data["originator_id"] = document["stream"]
        # 0 if it was recorded as a fact, from before an aggregate decided it.
        data["originator_version"] = document["version"] or 0
        data["timestamp"] = document["occurred_at"]
    event = kind.model_validate(data)
    return event if opened else event.closed()


def _personal(
    slot: Mapping[str, Any], keys: Mapping[str, Key], shop: str, commit: str, index: int
) -> Mapping[str, Any] | None:
    """The personal fields in a slot; None if they are erased."""
    if slot["scheme"] == CLEAR:
        fields: Mapping[str, Any] = slot["fields"]
        return fields
    if slot["fields"] is None:  # erased before it was recorded
        return None
    key = keys.get(slot["key"])
    if key is None:
        raise KeyMissing(key=slot["key"])
    return open_fields(shop, commit, index, slot, key)


def encode_cause(
    cause: Cause | None, sealer: Sealer | None = None, owners: list[str] | None = None
) -> dict[str, Any] | None:
    """The stored document of a cause. With `sealer`, its body and the key of its object are sealed
    for these owners."""
    if cause is None:
        return None
    if sealer is not None and owners and cause.is_sealed:
        return sealer.cause(cause, owners)
    document = {
        "kind": cause.kind,
        "scheme": CLEAR,
        "body": cause.body,
        "ref": dict(cause.ref) if cause.ref else None,
        "headers": dict(cause.headers) if cause.headers else None,
    }
    if cause.opens is not None:
        document["opens"] = cause.opens
    return document


def decode_cause(
    document: Mapping[str, Any], keys: Mapping[str, Key], *, shop: str, commit: str
) -> Cause:
    """The cause of a stored document, opened; raises KeyMissing and SealBroken."""
    body, opens, erased = document["body"], document.get("opens"), False
    if document["scheme"] == SEALED:
        for name in document["keys"]:
            if name not in keys:
                raise KeyMissing(key=name)
        body, opens = open_cause(shop, commit, document, keys)
        erased = body is None and opens is None
    elif document["scheme"] != CLEAR:
        raise UnknownEvent(type=f"a cause sealed by {document['scheme']}", schema=1)
    return Cause(document["kind"], body, document["ref"], document["headers"], erased, opens)
