"""Audits of the log: the chain of each shop, and the roots of the days over all shops."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from cplus.events.chain import Finding, Walk, merkle_root
from cplus.events.commits import Commits

PREFIX = "roots/"
_SHOPS_AT_ONCE = 200  # heads read in one question


class Objects(Protocol):
    """A bucket, as far as roots need it."""

    async def put_object(self, bucket: str, key: str, body: bytes) -> None:
        """Stores `body` under `key`."""

    async def get_object(self, bucket: str, key: str) -> bytes:
        """The bytes under `key`; raises KeyError when there are none."""

    async def list_keys(self, bucket: str, prefix: str) -> list[str]:
        """Every key that begins with `prefix`, in order."""


@dataclass(frozen=True, slots=True)
class Root:
    """What the heads of all shops were at one moment, under one hash."""

    day: date
    """UTC."""
    heads: Mapping[str, tuple[int, bytes]]
    """Position and hash of the last commit, by shop."""
    previous: bytes
    """The root of the day before; the hash of nothing for the first."""
    value: bytes
    """The root itself."""

    @classmethod
    def over(cls, day: date, heads: Mapping[str, tuple[int, bytes]], previous: bytes) -> Root:
        """The root of a day: the first leaf is the day and the root before, the others are the
        heads by shop."""
        first = f"{day.isoformat()}\n{previous.hex()}"
        others = [f"{shop}\n{at}\n{digest.hex()}" for shop, (at, digest) in sorted(heads.items())]
        leaves = [leaf.encode() for leaf in (first, *others)]
        return cls(day, dict(heads), previous, merkle_root(leaves))

    @property
    def key(self) -> str:
        """Where it rests in the bucket."""
        return f"{PREFIX}{self.day.isoformat()}.json"

    def to_json(self) -> bytes:
        """As it rests."""
        heads = {shop: [at, digest.hex()] for shop, (at, digest) in sorted(self.heads.items())}
        said = {
            "day": self.day.isoformat(),
            "root": self.value.hex(),
            "previous": self.previous.hex(),
            "heads": heads,
        }
        return json.dumps(said, indent=1).encode()

    @classmethod
    def of_json(cls, raw: bytes) -> Root:
        """A root as it rests; raises ValueError where it is none."""
        try:
            said = json.loads(raw)
            heads = {shop: (at, bytes.fromhex(h)) for shop, (at, h) in said["heads"].items()}
            day, previous = date.fromisoformat(said["day"]), bytes.fromhex(said["previous"])
            return cls(day, heads, previous, bytes.fromhex(said["root"]))
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError("this is no root") from error


NO_ROOT = hashlib.sha256().digest()
"""What the first root names as the one before."""


@dataclass(slots=True)
class Roots:
    """All roots that were kept: what they know of each shop, and what is wrong with them."""

    days: list[date] = field(default_factory=list)
    expected: dict[str, dict[int, bytes]] = field(default_factory=dict)
    """Hashes by shop and position."""
    wrong: list[str] = field(default_factory=list)
    """What is wrong with the roots themselves, one line each."""


async def seal_day(log: Commits, objects: Objects, bucket: str, day: date) -> Root:
    """Writes the root of the day over the heads of all shops, once: a day that has one keeps it."""
    keys = await objects.list_keys(bucket, PREFIX)
    roots = [key for key in keys if key.endswith(".json")]
    if (mine := f"{PREFIX}{day.isoformat()}.json") in roots:
        return Root.of_json(await objects.get_object(bucket, mine))
    previous = NO_ROOT
    if roots:
        previous = Root.of_json(await objects.get_object(bucket, roots[-1])).value
    shops = sorted(await log.positions(None))
    heads: dict[str, tuple[int, bytes]] = {}
    for start in range(0, len(shops), _SHOPS_AT_ONCE):
        found = await log.heads(shops[start : start + _SHOPS_AT_ONCE])
        heads.update({shop: (head.position, head.hash) for shop, head in found.items()})
    root = Root.over(day, heads, previous)
    await objects.put_object(bucket, root.key, root.to_json())
    return root


async def load_roots(objects: Objects, bucket: str) -> Roots:
    """Every root, checked: each is the hash of what it says, and names the one before it."""
    roots = Roots()
    previous = NO_ROOT
    for key in await objects.list_keys(bucket, PREFIX):
        try:
            root = Root.of_json(await objects.get_object(bucket, key))
        except ValueError:
            roots.wrong.append(f"{key} cannot be read")
            continue
        if root.value != Root.over(root.day, root.heads, root.previous).value:
            roots.wrong.append(f"{key} is not the root of what it holds")
        if root.previous != previous:
            roots.wrong.append(f"{key} does not name the root before it")
        previous = root.value
        roots.days.append(root.day)
        for shop, (position, digest) in root.heads.items():
            known = roots.expected.setdefault(shop, {})
            if known.setdefault(position, digest) != digest:
                roots.wrong.append(f"{key} contradicts an earlier root on {shop}")
    return roots


async def verify_shop(
    log: Commits,
    shop: str,
    expected: Mapping[int, bytes] | None = None,
    seen: Callable[[int], None] = lambda _: None,
) -> Finding | None:
    """Walks one shop's chain from its first commit; the first that is wrong, if any.

    `seen` is told the position that the walk has reached, for each batch.
    """
    walk = Walk(shop, expected)
    pieces = log.raw(shop)
    piece = await _next(pieces)
    while piece:
        # The next batch is asked for before this one is hashed: it is on its way meanwhile.
        piece, goes_on = await asyncio.gather(_next(pieces), asyncio.to_thread(walk.feed, piece))
        seen(walk.position)
        if not goes_on:
            return walk.find([piece async for piece in log.raw(shop)])
    return walk.missing()


async def _next(pieces: AsyncIterator[bytes]) -> bytes:
    return await anext(pieces, b"")


def shops_of(heads: Mapping[str, int], roots: Roots) -> Sequence[str]:
    """Every shop that the log or a root knows."""
    return sorted({*heads, *roots.expected})
