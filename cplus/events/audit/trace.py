"""What led to a commit and what it led to, as trees: from a webhook or a mail to what was
delivered in the end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from cplus.events.log.commit import Commit
from cplus.events.log.store import EventStore

MOST: Final = 2_000
"""Commits of a trace at most: an import of a large shop has more."""


@dataclass(frozen=True, slots=True)
class Traced:
    """A commit and what followed from it."""

    commit: Commit
    led_to: list[Traced] = field(default_factory=list)
    """In the order of the log."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Everything that hangs together with one commit."""

    roots: Sequence[Traced]
    """What came from outside, or follows from nothing that is here; in the order of the log."""
    commits: int
    cut: bool
    """Whether there are more of them than `most`."""

    def walk(self) -> Iterator[tuple[int, Commit]]:
        """Each commit right below what it follows from, with its depth. A conversation may be
        hundreds of commits deep."""
        left = [(0, node) for node in reversed(self.roots)]
        while left:
            depth, node = left.pop()
            yield depth, node.commit
            left += [(depth + 1, one) for one in reversed(node.led_to)]


async def trace(store: EventStore, commit: Commit, *, most: int = MOST) -> Trace:
    """What the commit follows from, up to what came from outside, and all that follows from that.

    A commit names what it follows from (`causation_id`), and all that follow from one cause from
    outside share a correlation id. Where a chain leads from one correlation into another, both are
    in the trace.
    """
    found, asked, cut = {commit.id: commit}, set[str](), False
    wanted = [commit.correlation]
    while wanted and not cut:
        correlation = wanted.pop()
        asked.add(correlation)
        async for one in _correlated(store, commit.shop, correlation):
            cut = len(found) >= most and one.id not in found
            if cut:
                break
            found[one.id] = one
        for parent in await _missing(store, found.values(), commit.shop):
            found[parent.id] = parent
        wanted = sorted({one.correlation for one in found.values()} - asked)
    return Trace(_trees(found.values()), len(found), cut)


async def _correlated(store: EventStore, shop: str, correlation: str) -> AsyncIterator[Commit]:
    """What shares the correlation. What came from outside without an id of its own is the
    correlation's first, by the id of its commit."""
    first = await store.by_id(correlation)
    if first is not None and first.shop == shop:
        yield first
    async for commit in store.iterate_correlation(shop, correlation, batch=200):
        yield commit


async def _missing(store: EventStore, found: Collection[Commit], shop: str) -> list[Commit]:
    """What these follow from, as far as it is not among them."""
    known = {commit.id for commit in found}
    names = {one.causation_id for one in found if one.causation_id} - known
    parents = [await store.by_id(name) for name in sorted(names)]
    return [parent for parent in parents if parent is not None and parent.shop == shop]


def _trees(commits: Collection[Commit]) -> list[Traced]:
    nodes = {one.id: Traced(one) for one in sorted(commits, key=lambda one: one.position)}
    roots = []
    for node in nodes.values():
        parent = nodes.get(node.commit.causation_id or "")
        # A cause stands before what it led to: whatever is written there, this ends.
        if parent is None or parent.commit.position >= node.commit.position:
            roots.append(node)
        else:
            parent.led_to.append(node)
    return roots
