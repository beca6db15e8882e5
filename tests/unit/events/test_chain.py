"""The walk over a shop's chain names the first commit that is not as it was written."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from bson import Int64
from hypothesis import given
from hypothesis import strategies as st

from cplus.events.audit.chain import Finding, Link, Walk, merkle_path, merkle_root
from cplus.events.audit.roots import verify_shop
from cplus.events.log.commit import Draft, Head, prepare, split
from cplus.events.log.memory import MemoryCommits

SHOP = "acorn.myshopify.com"
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
Row = dict[str, Any]
Tamper = Callable[[list[Row]], None]


def draft(claim: str, shop: str = SHOP) -> Draft:
    return Draft(shop, claim, "webhook", "shopify", reason="none", id=f"id-{claim}")


def chain(claims: str) -> list[bytes]:
    head, raws = Head.of(None), []
    for claim in claims:
        raw, head = prepare(draft(claim)).place(head, NOW)
        raws.append(raw)
    return raws


def rehash(row: Row) -> None:
    """Makes the commit's own hash fit again, as somebody would who knows the format."""
    row.pop("hash")
    row["hash"] = hashlib.sha256(bson.encode(row)[4:-1]).digest()


def alter(rows: list[Row]) -> None:
    rows[3]["actor"] = "merchant"


def alter_and_rehash(rows: list[Row]) -> None:
    rows[3]["actor"] = "merchant"
    rehash(rows[3])


def forget_the_hash(rows: list[Row]) -> None:
    del rows[3]["hash"]


def remove(rows: list[Row]) -> None:
    del rows[3]


def remove_the_first(rows: list[Row]) -> None:
    del rows[0]


def remove_and_renumber(rows: list[Row]) -> None:
    del rows[3]
    for row in rows[3:]:
        row["position"] -= 1


def insert_and_renumber(rows: list[Row]) -> None:
    for row in rows[3:]:
        row["position"] += 1
    new = {**rows[2], "_id": "id-new", "position": 4, "prev": rows[2]["hash"]}
    rehash(new)
    rows.insert(3, new)


def insert_a_stranger(rows: list[Row]) -> None:
    for row in rows[3:]:
        row["position"] += 1
    new = {**rows[2], "_id": "id-new", "position": 4, "prev": b"x" * 32}
    rehash(new)
    rows.insert(3, new)


def insert_beside(rows: list[Row]) -> None:
    new = {**rows[3], "_id": "id-new"}
    rehash(new)
    rows.insert(4, new)


def swap(rows: list[Row]) -> None:
    rows[3], rows[5] = rows[5], rows[3]
    rows[3]["position"], rows[5]["position"] = 4, 6


def move_to_the_end(rows: list[Row]) -> None:
    rows.append({**rows.pop(3), "position": 8})
    for position, row in enumerate(rows, 1):
        row["position"] = position


def judged(walk: Walk, raws: bytes) -> Finding:
    judge = walk.judge()
    for raw in split(raws):  # each a piece of its own: nothing hangs on where the log is cut
        judge.feed(raw)
    return judge.finding()


@pytest.mark.parametrize(
    ("tamper", "kind", "position", "commit"),
    [
        (alter, "altered", 4, "id-d"),
        (alter_and_rehash, "altered", 4, "id-d"),
        (forget_the_hash, "altered", 4, "id-d"),
        (remove, "removed", 4, None),
        (remove_the_first, "removed", 1, None),
        (remove_and_renumber, "removed", 4, None),
        (insert_and_renumber, "inserted", 4, "id-new"),
        (insert_a_stranger, "inserted", 4, "id-new"),
        (insert_beside, "inserted", 4, "id-new"),
        (swap, "moved", 4, "id-f"),
        (move_to_the_end, "moved", 4, "id-e"),
    ],
)
def test_what_was_done_to_a_log_is_named(
    tamper: Tamper, kind: str, position: int, commit: str | None
) -> None:
    rows = [bson.decode(raw) for raw in chain("abcdefgh")]
    tamper(rows)
    raws = b"".join(map(bson.encode, rows))
    walk = Walk(SHOP)
    assert not walk.feed(raws)
    found = judged(walk, raws)
    assert (found.kind, found.position, found.commit) == (kind, position, commit)


places = st.tuples(
    st.integers(0, 7), st.integers(0, 7), st.integers(0, 10_000), st.integers(1, 255)
)


def _strangers_byte(raws: list[bytes], at: int, byte: int, flip: int) -> None:
    """One byte of one commit is another one, but for the length of the document, without which it
    could not be stored."""
    changed = bytearray(raws[at])
    changed[4 + byte % (len(changed) - 5)] ^= flip
    raws[at] = bytes(changed)


