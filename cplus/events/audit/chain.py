"""The hash chain: walks a shop's stored log and finds the first wrong commit.

Pure: bytes in, findings out. A commit ends with the hash of the previous commit and its own, so the
walk only slices and hashes, and decodes nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import bson
import bson.errors

from cplus.events.log.commit import GENESIS, HASH_ELEMENT, split

Kind = Literal["altered", "removed", "inserted", "moved"]

_HASH_AT = -33  # from here 32 bytes, then the end of the document
_PREV_AT = _HASH_AT - len(HASH_ELEMENT) - 32
_BODY_END = _HASH_AT - len(HASH_ELEMENT)
_INT32 = 0x10  # the type of an element


@dataclass(frozen=True, slots=True)
class Finding:
    """The first commit of a shop that was tampered with."""

    shop: str
    position: int
    """Its position, or the one it had."""
    kind: Kind
    commit: str | None
    """Its id; None if it is gone."""
    reason: str


class Walk:
    """Walks one shop's log in order of position, from the first commit.

    `expected` holds hashes by position that are known from elsewhere, for example from the roots
    of earlier days.
    """

    def __init__(self, shop: str, expected: Mapping[int, bytes] | None = None) -> None:
        self.shop = shop
        self.position = 0
        """The position of the last valid commit."""
        self.hash = GENESIS
        """Its hash."""
        self.broken: bytes | None = None
        """The first commit that does not follow."""
        self._expected = sorted((expected or {}).items(), reverse=True)
        self._shape = (b"", 0, b"")

    def feed(self, raws: bytes) -> bool:
        """Takes the next commits, as one piece of raw BSON; returns whether the walk continues."""
        position, last = self.position, self.hash
        sha256, of = hashlib.sha256, int.from_bytes
        size, skip, head = self._shape
        view = memoryview(raws)  # hashes commits without copying them
        start, stop, end = 0, 0, len(raws)
        # An audit takes as long as this loop or as the reading beside it, so it calls little.
        while start < end:
            stop = start + of(raws[start : start + 4], "little")
            digest = raws[max(start, stop + _HASH_AT) : stop - 1]
            position += 1
            if (
                raws[max(start, stop + _PREV_AT) : stop - 1] != last + HASH_ELEMENT + digest
                or sha256(view[start + 4 : stop + _BODY_END]).digest() != digest
                or (self._expected and not self._is_expected(position, digest))
            ):
                break
            # Where ids are of one length, all that names the position is at one place.
            here = start + skip
            if raws[start + 9 : start + 13] != size or raws[
                here : here + len(head) + 4
            ] != head + position.to_bytes(4, "little"):
                if _position(raws, start) != position:
                    break
                size, skip, head = self._shape = _shape(raws, start)
            last = digest
            start = stop
        else:
            self.position, self.hash = position, last
            return True
        self.position, self.hash = position - 1, last
        self.broken = raws[start:stop]
        return False

    def _is_expected(self, position: int, digest: bytes) -> bool:
        if not self._expected or self._expected[-1][0] != position:
            return True
        if self._expected[-1][1] != digest:
            return False
        self._expected.pop()
        return True

    def missing(self) -> Finding | None:
        """After the last commit: a commit that the log should hold but does not."""
        if not self._expected:
            return None
        known = self._expected[-1][0]
        reason = f"a root knows position {known}, and the log ends at {self.position}"
        return Finding(self.shop, self.position + 1, "removed", None, reason)

    def judge(self) -> Judge:
        """The judge that finds out what is wrong where the walk stopped."""
        if self.broken is None:
            raise ValueError("the walk did not break")
        return Judge(self.shop, self.position, self.hash, self.broken)


class Judge:
    """Finds out what is wrong with a log at the first commit that does not follow.

    It reads the shop's whole log again and keeps only the commits that name this one or are next to
    it, so it needs no more memory for a log of millions.
    """

    def __init__(self, shop: str, position: int, last: bytes, broken: bytes) -> None:
        self._shop, self._at, self._last, self._raw = shop, position + 1, last, broken
        self._here = Link.of(broken)
        # A relevant commit contains one of these byte strings; no other is decoded.
        self._marks = [mark for mark in {last, self._here.prev, self._here.hash} if mark]
        self._before: Link | None = None
        """The last valid commit."""
        self._followed = False
        """Whether a commit names the wrong one as its predecessor."""
        self._named: set[int] = set()
        """Positions of the commits that the wrong one names as its predecessor."""

    def feed(self, raws: bytes) -> None:
        """Takes the next commits, as one piece of raw BSON."""
        if not any(mark in raws for mark in self._marks):
            return
        for raw in split(raws):
            if any(mark in raw for mark in self._marks):
                self._see(Link.of(raw))

    def _see(self, link: Link) -> None:
        here = self._here
        if link.position == self._at - 1 and link.hash == self._last:
            self._before = link
        self._followed = self._followed or link.prev == here.hash != b""
        if link.hash == here.prev != b"":
            self._named.add(link.position or 0)

    def finding(self) -> Finding:
        """What is wrong, once the whole log was read."""
        kind, position, commit, reason = self._judge()
        return Finding(self._shop, position, kind, commit, reason)

    def _judge(self) -> tuple[Kind, int, str | None, str]:
        here, at, before = self._here, self._at, self._before
        if here.position is None:
            return "altered", at, None, "it is no valid BSON"
        if here.position > at:
            return "removed", at, None, f"no commit has position {at}"
        if here.position < at:
            return "inserted", here.position, here.id, "two commits have this position"
        if not here.intact:
            return self._judge_changed()
        if here.prev == self._last:
            reason = "it is whole, and a root knows another here: it or one before was rewritten"
            return "altered", at, here.id, reason
        if before and self._followed:
            # Later commits build on this one, so its predecessor is the one that is not genuine.
            reason = f"position {at} stands on another commit than this one"
            return "altered", at - 1, before.id, reason
        return "inserted", at, here.id, "it does not stand on the commit before it"

    def _judge_changed(self) -> tuple[Kind, int, str | None, str]:
        here, at, before = self._here, self._at, self._before
        place = next((p for p in self._places() if _fits(self._raw, p)), None)
        if place is None:
            return "altered", at, here.id, "its bytes do not have the hash that it ends with"
        if place == at - 1 and before:
            reason = f"position {at} was written as {place}: this one came in between"
            return "inserted", at - 1, before.id, reason
        if place == at + 1 and not self._named:
            return "removed", at, None, f"the commit at position {at} was written as {place}"
        return "moved", at, here.id, f"it was written at position {place}"

    def _places(self) -> list[int]:
        """Where the commit may have been written: next to its place, or after the commit that it
        names."""
        behind = [place for named in sorted(self._named) for place in (named + 1, named + 2)]
        return [place for place in (self._at - 1, self._at + 1, *behind) if place > 0]


@dataclass(frozen=True, slots=True)
class Link:
    """The parts of a commit that form the chain."""

    id: str | None
    """None, like its position, if nobody can read it any more."""
    position: int | None
    prev: bytes
    hash: bytes
    intact: bool
    """Whether its hash matches its bytes."""

    @classmethod
    def of(cls, raw: bytes) -> Link:
        """The link of a stored commit, even if it was tampered with."""
        try:
            row = bson.decode(raw)
        except bson.errors.BSONError:  # MongoDB answers what it has, whatever that is by now
            return cls(None, None, b"", b"", intact=False)
        stored = _bytes(row.get("hash"))
        position = row.get("position")
        return cls(
            str(row.get("_id")),
            position if isinstance(position, int) else 0,
            _bytes(row.get("prev")),
            stored,
            raw[_BODY_END:_HASH_AT] == HASH_ELEMENT
            and hashlib.sha256(raw[4:_BODY_END]).digest() == raw[_HASH_AT:-1],
        )


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else b""


def _position(raws: bytes, start: int) -> int:
    # `_id` and `shop` are strings and come first; each contains its length.
    at = start + 13 + int.from_bytes(raws[start + 9 : start + 13], "little")
    at += 10 + int.from_bytes(raws[at + 6 : at + 10], "little")
    if raws[at + 1 : at + 10] != b"position\x00":
        return -1
    return int.from_bytes(raws[at + 10 : at + (14 if raws[at] == _INT32 else 18)], "little")


def _shape(raws: bytes, start: int) -> tuple[bytes, int, bytes]:
    """The length of the commit's `_id` as it is stored, where the next element begins, and all
    bytes from there to the four that are its position; of a position that takes eight, nothing."""
    size = raws[start + 9 : start + 13]
    skip = 13 + int.from_bytes(size, "little")
    shop = int.from_bytes(raws[start + skip + 6 : start + skip + 10], "little")
    end = skip + 10 + shop
    if raws[start + end] != _INT32:
        return b"", 0, b""
    return size, skip, raws[start + skip : start + end + 10]


def _fits(raw: bytes, position: int) -> bool:
    """Whether the hash matches if the commit is moved back to `position`."""
    row = bson.decode(raw)
    stored = row.pop("hash", None)
    row["position"] = position
    try:
        moved = bson.encode(row)
    except (bson.errors.BSONError, OverflowError, ValueError):  # no commit of ours was like this
        return False
    return hashlib.sha256(moved[4:-1]).digest() == _bytes(stored)


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """The root of the hash tree over the leaves, according to RFC 6962, section 2.1."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    half = _half(leaves)
    left, right = merkle_root(leaves[:half]), merkle_root(leaves[half:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def merkle_path(leaves: Sequence[bytes], index: int) -> list[tuple[str, bytes]]:
    """What leads from the leaf to the root: the hashes that stand beside it on the way, from the
    leaf up, each with its side, `left` or `right` (RFC 6962, section 2.1.1)."""
    if len(leaves) == 1:
        return []
    half = _half(leaves)
    left, right = leaves[:half], leaves[half:]
    if index < half:
        return [*merkle_path(left, index), ("right", merkle_root(right))]
    return [*merkle_path(right, index - half), ("left", merkle_root(left))]


def _half(leaves: Sequence[bytes]) -> int:
    return 1 << (len(leaves) - 1).bit_length() - 1
