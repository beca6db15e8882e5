"""Which entries of the ledger are believed when everything is erased once more."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from cplus.events.audit.roots import anchor_day, load_roots
from cplus.events.log.memory import MemoryCommits
from cplus.privacy.erasing.reapplying import Believed
from cplus.privacy.ledger import Erased, Ledger, Stored
from tests.unit.bucket import Bucket

SHOP, DAY = "acorn.myshopify.com", date(2026, 11, 30)
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
HASH = "ab" * 32
ENTRY = Erased(SHOP, "e1", ("person/ada",), NOW - timedelta(1), ((7, HASH),), keys=1, objects=2)
OF_SHOP = replace(ENTRY, erasure="e2", persons=())


def changed(**fields: Any) -> bytes:
    said = {**json.loads(ENTRY.to_json()), **fields}
    return json.dumps({name: value for name, value in said.items() if value != "-"}).encode()


def test_entries_are_read_as_they_were_written() -> None:
    for entry in (ENTRY, OF_SHOP, replace(OF_SHOP, erased_at=NOW - timedelta(2))):
        assert Stored(entry.key, entry.to_json()).entry() == entry
    before = f"erasures/2026-11-30/{SHOP}/e1.json"  # as the first ones were called, without a kind
    assert Stored(before, changed(kind="-")).entry() == ENTRY


@pytest.mark.parametrize(
    "fields",
    [
        {"persons": ""},
        {"persons": []},
        {"persons": {}},
        {"persons": "person/ada"},
        {"persons": [7]},
        {"persons": ["customer/7"]},
        {"persons": [], "kind": "-"},
        {"kind": "shop"},
        {"kind": "everybody"},
        {"kind": None},
        {"shop": ""},
        {"shop": "birch.myshopify.com"},
        {"erasure": 5},
        {"erasure": "e3"},
        {"at": "2026-11-30T12:00:00"},
        {"at": "2026-11-29T12:00:00+00:00"},
        {"at": 0},
        {"erased_at": 0},
        {"commits": []},
        {"commits": [{"position": "7", "hash": HASH}]},
        {"commits": [{"position": 7, "hash": "x"}]},
        {"keys": True},
        {"objects": -1},
        {"objects": "-"},
    ],
)
def test_what_is_no_entry_is_an_error_that_names_its_key(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(ENTRY.key)} "):
        Stored(ENTRY.key, changed(**fields)).entry()


class World:
    """A ledger with its roots."""

    def __init__(self) -> None:
        self.bucket = Bucket()
        self.ledger = Ledger(self.bucket, "roots")

    async def anchor(self, day: date = DAY) -> None:
        await anchor_day(MemoryCommits(), self.bucket, "roots", day)

    async def believed(self) -> Believed:
        roots = await load_roots(self.bucket, "roots", NOW.date(), began=None)
        found = Believed()
        async for stored in self.ledger.entries():
            found.take(stored, roots, NOW)
        return found


async def test_an_entry_counts_if_it_is_what_a_root_covers_or_younger_than_the_last() -> None:
    world, young = World(), replace(ENTRY, erasure="e3", at=NOW - timedelta(hours=1))
    await world.ledger.write(ENTRY)
    await world.ledger.write(OF_SHOP)
    assert (await world.believed()).not_covered == [ENTRY.key, OF_SHOP.key]
    await world.anchor()
    await world.ledger.write(young)
    assert await world.believed() == Believed([ENTRY, OF_SHOP, young], [young.key], [])


async def test_an_entry_that_somebody_added_or_changed_is_refused() -> None:
    world = World()
    await world.ledger.write(ENTRY)
    await world.ledger.write(OF_SHOP)
    await world.anchor()
    added = replace(OF_SHOP, erasure="e0", at=NOW - timedelta(3))
    ahead = replace(OF_SHOP, erasure="e9", at=NOW + timedelta(minutes=1))
    await world.ledger.write(added)
    await world.ledger.write(ahead)
    world.bucket.objects[ENTRY.key] = replace(ENTRY, persons=("person/eve",)).to_json()
    broken = f"erasures/2026-12-01/{SHOP}/e5/1.json"
    world.bucket.objects[broken] = b"{}"
    found = await world.believed()
    assert (found.entries, found.not_covered) == ([OF_SHOP], [])
    assert found.refused == [
        f"{added.key} is older than the last root, and no root covers it",
        f"{ENTRY.key} is not what its root covers",
        f"{broken} is no entry of the ledger",
        f"{ahead.key} is of a time that is not yet",
    ]


async def test_a_root_that_is_not_what_it_holds_covers_nothing() -> None:
    world = World()
    await world.anchor(DAY - timedelta(2))
    await world.anchor()
    added = replace(OF_SHOP, at=NOW - timedelta(2))
    await world.ledger.write(added)
    key = "roots/2026-11-28.json"
    root = json.loads(world.bucket.objects[key])
    digest = hashlib.sha256(added.to_json()).hexdigest()
    world.bucket.objects[key] = json.dumps({**root, "erasures": {added.key: digest}}).encode()
    assert (await world.believed()).entries == []