@given(places, st.sampled_from(["byte", "removed", "exchanged", "inserted", "tail"]))
def test_whatever_is_done_to_one_commit_is_found_and_named(
    where: tuple[int, int, int, int], deed: str
) -> None:
    at, other, byte, flip = where
    before = chain("abcdefgh")
    raws, known = list(before), {8: bson.decode(before[7])["hash"]}
    match deed:
        case "byte":
            _strangers_byte(raws, at, byte, flip)
        case "removed":
            del raws[at]
        case "exchanged":
            raws[at], raws[other] = raws[other], raws[at]
        case "inserted":
            raws.insert(at, raws[other])
        case "tail":  # rewritten with hashes that fit
            rows = [bson.decode(raw) for raw in raws]
            rows[at]["actor"] = "nobody"
            raws = split(rechained(rows))
    if raws == before:
        return
    walk = Walk(SHOP, known)
    whole = walk.feed(b"".join(raws))
    found = walk.missing() if whole else judged(walk, b"".join(raws))
    assert found is not None
    first = min(at, other) if deed == "exchanged" else at
    # By its place, or by the position that stands in it. Of a tail, a root knows the last commit
    # alone: that is where it shows.
    place = {8} if deed == "tail" else {first + 1, Link.of(raws[at]).position if raws[at:] else 0}
    assert found.position in place


def test_a_whole_chain_is_whole_however_it_is_cut_into_pieces() -> None:
    raws = chain("abcdefgh")
    for cut in range(len(raws)):
        walk = Walk(SHOP)
        assert walk.feed(b"".join(raws[:cut]))
        assert walk.feed(b"".join(raws[cut:]))
        assert walk.position == 8
        assert walk.missing() is None


def rechained(rows: list[Row]) -> bytes:
    """The rows, each built on the one before, as somebody would write them who knows the format."""
    last = rows[0]["prev"]
    for row in rows:
        row["prev"] = last
        rehash(row)
        last = row["hash"]
    return b"".join(map(bson.encode, rows))


def test_a_position_is_read_whatever_stands_before_it_and_however_it_is_stored() -> None:
    rows = [bson.decode(raw) for raw in chain("abcdefgh")]
    for number, row in enumerate(rows):
        row["_id"] += "x" * (number // 3)
    rows[2]["position"], rows[6]["position"] = Int64(3), Int64(7)
    walk = Walk(SHOP)
    assert walk.feed(rechained(rows))
    assert walk.position == 8


@pytest.mark.parametrize("wrong", [3, 5, 4 + 2**8, Int64(4 + 2**32), 4.0, "4"])
def test_a_commit_that_names_another_position_breaks_the_chain_though_all_hashes_fit(
    wrong: Any,
) -> None:
    rows = [bson.decode(raw) for raw in chain("abcdef")]
    rows[3]["position"] = wrong
    walk = Walk(SHOP)
    assert not walk.feed(rechained(rows))
    assert walk.position == 3


def test_every_single_bit_counts() -> None:
    raws = chain("abc")
    for at in range(13, len(raws[1]) - 1):
        changed = bytearray(raws[1])
        changed[at] ^= 1
        assert not Walk(SHOP).feed(raws[0] + bytes(changed) + raws[2]), at


def test_a_rewritten_tail_is_whole_and_what_a_root_knows_tells_it() -> None:
    before, after = chain("abcdef"), chain("abcxyz")
    known = {5: bson.decode(before[4])["hash"]}
    assert Walk(SHOP).feed(b"".join(after))
    walk = Walk(SHOP, known)
    assert not walk.feed(b"".join(after))
    found = judged(walk, b"".join(after))
    assert (found.kind, found.position, found.commit) == ("altered", 5, "id-y")


def test_a_log_that_ends_before_what_a_root_knows_has_lost_commits() -> None:
    raws = chain("abcdef")
    walk = Walk(SHOP, {2: bson.decode(raws[1])["hash"], 5: bson.decode(raws[4])["hash"]})
    assert walk.feed(b"".join(raws[:3]))
    found = walk.missing()
    assert found == Finding(
        SHOP, 4, "removed", None, "a root knows position 5, and the log ends at 3"
    )


def test_the_tree_is_that_of_rfc_6962() -> None:
    # The roots over the first inputs of the test vectors of Certificate Transparency's
    # reference implementation (merkletree/merkle_tree_test.cc).
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
    roots = {
        0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    }
    leaves = [bytes.fromhex(one) for one in inputs]
    assert {size: merkle_root(leaves[:size]).hex() for size in roots} == roots


@given(st.lists(st.binary(max_size=3), min_size=1, max_size=40), st.data())
def test_the_path_from_a_leaf_leads_to_the_root(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    found = hashlib.sha256(b"\x00" + leaves[index]).digest()
    for side, beside in merkle_path(leaves, index):
        pair = beside + found if side == "left" else found + beside
        found = hashlib.sha256(b"\x01" + pair).digest()
    assert found == merkle_root(leaves)


async def test_a_broken_chain_is_judged_in_the_memory_of_two_batches() -> None:
    """The log is 60 MB; somebody altered its second commit, so that all of it is looked through."""
    big = bytes(60_000)
    head, pieces = Head.of(None), list[bytes]()
    for number in range(4):
        raw, head = prepare(draft(f"c{number}")).place(head, NOW)
        pieces.append(raw)
    row = bson.decode(pieces[1])
    row["actor"] = "nobody"
    pieces[1] = bson.encode(row)

    class Long(MemoryCommits):
        async def raw(
            self, shop: str, after: int = 0, until: int | None = None
        ) -> AsyncIterator[bytes]:
            for piece in pieces:
                yield piece
            for number in range(1_000):
                yield bson.encode({"_id": str(number), "shop": shop, "position": number, "x": big})

    tracemalloc.start()
    try:
        found = await verify_shop(Long(), SHOP)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found is not None
    assert (found.kind, found.position) == ("altered", 2)
    assert peak < 2_000_000
