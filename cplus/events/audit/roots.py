"""Audits of the log: the hash chain of each shop, and the daily roots over all shops."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Protocol

from cplus.events.audit.chain import Finding, Walk
from cplus.events.audit.root import NO_ENTRIES, NO_ROOT, PREFIX, Root, key_of
from cplus.events.log.commits import Commits

if TYPE_CHECKING:
    from cplus.aws import Versions

LEDGER = "erasures/"
"""What is written under `erasures/<day>/` is anchored with that day or the next."""
_SHOPS_AT_ONCE = 200  # heads read in one query


class Objects(Protocol):
    """The part of a versioned bucket that roots need."""

    async def put_new_object(self, bucket: str, key: str, body: bytes) -> bool:
        """Stores `body` under `key` unless the key exists; returns whether it did."""

    async def get_object(self, bucket: str, key: str, version: str | None = None) -> bytes:
        """The bytes of that version of `key`; raises KeyError if it does not exist."""

    async def list_versions(self, bucket: str, prefix: str) -> dict[str, Versions]:
        """The versions of every key that begins with `prefix`, in key order."""


@dataclass(slots=True)
class Roots:
    """All stored roots: what they prove about each shop, and what is wrong with them."""

    days: list[date] = field(default_factory=list)
    without: list[date] = field(default_factory=list)
    """Days without a root since the first one, except today."""
    expected: dict[str, dict[int, bytes]] = field(default_factory=dict)
    """Hashes by shop and position."""
    erasures: dict[str, bytes] = field(default_factory=dict)
    """SHA-256 of each entry of the ledger, by its key: of roots that are what they hold."""
    wrong: list[str] = field(default_factory=list)
    """What is wrong with the roots themselves, one line each."""

    def add(self, root: Root) -> None:
        """Adds a root; call it in the order of days."""
        self.days.append(root.day)
        for shop, (position, digest) in root.heads.items():
            known = self.expected.setdefault(shop, {})
            if known.setdefault(position, digest) != digest:
                self.wrong.append(f"{root.key} contradicts an earlier root on {shop}")

    def cover(self, root: Root) -> None:
        """Takes what a whole root covers of the ledger; the first that covers an entry counts."""
        for key, digest in root.erasures.items():
            self.erasures.setdefault(key, digest)

    def close(self, today: date, began: date | None) -> None:
        """Finds the days without a root. A later root still covers what was written on such a day;
        nothing covers what was written after the last root, which is an error. A log that began
        today or yesterday need not have a root yet."""
        if not self.days:
            if began is not None and began < today - timedelta(1):
                self.wrong.append(f"no root since {began}: nothing proves what was written since")
            return
        first, there = min(self.days), set(self.days)
        days = (first + timedelta(n) for n in range((today - first).days))
        self.without = [day for day in days if day not in there]
        last = max(there)
        if last < today - timedelta(1):
            self.wrong.append(f"no root after {last}: nothing proves what was written since")


async def anchor_day(log: Commits, objects: Objects, bucket: str, day: date) -> Root:
    """Anchors the day: writes its root over the heads of all shops. A day that has one keeps it."""
    roots = await _kept(objects, bucket)
    mine = key_of(day)
    if mine in roots:
        return await _first(objects, bucket, mine, roots[mine])
    previous, last = NO_ROOT, None
    if roots:
        newest = max(roots)
        last = await _first(objects, bucket, newest, roots[newest])
        previous = last.value
    erasures = await _entries(objects, bucket, last, day)
    heads: dict[str, tuple[int, bytes]] = {}
    async for shops in log.positions(None, _SHOPS_AT_ONCE):
        found = await log.heads(sorted(shops))
        heads.update({shop: (head.position, head.hash) for shop, head in found.items()})
    root = Root.over(day, heads, previous, erasures)
    if await objects.put_new_object(bucket, root.key, root.to_json()):
        return root
    return await _first(objects, bucket, mine, (await _kept(objects, bucket))[mine])


async def _entries(objects: Objects, bucket: str, last: Root | None, day: date) -> dict[str, bytes]:
    """What no root covers yet of the ledger: of the days from that of the last root, which may have
    got entries after it, to this one."""
    written, covered = [LEDGER], NO_ENTRIES
    if last is not None:
        days = (last.day + timedelta(number) for number in range((day - last.day).days + 1))
        written, covered = [f"{LEDGER}{one.isoformat()}/" for one in days], last.erasures
    found: dict[str, bytes] = {}
    for prefix in written:
        for key, versions in (await objects.list_versions(bucket, prefix)).items():
            if versions.ids and key not in covered:
                entry = await objects.get_object(bucket, key, versions.ids[0])
                found[key] = hashlib.sha256(entry).digest()
    return found


async def root_over(objects: Objects, bucket: str, entry: str, day: date) -> Root | None:
    """The root that covers this entry of the ledger, which was written on that day; None if there
    is none yet."""
    for key, versions in (await _kept(objects, bucket)).items():
        if key >= key_of(day):
            root = await _first(objects, bucket, key, versions)
            if entry in root.erasures:
                return root
            if root.day > day:
                return None
    return None


async def load_roots(objects: Objects, bucket: str, today: date, *, began: date | None) -> Roots:
    """Loads and checks every root: each is the hash of its content and names the previous one.

    The oldest version of each key is the root. A lock on it does not stop anybody with write access
    from adding a newer version: a newer version is an error in itself, like a deletion. `today`
    (UTC) is the first day that need not have a root yet; `began` is the day of the log's first
    commit, None if there is none.
    """
    roots = Roots()
    previous, entries = NO_ROOT, set[str]()
    for key, versions in (await _history(objects, bucket)).items():
        if len(versions.ids) > 1:
            roots.wrong.append(f"{key} was written {len(versions.ids)} times: the first counts")
        if versions.markers:
            roots.wrong.append(f"{key} was deleted")
        if not versions.ids:
            continue
        try:
            root = await _first(objects, bucket, key, versions)
        except (KeyError, ValueError):
            roots.wrong.append(f"{key} cannot be read")
            continue
        if root.key != key:
            roots.wrong.append(f"{key} is the root of another day, {root.day}")
            continue
        if root.value != Root.over(root.day, root.heads, root.previous, root.erasures).value:
            roots.wrong.append(f"{key} is not the root of what it holds")
        elif root.day <= today:
            roots.cover(root)
        if root.previous != previous:
            roots.wrong.append(f"{key} does not name the root before it")
        previous = root.value
        entries.update(root.erasures)
        roots.add(root)
    roots.wrong += await _wrong_entries(objects, bucket, entries)
    roots.close(today, began)
    return roots


async def _wrong_entries(objects: Objects, bucket: str, keys: Collection[str]) -> list[str]:
    """What is wrong with these entries of the ledger, which roots cover."""
    if not keys:
        return []
    found, wrong = await objects.list_versions(bucket, LEDGER), list[str]()
    for key in sorted(keys):
        versions = found.get(key)
        if versions is None or versions.markers:
            wrong.append(f"{key} was deleted")
        elif len(versions.ids) > 1:
            wrong.append(f"{key} was written {len(versions.ids)} times: the first counts")
    return wrong


async def _history(objects: Objects, bucket: str) -> dict[str, Versions]:
    found = await objects.list_versions(bucket, PREFIX)
    return {key: versions for key, versions in found.items() if key.endswith(".json")}


async def _kept(objects: Objects, bucket: str) -> dict[str, Versions]:
    """The keys with at least one version, even if deleted since."""
    return {key: found for key, found in (await _history(objects, bucket)).items() if found.ids}


async def _first(objects: Objects, bucket: str, key: str, versions: Versions) -> Root:
    return Root.of_json(await objects.get_object(bucket, key, versions.ids[0]))


async def verify_shop(
    log: Commits,
    shop: str,
    expected: Mapping[int, bytes] | None = None,
    seen: Callable[[int], None] = lambda _: None,
) -> Finding | None:
    """Walks one shop's chain from its first commit; returns the first wrong commit, if any.

    If there is one, a second walk finds out what was done to it. At most two batches of the log are
    in memory at once. `seen` is called with the position that was reached, once per batch.
    """
    walk = Walk(shop, expected)
    pieces = log.raw(shop)
    piece = await _next(pieces)
    while piece:
        # The next batch is requested before this one is hashed, so both overlap.
        piece, goes_on = await asyncio.gather(_next(pieces), asyncio.to_thread(walk.feed, piece))
        seen(walk.position)
        if not goes_on:
            judge = walk.judge()
            async for again in log.raw(shop):
                await asyncio.to_thread(judge.feed, again)
            return judge.finding()
    return walk.missing()


async def _next(pieces: AsyncIterator[bytes]) -> bytes:
    return await anext(pieces, b"")


def shops_of(heads: Mapping[str, int], roots: Roots) -> Sequence[str]:
    """Every shop in the log or in a root."""
    return sorted({*heads, *roots.expected})
