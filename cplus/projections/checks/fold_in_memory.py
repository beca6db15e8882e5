"""A shop's whole log, or what comes up to some commit, folded in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cplus.errors import CplusError
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.projections.base import Projection, Row
from cplus.projections.running.folding import fold
from cplus.projections.running.forgetting import last_erasure, passed_over
from cplus.subscriptions.decoding import Stop, decode
from cplus.subscriptions.reading import ReadLimits, read_batch

BATCH = 2_000
"""Commits that are read at once."""
_LIMITS = ReadLimits()


class CannotFold(CplusError):
    """{projection} cannot fold the commit at position {position} of {shop!r}: {reason} at an event
    of type {type!r}."""


@dataclass(frozen=True, slots=True)
class Folded:
    """A shop's log folded in memory."""

    rows: Mapping[str, Row]
    """By key."""
    position: int
    """Of the last commit in them."""
    seq: int
    stop: Stop | None
    """What could not be folded, right after that position."""


async def fold_shop(
    store: EventStore,
    reader: EventReader,
    projection: Projection,
    shop: str,
    *,
    end: tuple[int, int] | None = None,
    limits: ReadLimits = _LIMITS,
) -> Folded:
    """Folds the shop's log in memory, and writes nothing; `end` is the position and the seq of
    the last commit that counts, the head if it is None. Begins behind the last erasure of the shop,
    as a runner does."""
    if end is None:
        head = await store.head(shop)
        end = (head.position, head.seq)
    passed = passed_over(reader, projection)
    rows: dict[str, Row | None] = {}
    erased = await last_erasure(store, shop, end[0])
    position, seq = (erased.position, erased.seq_after) if erased else (0, 0)
    stop = None
    while stop is None:
        batch = await read_batch(store, passed, shop, position, limit=BATCH, end=end, limits=limits)
        if batch is None:
            break
        for commits in batch.slices():
            stop = fold(projection, await decode(reader, projection, commits), {}, rows)
            if stop is not None:
                break
        position, seq = (stop.position - 1, stop.seq) if stop else (batch.position, batch.seq)
    there = {key: row for key, row in rows.items() if row is not None}
    return Folded(there, position, seq, stop)
