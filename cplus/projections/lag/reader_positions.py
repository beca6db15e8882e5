"""Where each of those who follow the log has something left to do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from cplus.events.catalogue import CATALOGUE
from cplus.events.log.store import EventStore
from cplus.subscriptions.checkpoints import Checkpoint, Subscriber
from cplus.subscriptions.decoding import Follower
from cplus.subscriptions.reading import next_commit

_SIDE_BY_SIDE = 4
K = TypeVar("K")
V = TypeVar("V")


class Reaction(Subscriber, Follower, Protocol):
    """Who is woken for what it handles only: it is behind where there is any of that."""


@dataclass(frozen=True, slots=True)
class LogReader:
    """Who follows the log: a generation of a projection that is not dropped, or a reaction."""

    name: str
    collection: str
    live: bool = True
    filled: bool = True
    reaction: Reaction | None = None


@dataclass(frozen=True, slots=True)
class ReaderPosition:
    """Where a reader is: a projection where its checkpoint is, and a reaction in front of the first
    commit that it handles."""

    position: int
    seq: int
    """Events of the shop up to and with that position."""
    waits_since: datetime | None = None
    """When the first commit that waits for it was recorded."""


async def positions_of(
    store: EventStore,
    pairs: Sequence[tuple[LogReader, str, Checkpoint]],
    ends: Mapping[str, tuple[int, int]],
) -> list[ReaderPosition]:
    """Where each reader is in a shop, in the order of the pairs; `ends` is the position and the seq
    of each shop's last commit."""
    late = [one for one in pairs if one[2].position < ends[one[1]][0]]
    # Most readers of a shop stand at one place, which is asked for once.
    folding = {(shop, at.position) for reader, shop, at in late if reader.reaction is None}
    reacting: dict[tuple[str, int], list[Reaction]] = {}
    for reader, shop, at in late:
        if reader.reaction is not None:
            reacting.setdefault((shop, at.position), []).append(reader.reaction)

    async def waiting(key: tuple[str, int]) -> datetime | None:
        commits = await store.read(*key, 1)
        return commits[0].recorded_at if commits else None

    async def handled(key: tuple[str, int]) -> dict[str, ReaderPosition]:
        return await _in_front_of_handled(store, reacting[key], key, ends[key[0]])

    since, places = await each(folding, waiting), await each(reacting, handled)

    def place(reader: LogReader, shop: str, at: Checkpoint) -> ReaderPosition:
        key = shop, at.position
        if reader.reaction is not None and key in places and reader.name in places[key]:
            return places[key][reader.name]
        return ReaderPosition(
            at.position, at.seq, since.get(key) if reader.reaction is None else None
        )

    return [place(*one) for one in pairs]


async def _in_front_of_handled(
    store: EventStore, reactions: Sequence[Reaction], key: tuple[str, int], end: tuple[int, int]
) -> dict[str, ReaderPosition]:
    """The position of each of the reactions that stand at (shop, position), by name."""
    passed = {one.name: CATALOGUE.passed(one.passes, one.handles) for one in reactions}
    found = {name: ReaderPosition(*end) for name in passed}
    if await next_commit(store, frozenset.intersection(*passed.values()), *key, end):
        for name, types in passed.items():
            if commit := await next_commit(store, types, *key, end):
                found[name] = ReaderPosition(commit.position - 1, commit.seq, commit.recorded_at)
    return found


async def each(keys: Iterable[K], ask: Callable[[K], Awaitable[V]]) -> dict[K, V]:
    """What each key is answered, a few at a time."""
    places = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def one(key: K) -> tuple[K, V]:
        async with places:
            return key, await ask(key)

    return dict(await asyncio.gather(*map(one, keys)))
