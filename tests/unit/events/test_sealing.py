"""Sealed fields open where they were sealed and nowhere else, and read as erased without their
key."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

import bson
import pytest
from bson.codec_options import CodecOptions
from hypothesis import given, settings
from hypothesis import strategies as st

from cplus.envelopes import Stored
from cplus.errors import FieldNotOpened, KeyMissing, SealBroken
from cplus.events.audit.clear import SealCounts
from cplus.events.base import ERASED, Cause, Event, NewEvent, Personal
from cplus.events.catalogue import all_events
from cplus.events.catalogue.conversations import MessageReceived
from cplus.events.catalogue.customers import CustomerChanged, PersonsJoined
from cplus.events.catalogue.shops import AppUninstalled
from cplus.events.log.codec import decode, decode_cause, encode
from cplus.events.log.commit import Draft, Head, Sealing, prepare
from cplus.events.log.sealing import SEALED, Key, Sealer, unnamed
from tests.samples import NOW, sample

SHOP = "acorn.myshopify.com"
PERSONAL = [kind for kind in all_events() if kind.PERSONAL_FIELDS]
OPTIONS: CodecOptions[Any] = CodecOptions(tz_aware=True)


def key(name: str = "k1") -> Key:
    return Key(name, os.urandom(32))


def stored(document: Mapping[str, Any]) -> dict[str, Any]:
    return bson.decode(bson.encode(document), OPTIONS)


def sealed(new: NewEvent, its: Key, commit: str = "c1", index: int = 0) -> dict[str, Any]:
    owner = getattr(new.event, "person")  # noqa: B009
    return stored(encode(new, Sealer(SHOP, commit, {owner: its}, index + 1), index))


def opened(document: Mapping[str, Any], *keys: Key, **where: Any) -> Event:
    place = {"shop": SHOP, "commit": "c1", "index": 0, **where}
    return decode(document, keys={one.id: one for one in keys}, **place)


@pytest.mark.parametrize("kind", PERSONAL, ids=lambda kind: kind.TYPE)
def test_an_event_is_read_as_it_was_written_and_stored_without_its_words(kind: type[Event]) -> None:
    new, its = sample(kind), key()
    document = sealed(new, its)
    assert opened(document, its) == new.event
    assert document["sealed"].keys() == {"scheme", "person", "key", "fields"}
    raw = bson.encode(document)
    for name in kind.PERSONAL_FIELDS:
        assert f"a {name}\0".encode() not in raw


@settings(deadline=None)  # a busy machine may take long for one
@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(max_size=20) | st.none())
def test_any_words_open_unchanged(text: str, name: str | None) -> None:
    name = None if name is None else name.encode("utf-8", "replace").decode()
    event = sample(MessageReceived).event.model_copy(update={"text": text, "from_name": name})
    its = key()
    assert opened(sealed(NewEvent("c", event, NOW, 1), its), its) == event.model_copy(
        update={"originator_id": "c", "originator_version": 1}
    )


@settings(deadline=None)  # a busy machine may take long for one
@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_any_altered_byte_is_noticed(at: int, change: int) -> None:
    its = key()
    document = sealed(sample(CustomerChanged), its)
    fields = bytearray(document["sealed"]["fields"])
    fields[at % len(fields)] ^= change
    document["sealed"]["fields"] = bytes(fields)
    with pytest.raises(SealBroken, match="c1"):
        opened(document, its)


@pytest.mark.parametrize(
    "elsewhere", [{"shop": "birch.myshopify.com"}, {"commit": "c2"}, {"index": 1}]
)
def test_what_is_moved_elsewhere_does_not_open(elsewhere: dict[str, Any]) -> None:
    its = key()
    document = sealed(sample(CustomerChanged), its)
    with pytest.raises(SealBroken):
        opened(document, its, **elsewhere)
    document["sealed"]["key"] = "k2"
    with pytest.raises(SealBroken):
        opened(document, Key("k2", its.material))


@pytest.mark.parametrize("kind", PERSONAL, ids=lambda kind: kind.TYPE)
def test_without_its_key_an_event_reads_as_erased(kind: type[Event]) -> None:
    new, its = sample(kind), key()
    dead = Key(its.id, None)
    for document in (sealed(new, its), sealed(new, dead)):
        event = opened(document, dead)
        for name in kind.PERSONAL_FIELDS:
            optional = type(None) in getattr(kind.model_fields[name].annotation, "__args__", ())
            assert getattr(event, name) == (None if optional else ERASED)
        kept = set(kind.model_fields) - kind.PERSONAL_FIELDS
        assert event.model_dump(include=kept) == new.event.model_dump(include=kept)
    # What was never sealed needs no key, not even to say so.
    assert opened(sealed(new, dead)) == opened(sealed(new, its), dead)


def test_a_key_that_never_was_is_named() -> None:
    with pytest.raises(KeyMissing, match="k1"):
        opened(sealed(sample(CustomerChanged), key()))


@pytest.mark.parametrize("kind", PERSONAL, ids=lambda kind: kind.TYPE)
@pytest.mark.parametrize("clear", [True, False])
def test_a_field_that_was_not_opened_says_so(kind: type[Event], clear: bool) -> None:
    new = sample(kind)
    document = stored(encode(new)) if clear else sealed(new, key())
    event = opened(document, opened=False)
    for name in kind.PERSONAL_FIELDS:
        with pytest.raises(FieldNotOpened, match=name):
            getattr(event, name)
    assert getattr(event, "person") == getattr(new.event, "person")  # noqa: B009
    with pytest.raises(AttributeError):
        getattr(event, "misspelt")  # noqa: B009


def test_a_personal_field_must_have_something_to_read_as_when_it_is_erased() -> None:
    with pytest.raises(TypeError, match="neither text nor None"):

        class Numbered(Event):
            TYPE: ClassVar[str] = "test.numbered"
            person: str
            age: Personal[int]


def test_a_key_shows_no_material() -> None:
    assert repr(key()) == "Key('k1')"


CHANGED = sample(CustomerChanged)
ADA = CHANGED.event.model_copy(update={"person": "person/ada"})
BEA = CHANGED.event.model_copy(update={"person": "person/bea"})
BODY = b'{"email": "ada@shopper.example"}'
DRAFT = Draft(
    SHOP,
    "webhook/1",
    "webhook",
    "shopify",
    [NewEvent("customer/1", ADA, NOW), NewEvent("customer/2", BEA, NOW)],
    Cause("webhook", BODY, headers={"x": "y"}),
)
KEYS = {"person/ada": key("ka"), "person/bea": key("kb")}
UNNAMED = unnamed(NOW)


def read(raw: bytes, *keys: Key) -> Cause:
    row = bson.decode(raw, OPTIONS)
    by_id = {one.id: one for one in keys}
    return decode_cause(row["cause"], by_id, shop=row["shop"], commit=row["_id"])


def test_a_cause_opens_with_the_keys_of_all_whom_it_names() -> None:
    raw, _ = prepare(DRAFT, Sealing(0, KEYS, UNNAMED)).place(Head.of(None), NOW)
    assert b"ada@shopper" not in raw
    assert read(raw, *KEYS.values()) == Cause("webhook", BODY, headers={"x": "y"})
    for gone in KEYS.values():
        left = [Key(one.id, None) if one is gone else one for one in KEYS.values()]
        assert read(raw, *left) == Cause("webhook", headers={"x": "y"}, erased=True)
    with pytest.raises(KeyMissing):
        read(raw, KEYS["person/ada"])


def test_the_key_of_an_object_opens_with_the_keys_of_all_whom_its_cause_names() -> None:
    ref, opens = {"bucket": "mail", "key": "sealed/1"}, os.urandom(32)
    draft = replace(DRAFT, cause=Cause("mail", ref=ref, opens=opens))
    assert draft.owners(UNNAMED) == ["person/ada", "person/bea"]
    raw, _ = prepare(draft, Sealing(0, KEYS, UNNAMED)).place(Head.of(None), NOW)
    assert opens not in raw
    assert read(raw, *KEYS.values()).stored == Stored(ref, opens)
    for gone in KEYS.values():
        left = [Key(one.id, None) if one is gone else one for one in KEYS.values()]
        erased = read(raw, *left)
        assert (erased.erased, erased.ref, erased.stored) == (True, ref, None)
    keys = {**KEYS, "person/ada": Key("ka", None)}
    raw, _ = prepare(draft, Sealing(1, keys, UNNAMED)).place(Head.of(None), NOW)
    assert read(raw, *KEYS.values()).erased, "erased before it was recorded"


def test_without_a_keyring_the_key_of_an_object_is_in_clear_and_counts_so() -> None:
    cause = Cause("mail", ref={"bucket": "mail", "key": "sealed/1"}, opens=b"k" * 32)
    draft, counts = replace(DRAFT, cause=cause), SealCounts()
    for sealing in (None, Sealing(0, KEYS, UNNAMED)):
        raw, _ = prepare(draft, sealing).place(Head.of(None), NOW)
        assert read(raw, *KEYS.values()) == cause
        counts.add(bson.decode(raw, OPTIONS))
    assert (counts.clear_objects, counts.sealed_objects, counts.sealed_causes) == (1, 1, 1)
    assert "kkk" not in repr(cause)


def test_what_names_an_erased_person_keeps_the_others_fields_and_no_cause() -> None:
    keys = {**KEYS, "person/ada": Key("ka", None)}
    raw, _ = prepare(DRAFT, Sealing(1, keys, UNNAMED)).place(Head.of(None), NOW)
    row = bson.decode(raw, OPTIONS)
    assert row["cause"]["body"] is None
    assert read(raw, *KEYS.values()).erased
    ada, bea = row["events"]
    assert ada["sealed"]["fields"] is None
    assert opened(bea, KEYS["person/bea"], commit=DRAFT.id, index=1) == BEA


def test_a_cause_in_which_nobody_is_known_is_sealed_under_the_key_of_its_day() -> None:
    event = NewEvent("shop/s", AppUninstalled(), NOW)
    draft = replace(DRAFT, events=[event])
    assert draft.owners(UNNAMED) == [UNNAMED] == ["unnamed/2026-11-01"]
    its = key("day")
    raw, _ = prepare(draft, Sealing(0, {UNNAMED: its}, UNNAMED)).place(Head.of(None), NOW)
    assert read(raw, its).body == BODY
    assert read(raw, Key("day", None)).erased


def test_only_what_is_personal_needs_a_key() -> None:
    joined = NewEvent("person/a", PersonsJoined(person="person/a", absorbed="person/b"), NOW)
    clear = replace(DRAFT, cause=None, events=[joined])
    assert clear.owners(UNNAMED) == []
    assert prepare(clear, Sealing(0, {}, UNNAMED)).erasures is None
    assert replace(clear, cause=DRAFT.cause).owners(UNNAMED) == ["person/a", "person/b"]
    assert replace(DRAFT, cause=Cause("command")).owners(UNNAMED) == ["person/ada", "person/bea"]


def test_the_same_sealed_bytes_follow_any_head() -> None:
    prepared = prepare(DRAFT, Sealing(0, KEYS, UNNAMED))
    first, head = prepared.place(Head.of(None), NOW)
    later, _ = prepared.place(head, NOW)
    assert bson.decode(first)["events"] == bson.decode(later)["events"]
    assert bson.decode(later)["events"][0]["sealed"]["scheme"] == SEALED
    assert len(later) <= prepared.size


def test_an_erasure_raises_the_count_of_erasures() -> None:
    head = Head(3, 3, b"h" * 32, datetime(2026, 1, 1, tzinfo=UTC), 4)
    raw, after = prepare(replace(DRAFT, erases=True)).place(head, NOW)
    assert bson.decode(raw)["erasures"] == after.erasures == 5
    assert Head.of(bson.decode(raw, OPTIONS)) == after
