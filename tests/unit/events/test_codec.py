"""Stored documents: what was written once can be read for ever, and personal data has its slot."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import bson
import pytest
from bson import json_util
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cplus.errors import UnknownEvent
from cplus.events.base import Event, NewEvent, Personal
from cplus.events.catalogue import CATALOGUE, Catalogue, all_events
from cplus.events.catalogue.conversations import MessageReceived
from cplus.events.catalogue.orders import OrderChanged
from cplus.events.log.codec import decode, encode
from tests.conftest import ROOT
from tests.samples import NOW, sample

GOLDEN = ROOT / "tests" / "golden"


def golden_files() -> list[Path]:
    return sorted(GOLDEN.glob("*.json"))


def test_every_event_in_every_schema_version_has_a_golden_document() -> None:
    there = {path.stem for path in golden_files()}
    wanted = {f"{e.TYPE}.v{v}" for e in all_events() for v in range(1, e.VERSION + 1)}
    assert there == wanted, "`.venv/bin/python -m tests.unit.events.test_codec` writes new ones"


@pytest.mark.parametrize("path", golden_files(), ids=lambda path: path.stem)
def test_golden_documents_are_still_read_and_written_alike(path: Path) -> None:
    document = json_util.loads(path.read_text(), json_options=json_util.JSONOptions(tz_aware=True))
    event = decode(document)
    if document["schema"] == type(event).VERSION:
        again = encode(
            NewEvent(document["stream"], event, document["occurred_at"], document["version"])
        )
        assert bson.decode(bson.encode(again)) == bson.decode(bson.encode(document)), (
            "the stored shape changed: give the event a new VERSION and an upcast"
        )


@pytest.mark.parametrize("kind", all_events(), ids=lambda kind: kind.TYPE)
def test_personal_fields_rest_in_the_sealed_slot_alone(kind: type[Event]) -> None:
    document = encode(sample(kind))
    assert not kind.PERSONAL_FIELDS & set(document["data"])
    assert set(document.get("sealed", {"fields": {}})["fields"]) == kind.PERSONAL_FIELDS


@pytest.mark.parametrize("kind", all_events(), ids=lambda kind: kind.TYPE)
def test_what_is_read_is_what_was_written(kind: type[Event]) -> None:
    new = sample(kind)
    document: dict[str, Any] = bson.decode(
        bson.encode(encode(new)), bson.CodecOptions(tz_aware=True)
    )
    assert decode(document) == new.event


def test_only_facts_whose_source_says_so_hold_when_it_told_of_them() -> None:
    new = sample(OrderChanged)
    assert "told_at" not in encode(new)
    assert encode(replace(new, told_at=NOW))["told_at"] == NOW


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_words_of_a_shopper_come_back_unchanged(text: str) -> None:
    event = sample(MessageReceived).event.model_copy(update={"text": text})
    document: dict[str, Any] = bson.decode(bson.encode(encode(NewEvent("c", event, NOW, 1))))
    assert document["sealed"]["fields"]["text"] == text


class Renamed(Event):
    TYPE: ClassVar[str] = "test.renamed"
    VERSION: ClassVar[int] = 3
    title: str


def test_old_shapes_are_upcast_step_by_step() -> None:
    catalogue = Catalogue(
        [Renamed],
        {
            ("test.renamed", 1): lambda data: {"heading": data["name"]},
            ("test.renamed", 2): lambda data: {"title": data["heading"]},
        },
    )
    for schema, data in ((1, {"name": "x"}), (2, {"heading": "x"}), (3, {"title": "x"})):
        document = {"type": "test.renamed", "schema": schema, "data": data}
        assert decode(document, catalogue) == Renamed(title="x")


@pytest.mark.parametrize(
    ("type_", "schema"), [("never.heard_of", 1), ("app.installed", 99), ("test.renamed", 1)]
)
def test_what_this_code_cannot_read_is_named(type_: str, schema: int) -> None:
    with pytest.raises(UnknownEvent, match=type_):
        decode({"type": type_, "schema": schema, "data": {}}, Catalogue([*all_events(), Renamed]))


def test_a_personal_field_without_a_person_is_refused_where_it_is_declared() -> None:
    with pytest.raises(TypeError, match="person"):

        class Nameless(Event):
            TYPE: ClassVar[str] = "test.nameless"
            email: Personal[str]


def test_events_cannot_be_changed() -> None:
    event = sample(MessageReceived).event
    with pytest.raises(ValidationError):
        event.text = "other"  # type: ignore[attr-defined]


def write_golden() -> None:
    """Writes the golden document of each event that has none yet; never changes one."""
    for kind in CATALOGUE.all_events():
        path = GOLDEN / f"{kind.TYPE}.v{kind.VERSION}.json"
        if not path.exists():
            text = json_util.dumps(
                encode(sample(kind)), json_options=json_util.RELAXED_JSON_OPTIONS
            )
            path.write_text(json.dumps(json.loads(text), indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    write_golden()
