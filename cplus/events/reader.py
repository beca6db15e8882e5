"""The one way to events from what is stored: every stored event is decoded here.

It is asynchronous and takes commits in bulk, so that what decoding needs from elsewhere is asked
for once per batch.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from cplus.events.base import Event, Recorded
from cplus.events.catalogue import CATALOGUE, Catalogue
from cplus.events.log.codec import decode
from cplus.events.log.commit import Commit


class Fault(NamedTuple):
    """Why an event cannot be read."""

    type: str
    """Its stored type."""
    error: Exception
    """UnknownEvent, or whatever its class raised."""


class EventReader:
    """Decodes stored events in the newest shape that the catalogue knows."""

    def __init__(self, catalogue: Catalogue = CATALOGUE) -> None:
        self._catalogue = catalogue

    def families_of(self, commit: Commit) -> frozenset[str]:
        """The families of its events; all that there are if it holds one that is not known."""
        return self._catalogue.families_of(commit.types)

    def passed(self, passes: Collection[str], handles: Iterable[type[Event]]) -> set[str]:
        """The stored types of these families but for those of the events that are handled."""
        return self._catalogue.passed(passes, handles)

    async def read(
        self, commits: Sequence[Commit], kinds: Collection[type[Event]] | None = None
    ) -> list[list[Recorded]]:
        """The events of each commit, in order; with `kinds`, those of these classes only.

        Raises UnknownEvent at the first that this code cannot read.
        """
        types = None if kinds is None else {kind.TYPE for kind in kinds}
        found, fault = await self.read_on(commits, types)
        if fault is not None:
            raise fault.error
        return found

    async def of(self, commit: Commit, *kinds: type[Event]) -> list[Recorded]:
        """The events of these classes in the commit, in order; without any, all. Raises
        UnknownEvent."""
        [events] = await self.read([commit], kinds or None)
        return events

    async def of_stream(self, commits: Sequence[Commit], stream: str) -> list[list[Recorded]]:
        """The events of each commit that have a place in the stream; raises UnknownEvent."""
        return [
            [
                _recorded(commit, index, document, self._catalogue)
                for index, document in enumerate(commit.documents)
                if document["stream"] == stream and document["version"] is not None
            ]
            for commit in commits
        ]

    async def read_on(
        self, commits: Sequence[Commit], types: Collection[str] | None
    ) -> tuple[list[list[Recorded]], Fault | None]:
        """The events of each commit, those of these stored types only unless it is None, up to
        the first commit of which one cannot be read; and what is wrong with that event."""
        catalogue, found, type_ = self._catalogue, list[list[Recorded]](), ""
        try:
            for commit in commits:
                events: list[Recorded] = []
                for index, document in enumerate(commit.documents):
                    type_ = document["type"]
                    if types is None or type_ in types:
                        events.append(_recorded(commit, index, document, catalogue))
                found.append(events)
        except Exception as error:  # noqa: BLE001  told to the caller, with what was read before
            return found, Fault(type_, error)
        return found, None


def _recorded(
    commit: Commit, index: int, document: Mapping[str, Any], catalogue: Catalogue
) -> Recorded:
    return Recorded(
        commit.shop,
        commit.position,
        commit.seq + index + 1,
        f"{commit.id}/{index}",
        document["stream"],
        document["version"],
        document["occurred_at"],
        commit.recorded_at,
        commit.source,
        commit.actor,
        decode(document, catalogue),
        document.get("told_at"),
    )


async def in_batches(commits: AsyncIterator[Commit], size: int) -> AsyncIterator[list[Commit]]:
    """The commits, `size` of them at a time, for callers that decode in bulk."""
    batch: list[Commit] = []
    async for commit in commits:
        batch.append(commit)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
