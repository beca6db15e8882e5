"""The daily roots: what they prove about the log and the ledger of erasures, and what is wrong with
them."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime

import pytest

from cplus.events.audit.root import NO_ROOT, Root
from cplus.events.audit.roots import anchor_day, load_roots, verify_shop
from cplus.events.log.commit import Draft
from cplus.events.log.memory import MemoryCommits
from cplus.events.log.store import EventStore
from cplus.privacy.ledger import Erased, Ledger
from tests.unit.bucket import Bucket

SHOP = "acorn.myshopify.com"


def draft(claim: str, shop: str = SHOP) -> Draft:
    return Draft(shop, claim, "webhook", "shopify", reason="none", id=f"id-{claim}")


BEGAN = date(2026, 11, 1)
"""The day of the log's first commit."""


async def test_the_root_of_a_day_is_written_once_and_finds_a_rewritten_tail() -> None:
    bucket, log = Bucket(), MemoryCommits()
    store = EventStore(log)
    await store.append([draft("a"), draft("b"), draft("c", "birch.myshopify.com")])
    first = await anchor_day(log, bucket, "roots", date(2026, 11, 1))
    await store.append([draft("d")])
    assert await anchor_day(log, bucket, "roots", date(2026, 11, 1)) == first
    second = await anchor_day(log, bucket, "roots", date(2026, 11, 2))
    assert second.previous == first.value
    assert second.heads[SHOP][0] == 3
    roots = await load_roots(bucket, "roots", date(2026, 11, 3), began=BEGAN)
    assert not roots.wrong
    assert roots.days == [date(2026, 11, 1), date(2026, 11, 2)]
    for shop in (SHOP, "birch.myshopify.com"):
        assert await verify_shop(log, shop, roots.expected[shop]) is None

    rewritten = EventStore(MemoryCommits())
    await rewritten.append([draft("a"), draft("other"), draft("d"), draft("e")])
    assert await verify_shop(rewritten.log, SHOP) is None
    found = await verify_shop(rewritten.log, SHOP, roots.expected[SHOP])
    assert found is not None
    assert (found.kind, found.position) == ("altered", 2)


@pytest.mark.parametrize(
    ("key", "old", "new", "wrong"),
    [
        ("roots/2026-11-01.json", b'"day"', b'"dye"', "cannot be read"),
        ("roots/2026-11-01.json", b"acorn", b"ocorn", "is not the root of what it holds"),
        ("roots/2026-11-02.json", NO_ROOT.hex().encode(), b"00" * 32, "does not name the root"),
    ],
)
async def test_a_changed_root_is_found(key: str, old: bytes, new: bytes, wrong: str) -> None:
    bucket = Bucket()
    heads = {SHOP: (1, b"h" * 32)}
    first = Root.over(date(2026, 11, 1), heads, NO_ROOT)
    for root in (first, Root.over(date(2026, 11, 2), heads, first.value)):
        bucket.objects[root.key] = root.to_json()
    assert not (await load_roots(bucket, "roots", date(2026, 11, 3), began=BEGAN)).wrong
    if key.endswith("02.json"):
        old = first.value.hex().encode()
    bucket.objects[key] = bucket.objects[key].replace(old, new)
    assert any(
        wrong in line
        for line in (await load_roots(bucket, "roots", date(2026, 11, 3), began=BEGAN)).wrong
    )


async def test_a_log_that_began_today_or_yesterday_needs_no_root_yet_and_an_older_one_does() -> (
    None
):
    today = date(2026, 11, 3)
    for began, wrong in (
        (None, []),
        (date(2026, 11, 3), []),
        (date(2026, 11, 2), []),
        (BEGAN, ["no root since 2026-11-01: nothing proves what was written since"]),
    ):
        assert (await load_roots(Bucket(), "roots", today, began=began)).wrong == wrong


async def test_a_day_without_a_root_is_told_and_a_tail_without_one_is_wrong() -> None:
    bucket, log = Bucket(), MemoryCommits()
    await anchor_day(log, bucket, "roots", date(2026, 11, 1))
    await anchor_day(log, bucket, "roots", date(2026, 11, 4))
    for today in (date(2026, 11, 4), date(2026, 11, 5)):
        roots = await load_roots(bucket, "roots", today, began=BEGAN)
        assert roots.without == [date(2026, 11, 2), date(2026, 11, 3)]
        assert not roots.wrong
    late = await load_roots(bucket, "roots", date(2026, 11, 6), began=BEGAN)
    assert late.without[-1] == date(2026, 11, 5)
    assert late.wrong == ["no root after 2026-11-04: nothing proves what was written since"]


