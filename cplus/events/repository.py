"""Loads an aggregate, lets it decide, and appends what it decided; again on a conflict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from cplus.events.base import AggregateEvent, Cause, NewEvent
from cplus.events.commit import Draft
from cplus.events.outcomes import AlreadyRecorded, Appended, Conflict, settled
from cplus.events.store import EventStore

_AT_ONCE = 50  # commits of a stream in memory at a time: each may hold a long text
TRIES = 5
"""How often a decision is taken again after others were quicker."""


class Decider(Protocol):
    """The class of an aggregate that begins empty."""

    def empty(self, stream: str) -> Any:
        """The aggregate of the stream before its first event."""
        ...


class Repository:
    """Aggregates of one log."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def load(self, kind: Decider, shop: str, stream: str) -> Any:
        """The aggregate as the whole stream made it; empty (version 0) when there is none."""
        aggregate = kind.empty(stream)
        async for commit in self._store.iterate_stream(shop, stream, batch=_AT_ONCE):
            for index, document in enumerate(commit.documents):
                if document["stream"] == stream and document["version"] is not None:
                    event = commit.event(index).event
                    if isinstance(event, AggregateEvent):
                        event.mutate(aggregate)
        return aggregate

    async def decide(
        self,
        kind: Decider,
        shop: str,
        stream: str,
        decision: Callable[[Any], None],
        *,
        claim: str,
        source: str,
        actor: str,
        cause: Cause | None = None,
        refs: Sequence[str] = (),
        correlation_id: str | None = None,
    ) -> Appended | AlreadyRecorded | None:
        """Loads, decides, appends; None when the decision changed nothing.

        `decision(aggregate)` is called again on a fresh aggregate when another writer was
        quicker, at most `TRIES` times: then StreamConflict. A claim that was recorded before is
        answered before anything is decided. Raises OutcomeUnknown after a broken connection.
        """
        before = await self._store.by_claim(shop, claim)
        if before is not None:
            return AlreadyRecorded(before)
        for left in reversed(range(TRIES)):
            aggregate = await self.load(kind, shop, stream)
            decision(aggregate)
            events = aggregate.collect_events()
            if not events:
                return None
            draft = Draft(
                shop=shop,
                claim=claim,
                source=source,
                actor=actor,
                events=[NewEvent.decided(event) for event in events],
                cause=cause,
                refs=[stream, *refs],
                correlation_id=correlation_id,
            )
            [outcome] = await self._store.append([draft])
            if not isinstance(outcome, Conflict) or not left:
                return settled(outcome)
        raise AssertionError("the last try always answers")
