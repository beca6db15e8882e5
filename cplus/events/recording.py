"""The one way to write: append, then nudge the readers of the log.

To decide is to load, let an aggregate decide, and append; all of it again if another writer was
quicker.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, overload

from cplus.errors import DecisionOvertaken
from cplus.events.base import Cause, NewEvent
from cplus.events.log.commit import Commit, Draft
from cplus.events.log.outcomes import AlreadyRecorded, Appended, Conflict, Outcome, settled
from cplus.events.log.store import EventStore
from cplus.events.nudges import News, Nudger
from cplus.events.reader import EventReader
from cplus.events.repository import Decider, Repository, decided

TRIES = 8
"""Maximum number of attempts at a decision, each based on the current state."""


class Recorder:
    """Appends to one log, and nudges.

    Whatever an append answers is nudged, also if it was recorded before: the worker that recorded
    it may have crashed before its nudge.
    """

    def __init__(self, store: EventStore, reader: EventReader, nudger: Nudger) -> None:
        self.store = store
        """The log that it writes to."""
        self.reader = reader
        """Decodes what the log holds."""
        self._nudger = nudger
        self._repository = Repository(store, reader)

    async def append(self, drafts: Sequence[Draft]) -> list[Outcome]:
        """Appends and nudges, once per shop; the outcome of each draft. Raises as the store does,
        and has written nothing then."""
        outcomes = await self.store.append(drafts)
        await self._nudge(zip(drafts, outcomes, strict=True))
        return outcomes

    async def load(self, kind: Decider, shop: str, stream: str) -> Any:
        """The aggregate, folded from its whole stream; empty (version 0) if there is no stream."""
        return await self._repository.load(kind, shop, stream)

    async def made_of(self, kind: Decider, stream: str, commits: Sequence[Commit]) -> Any:
        """The aggregate as these commits made it, which hold its whole stream in order."""
        return await self._repository.made_of(kind, stream, commits)

    @asynccontextmanager
    async def together(self) -> AsyncIterator[Recorder]:
        """A recorder for the block whose nudges go out once, when it ends, also if it raises."""
        later = _Later()
        try:
            yield Recorder(self.store, self.reader, later)
        finally:
            if later.news:
                await self._nudger.nudge(later.news)

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
        refs_of: Callable[[Sequence[NewEvent]], Sequence[str]] = lambda _events: (),
        correlation_id: str | None = None,
    ) -> Appended | AlreadyRecorded | None:
        """Lets the aggregate of one stream decide; returns None if the decision changed nothing.

        `decision(aggregate)` is called again on a fresh aggregate if another writer was faster. The
        new commit follows from the last commit of the stream and has its correlation id, unless
        another is given. `refs_of` has refs that depend on what was decided. Raises the same
        errors as `record`.
        """

        async def draft() -> Draft | None:
            aggregate, last = await self._repository.load_with_last(kind, shop, stream)
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
                refs=[stream, *refs, *refs_of(events)],
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
        """Appends what `decide` drafts under `claim`, of any number of streams, and nudges.

        `decide()` loads what it needs anew in each call, and is called again when another writer
        was quicker on one of the draft's streams, `TRIES` times at most: then DecisionOvertaken.
        None when it drafts nothing. A claim that is taken is answered before anything is decided.
        Raises OutcomeUnknown after a broken connection.
        """
        draft, outcome = await self._record(shop, claim, decide)
        await self._nudge([(draft, outcome)])
        return outcome

    async def _record(
        self, shop: str, claim: str, decide: Callable[[], Awaitable[Draft | None]]
    ) -> tuple[Draft | None, Appended | AlreadyRecorded | None]:
        for left in reversed(range(TRIES)):
            before = await self.store.by_claim(shop, claim)
            if before is not None:
                return None, AlreadyRecorded(before)
            draft = await decide()
            if draft is None:
                return None, None
            [outcome] = await self.store.append([draft])
            if not isinstance(outcome, Conflict):
                return draft, settled(outcome)
            if not left:
                raise DecisionOvertaken(
                    stream=outcome.stream, actual=outcome.actual, claim=claim, tries=TRIES
                )
        raise AssertionError("the last try always answers")

    async def _nudge(self, told: Iterable[tuple[Draft | None, Outcome | None]]) -> None:
        positions: dict[str, int] = {}
        families = defaultdict[str, set[str]](set)
        for draft, outcome in told:
            if isinstance(outcome, Appended) and draft is not None:
                shop = draft.shop
                families[shop].update(new.event.FAMILY for new in draft.events)
            elif isinstance(outcome, AlreadyRecorded):
                shop = outcome.commit.shop
                families[shop] |= self.reader.families_of(outcome.commit)
            else:
                continue
            positions[shop] = max(outcome.position, positions.get(shop, 0))
        if positions:
            await self._nudger.nudge(
                {shop: News(at, frozenset(families[shop])) for shop, at in positions.items()}
            )


class _Later:
    """Keeps nudges until somebody sends them."""

    def __init__(self) -> None:
        self.news: dict[str, News] = {}

    async def nudge(self, news: Mapping[str, News]) -> None:
        for shop, one in news.items():
            self.news[shop] = one.joined(self.news[shop]) if shop in self.news else one