async def test_a_root_under_the_name_of_another_day_is_wrong() -> None:
    bucket, log = Bucket(), MemoryCommits()
    root = await anchor_day(log, bucket, "roots", date(2026, 11, 1))
    bucket.objects["roots/2026-11-02.json"] = root.to_json()
    roots = await load_roots(bucket, "roots", date(2026, 11, 3), began=BEGAN)
    assert roots.wrong == [
        "roots/2026-11-02.json is the root of another day, 2026-11-01",
        "no root after 2026-11-01: nothing proves what was written since",
    ]


def erased(erasure: str, day: int, hour: int = 12) -> Erased:
    """An erasure that was done at this time."""
    at = datetime(2026, 11, day, hour, tzinfo=UTC)
    return Erased(SHOP, erasure, ("person/a",), at, ((7, "ab" * 32),), keys=1, objects=2)


async def test_each_entry_of_the_ledger_is_covered_by_one_root() -> None:
    bucket, log = Bucket(), MemoryCommits()
    ledger = Ledger(bucket, "roots")
    entries = [erased("e1", 1), erased("e2", 1, 23), erased("e3", 2), erased("e4", 5)]
    await ledger.write(entries[0])
    first = await anchor_day(log, bucket, "roots", date(2026, 11, 1))
    await ledger.write(entries[1])  # the same day, after its root
    await ledger.write(entries[2])
    second = await anchor_day(log, bucket, "roots", date(2026, 11, 2))
    await ledger.write(entries[3])
    later = await anchor_day(log, bucket, "roots", date(2026, 11, 5))
    covered = [list(root.erasures) for root in (first, second, later)]
    assert covered == [[entries[0].key], [entries[1].key, entries[2].key], [entries[3].key]]
    assert [one.entry() async for one in ledger.entries()] == entries
    assert not (await load_roots(bucket, "roots", date(2026, 11, 5), began=BEGAN)).wrong


async def test_the_way_from_an_entry_leads_to_the_root_of_its_day() -> None:
    bucket, log = Bucket(), MemoryCommits()
    await EventStore(log).append([draft("a"), draft("b", "birch.myshopify.com")])
    entries = [erased(f"e{number}", 1) for number in range(3)]
    for entry in entries:
        await Ledger(bucket, "roots").write(entry)
    root = await anchor_day(log, bucket, "roots", date(2026, 11, 1))
    for entry in entries:
        digest = hashlib.sha256(entry.to_json()).hexdigest()
        found = hashlib.sha256(f"\0erasure\n{entry.key}\n{digest}".encode()).digest()
        for side, beside in root.path_to(entry.key):
            pair = beside + found if side == "left" else found + beside
            found = hashlib.sha256(b"\1" + pair).digest()
        assert found == root.value


async def test_an_entry_that_a_root_covers_cannot_go_unnoticed() -> None:
    bucket, log = Bucket(), MemoryCommits()
    entry = erased("e1", 1)
    await Ledger(bucket, "roots").write(entry)
    await anchor_day(log, bucket, "roots", date(2026, 11, 1))
    del bucket.objects[entry.key]
    roots = await load_roots(bucket, "roots", date(2026, 11, 2), began=BEGAN)
    assert roots.wrong == [f"{entry.key} was deleted"]


async def test_a_root_that_names_another_entry_is_wrong() -> None:
    bucket, log = Bucket(), MemoryCommits()
    await Ledger(bucket, "roots").write(erased("e1", 1))
    root = await anchor_day(log, bucket, "roots", date(2026, 11, 1))
    bucket.objects[root.key] = bucket.objects[root.key].replace(b"/e1/", b"/e2/")
    roots = await load_roots(bucket, "roots", date(2026, 11, 2), began=BEGAN)
    assert f"{root.key} is not the root of what it holds" in roots.wrong


async def test_the_entries_of_an_erasure_are_found_by_their_days_or_among_all() -> None:
    bucket = Bucket()
    ledger, entry, later = Ledger(bucket, "roots"), erased("a/b", 1, 23), erased("a/b", 9)
    for one in (entry, later, erased("a", 1), erased("a/b/7", 1), erased("b", 1)):
        await ledger.write(one)
    for days, found in (([1], [entry]), ([9, 1], [entry, later]), ([5], [entry, later])):
        told = await ledger.entries_of(SHOP, "a/b", [date(2026, 11, day) for day in days])
        assert [one.entry() for one in told] == found
    assert await ledger.entries_of(SHOP, "c", [date(2026, 11, 1)]) == []


def test_a_root_without_erasures_is_stored_as_it_was_before_there_were_any() -> None:
    root = Root.over(date(2026, 11, 1), {SHOP: (1, b"h" * 32)}, NO_ROOT)
    assert b"erasures" not in root.to_json()
    assert Root.of_json(root.to_json()) == root
