"""A log in memory with the same rules as the one in MongoDB, for tests of code that uses it."""

from __future__ import annotations

import asyncio
import math
import sys
from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import bson
from bson.codec_options import CodecOptions

from cplus.events.log.commit import Head
from cplus.events.log.commits import FOLDED, Document
from cplus.mongo import Raw

_PIECE = 100  # commits in one piece of raw bytes
_OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)


@dataclass(slots=True)
class _Shop:
    """The commits of one shop and its indexes."""

    raws: dict[int, bytes] = field(default_factory=dict)
    """Bytes by position."""
    claims: dict[str, int] = field(default_factory=dict)
    """Position by claim."""
    refs: dict[str, list[int]] = field(default_factory=dict)
    """Positions by ref, ascending."""


@dataclass(eq=False, slots=True)
class _Listener:
    """Shops with new commits that the listener has not fetched yet. A set, so it cannot grow beyond
    the number of shops if the listener never comes back."""

    shops: dict[str, None] = field(default_factory=dict)
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, shop: str) -> None:
        self.shops[shop] = None
        self.woken.set()

    async def next(self) -> str:
        await self.woken.wait()
        shop = next(iter(self.shops))
        del self.shops[shop]
        if not self.shops:
            self.woken.clear()
        return shop


class MemoryCommits:
    """Commits in memory. Pass it to an EventStore: `EventStore(MemoryCommits())`.

    Commits are kept as the bytes that MongoDB would get, and each query yields to other tasks, so
    races behave the same. It lasts as long as the process; several stores may share one.
    """

    def __init__(self) -> None:
        self._shops: dict[str, _Shop] = {}
        self._ids: set[str] = set()
        self._listeners: list[_Listener] = []

    async def insert(self, runs: Sequence[Sequence[bytes]]) -> list[bool | Exception]:
        """Writes runs of commits, each up to the first that an index refuses; the result of such a
        run is False."""
        await asyncio.sleep(0)
        return [all(self._insert(raw) for raw in run) for run in runs]

    def _insert(self, raw: bytes) -> bool:
        row = _decode(raw)
        rows = self._shops.setdefault(row["shop"], _Shop())
        position, claims = row["position"], row["claims"]
        taken = position in rows.raws or any(claim in rows.claims for claim in claims)
        if taken or row["_id"] in self._ids:
            return False
        self._ids.add(row["_id"])
        rows.raws[position] = raw
        rows.claims.update(dict.fromkeys(claims, position))
        for listener in self._listeners:
            listener.tell(row["shop"])
        for ref in row["refs"]:
            positions = rows.refs.setdefault(ref, [])
            positions.insert(bisect_left(positions, position), position)
        return True

    async def head(self, shop: str) -> Head:
        """The head of one shop."""
        return (await self.heads([shop]))[shop]

    async def heads(self, shops: Sequence[str]) -> dict[str, Head]:
        """The heads of many shops."""
        await asyncio.sleep(0)
        last = {shop: max(self._rows(shop).raws, default=0) for shop in shops}
        return {shop: Head.of(self._row(shop, at) if at else None) for shop, at in last.items()}

    async def positions(self, since: datetime | None, size: int) -> AsyncIterator[dict[str, int]]:
        """The last position of each shop, or of those with commits recorded since."""
        heads = await self.heads(sorted(self._shops))
        found = [
            (shop, head.position)
            for shop, head in heads.items()
            if head.recorded_at and (since is None or head.recorded_at >= since)
        ]
        for start in range(0, len(found), size):
            yield dict(found[start : start + size])

    async def after(
        self,
        shop: str,
        after: int,
        until: int | None,
        limit: int,
        *,
        cause: bool,
        room: int | None = None,
    ) -> list[Document]:
        """Commits after one position up to and including another, in order; stops after the commit
        that fills `room` bytes."""
        await asyncio.sleep(0)
        positions = sorted(self._rows(shop).raws)
        end = len(positions) if until is None else bisect_right(positions, until)
        found = positions[bisect_right(positions, after) : end][:limit]
        size, rows = 0, []
        for position in found:
            rows.append(self._row(shop, position, cause=cause))
            size += len(self._rows(shop).raws[position])
            if room is not None and size >= room:
                break
        return rows

    async def to_fold(
        self,
        shop: str,
        after: int,
        until: int | None,
        ignored: Sequence[str] | None,
        limit: int,
        *,
        room: int,
        each: int,
        fields: Sequence[str] = FOLDED,
    ) -> Raw:
        """What a fold needs of the commits after a position, at most `each` per part."""
        raws: list[bytes] = []
        size = 0
        for row in await self.after(shop, after, until, sys.maxsize, cause=False):
            if len(raws) == limit or size >= room:
                break
            if ignored is None or any(event["type"] not in ignored for event in row["events"]):
                raws.append(bson.encode({name: row[name] for name in fields}))
                size += len(raws[-1])
        parts = [b"".join(raws[start : start + each]) for start in range(0, len(raws), each)]
        return Raw(parts, raws[-1] if raws else b"", len(raws), size)

    async def identified(self, id_: str) -> Document | None:
        """The commit with this id, of whichever shop, without its cause."""
        await asyncio.sleep(0)
        rows = (self._row(shop, at) for shop in self._shops for at in self._rows(shop).raws)
        return next((row for row in rows if row["_id"] == id_), None)

    async def claimed(self, shop: str, claims: Sequence[str], *, cause: bool) -> list[Document]:
        """The commits that hold one of the claims."""
        await asyncio.sleep(0)
        return [self._row(shop, at, cause=cause) for at in self._held(shop, claims)]

    async def taken(self, shop: str, claims: Sequence[str]) -> set[str]:
        """Those of the claims that are taken."""
        await asyncio.sleep(0)
        return set(claims) & self._rows(shop).claims.keys()

    async def newest(self, shop: str, claims: Sequence[str]) -> Document | None:
        """The last commit that holds one of the claims."""
        await asyncio.sleep(0)
        held = self._held(shop, claims)
        return self._row(shop, held[-1]) if held else None

    async def between(self, shop: str, first: str, last: str, *, cause: bool) -> list[Document]:
        """The commits with a claim from `first` to `last` as text, in the order of positions."""
        await asyncio.sleep(0)
        within = [claim for claim in self._rows(shop).claims if first <= claim <= last]
        return [self._row(shop, at, cause=cause) for at in self._held(shop, within)]

    async def holding(
        self, shop: str, ranges: Sequence[tuple[str, str]], refs: Sequence[str]
    ) -> list[Document]:
        """The commits with some of these claims or refs; see Commits."""
        await asyncio.sleep(0)
        rows = self._rows(shop)
        claims = [
            claim for claim in rows.claims if any(first <= claim <= last for first, last in ranges)
        ]
        found = {*self._held(shop, claims), *(at for ref in refs for at in rows.refs.get(ref, []))}
        return [self._row(shop, at) for at in sorted(found)]

    async def referring(
        self, shop: str, ref: str, after: int, limit: int, *, newest_first: bool, cause: bool
    ) -> list[Document]:
        """Commits with the ref, after position `after` in the given direction."""
        await asyncio.sleep(0)
        positions = self._rows(shop).refs.get(ref, [])
        if newest_first:
            end = bisect_left(positions, after) if after else len(positions)
            found = positions[:end][::-1]
        else:
            found = positions[bisect_right(positions, after) :]
        return [self._row(shop, at, cause=cause) for at in found[:limit]]

    async def eventless(
        self,
        source: str,
        shop: str,
        after: int,
        limit: int,
        *,
        only: bool,
        since: datetime | None,
        cause: bool,
    ) -> list[Document]:
        """Commits without events, by shop and position; see Commits."""
        await asyncio.sleep(0)
        shops = [shop] if only else sorted({shop, *(one for one in self._shops if one > shop)})
        rows = [
            row
            for one in shops
            for at in sorted(self._rows(one).raws)
            if one != shop or at > after
            for row in [self._row(one, at, cause=cause)]
            if row["source"] == source and not row["events"]
            if since is None or row["recorded_at"] >= since
        ]
        return rows[:limit]

    async def positions_of(self, shop: str, ref: str, limit: int) -> list[int]:
        """The positions of commits with the ref; see Commits."""
        await asyncio.sleep(0)
        return self._rows(shop).refs.get(ref, [])[: max(limit, 0)]

    async def recorded(
        self, since: datetime, before: datetime, limit: int = 0
    ) -> AsyncIterator[Document]:
        """Commits of all shops by time; see Commits."""
        await asyncio.sleep(0)
        rows = [self._row(shop, at) for shop in self._shops for at in self._rows(shop).raws]
        within = [row for row in rows if since <= row["recorded_at"] < before]
        for row in sorted(within, key=lambda row: row["recorded_at"])[: limit or None]:
            yield row

    async def raw(
        self, shop: str, after: int = 0, until: int | None = None
    ) -> AsyncIterator[bytes]:
        """The bytes; see Commits."""
        last = math.inf if until is None else until
        raws = [raw for at, raw in sorted(self._rows(shop).raws.items()) if after < at <= last]
        for start in range(0, len(raws), _PIECE):
            await asyncio.sleep(0)
            yield b"".join(raws[start : start + _PIECE])

    async def changes(self) -> AsyncIterator[str]:
        """The shop of each commit written from now on, once for all commits since the last
        request."""
        listener = _Listener()
        self._listeners.append(listener)
        try:
            yield ""
            while True:
                yield await listener.next()
        finally:
            self._listeners.remove(listener)

    def _rows(self, shop: str) -> _Shop:
        return self._shops.get(shop) or _Shop()

    def _held(self, shop: str, claims: Sequence[str]) -> list[int]:
        held = self._rows(shop).claims
        return sorted({held[claim] for claim in claims if claim in held})

    def _row(self, shop: str, position: int, *, cause: bool = False) -> Mapping[str, Any]:
        row = _decode(self._rows(shop).raws[position])
        if not cause:
            del row["cause"]
        return row


def _decode(raw: bytes) -> dict[str, Any]:
    return bson.decode(raw, _OPTIONS)
