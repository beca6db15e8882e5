"""The one way to decide: load, let an aggregate decide, append; again on a conflict."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, overload

from cplus.errors import DecisionOvertaken
from cplus.events.base import AggregateEvent, Cause, NewEvent
from cplus.events.log.commit import Commit, Draft
from cplus.events.log.outcomes import AlreadyRecorded, Appended, Conflict, settled
from cplus.events.log.store import EventStore

_AT_ONCE = 50  # commits of a stream in memory at a time: each may hold a long text
TRIES = 8
"""How often a decision is taken at most, each time on what is there by then."""


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
        aggregate, _ = await self.load_with_last(kind, shop, stream)
        return aggregate

    async def load_with_last(
        self, kind: Decider, shop: str, stream: str
    ) -> tuple[Any, Commit | None]:
        """The aggregate, and the last commit that made it."""
        aggregate, commit = kind.empty(stream), None
        async for commit in self._store.iterate_stream(shop, stream, batch=_AT_ONCE):
            for index, document in enumerate(commit.documents):
                if document["stream"] == stream and document["version"] is not None:
                    event = commit.event(index).event
                    if isinstance(event, AggregateEvent):
                        event.mutate(aggregate)
        return aggregate, commit

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
        """Lets the aggregate of one stream decide; None when the decision changed nothing.

        `decision(aggregate)` is called again on a fresh aggregate when another writer was
        quicker. What was decided follows from the last commit of the stream, and carries its
        correlation id unless another is given. Raises as `record` does.
        """

        async def draft() -> Draft | None:
            aggregate, last = await self.load_with_last(kind, shop, stream)
            decision(aggregate)
            events = decided(aggregate)
            if not events:
                return None
            return Draft(
                shop=shop,
                claim=claim,
                source=source,
                actor=actor,
                events=events,
                cause=cause,
                refs=[stream, *refs],
                correlation_id=correlation_id or (last.correlation if last else None),
                causation_id=last.id if last else None,
            )

        return await self.record(shop, claim, draft)

    @overload
    async def record(
        self, shop: str, claim: str, decide: Callable[[], Awaitable[Draft]]
    ) -> Appended | AlreadyRecorded: ...

    @overload
    async def record(
        self, shop: str, claim: str, decide: Callable[[], Awaitable[Draft | None]]
    ) -> Appended | AlreadyRecorded | None: ...

    async def record(
        self, shop: str, claim: str, decide: Callable[[], Awaitable[Draft | None]]
    ) -> Appended | AlreadyRecorded | None:
        """Appends what `decide` drafts under `claim`, of any number of streams.

        `decide()` loads what it needs anew in each call, and is called again when another writer
        was quicker on one of the draft's streams, `TRIES` times at most: then DecisionOvertaken.
        None when it drafts nothing. A claim that is taken is answered before anything is decided.
        Raises OutcomeUnknown after a broken connection.
        """
        for left in reversed(range(TRIES)):
            before = await self._store.by_claim(shop, claim)
            if before is not None:
                return AlreadyRecorded(before)
            draft = await decide()
            if draft is None:
                return None
            [outcome] = await self._store.append([draft])
            if not isinstance(outcome, Conflict):
                return settled(outcome)
            if not left:
                raise DecisionOvertaken(
                    stream=outcome.stream, actual=outcome.actual, claim=claim, tries=TRIES
                )
        raise AssertionError("the last try always answers")


def decided(aggregate: Any) -> list[NewEvent]:
    """The events that the aggregate decided since it was loaded, each at its place."""
    events = aggregate.collect_events()
    return [NewEvent.decided(event) for event in events if isinstance(event, AggregateEvent)]
