"""Aggregates, as their streams made them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from cplus.events.base import AggregateEvent, NewEvent
from cplus.events.log.commit import Commit
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader, in_batches

_AT_ONCE = 50  # commits of a stream in memory at a time: each may contain a long text


class Decider(Protocol):
    """The class of an aggregate that starts empty."""

    def empty(self, stream: str) -> Any:
        """The aggregate of the stream before its first event."""
        ...


class Repository:
    """Loads aggregates from one log and records their decisions."""

    def __init__(self, store: EventStore, reader: EventReader) -> None:
        self._store = store
        self._reader = reader

    async def load(self, kind: Decider, shop: str, stream: str) -> Any:
        """The aggregate, folded from its whole stream; empty (version 0) if there is no stream."""
        aggregate, _ = await self.load_with_last(kind, shop, stream)
        return aggregate

    async def load_with_last(
        self, kind: Decider, shop: str, stream: str
    ) -> tuple[Any, Commit | None]:
        """The aggregate and the last commit of its stream."""
        aggregate, last = kind.empty(stream), None
        stored = self._store.iterate_stream(shop, stream, batch=_AT_ONCE)
        async for commits in in_batches(stored, _AT_ONCE):
            await self._fold(aggregate, stream, commits)
            last = commits[-1]
        return aggregate, last

    async def made_of(self, kind: Decider, stream: str, commits: Sequence[Commit]) -> Any:
        """The aggregate as these commits made it, which hold its whole stream in order."""
        aggregate = kind.empty(stream)
        await self._fold(aggregate, stream, commits)
        return aggregate

    async def _fold(self, aggregate: Any, stream: str, commits: Sequence[Commit]) -> None:
        for events in await self._reader.of_stream(commits, stream):
            for recorded in events:
                if isinstance(recorded.event, AggregateEvent):
                    recorded.event.mutate(aggregate)


def decided(aggregate: Any) -> list[NewEvent]:
    """The events that the aggregate decided since it was loaded, with their versions."""
    events = aggregate.collect_events()
    return [NewEvent.decided(event) for event in events if isinstance(event, AggregateEvent)]
